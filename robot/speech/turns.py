"""Turns: when somebody has finished speaking. Pure: time and sound levels are arguments.

Older people pause inside a sentence, so a turn joins the recogniser's finals until the speaker has been silent for the
patience. The numbers follow studies of pauses in old age
(Sluis 2020, Kobayashi 2019): start 1.2 s, 0.9 to 3.0 s, half as long again after
our own question, 0.6 s after a closed question, at most 20 s in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from robot.messages import Language, Reading

FIRST_PATIENCE_S = 1.2
LEAST_PATIENCE_S = 0.9
MOST_PATIENCE_S = 3.0
CLOSED_PATIENCE_S = 0.6
OPEN_QUESTION_FACTOR = 1.5
LONGEST_TURN_S = 20.0

_CUT_OFF_WITHIN_S = 1.5  # who speaks on so soon after we closed the turn was interrupted
_LEARN_UP = 1.15  # design, not measured: some four interruptions double the patience
_LEARN_DOWN = 0.98


class Question(str, Enum):
    """What Hani has just asked; a closed question expects yes, no or help."""

    NONE = "none"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech between two pauses. `readings` are the believed ones, best first; empty when it was no known phrase."""

    readings: tuple[Reading, ...]
    began_at_s: float
    ended_at_s: float


class Turns:
    """Joins stretches into turns. Call `poll` with every chunk; it hands out a turn when it is over."""

    def __init__(self, patience_s: float = FIRST_PATIENCE_S) -> None:
        self.patience_s = min(max(patience_s, LEAST_PATIENCE_S), MOST_PATIENCE_S)
        self.question = Question.NONE
        self._stretches: list[Stretch] = []
        self._closed_at_s: float | None = None
        self._muted_from_s: float | None = None
        self._unmuted_at_s = float("-inf")
        self._last_mute_from_s = float("-inf")

    @property
    def muted(self) -> bool:
        """Whether Hani is speaking itself; then stretches are dropped (safety words go another way)."""
        return self._muted_from_s is not None

    def mute(self, now_s: float) -> None:
        if self._muted_from_s is None:
            self._muted_from_s = now_s

    def unmute(self, now_s: float) -> None:
        if self._muted_from_s is not None:
            self._last_mute_from_s, self._unmuted_at_s = self._muted_from_s, now_s
            self._muted_from_s = None

    def ask(self, question: Question) -> None:
        """Hani has asked something (or, with NONE, nothing): the next turn is waited for accordingly."""
        self.question = question

    def wait_s(self) -> float:
        """How long a silence ends the turn now."""
        if self.question is Question.CLOSED:
            return CLOSED_PATIENCE_S
        return self.patience_s * (OPEN_QUESTION_FACTOR if self.question is Question.OPEN else 1.0)

    def add(self, stretch: Stretch) -> None:
        """A stretch has ended. It is dropped when most of it was spoken into our own voice."""
        if self._mostly_muted(stretch):
            return
        if not self._stretches and self._closed_at_s is not None:
            interrupted = stretch.began_at_s - self._closed_at_s <= _CUT_OFF_WITHIN_S
            learnt = self.patience_s * (_LEARN_UP if interrupted else _LEARN_DOWN)
            self.patience_s = min(max(learnt, LEAST_PATIENCE_S), MOST_PATIENCE_S)
        self._stretches.append(stretch)

    def poll(self, now_s: float, *, speaking: bool = False) -> tuple[Stretch, ...] | None:
        """The turn that is over at `now_s`, once; `speaking` says that a voice is heard right now and keeps it open."""
        if not self._stretches:
            return None
        silent_s = now_s - self._stretches[-1].ended_at_s
        whole_s = now_s - self._stretches[0].began_at_s
        if (speaking or silent_s < self.wait_s()) and whole_s < LONGEST_TURN_S:
            return None
        return self.close(now_s)

    def close(self, now_s: float) -> tuple[Stretch, ...] | None:
        """End the turn at once (end of the stream)."""
        turn, self._stretches = tuple(self._stretches), []
        if not turn:
            return None
        self._closed_at_s = now_s
        self.question = Question.NONE
        return turn

    def _mostly_muted(self, stretch: Stretch) -> bool:
        length_s = max(stretch.ended_at_s - stretch.began_at_s, 0.0)
        if self._muted_from_s is not None:
            muted_s = stretch.ended_at_s - max(stretch.began_at_s, self._muted_from_s)
        else:
            muted_s = min(stretch.ended_at_s, self._unmuted_at_s) - max(stretch.began_at_s, self._last_mute_from_s)
        return muted_s >= length_s / 2


def joined(turn: Sequence[Stretch]) -> tuple[Reading, ...]:
    """The readings of a whole turn, best first; empty when nothing in it was understood.

    One understood stretch keeps its alternatives. Several are read together: texts in order, the language of most
    letters, the least confidence.
    """
    understood = [stretch.readings for stretch in turn if stretch.readings]
    if len(understood) <= 1:
        return understood[0] if understood else ()
    best = [readings[0] for readings in understood]
    letters = {language: sum(len(r.text) for r in best if r.language is language) for language in Language}
    return (
        Reading(
            text=" ".join(reading.text for reading in best),
            language=max(letters, key=lambda language: letters[language]),
            confidence=min(reading.confidence for reading in best),
        ),
    )
