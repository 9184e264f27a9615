"""Whether others talk in the room: a television, visitors. Pure; times are the stream's (Unix seconds).

The confidences reckon with as many commands as other sentences. Beside a television there is one command among dozens
of sentences, so a reading that a quiet room would believe is most likely none: it must be surer. While an answer is
expected (Hani has asked whether all is well, an alarm may still be withdrawn), everybody is heard as in a quiet room.
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
"""Confidence from which a reading is believed then; robot/speech/README.md has what it keeps and what it lets pass."""
ANSWER_WITHIN_S = 25.0
"""So long after a question an answer may come: a check-in waits 20 s, and whoever begins then is still speaking."""
_CRY_S = 3.0
"""So near to a cry a stretch may be the cry itself, as the other recogniser heard it."""
_CLOCK_SLACK_S = 3600.0


class Company:
    """Tell it of every stretch that was speech (`heard`), of cries and of questions; `believes` judges a final."""

    def __init__(self) -> None:
        self._strange: deque[tuple[float, float]] = deque()  # when it ended, how long it was
        self._cried_at_s = self._answer_until_s = -math.inf

    def heard(self, is_phrase: bool, began_at_s: float, ended_at_s: float) -> None:
        """A stretch of somebody's voice; not of Hani's own, and not without a voice. `is_phrase` as in a quiet room."""
        self._strange = deque(one for one in self._strange if 0.0 <= ended_at_s - one[0] < WITHIN_S)
        if not is_phrase and abs(ended_at_s - self._cried_at_s) > _CRY_S:
            self._strange.append((ended_at_s, max(ended_at_s - began_at_s, 0.0)))

    def cried(self, at_s: float) -> None:
        """Something like a cry for help was heard: whoever cries again and again is not others who talk."""
        self._cried_at_s = at_s
        self._strange = deque(one for one in self._strange if abs(at_s - one[0]) > _CRY_S)

    def expect_answer(self, until_s: float) -> None:
        """Somebody may answer Hani until then."""
        self._answer_until_s = max(self._answer_until_s, until_s)

    def talks(self, at_s: float) -> bool:
        """Whether others have been talking lately, and nobody is expected to answer."""
        if 0.0 <= self._answer_until_s - at_s <= _CLOCK_SLACK_S:
            return False
        recent = [long_s for ended_s, long_s in self._strange if 0.0 <= at_s - ended_s < WITHIN_S]
        return len(recent) >= LEAST_STRETCHES and sum(recent) >= LEAST_SPEECH_S

    def believes(self, final: FinalResult, at_s: float) -> bool:
        """Whether a final that ended at `at_s` is a command or an answer."""
        if not final.accepted or not self.talks(at_s):
            return final.accepted
        return final.readings[0].confidence >= SURE_IN_COMPANY
