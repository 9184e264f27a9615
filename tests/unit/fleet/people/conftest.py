"""Somebody with a password, which is checked quickly."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from robot.fleet.app import create_app
from robot.fleet.people import Role, accounts, passwords
from tests.unit.fleet.browser import HOST, Browser, form_token, person
from tests.unit.fleet.conftest import DEVICE, Home

PASSWORD = "шар морь 白马 1234"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real figures cost 0.2 s and 64 MiB a time."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture
def app(home: Home) -> FastAPI:
    person(home.database, "王芳", Role.CAREGIVER, [DEVICE], home.now_s)
    with home.database.write() as session:
        account = accounts.find(session, "王芳")
        accounts.set_password(session, account, passwords.hashed(PASSWORD, "王芳"), home.now_s, "test")
    return create_app(home.platform, [HOST])


def enter(browser: Browser, name: str = "王芳", password: str = PASSWORD, **how: object) -> httpx.Response:
    form = {"name": name, "password": password, "csrf": form_token(browser.get("/login"))}
    return browser.post("/login", data=form, **how)
