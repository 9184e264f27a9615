"""A file that is there only to be given up: when the disk is full, its space lets SQLite write alarms still."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 8 * 1024 * 1024
"""SQLite's log of 1,000 pages (4 MB) and as much for its tables: thousands of alarms of 0.5 KB each."""

log = logging.getLogger(__name__)


class Reserve:
    """The file beside a database. Two processes may hold the same one; neither method raises."""

    def __init__(self, database: Path, size: int = RESERVE_BYTES) -> None:
        self._path = database.with_name(f"{database.name}.reserve")
        self.size = size

    @property
    def held(self) -> bool:
        with suppress(OSError):
            return self._path.stat().st_size >= self.size
        return False

    def hold(self) -> bool:
        """Take the space, unless the disk would then be nearly full. Returns whether the disk is too full for it."""
        if self.held:
            return False
        try:
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < 2 * self.size:
                return True
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self.size)  # real blocks: a sparse file would reserve nothing
            except OSError:
                os.ftruncate(descriptor, 0)
                raise
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("no space can be reserved for alarms: %s", error)
        return False

    def release(self) -> bool:
        """Give the space up. Returns whether there was any."""
        try:
            if self._path.stat().st_size == 0:
                return False
            os.truncate(self._path, 0)
        except OSError:
            return False
        log.error("the disk is full: the space reserved for alarms is used now")
        return True


def is_full(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the disk has no room. A log that cannot grow is told as an I/O error."""
    return "is full" in str(error) or "disk I/O error" in str(error)
