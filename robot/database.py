"""The robot's one SQLite file: several processes keep their tables in it, and it must outlive every power loss."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from robot.errors import DeviceFault
from robot.locks import exclusive

BUSY_TIMEOUT_S = 5.0
_RETRY_S = 0.01

log = logging.getLogger(__name__)


def open_database(path: Path) -> sqlite3.Connection:
    """Open (or make) the robot's database: WAL, synchronous FULL, no implicit transactions, readable by its owner only.

    A file that is no database any more is set aside, never deleted, and a new one begun: a robot that cannot read its
    past must still raise alarms. Use the connection from one thread at a time, whichever that is. Raises DeviceFault
    when the disk cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # of two processes that meet a broken file, the second must find the first one's new file, not set that aside
        with exclusive(path.with_name(f"{path.name}.lock")):
            try:
                return _connect(path)
            except sqlite3.OperationalError:
                raise  # busy, full, not allowed: the file itself may be sound
            except sqlite3.DatabaseError:
                _set_aside(path)
            return _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise _fault(path.name, error) from error


def make_tables(connection: sqlite3.Connection, script: str) -> None:
    """Run a script of CREATE … IF NOT EXISTS, outside any transaction. Raises DeviceFault when the disk refuses."""
    try:
        connection.executescript(script)
    except sqlite3.Error as error:
        raise _fault("the database", error) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. The connection must be in autocommit mode, as `open_database` gives it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # some errors (disk full) have rolled back already
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
    try:
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn on WAL. SQLite refuses at once, without the busy timeout, while another process works on the same."""
    give_up_at_s = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up_at_s:
                raise
            time.sleep(_RETRY_S)
        else:
            return


def _set_aside(path: Path) -> None:
    """Rename the file and its log, under names that nothing has yet; the log first, it must not meet the new file."""
    names = (f"{path.name}.broken-{number}" for number in count(1))
    aside = next(name for name in names if not path.with_name(name).exists())
    for tail in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + tail).replace(path.with_name(aside + tail))
    log.error("database unreadable, set aside as %s", aside)


def _fault(name: str, error: Exception) -> DeviceFault:
    return DeviceFault(f"cannot write {name}; check the disk's space and rights ({error})")
