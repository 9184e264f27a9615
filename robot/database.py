"""The robot's one SQLite file: several processes keep their tables in it, and it must outlive every power loss."""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from robot.errors import DeviceFault
from robot.locks import exclusive
from robot.rescue import copy_readable

BUSY_TIMEOUT_S = 5.0
_RETRY_S = 0.01

_TAILS = ("-wal", "-shm")

log = logging.getLogger(__name__)


class Connection(sqlite3.Connection):
    """A connection that knows its file: another process may have put a new one into its place."""

    file: Path
    inode: int

    @property
    def replaced(self) -> bool:
        """Whether another file lies in the place of this one, or none."""
        return _inode(self.file) != self.inode


def open_database(path: Path, damaged: int | None = None) -> Connection:
    """Open (or make) the robot's database: WAL, synchronous FULL, no implicit transactions, readable by its owner only.

    A file that is damaged (its pages are checked: 0.04 s for 32 MB), or whose inode is `damaged`, is set aside, never
    deleted, and a new one begun with every row that could still be read: a robot that cannot read its past must still
    raise alarms. Use the connection from one thread at a time, whichever that is. Raises DeviceFault when the disk
    cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # of two processes that meet a broken file, the second must find the first one's new file, not set that aside
        with exclusive(path.with_name(f"{path.name}.lock")):
            if _beside(path, "damaged").exists() or (damaged is not None and damaged == _inode(path)):
                _rescue(path)
            try:
                return _connect(path)
            except sqlite3.OperationalError:
                raise  # busy, full, not allowed: the file itself may be sound
            except sqlite3.DatabaseError:
                _rescue(path)
            return _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise _fault(path.name, error) from error


def is_damage(error: Exception | None) -> bool:
    """Whether SQLite says that the file itself is damaged: neither busy, nor full, nor refused."""
    return type(error) is sqlite3.DatabaseError and ("malformed" in str(error) or "not a database" in str(error))


def reopened(connection: Connection, error: Exception | None = None) -> Connection | None:
    """A connection to use instead of this one if its file was replaced, or is damaged, as `error` says; else None.

    Of several processes that meet the damage one rescues, the others find the new file. What was written to the old
    one before `replaced` became true is in the new one. The caller closes the old connection. Raises DeviceFault.
    """
    damaged = is_damage(error)
    if not damaged and not connection.replaced:
        return None
    return open_database(connection.file, connection.inode if damaged else None)


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


def _connect(path: Path) -> Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=BUSY_TIMEOUT_S, check_same_thread=False, factory=Connection
    )
    connection.file, connection.inode = path, path.stat().st_ino
    # one text whose bits have turned over must not hide the rows beside it
    connection.text_factory = lambda text: text.decode(errors="replace")
    try:
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        _check(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"malformed: {found}")


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


def _rescue(path: Path) -> None:
    """Set the file aside under a name that nothing has yet, and put what can be read of it into its place.

    A power loss at any moment leaves it to the next who opens: `.damaged` is there until all is done, and the file
    itself not before its copy is whole. First of all it is moved: who writes to it from then on sees that at once.
    SQLite leaves the log and index of a file alone that was moved away under it.
    """
    damaged, fresh = _beside(path, "damaged"), _beside(path, "fresh")
    if not (damaged.exists() and path.exists()):
        for tail in ("", *_TAILS):
            _move(path, damaged, tail)
        for tail in ("", *_TAILS):
            fresh.with_name(fresh.name + tail).unlink(missing_ok=True)
        # whoever tries again and again must not copy in vain each time
        if shutil.disk_usage(path.parent).free < damaged.stat().st_size:
            raise OSError(errno.ENOSPC, "no room to rescue a damaged file")
        fresh.touch(mode=0o600)
        log.error("database damaged: %s rows could be read", copy_readable(damaged, fresh))
        fresh.replace(path)
    aside = next(name for name in (_beside(path, f"broken-{number}") for number in count(1)) if not name.exists())
    for tail in (*_TAILS, ""):
        _move(damaged, aside, tail)
    log.error("database unreadable, set aside as %s", aside.name)


def _move(source: Path, target: Path, tail: str) -> None:
    with suppress(FileNotFoundError):
        source.with_name(source.name + tail).replace(target.with_name(target.name + tail))


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.{name}")


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _fault(name: str, error: Exception) -> DeviceFault:
    return DeviceFault(f"cannot write {name}; check the disk's space and rights ({error})")
