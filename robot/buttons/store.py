"""What must outlive a restart about the devices, in the robot's one database."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from robot.buttons.watch import Memory
from robot.database import make_tables, open_database

SCHEMA = "CREATE TABLE IF NOT EXISTS devices(name TEXT PRIMARY KEY, heard_at_s REAL NOT NULL, body TEXT NOT NULL);"
log = logging.getLogger(__name__)


class DeviceStore:
    """Raises DeviceFault when the disk refuses at the start; a refused write later is logged: a call never waits."""

    def __init__(self, path: Path) -> None:
        self._connection = open_database(path)
        make_tables(self._connection, SCHEMA)

    def load(self) -> tuple[Memory, ...]:
        """Every device that was ever heard; a row that cannot be read is left out."""
        found = []
        for name, heard_at_s, body in self._connection.execute("SELECT name, heard_at_s, body FROM devices"):
            try:
                content = json.loads(body)
                flags = tuple((str(flag), bool(value)) for flag, value in content["flags"].items())
                seen = content["called_seen_at_s"]
                found.append(Memory(name, float(heard_at_s), flags, None if seen is None else float(seen)))
            except (ValueError, KeyError, TypeError, AttributeError):
                log.error("stored device unreadable: %s", name)
        return tuple(found)

    def save(self, memories: Iterable[Memory]) -> None:
        """Write these."""
        for memory in memories:
            body = json.dumps({"flags": dict(memory.flags), "called_seen_at_s": memory.called_seen_at_s})
            try:
                self._connection.execute(
                    "INSERT OR REPLACE INTO devices VALUES (?, ?, ?)", (memory.name, memory.heard_at_s, body)
                )
            except sqlite3.Error as error:
                log.error("a device cannot be remembered: %s", error)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
