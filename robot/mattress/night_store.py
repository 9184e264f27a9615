"""What was recorded of the nights, in the robot's one database; for seven days."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from robot.database import make_tables, open_database, transaction
from robot.mattress.night import Minute, Record, Span
from robot.messages import Presence

SCHEMA = """
CREATE TABLE IF NOT EXISTS bed_spans(began_at_s REAL PRIMARY KEY, ended_at_s REAL NOT NULL, presence TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bed_minutes(
    number INTEGER PRIMARY KEY,
    heart_rate_bpm REAL, breath_rate_bpm REAL, movement REAL, apnoea_events INTEGER, wet INTEGER);
"""
KEEP_S = 7 * 86_400.0
log = logging.getLogger(__name__)


class NightStore:
    """Raises DeviceFault when the disk refuses at the start; later a refused write is logged and the time unknown."""

    def __init__(self, path: Path) -> None:
        self._connection = open_database(path)
        make_tables(self._connection, SCHEMA)
        self._refused = False

    def write(self, records: Iterable[Record], now_s: float) -> None:
        """Keep these; forget what is older than seven days."""
        records = tuple(records)
        if not records:
            return
        try:
            with transaction(self._connection):
                for record in records:
                    self._put(record)
                self._connection.execute("DELETE FROM bed_spans WHERE ended_at_s < ?", (now_s - KEEP_S,))
                self._connection.execute("DELETE FROM bed_minutes WHERE number < ?", ((now_s - KEEP_S) // 60,))
            self._refused = False
        except sqlite3.Error as error:
            if not self._refused:
                log.error("the night cannot be written: %s", error)
            self._refused = True

    def read(self, from_s: float, to_s: float) -> tuple[tuple[Span, ...], tuple[Minute, ...]]:
        """Everything that touches [from_s, to_s], oldest first. A disk that refuses knows nothing."""
        try:
            spans = self._connection.execute(
                "SELECT began_at_s, ended_at_s, presence FROM bed_spans WHERE ended_at_s >= ? AND began_at_s <= ? "
                "ORDER BY began_at_s",
                (from_s, to_s),
            ).fetchall()
            minutes = self._connection.execute(
                "SELECT number, heart_rate_bpm, breath_rate_bpm, movement, apnoea_events, wet FROM bed_minutes "
                "WHERE number BETWEEN ? AND ? ORDER BY number",
                (from_s // 60, to_s // 60),
            ).fetchall()
        except sqlite3.Error as error:
            log.error("the night cannot be read: %s", error)
            return (), ()
        return (
            tuple(Span(began_at_s, ended_at_s, Presence(presence)) for began_at_s, ended_at_s, presence in spans),
            tuple(
                Minute(number, heart, breath, movement, apnoea, None if wet is None else bool(wet))
                for number, heart, breath, movement, apnoea, wet in minutes
            ),
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _put(self, record: Record) -> None:
        if isinstance(record, Span):
            values = (record.began_at_s, record.ended_at_s, record.presence.value)
            self._connection.execute("INSERT OR REPLACE INTO bed_spans VALUES (?, ?, ?)", values)
            return
        self._connection.execute(
            "INSERT OR REPLACE INTO bed_minutes VALUES (?, ?, ?, ?, ?, ?)",
            (
                record.number,
                record.heart_rate_bpm,
                record.breath_rate_bpm,
                record.movement,
                record.apnoea_events,
                None if record.wet is None else int(record.wet),
            ),
        )
