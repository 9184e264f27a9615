"""Which boot this is and how long it has lasted: the clock that nobody sets."""

from __future__ import annotations

import time
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Different after each start of the machine; empty where the kernel does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()[:8]
    except (OSError, UnicodeDecodeError):
        return ""


def uptime_s() -> float:
    """Seconds since the machine started, sleep included. It neither jumps nor is set back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
