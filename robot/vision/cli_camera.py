"""`hani camera pause|resume|show`: the button beside the robot, as a command."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from robot.errors import BadInput, DeviceFault
from robot.messages import PausedBy
from robot.vision.pause import LONGEST_S, Pause, read_pause, write_pause

SHORTEST_S = 60.0  # an end is kept to the second: a fraction of one would be over before it is read


def run(what: str, minutes: float, home: Path, out: TextIO, now: Callable[[], float] = time.time) -> int:
    """Set, end or show a pause; prints one JSON line. A running fall_detector follows within a second."""
    if not SHORTEST_S <= minutes * 60 <= LONGEST_S:
        least, most = SHORTEST_S / 60, LONGEST_S / 60
        raise BadInput(f"--minutes {minutes:g}: the camera looks away for {least:.0f} to {most:.0f} minutes")
    now_s = now()
    try:
        if what == "pause":
            write_pause(home, Pause(now_s + minutes * 60, PausedBy.BUTTON))
        elif what == "resume":
            write_pause(home, None)
    except OSError as error:
        raise DeviceFault(f"the pause cannot be written ({error.strerror}): make room on the disk") from None
    pause = read_pause(home, now_s)
    line = {"paused": pause is not None, "until_at_s": pause.until_at_s if pause else None}
    print(json.dumps(line), file=out, flush=True)
    return 0
