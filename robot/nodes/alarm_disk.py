"""Where the alarm manager keeps its journal and outbox: on disk; in memory only while the disk refuses at start."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from robot.alarms.effects import Effects, Report
from robot.alarms.store import AlarmStore
from robot.database import open_database, transaction
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
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserve = Reserve(path)
        self.fault = ""
        try:
            self._connection, self.store, self.outbox = self._open()
        except DeviceFault as error:
            log.error("alarms begin in memory: %s", error)
            self.fault = "the disk cannot be written: alarms do not leave the room"
            self._connection = sqlite3.connect(":memory:", isolation_level=None)
            self.store, self.outbox = AlarmStore(self._connection), Outbox(self._connection)

    def commit(self, effects: Effects, report: Callable[[Report], None]) -> Effects:
        """As `AlarmStore.commit`; what the disk refuses is written at once when the reserve makes room for it."""
        rest = self.store.commit(effects, report)
        if self.store.unwritten and not self.fault and self._reserve.release():
            self.store.commit((), report)
        return rest

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
    try:
        return connection, AlarmStore(connection), Outbox(connection)
    except DeviceFault:
        connection.close()
        raise
