"""What people wrote and how they are stays with the platform: not in files others read, nor in logs and errors."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from robot.fleet import process
from robot.fleet.app import create_app
from robot.fleet.database import open_database
from robot.fleet.looking import Platform
from robot.fleet.people import Role, accounts
from tests.unit.fleet.browser import HOST, Browser, person
from tests.unit.fleet.conftest import ALARM, DEVICE, Home

pytestmark = pytest.mark.unit

SECRET = "王芳 13800000001"


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in (folder, *folder.iterdir())}


def test_only_the_owner_reads_the_database_and_what_lay_open_before_is_closed(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        database = open_database(tmp_path / "new")
        with database.write() as session:
            accounts.add(session, "x", "x", Role.CAREGIVER, 0)
        made = modes(tmp_path / "new")
        assert {"new", "platform.db", "platform.db-wal", "platform.db-shm"} <= made.keys()
        assert not {name: oct(mode) for name, mode in made.items() if mode & 0o077 and name != "migrate.lock"}
        for name in ("platform.db", "platform.db-wal", "platform.db-shm"):
            (tmp_path / "new" / name).chmod(0o644)
        again = open_database(tmp_path / "new")
        closed = modes(tmp_path / "new")
        assert not [name for name in closed if name.startswith("platform.db") and closed[name] & 0o077]
        again.close()
        database.close()
    finally:
        os.umask(before)


def test_the_platforms_commands_make_files_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert process.run("test", lambda: (tmp_path / "made").touch()) == 0
        assert modes(tmp_path)["made"] == 0o600
        assert os.umask(0o022) == 0o022, "the shell's own way is back"
    finally:
        os.umask(before)


def test_an_error_of_the_database_names_no_values(home: Home) -> None:
    with home.database.read() as session, pytest.raises(SQLAlchemyError) as caught:
        session.execute(text("SELECT :name FROM nowhere"), {"name": SECRET})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("path", ["/", "/robots", f"/robots/{DEVICE}", "/api/alarms", f"/api/robots/{DEVICE}"])
def test_a_database_that_fails_is_a_503_and_the_log_tells_only_its_kind(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = Browser(create_app(home.platform, [HOST]), person(home.database, "x", now_s=home.now_s))

    def fails(*_: object) -> None:
        raise OperationalError("SELECT", {"name": SECRET}, Exception(f"Key (name)=({SECRET}) already exists"))

    for name in ("alarms", "robots", "robot"):
        monkeypatch.setattr(Platform, name, fails)
    answer = browser.get(path)
    assert answer.status_code == 503
    assert SECRET not in answer.text
    assert SECRET not in caplog.text
    assert "OperationalError" in caplog.text
    assert answer.headers["content-type"].startswith("application/json" if path.startswith("/api/") else "text/plain")


@pytest.mark.parametrize("text_", ["%00", "a%00b", "%0a", "%c2%85"])
def test_control_characters_in_an_address_are_no_question_for_the_database(home: Home, text_: str) -> None:
    home.alarm()
    browser = Browser(create_app(home.platform, [HOST]), person(home.database, "x", now_s=home.now_s))
    for path in (f"/robots/{text_}", f"/api/robots/{text_}"):
        assert browser.get(path).status_code == 422
    for path in (f"/alarms/{text_}/acknowledge", f"/robots/{text_}/test"):
        assert browser.post(path).status_code == 422


@pytest.mark.parametrize("hours", ["0", "1"])
def test_the_reason_of_a_maintenance_is_one_readable_line_also_when_it_ends(home: Home, hours: str) -> None:
    home.alarm()
    browser = Browser(create_app(home.platform, [HOST]), person(home.database, "x", now_s=home.now_s))
    for reason in ("a\0b", "x" * 301):
        answer = browser.post(f"/robots/{DEVICE}/maintenance", data={"hours": hours, "reason": reason})
        assert answer.status_code == 422
    assert browser.post(f"/robots/{DEVICE}/maintenance", data={"hours": "0"}).status_code == 303
    assert browser.post(f"/alarms/{ALARM}/acknowledge").status_code == 303
