"""The robot's one file: private, durable, shared by processes, and never in the way of a new alarm."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from robot import database
from robot.database import make_tables, open_database, transaction
from robot.errors import DeviceFault

pytestmark = pytest.mark.unit

JUNK = b"not a database, but perhaps evidence" * 100
NOTES = "CREATE TABLE IF NOT EXISTS notes(text TEXT)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "robot.db"


def note(path: Path, text: str) -> None:
    connection = open_database(path)
    make_tables(connection, NOTES)
    connection.execute("INSERT INTO notes VALUES (?)", (text,))
    connection.close()


def broken(path: Path) -> list[Path]:
    return sorted(path.parent.glob("robot.db.broken-*"))


def test_the_database_is_synchronous_and_private(path: Path) -> None:
    connection = open_database(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (5000,)
    assert connection.isolation_level is None
    make_tables(connection, NOTES)
    for file in ("robot.db", "robot.db-wal", "robot.db-shm"):
        assert stat.S_IMODE(path.with_name(file).stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    connection.close()


def test_what_was_written_is_there_for_the_next_who_opens(path: Path) -> None:
    first = open_database(path)
    make_tables(first, NOTES)
    first.execute("INSERT INTO notes VALUES ('kept')")
    second = open_database(path)
    assert second.execute("SELECT text FROM notes").fetchall() == [("kept",)]
    first.close()
    second.close()


def test_any_thread_may_use_it(path: Path) -> None:
    connection = open_database(path)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: connection.execute("SELECT 1").fetchone()).result() == (1,)
    connection.close()


def test_a_file_that_is_no_database_is_set_aside_whole(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in (1, 2):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(JUNK + bytes([number]))
        connection = open_database(path)
        make_tables(connection, NOTES)
        connection.close()
        assert f"set aside as robot.db.broken-{number}" in caplog.text
        assert [file.read_bytes() for file in broken(path)] == [JUNK + bytes([n]) for n in range(1, number + 1)]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_database_whose_tables_cannot_be_read_is_set_aside(path: Path) -> None:
    connection = open_database(path)
    make_tables(connection, NOTES)
    connection.close()
    with path.open("r+b") as file:
        file.seek(100)  # behind the header: the page that names the tables
        file.write(b"\xff" * 3000)
    connection = open_database(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    assert len(broken(path)) == 1
    connection.close()


def test_of_two_that_meet_a_broken_file_only_one_sets_it_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one comes at the worst moment: when this one has seen the broken file and not yet moved it."""
    path.parent.mkdir()
    path.write_bytes(JUNK)
    connect, other = database._connect, threading.Thread(target=note, args=(path, "other"))

    def connect_and_be_overtaken(path: Path) -> sqlite3.Connection:
        try:
            return connect(path)
        except sqlite3.DatabaseError:
            monkeypatch.undo()
            other.start()
            other.join(0.5)  # it cannot overtake: it waits until this one is done
            raise

    monkeypatch.setattr(database, "_connect", connect_and_be_overtaken)
    note(path, "this")
    other.join()
    (aside,) = broken(path)
    assert aside.read_bytes() == JUNK
    connection = open_database(path)
    assert sorted(connection.execute("SELECT text FROM notes")) == [("other",), ("this",)]
    connection.close()


NOTER = """
import sys
from pathlib import Path
from robot.database import make_tables, open_database
sys.stdin.read()
connection = open_database(Path(sys.argv[1]))
make_tables(connection, sys.argv[2])
connection.execute("INSERT INTO notes VALUES ('one')")
"""


def test_several_processes_meet_a_broken_file_and_none_loses_anything(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(JUNK)
    command = [sys.executable, "-c", NOTER, str(path), NOTES]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait() for process in processes] == [0] * 4
    assert len(broken(path)) == 1
    connection = open_database(path)
    assert connection.execute("SELECT count(*) FROM notes").fetchone() == (4,)
    connection.close()


def test_write_ahead_waits_for_somebody_who_works_on_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(NOTES)
    other.execute("BEGIN EXCLUSIVE")
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            other.execute("COMMIT")

    monkeypatch.setattr(database, "time", SimpleNamespace(sleep=wait, monotonic=lambda: 0.0))
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.01)
    connection = open_database(path)
    assert len(waits) == 3
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert broken(path) == []
    connection.close()
    other.close()


def test_a_disk_that_cannot_be_written_is_a_device_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceFault, match=r"cannot write robot\.db"):
        open_database(tmp_path / "file" / "robot.db")


def test_a_file_that_stays_locked_is_a_device_fault_and_not_set_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(NOTES)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.0)
    with pytest.raises(DeviceFault, match="locked"):
        open_database(path)
    other.execute("COMMIT")
    assert broken(path) == []
    other.close()


def test_a_full_disk_is_a_device_fault(path: Path) -> None:
    connection = open_database(path)
    connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(DeviceFault, match="full"):
        make_tables(connection, NOTES)
    connection.close()


def test_a_failed_transaction_leaves_nothing(path: Path) -> None:
    connection = open_database(path)
    make_tables(connection, NOTES)

    def fail_halfway() -> None:
        with transaction(connection):
            connection.execute("INSERT INTO notes VALUES ('half')")
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()
    assert connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    assert not connection.in_transaction
    connection.close()
