"""The hearing of one stream: recogniser, safety words and turns joined. Knows no device, no clock and no thread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from uuid6 import uuid7

from robot.messages import Heard, SafetyWord, Unclear
from robot.speech.activity import SpeechActivity
from robot.speech.audio import AudioChunk
from robot.speech.company import ANSWER_WITHIN_S, Company
from robot.speech.free_talk import Dictated, FreeTalk
from robot.speech.patience import FIRST_PATIENCE_S, Question
from robot.speech.recognizer import FinalResult, Recognizer
from robot.speech.safety import SafetySpotter
from robot.speech.safety_watch import SafetyWatch
from robot.speech.turns import Complete, Stretch, Turns, joined, never_complete

_CRY_S = 1.5
"""Before the end of what the safety decoder hears: the cry and the pause that ends it."""


HearingEvent = Heard | SafetyWord | Unclear | Dictated


class Hearing:
    """What follows from the recogniser's answers, one for every chunk, in order; wherever the recogniser runs."""

    def __init__(
        self,
        watch: SafetyWatch,
        patience_s: float = FIRST_PATIENCE_S,
        complete: Complete = never_complete,
        talk: FreeTalk | None = None,
        company: Company | None = None,
    ) -> None:
        self.watch = watch
        self._talk = talk
        self._turns = Turns(patience_s, complete)
        self._activity = SpeechActivity()
        self._company = company or Company()

    @property
    def patience_s(self) -> float:
        """The pause that ends a turn, as learnt so far."""
        return self._turns.patience_s

    def mute(self, now_s: float) -> None:
        """Hani begins to speak: only exact safety words pass until `unmute`."""
        self._turns.mute(now_s)

    def unmute(self, now_s: float, question: Question = Question.NONE) -> None:
        """Hani has finished speaking; `question` says what it asked, for how long an answer is waited on."""
        self._turns.unmute(now_s)
        self._turns.ask(question)
        if question is not Question.NONE:
            self.expect_answer(now_s + ANSWER_WITHIN_S)

    def expect_answer(self, until_s: float) -> None:
        """Somebody may answer a check-in, or withdraw an alarm, until then."""
        self._company.expect_answer(until_s)

    def barge_in(self, began_at_s: float) -> None:
        """Somebody speaks over Hani, who falls silent: what was said since `began_at_s` counts."""
        self._turns.unmute(began_at_s)

    def take(
        self, chunk: AudioChunk, final: FinalResult | None, now_s: float, safety: FinalResult | None = None
    ) -> list[HearingEvent]:
        """The answers of the recogniser and of the safety decoder to the next chunk.

        Returns what is to be published, safety words first. Times of speech are the stream's, not the clock's: a
        recogniser that lags behind changes no turn.
        """
        self._activity.feed(chunk.samples, chunk.began_at_s)
        if self._talk is not None:
            self._talk.keep(chunk)
        self.take_late(chunk, final, safety)
        words: list[HearingEvent] = list(self.watch.poll(chunk.ended_at_s))
        told = _told(self._turns.poll(chunk.ended_at_s, self._activity.voice_until_s), now_s)
        return words + told + self._dictated(told, chunk.ended_at_s)

    def take_late(self, chunk: AudioChunk, final: FinalResult | None, safety: FinalResult | None) -> None:
        """Answers to sound that was taken before and was played to the recogniser again; told with the next chunk."""
        self.watch.company = self._company.talks(chunk.ended_at_s)
        if safety is not None:
            muted = self._turns.mostly_muted(chunk.ended_at_s - _CRY_S, chunk.ended_at_s)
            if self.watch.decoded(safety, chunk.ended_at_s, muted=muted):
                self._company.cried(chunk.ended_at_s)
        if final is not None:
            self._heard(final, chunk.ended_at_s)

    def _heard(self, final: FinalResult, now_s: float) -> None:
        began_at_s, ended_at_s = self._activity.take(now_s - final.ahead_s) or (now_s, now_s)
        muted = self._turns.mostly_muted(began_at_s, ended_at_s)
        if self.watch.heard(final, now_s, muted=muted):
            self._company.cried(now_s)
        believed = self._company.believes(final, ended_at_s)
        if final.voiced and not muted:
            self._company.heard(final.accepted, began_at_s, ended_at_s)
        self._turns.add(Stretch(final.readings if believed else (), began_at_s, ended_at_s))
        if self._talk is not None and not believed:
            self._talk.missed(final, began_at_s, ended_at_s)

    def _dictated(self, told: Sequence[HearingEvent], now_s: float) -> list[HearingEvent]:
        """What came of unclear turns; one with a safety word goes to the watch alone, which makes Hani ask."""
        if self._talk is None:
            return []
        for event in told:
            if isinstance(event, Unclear):
                self._talk.unclear(event)
        return [
            one
            for one in self._talk.poll(now_s)
            if not self.watch.dictated(one.heard.readings[0], one.heard.speech_began_at_s, one.heard.speech_ended_at_s)
        ]

    def end(self, now_s: float) -> list[HearingEvent]:
        """End of the stream: the turn that was still open."""
        return _told(self._turns.close(now_s), now_s)


class Listener(Hearing):
    """With a recogniser in the same process. Feed it every chunk in order."""

    def __init__(
        self,
        recognizer: Recognizer,
        spotter: SafetySpotter,
        patience_s: float = FIRST_PATIENCE_S,
        complete: Complete = never_complete,
    ) -> None:
        super().__init__(SafetyWatch(spotter), patience_s, complete)
        self._recognizer = recognizer

    def feed(self, chunk: AudioChunk, now_s: float) -> list[HearingEvent]:
        """Take a chunk at `now_s` and return what came of it; empty most of the time."""
        return self.take(chunk, self._recognizer.accept(chunk.samples), now_s)

    def finish(self, now_s: float) -> list[HearingEvent]:
        """End of the stream: what was still open."""
        self.take_late(AudioChunk(np.zeros(0, np.int16), now_s), self._recognizer.flush(), None)
        words: list[HearingEvent] = list(self.watch.poll(now_s))
        return words + self.end(now_s)


def _told(turn: tuple[Stretch, ...] | None, now_s: float) -> list[HearingEvent]:
    if turn is None:
        return []
    began_at_s, ended_at_s = turn[0].began_at_s, turn[-1].ended_at_s
    readings = joined(turn)
    if not readings:
        return [Unclear(began_at_s, ended_at_s)]
    return [Heard(str(uuid7()), readings, began_at_s, ended_at_s, now_s)]
