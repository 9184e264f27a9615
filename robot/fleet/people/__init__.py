"""People at the platform: accounts, roles, sessions, and what each may see. The pages' side of it is `door`."""

from __future__ import annotations

from robot.fleet.people.sight import ALL, Person, Role, Sight, visible_devices

__all__ = ["ALL", "Person", "Role", "Sight", "visible_devices"]
