"""Turns: when somebody has finished speaking. Pure: time and sound levels are arguments.

Older people pause inside a sentence, so a turn joins the recogniser's finals until the speaker has been silent for the
patience (see `patience`): longer after our own open question, 0.6 s after a closed one, shorter when no longer phrase
begins with what was said; at most 20 s in all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from robot.messages import Language, Reading
from robot.speech.patience import FIRST_PATIENCE_S, Patience, Question

LONGEST_TURN_S = 20.0

_CUT_OFF_WITHIN_S = 1.5  # who speaks on so soon after we closed the turn was interrupted
_UNCLEAR_TAIL_S = 5.0  # design: a voice of which nothing is understood (a television) holds a turn no longer
_FINAL_DUE_S = 0.9  # after a voice: the recogniser's endpoint at 0.5 s, and its work
_CLOCK_SLACK_S = 1.0
_SAME_S = 0.1  # a voice that ends with a stretch is that stretch
_MUTES_KEPT = 32

Complete = Callable[[Reading], bool]
"""Whether nothing longer that could be understood begins with a reading."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech between two pauses. `readings` are the believed ones, best first; empty when it was no known phrase."""

    readings: tuple[Reading, ...]
    began_at_s: float
    ended_at_s: float


def never_complete(_reading: Reading) -> bool:
    """Of a grammar that nobody knows."""
    return False


class Turns:
    """Joins stretches into turns. Call `poll` with every chunk; it hands out a turn when it is over."""

    def __init__(self, patience_s: float = FIRST_PATIENCE_S, complete: Complete = never_complete) -> None:
        self._patience = Patience(patience_s)
        self._complete = complete
        self.question = Question.NONE
        self._stretches: list[Stretch] = []
        self._longest_pause_s = 0.0
        self._closed: _Closed | None = None
        self._mutes: deque[tuple[float, float]] = deque(maxlen=_MUTES_KEPT)
        self._muted_from_s: float | None = None

    @property
    def patience_s(self) -> float:
        """The pause that ends a turn, as learnt so far."""
        return self._patience.patience_s

    @property
    def muted(self) -> bool:
        """Whether Hani is speaking itself; then stretches are dropped (safety words go another way)."""
        return self._muted_from_s is not None

    def mute(self, now_s: float) -> None:
        if self._muted_from_s is None:
            self._muted_from_s = now_s

    def unmute(self, now_s: float) -> None:
        if self._muted_from_s is not None:
            self._mutes.append((self._muted_from_s, now_s))
            self._muted_from_s = None

    def ask(self, question: Question) -> None:
        """Hani has asked something (or, with NONE, nothing): the next turn is waited for accordingly."""
        self.question = question

    def wait_s(self) -> float:
        """How long a silence ends the turn now."""
        readings = joined(self._stretches)
        complete = bool(readings) and bool(self._stretches[-1].readings) and self._complete(readings[0])
        return self._patience.wait_s(self.question, complete=complete)

    def add(self, stretch: Stretch) -> None:
        """A stretch has ended. It is dropped when most of it was spoken into our own voice."""
        if self.mostly_muted(stretch.began_at_s, stretch.ended_at_s):
            return
        if self._stretches:
            pause_s = stretch.began_at_s - self._stretches[-1].ended_at_s
            self._longest_pause_s = max(self._longest_pause_s, pause_s)
            self._patience.joined(pause_s)
        else:
            self._learn_from(stretch)
        if not any(earlier.readings for earlier in self._stretches) and stretch.readings:
            self._stretches.clear()  # what was not understood before it neither belongs to it nor uses up its time
        self._stretches.append(stretch)

    def poll(self, now_s: float, voice_until_s: float = float("-inf")) -> tuple[Stretch, ...] | None:
        """The turn that is over at `now_s`, once.

        `voice_until_s` is when a voice was heard last, known or not: it keeps the turn open, and what it said is waited
        for, since the recogniser answers half a second later. A clock that was set back ends the turn.
        """
        if not self._stretches:
            return None
        last_s = self._stretches[-1].ended_at_s
        if now_s < last_s - _CLOCK_SLACK_S:
            turn, self._closed = self.close(now_s), None  # nothing is learnt from times of two clocks
            return turn
        wait_s = self.wait_s()
        if last_s + _SAME_S < voice_until_s <= now_s + _CLOCK_SLACK_S:
            last_s, wait_s = voice_until_s, max(wait_s, _FINAL_DUE_S)
        whole_s = now_s - self._stretches[0].began_at_s
        if now_s - last_s < wait_s and whole_s < LONGEST_TURN_S and not self._only_noise(now_s, wait_s):
            return None
        return self.close(now_s)

    def close(self, now_s: float) -> tuple[Stretch, ...] | None:
        """End the turn at once (end of the stream)."""
        turn, self._stretches = tuple(self._stretches), []
        if not turn:
            return None
        understood = any(stretch.readings for stretch in turn)
        self._closed = _Closed(now_s, turn[-1].ended_at_s, self._longest_pause_s, self.question) if understood else None
        self._longest_pause_s = 0.0
        self.question = Question.NONE
        return turn

    def mostly_muted(self, began_at_s: float, ended_at_s: float) -> bool:
        """Whether Hani itself was speaking for at least half of that time, in however many texts."""
        open_mute = [] if self._muted_from_s is None else [(self._muted_from_s, ended_at_s)]
        mutes = [*self._mutes, *open_mute]
        if ended_at_s <= began_at_s:
            return any(from_s <= ended_at_s <= until_s for from_s, until_s in mutes)
        muted_s = sum(max(min(ended_at_s, until_s) - max(began_at_s, from_s), 0.0) for from_s, until_s in mutes)
        return muted_s >= (ended_at_s - began_at_s) / 2

    def _only_noise(self, now_s: float, wait_s: float) -> bool:
        """Whether something was understood, and for long only voices of which nothing was."""
        if self._stretches[-1].readings:
            return False
        understood = [stretch for stretch in self._stretches if stretch.readings]
        return bool(understood) and now_s - understood[-1].ended_at_s >= wait_s + _UNCLEAR_TAIL_S

    def _learn_from(self, stretch: Stretch) -> None:
        """The first stretch of a turn tells whether the one before was closed too early."""
        closed, self._closed = self._closed, None
        if closed is None:
            return
        went_on = stretch.began_at_s - closed.at_s <= _CUT_OFF_WITHIN_S
        if not went_on:
            self._patience.ended(closed.longest_pause_s)
        elif closed.question is not Question.CLOSED and not self._spoke_since(closed.at_s, stretch.began_at_s):
            self._patience.cut_off(stretch.began_at_s - closed.speech_ended_at_s)

    def _spoke_since(self, from_s: float, until_s: float) -> bool:
        """Whether Hani spoke in between: then the next stretch is an answer, not the rest of a sentence."""
        began = [mute_from_s for mute_from_s, _ in self._mutes]
        if self._muted_from_s is not None:
            began.append(self._muted_from_s)
        return any(from_s <= began_s <= until_s for began_s in began)


@dataclass(frozen=True, slots=True)
class _Closed:
    at_s: float
    speech_ended_at_s: float
    longest_pause_s: float
    question: Question


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
