"""The camera looks away when somebody asks it to, and always looks again by itself.

The end of a pause is a small file in the data folder: a restart does not end it early, and whoever stands at the
device can set it without ROS (`hani camera pause`). Only the moment and how it was asked for are written.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from robot.messages import CameraPause, PausedBy

LONGEST_S = 3600.0  # a longer absence of the watcher is a decision for the caregiver, not for a slip of the tongue
FILE_NAME = "camera_pause"


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause until `until_at_s` (Unix time)."""

    until_at_s: float
    by: PausedBy

    def is_on(self, now_s: float) -> bool:
        """An end further away than any pause lasts comes from a clock that was set back: then it is over."""
        return 0 < self.until_at_s - now_s <= LONGEST_S


def granted(wish: CameraPause, now_s: float) -> Pause | None:
    """The pause that a wish leads to, an hour at most; None when it means to look again, or came too late."""
    pause = Pause(min(wish.until_at_s, wish.asked_at_s + LONGEST_S, now_s + LONGEST_S), wish.by)
    return pause if pause.is_on(now_s) else None


def read_pause(folder: Path, now_s: float) -> Pause | None:
    """The pause that is on; None where there is none, or the file is broken: then the watch goes on."""
    try:
        until, by = (folder / FILE_NAME).read_text(encoding="ascii").split()
        pause = Pause(float(until), PausedBy(by))
    except (OSError, ValueError):
        return None
    return pause if pause.is_on(now_s) else None


def write_pause(folder: Path, pause: Pause | None) -> None:
    """Keep a pause, or end it; raises OSError."""
    path = folder / FILE_NAME
    if pause is None:
        path.unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(f"{pause.until_at_s:.0f} {pause.by.value}", encoding="ascii")
    os.replace(new, path)
