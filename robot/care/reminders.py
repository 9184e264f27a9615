"""Daily reminders: what is due now (pure), and which were spoken (on disk: a power loss neither repeats nor loses any).

A reminder is marked before it is spoken: with medicine, twice is worse than not at all.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from robot.care.residents import DailyReminder
from robot.database import make_tables, open_database
from robot.messages import Reminder

log = logging.getLogger(__name__)

# Within a minute is on time: the household's clocks differ by more.
ON_TIME_S = 60.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS reminders_known(id TEXT PRIMARY KEY, since_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS reminders_done(
    id TEXT PRIMARY KEY, at_s REAL NOT NULL, late_s REAL NOT NULL, spoken INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Due:
    """What shall be spoken now, oldest first, and what was missed for longer than its limit."""

    spoken: tuple[Reminder, ...]
    missed: tuple[Reminder, ...]


def due(
    reminders: Iterable[DailyReminder], local_now: datetime, done: Collection[str], since_s: Mapping[str, float]
) -> Due:
    """Decide at `local_now` (aware, local time). `done` holds ids of reminders spoken or given up.

    since_s: when each daily reminder was first known (Unix seconds); what had been due before that was nobody's to say.
    Yesterday counts too: one minute after midnight, a reminder of 23:59 is a minute late, not lost.
    """
    spoken: list[Reminder] = []
    missed: list[Reminder] = []
    for daily in reminders:
        known_since_s = since_s.get(daily.id, local_now.timestamp()) - ON_TIME_S
        for day in (local_now - timedelta(days=1), local_now):
            due_at = day.replace(hour=daily.at.hour, minute=daily.at.minute, second=0, microsecond=0)
            late_s = local_now.timestamp() - due_at.timestamp()
            reminder_id = f"{daily.id}/{due_at:%Y-%m-%d}"
            if late_s < 0 or due_at.timestamp() < known_since_s or reminder_id in done:
                continue
            on_time = late_s <= ON_TIME_S
            reminder = Reminder(reminder_id, daily.purpose, due_at.timestamp(), 0.0 if on_time else late_s)
            (spoken if on_time or late_s <= daily.late_limit_min * 60 else missed).append(reminder)
    return Due(tuple(sorted(spoken, key=lambda one: one.due_at_s)), tuple(missed))


class ReminderStore:
    """Which reminders are known and done, in the robot's database. Raises DeviceFault when it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._connection = open_database(path)
        make_tables(self._connection, SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def known_since_s(self, ids: Collection[str], now_s: float) -> dict[str, float]:
        """Since when each id is known, now for a new one. A time in the future (the clock was set back) becomes now."""
        known: dict[str, float] = dict(self._connection.execute("SELECT id, since_s FROM reminders_known"))
        for reminder_id in ids:
            if known.get(reminder_id, now_s + 1) > now_s:
                known[reminder_id] = now_s
                self._connection.execute("INSERT OR REPLACE INTO reminders_known VALUES (?, ?)", (reminder_id, now_s))
        return known

    def done(self, after_s: float) -> set[str]:
        """Ids of reminders that were due after `after_s` and are spoken or given up."""
        return {row[0] for row in self._connection.execute("SELECT id FROM reminders_done WHERE at_s > ?", (after_s,))}

    def mark(self, reminder: Reminder, spoken: bool) -> None:
        """Spoken (or given up): never again for that day."""
        self._connection.execute(
            "INSERT OR IGNORE INTO reminders_done VALUES (?, ?, ?, ?)",
            (reminder.id, reminder.due_at_s, reminder.late_s, spoken),
        )


class Reminders:
    """The day's reminders of one resident."""

    def __init__(self, reminders: Iterable[DailyReminder], store: ReminderStore, zone: tzinfo | None = None) -> None:
        """`zone` None: the system's time zone."""
        self._reminders = tuple(reminders)
        self._store = store
        self._zone = zone
        # also in memory: with a broken disk a reminder is still spoken, and still once
        self._done: set[str] = set()
        self._since_s: dict[str, float] = {}

    def due(self, now_s: float) -> tuple[Reminder, ...]:
        """What shall be spoken now, each once a day. Call it about once a second; marked when it returns."""
        local_now = datetime.fromtimestamp(now_s, self._zone).astimezone(self._zone)
        try:
            self._since_s = self._store.known_since_s([daily.id for daily in self._reminders], now_s)
            self._done |= self._store.done(now_s - 3 * 86400)
        except sqlite3.Error as error:
            log.error("reminders cannot be read: %s", error)
        now_due = due(self._reminders, local_now, self._done, self._since_s)
        for reminder in (*now_due.spoken, *now_due.missed):
            self._done.add(reminder.id)
            try:
                self._store.mark(reminder, reminder in now_due.spoken)
            except sqlite3.Error as error:
                log.error("reminder cannot be marked: %s", error)
        if now_due.missed:
            log.warning("reminders missed for longer than their limit: %s", len(now_due.missed))
        return now_due.spoken
