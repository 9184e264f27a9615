"""Who may read and write which topic: the contract's leaves as mosquitto's access rules.

A robot writes only its own leaves up and reads only its own leaves down. The platform's processes have names that no
robot can have (a point stands in them). mosquitto grants any subscription and then delivers nothing that the rules
forbid; of rules that match, a denial counts first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from robot.errors import BadInput
from robot.reporting.contract import DOWN, ROOT, UP

SERVICE: Final = "service."
ROLES: Final = ("ingest", "warden")
"""ingest: reads everything up (also through $share), writes everything down. warden: ends connections; no topic."""


def service_name(role: str) -> str:
    """The name in a service's certificate. Raises BadInput for a role that does not exist."""
    if role not in ROLES:
        raise BadInput(f"there is no role {role[:40]!r}; known are {', '.join(ROLES)}")
    return f"{SERVICE}{role}"


def access_rules(shut_out: Iterable[str] = ()) -> str:
    """The text of mosquitto's acl_file. `shut_out`: devices without a valid certificate, whose open links must end."""
    lines = [f"user {service_name('ingest')}"]
    lines += [f"topic read {ROOT}/+/{leaf}" for leaf in UP]
    lines += [f"topic write {ROOT}/+/{leaf}" for leaf in DOWN]
    for device in sorted(set(shut_out)):
        lines += ["", f"user {device}", "topic deny #"]
    lines.append("")
    lines += [f"pattern write {ROOT}/%u/{leaf}" for leaf in UP]
    lines += [f"pattern read {ROOT}/%u/{leaf}" for leaf in DOWN]
    return "\n".join(lines) + "\n"
