"""Whether others talk in the room: a television, visitors. Pure; times are the stream's (Unix seconds).

The confidences reckon with as many commands as other sentences. Beside a television there is one command among dozens
of sentences, so a reading that a quiet room would believe is most likely none: it must be surer. When Hani has just
asked something, somebody is expected to answer, and is heard as in a quiet room.
"""

from __future__ import annotations

import math
from collections import deque

from robot.speech.recognizer import FinalResult

WITHIN_S = 60.0
LEAST_SPEECH_S = 20.0
"""Of these 60 s so much was speech that no phrase was: a television talks for 30 s and more, a resident who tries three
commands in vain for less than 10. Design numbers, to be tuned in homes."""
LEAST_STRETCHES = 4
"""And in so many pieces: one long story is nobody's company."""
SURE_IN_COMPANY = 0.4
"""Confidence from which a reading is believed then; models/speech/README.md has what it keeps and what it lets pass."""


ANSWER_WITHIN_S = 25.0
"""So long after a question an answer may come: a check-in waits 20 s, and whoever begins then is still speaking."""


class Company:
    """Tell it of every stretch that was speech (`heard`) and of Hani's questions; `believes` judges a final."""

    def __init__(self) -> None:
        self._asked_at_s = -math.inf
        self._strange: deque[tuple[float, float]] = deque()  # when it ended, how long it was

    def heard(self, believed: bool, began_at_s: float, ended_at_s: float) -> None:
        """A stretch of somebody's voice; not of Hani's own, and not without a voice."""
        if not believed:
            self._strange.append((ended_at_s, max(ended_at_s - began_at_s, 0.0)))

    def asked(self, at_s: float) -> None:
        """Hani has asked something, and fallen silent."""
        self._asked_at_s = at_s

    def is_here(self, at_s: float) -> bool:
        """Whether others have been talking lately. A clock that was set back forgets what lies ahead of it."""
        recent = [(ended_s, long_s) for ended_s, long_s in self._strange if 0.0 <= at_s - ended_s < WITHIN_S]
        self._strange = deque(recent)
        return len(recent) >= LEAST_STRETCHES and sum(long_s for _, long_s in recent) >= LEAST_SPEECH_S

    def believes(self, final: FinalResult, at_s: float) -> bool:
        """Whether a final that ended at `at_s` is a command or an answer."""
        is_answer = 0.0 <= at_s - self._asked_at_s <= ANSWER_WITHIN_S
        if not final.accepted or is_answer or not self.is_here(at_s):
            return final.accepted
        return final.readings[0].confidence >= SURE_IN_COMPANY
