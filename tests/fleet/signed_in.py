"""Somebody who has signed in to a running dashboard: a client whose requests carry a session and its form token."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import httpx

from robot.fleet.database import open_database
from robot.fleet.people import Role
from robot.fleet.people.welcome import welcome
from robot.simulation.signing_in import sign_in


def link(
    data: Path,
    name: str = "测试",
    role: Role = Role.ADMINISTRATOR,
    scopes: Iterable[str] = (),
    database_url: str | None = None,
) -> str:
    """The path of a login link for a person, who is made if need be; for a browser."""
    database = open_database(data, database_url)
    try:
        return f"/login/{welcome(database, name, role, time.time(), scopes=scopes)}"
    finally:
        database.close()


def client(
    url: str,
    data: Path,
    name: str = "测试",
    role: Role = Role.ADMINISTRATOR,
    scopes: Iterable[str] = (),
    database_url: str | None = None,
    timeout_s: float = 120.0,
) -> httpx.Client:
    """Signed in at a dashboard that answers. Raises httpx.HTTPError when it does not."""
    found = httpx.Client(base_url=url, headers={"Origin": url}, timeout=timeout_s)
    sign_in(found, link(data, name, role, scopes, database_url).removeprefix("/login/"))
    return found
