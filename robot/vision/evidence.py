"""What may be kept of a fall, if the resident agreed: a moving stick figure, never a picture. Pure, but for its files.

Seventeen points a person in fractions of the frame, the seconds before a fall was told, nothing after it: nobody can be
recognised by a face, a body or a room. Without consent nothing is kept, not even in memory.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robot.messages import FallEvent
from robot.vision.pose import Person

BEFORE_S = 5.0
MAX_FRAMES = 100  # at most 15 a second for BEFORE_S, and some
MAX_FILES = 200  # the oldest go first
FOLDER = "evidence"


@dataclass(frozen=True, slots=True)
class StickFrame:
    """The people of one moment: each 17 times (x, y, score), x and y in fractions of the frame."""

    at_s: float
    people: tuple[tuple[tuple[float, float, float], ...], ...]


class StickFigures:
    """The last seconds as stick figures. `consent` is the revision of the consent form that was signed; 0 is none."""

    def __init__(self, consent: int = 0) -> None:
        self._consent = consent
        self._frames: deque[StickFrame] = deque(maxlen=MAX_FRAMES)

    def see(self, people: Sequence[Person], at_s: float, width_px: int, height_px: int) -> None:
        """Take the poses of a moment."""
        if not self._consent:
            return
        figures = tuple(
            tuple((round(j.x_px / width_px, 3), round(j.y_px / height_px, 3), round(j.score, 2)) for j in p.keypoints)
            for p in people
        )
        self._frames.append(StickFrame(at_s, figures))
        while at_s - self._frames[0].at_s > BEFORE_S:
            self._frames.popleft()

    def of(self, event: FallEvent) -> str | None:
        """The seconds before a fall was suspected, as the text of a file; None without consent."""
        if not self._consent or event.recovered:
            return None
        frames = [{"at_s": round(frame.at_s, 2), "people": frame.people} for frame in self._frames]
        kept = {"v": 1, "event": event.id, "reason": event.reason.value, "consent": self._consent, "frames": frames}
        return json.dumps(kept, separators=(",", ":"))


def keep(folder: Path, event: FallEvent, text: str) -> None:
    """Write a stick figure into `folder`/evidence, for its owner only; the oldest files make room."""
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = place / f"{event.id}.json"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    for old in sorted(place.glob("*.json"))[:-MAX_FILES]:  # ids are made in order of time
        old.unlink(missing_ok=True)


def forget(folder: Path) -> None:
    """Consent was withdrawn: nothing stays."""
    for path in (folder / FOLDER).glob("*.json"):
        path.unlink(missing_ok=True)
