"""A browser without a socket: asks the application itself, as a stranger or as somebody who has signed in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any

import httpx
from fastapi import FastAPI

from robot.fleet.database import Database
from robot.fleet.people import Role, accounts, sessions

HOST = "testserver"


class Browser:
    """`token` is a session's; its form token goes along as a header. Cookies are kept from answer to answer."""

    def __init__(self, app: FastAPI, token: str | None = None, scheme: str = "http") -> None:
        self.app, self.scheme = app, scheme
        self.cookies = httpx.Cookies({"hani" if scheme == "http" else "__Host-hani": token} if token else {})
        self.headers = {"x-csrf-token": sessions.csrf(token)} if token else {}

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.ask("GET", path, **how)

    def post(self, path: str, **how: Any) -> httpx.Response:
        return self.ask("POST", path, **how)

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        return asyncio.run(self._ask(method, path, **how))

    async def _ask(self, method: str, path: str, headers: dict[str, Any] | None = None, **how: Any) -> httpx.Response:
        base_url = f"{self.scheme}://{HOST}"
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=base_url, cookies=self.cookies) as client:
            answer = await client.request(method, path, headers={**self.headers, **(headers or {})}, **how)
            self.cookies = client.cookies
            return answer


def person(
    database: Database, name: str, role: Role = Role.ADMINISTRATOR, scopes: Iterable[str] = (), now_s: float = 0.0
) -> str:
    """A new person's session token."""
    with database.write() as session:
        person_id = accounts.add(session, name, name, role, now_s)
        for scope in scopes:
            accounts.give(session, accounts.find(session, name), scope, now_s)
        return sessions.begin(session, person_id, "link", now_s)


def form_token(page: httpx.Response) -> str:
    """The token in a page's first form."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found.group(1)
