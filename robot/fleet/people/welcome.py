"""Somebody who is simply let in: for demonstrations, the simulated home and tests."""

from __future__ import annotations

from collections.abc import Iterable

from robot.errors import BadInput
from robot.fleet.database import Database
from robot.fleet.people import accounts, sessions
from robot.fleet.people.sight import Role


def welcome(
    database: Database,
    name: str,
    role: Role,
    now_s: float,
    *,
    scopes: Iterable[str] = (),
    lasts_s: float = sessions.LINK_S,
) -> str:
    """The token of a login link (`/login/{token}`) for a person who is made if there is none of that name."""
    with database.write() as session:
        try:
            account = accounts.find(session, name)
        except BadInput:
            accounts.add(session, name, name, role, now_s)
            account = accounts.find(session, name)
            for scope in scopes:
                accounts.give(session, account, scope, now_s)
        return sessions.make_link(session, account.id, accounts.AT_THE_MACHINE, now_s, lasts_s)
