"""Where the alarm manager keeps its journal and outbox: on disk; in memory only while the disk refuses at start."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from robot.alarms.effects import Effects, Report
from robot.alarms.store import AlarmStore
from robot.database import Connection, open_database, reopened, transaction
from robot.errors import DeviceFault
from robot.reporting.contract import AlarmBody
from robot.reporting.outbox import Outbox
from robot.reporting.reserve import Reserve

_MOST_IN_MEMORY = 10_000  # alarms of a disk that stays full for years

log = logging.getLogger(__name__)


class AlarmDisk:
    """`store` and `outbox` over one connection. `fault` is a constant text while they are in memory, else empty.

    A full disk gets the reserve's space, so that alarms are written, and sent, all the same. A disk that refuses even
    so must not keep anybody from being asked: then the book begins in memory, without what the disk held, and `move`
    writes as soon as the disk takes it: of each alarm its newest revision, the bed, the counts, and the reports that
    wait. Alarms that were open on the disk before come back with the next start.

    A file that turns out damaged while the robot runs is rescued, by this process or by another, and nothing is lost
    that is written meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserve = Reserve(path)
        self.fault = ""
        self._suspicion: sqlite3.Error | None = None
        self._connection: sqlite3.Connection
        try:
            self._connection, self.store, self.outbox = self._open()
        except DeviceFault as error:
            log.error("alarms begin in memory: %s", error)
            self.fault = "the disk cannot be written: alarms do not leave the room"
            self._connection = sqlite3.connect(":memory:", isolation_level=None)
            self.store, self.outbox = AlarmStore(self._connection), Outbox(self._connection)

    def commit(self, effects: Effects, report: Callable[[Report], None]) -> Effects:
        """As `AlarmStore.commit`; what the disk refuses is written at once when the reserve makes room for it, and what
        a damaged file refuses, or one that was replaced may have taken, into the file that is rescued from it.
        """
        waiting = (*self.store.waiting, *effects)
        rest = self.store.commit(effects, report)
        damage = self._suspicion or self.store.refusal
        try:
            changed = self._follow(damage)
        except DeviceFault as error:
            log.error("the damaged database cannot be rescued yet: %s", error)
            self._reserve.release()
            self.store.keep(waiting)
            return rest
        if changed:
            self.store.keep(waiting)
            self.store.commit((), report)
        elif self.store.unwritten and not self.fault and self._reserve.release():
            self.store.commit((), report)
        return rest

    def suspect(self, error: sqlite3.Error) -> None:
        """Something else could not be read: if the file is damaged, the next `commit` sees to it."""
        self._suspicion = error

    def forget(self, now_s: float) -> None:
        """Let old alarms that ended go; a disk that refuses keeps them."""
        try:
            self.store.forget(now_s)
        except sqlite3.Error as error:
            log.warning("old alarms cannot be forgotten now: %s", error)
            self.suspect(error)

    def _follow(self, error: sqlite3.Error | None) -> bool:
        """Go over to the new file if this one was replaced, or is damaged as `error` says; whether that was done."""
        if not isinstance(self._connection, Connection):
            return False
        connection = reopened(self._connection, error)
        if connection is None:
            self._suspicion = None
            return False
        store, outbox = _over(connection)
        self._connection.close()
        self._connection, self.store, self.outbox, self._suspicion = connection, store, outbox, None
        return True

    def move(self) -> bool:
        """Try to move to the disk; True when that has just succeeded. On disk, see that the reserve is held."""
        if not self.fault:
            if not self.store.unwritten:
                self._reserve.hold()
            return False
        try:
            connection, store, outbox = _open(self._path)
        except DeviceFault:
            return False
        try:
            with transaction(connection):
                for case in self.store.load():
                    store.save(case)
                store.save_bed(self.store.load_bed())
                for reason, count in self.store.suppressed().items():
                    store.add_suppressed(reason, count)
                for row in self.outbox.pending(_MOST_IN_MEMORY):
                    outbox.append(AlarmBody.model_validate_json(row.body), row.made_at_s)
        except sqlite3.Error:
            connection.close()
            return False
        self._connection.close()
        self._connection, self.store, self.outbox, self.fault = connection, store, outbox, ""
        log.info("alarms moved from memory to disk")
        return True

    def close(self) -> None:
        self._connection.close()

    def _open(self) -> tuple[sqlite3.Connection, AlarmStore, Outbox]:
        try:
            return _open(self._path)
        except DeviceFault:
            if not self._reserve.release():
                raise
            return _open(self._path)


def _open(path: Path) -> tuple[sqlite3.Connection, AlarmStore, Outbox]:
    connection = open_database(path)
    return connection, *_over(connection)


def _over(connection: sqlite3.Connection) -> tuple[AlarmStore, Outbox]:
    try:
        return AlarmStore(connection), Outbox(connection)
    except DeviceFault:
        connection.close()
        raise
