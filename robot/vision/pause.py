"""The camera looks away when somebody asks it to, and always looks again by itself.

The end of a pause is a small file in the data folder: a restart does not end it early, and whoever stands at the
device can set it without ROS (`hani camera pause`). Only the moment and how it was asked for are written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from robot.files import write_whole
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
    pause = Pause(_whole(min(wish.until_at_s, wish.asked_at_s + LONGEST_S, now_s + LONGEST_S)), wish.by)
    return pause if pause.is_on(now_s) else None


def read_pause(folder: Path, now_s: float) -> Pause | None:
    """The pause that is on; None where there is none, or the file is broken: then the watch goes on."""
    return _parse(_text_in(folder), now_s)


def write_pause(folder: Path, pause: Pause | None) -> None:
    """Keep a pause to the whole second, or end it; raises OSError."""
    path = folder / FILE_NAME
    if pause is None:
        path.unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, _text_of(pause).encode("ascii"))  # the node and a command may write at the same moment


def end_own_pause(folder: Path, own: Pause) -> None:
    """End a pause that was written here, unless somebody has asked for another one since; raises OSError."""
    if _text_in(folder) == _text_of(own):
        write_pause(folder, None)


class PauseKeeper:
    """The pause in force: the file's, or what was granted last and a full disk did not take."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unkept: tuple[str, Pause | None] | None = None

    def take(self, pause: Pause | None) -> str:
        """What was granted counts from now on; returns why it could not be written, empty if it was."""
        self._unkept = None
        try:
            write_pause(self._folder, pause)
        except OSError as error:
            self._unkept = (_text_in(self._folder), pause)
            return error.strerror or type(error).__name__
        return ""

    def now(self, now_s: float) -> Pause | None:
        """The pause that is on. Whoever writes the file after a failure is believed again."""
        text = _text_in(self._folder)
        if self._unkept is not None:
            before, pause = self._unkept
            if text == before:
                return pause if pause is not None and pause.is_on(now_s) else None
            self._unkept = None
        return _parse(text, now_s)


def _whole(at_s: float) -> float:
    """Never later: an end rounded up would lie beyond the longest pause, and then be none."""
    return float(math.floor(at_s)) if math.isfinite(at_s) else at_s


def _text_of(pause: Pause) -> str:
    return f"{_whole(pause.until_at_s):.0f} {pause.by.value}"


def _text_in(folder: Path) -> str:
    try:
        return (folder / FILE_NAME).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def _parse(text: str, now_s: float) -> Pause | None:
    try:
        until, by = text.split()
        pause = Pause(float(until), PausedBy(by))
    except ValueError:
        return None
    return pause if pause.is_on(now_s) else None
