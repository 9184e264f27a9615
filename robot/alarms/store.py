"""The journal: alarms on disk, in the same SQLite file and transaction as the outbox."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

from pydantic import TypeAdapter, ValidationError

from robot.alarms.case import ENDED, BedMemory, Case
from robot.alarms.effects import DURABLE, Effect, Effects, Report, Store, StoreBed, Suppressed
from robot.database import make_tables, transaction
from robot.errors import HaniError

KEEP_ENDED_S = 90 * 86_400.0
KEEP_REVISIONS = 10_000
"""Of ended alarms: some 8 MB, a third of a year with 10 alarms of 6 revisions a day. Open ones are not counted."""

log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS alarms(
    id TEXT PRIMARY KEY,
    phase TEXT NOT NULL, revision INTEGER NOT NULL, changed_at_s REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alarm_log(
    id TEXT NOT NULL, revision INTEGER NOT NULL, phase TEXT NOT NULL, changed_at_s REAL NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (id, revision));
CREATE TABLE IF NOT EXISTS suppressed(reason TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS bed_memory(one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL);
"""
_CASE = TypeAdapter(Case)
_BED = TypeAdapter(BedMemory)


class AlarmStore:
    """The journal over an open connection: `alarms` holds the current state, `alarm_log` every revision."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        make_tables(connection, SCHEMA)
        self._unwritten: Effects = ()
        self.refusal: sqlite3.Error | None = None
        """Why the last `commit` could not write; None: it could."""

    def load(self, ended_since_s: float = 0.0) -> tuple[Case, ...]:
        """Every open case, and those that ended at or after `ended_since_s`, oldest first.

        A row that cannot be read is left in place and logged as an error: it must not keep the others from being
        served.
        """
        ended = [phase.value for phase in ENDED]
        rows = self._connection.execute(
            "SELECT id, body FROM alarms WHERE phase NOT IN (?, ?) OR changed_at_s >= ? ORDER BY changed_at_s, id",
            (*ended, ended_since_s),
        ).fetchall()
        cases = []
        for alarm_id, body in rows:
            try:
                cases.append(_CASE.validate_json(body))
            except ValidationError:
                log.error("stored alarm unreadable: %s", alarm_id)
        return tuple(cases)

    def load_bed(self) -> BedMemory:
        row = self._connection.execute("SELECT body FROM bed_memory").fetchone()
        try:
            return _BED.validate_json(row[0]) if row else BedMemory()
        except ValidationError:
            log.error("stored bed memory unreadable")
            return BedMemory()

    def suppressed(self) -> dict[str, int]:
        """How many falls were not followed up, for each reason, since the journal began; a refused disk knows none."""
        try:
            return dict(self._connection.execute("SELECT reason, count FROM suppressed ORDER BY reason").fetchall())
        except sqlite3.Error:
            return {}

    def save(self, case: Case) -> None:
        """Write one case, inside whatever transaction is open."""
        alarm, body = case.alarm, _CASE.dump_json(case).decode()
        values = (alarm.id, alarm.phase.value, alarm.revision, alarm.changed_at_s, body)
        self._connection.execute(
            "INSERT OR REPLACE INTO alarms(id, phase, revision, changed_at_s, body) VALUES (?, ?, ?, ?, ?)", values
        )
        self._connection.execute(
            "INSERT OR IGNORE INTO alarm_log(id, phase, revision, changed_at_s, body) VALUES (?, ?, ?, ?, ?)", values
        )

    def save_bed(self, memory: BedMemory) -> None:
        """Write what the bed last said, inside whatever transaction is open."""
        body = _BED.dump_json(memory).decode()
        self._connection.execute("INSERT OR REPLACE INTO bed_memory(one, body) VALUES (1, ?)", (body,))

    def add_suppressed(self, reason: str, count: int = 1) -> None:
        """Count falls that were not followed up, inside whatever transaction is open."""
        self._connection.execute(
            "INSERT INTO suppressed VALUES (?, ?) ON CONFLICT(reason) DO UPDATE SET count = count + excluded.count",
            (reason, count),
        )

    def forget(self, now_s: float) -> None:
        """Alarms that ended more than `KEEP_ENDED_S` ago go, and the oldest ended ones beyond `KEEP_REVISIONS` rows of
        history: open ones never.
        """
        ended = [phase.value for phase in ENDED]
        with transaction(self._connection):
            self._connection.execute(
                "DELETE FROM alarms WHERE phase IN (?, ?) AND changed_at_s < ?", (*ended, now_s - KEEP_ENDED_S)
            )
            self._connection.execute(
                "DELETE FROM alarms WHERE id IN ("
                " SELECT id FROM ("
                "  SELECT alarms.id, sum(count(*)) OVER (ORDER BY alarms.changed_at_s DESC, alarms.id) AS rows"
                "  FROM alarms JOIN alarm_log USING (id) WHERE alarms.phase IN (?, ?) GROUP BY alarms.id)"
                " WHERE rows > ?)",
                (*ended, KEEP_REVISIONS),
            )
            self._connection.execute("DELETE FROM alarm_log WHERE id NOT IN (SELECT id FROM alarms)")

    def commit(self, effects: Effects, report: Callable[[Report], None]) -> Effects:
        """Write the durable effects in one transaction and return the rest, to be done now; `Suppressed` is both.

        `report` appends to the outbox on the same connection. When the disk refuses, the error is logged, what was not
        written is kept and written first at the next call (call with () at every tick), and the rest is returned all
        the same: a resident must be asked even when the disk is full. `unwritten` then tells the diagnostics.
        """
        self._unwritten += tuple(effect for effect in effects if isinstance(effect, DURABLE))
        if self._unwritten:
            try:
                with transaction(self._connection):
                    for effect in self._unwritten:
                        self._write(effect, report)
                self._unwritten, self.refusal = (), None
            except sqlite3.Error as error:
                self.refusal = error
                log.error("cannot write alarms, will try again: %s", error)
        return tuple(effect for effect in effects if not isinstance(effect, DURABLE) or isinstance(effect, Suppressed))

    @property
    def waiting(self) -> Effects:
        """The durable effects that wait for the disk."""
        return self._unwritten

    def keep(self, effects: Effects) -> None:
        """Write the durable ones of these at the next `commit`, and nothing else that waited."""
        self._unwritten = tuple(effect for effect in effects if isinstance(effect, DURABLE))

    @property
    def unwritten(self) -> int:
        """How many durable effects wait for the disk; anything but 0 is a fault of the robot."""
        return len(self._unwritten)

    def _write(self, effect: Effect, report: Callable[[Report], None]) -> None:
        if isinstance(effect, Store):
            self.save(effect.case)
        elif isinstance(effect, StoreBed):
            self.save_bed(effect.memory)
        elif isinstance(effect, Suppressed):
            self.add_suppressed(effect.reason)
        elif isinstance(effect, Report):
            try:
                report(effect)
            except (HaniError, ValueError, sqlite3.IntegrityError):
                # one report that the contract refuses must not keep every other alarm from the disk
                log.exception("report refused for alarm %s", effect.alarm.id)
