"""How long a pause this resident makes inside a sentence: learnt, kept over restarts. Pure but for `PatienceFile`.

Pauses lengthen with age and with dementia (Sluis 2020, Kobayashi 2019); start, bounds and factors are design. How
fast it learns is design too: half of the way after one pause that was cut short, a fiftieth back after a turn that
needed no waiting.
"""

from __future__ import annotations

import json
import math
import os
from enum import Enum
from pathlib import Path

FIRST_PATIENCE_S = 1.2
LEAST_PATIENCE_S = 0.9
MOST_PATIENCE_S = 3.0
CLOSED_PATIENCE_S = 0.6
COMPLETE_PATIENCE_S = 0.5
OPEN_QUESTION_FACTOR = 1.5

_MARGIN = 1.1  # wait a little longer than the pause that was seen
_LEARN = 0.5
_FORGET = 0.98
_CLOSE_CALL = 0.8  # a pause of this share of the patience nearly parted the sentence
_EASY = 0.6  # shorter pauses than this share would have needed less patience


class Question(str, Enum):
    """What Hani has just asked; a closed question expects yes, no or help."""

    NONE = "none"
    OPEN = "open"
    CLOSED = "closed"


class Patience:
    """The pause in seconds after which a resident's turn is over."""

    def __init__(self, patience_s: float = FIRST_PATIENCE_S) -> None:
        self.patience_s = _bounded(patience_s)

    def wait_s(self, question: Question = Question.NONE, *, complete: bool = False) -> float:
        """How long a silence ends the turn; `complete`: nothing longer begins with what was said."""
        if question is Question.OPEN:
            return self.patience_s * OPEN_QUESTION_FACTOR
        if complete:
            return COMPLETE_PATIENCE_S
        return CLOSED_PATIENCE_S if question is Question.CLOSED else self.patience_s

    def cut_off(self, pause_s: float) -> None:
        """The resident went on after the turn was closed: the pause was `pause_s` long."""
        self._approach(pause_s * _MARGIN)

    def joined(self, pause_s: float) -> None:
        """A pause inside a turn that was waited for."""
        if pause_s > _CLOSE_CALL * self.patience_s:
            self._approach(pause_s / _CLOSE_CALL)

    def ended(self, longest_pause_s: float) -> None:
        """A turn ended and the resident did not go on; the longest pause inside it."""
        if longest_pause_s < _EASY * self.patience_s:
            self.patience_s = _bounded(self.patience_s * _FORGET)

    def _approach(self, target_s: float) -> None:
        """Never downwards: one short pause says nothing about the next."""
        self.patience_s = _bounded(self.patience_s + _LEARN * max(target_s - self.patience_s, 0.0))


def _bounded(patience_s: float) -> float:
    if not math.isfinite(patience_s):
        return FIRST_PATIENCE_S
    return min(max(patience_s, LEAST_PATIENCE_S), MOST_PATIENCE_S)


class PatienceFile:
    """What was learnt, by resident, as JSON. A file that cannot be used is as good as none: it is learnt anew."""

    _LEAST_CHANGE_S = 0.02

    def __init__(self, path: Path, resident: str = "resident") -> None:
        self._path = path
        self._resident = resident
        self._kept_s = 0.0

    def load(self) -> float:
        """The patience of the resident in seconds, within its bounds."""
        value = self._read().get(self._resident)
        self._kept_s = _bounded(float(value)) if isinstance(value, (int, float)) else 0.0
        return self._kept_s or FIRST_PATIENCE_S

    def save(self, patience_s: float) -> bool:
        """Keep it, all or nothing; False when a disk refuses. Small changes are not written."""
        if abs(patience_s - self._kept_s) < self._LEAST_CHANGE_S:
            return True
        fresh = self._path.with_suffix(".fresh")
        try:
            fresh.write_text(json.dumps({**self._read(), self._resident: round(patience_s, 3)}), encoding="utf-8")
            os.replace(fresh, self._path)
        except OSError:
            return False
        self._kept_s = patience_s
        return True

    def _read(self) -> dict[str, object]:
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}
