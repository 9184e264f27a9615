"""The hearing of one stream: recogniser, safety words and turns joined. Knows no device, no clock and no thread."""

from __future__ import annotations

from dataclasses import dataclass

from uuid6 import uuid7

from robot.messages import Heard, SafetyWord
from robot.speech.activity import SpeechActivity
from robot.speech.audio import AudioChunk
from robot.speech.recognizer import FinalResult, Recognizer
from robot.speech.safety import SafetySpotter
from robot.speech.turns import FIRST_PATIENCE_S, Question, Stretch, Turns, joined


@dataclass(frozen=True, slots=True)
class Unclear:
    """Somebody spoke, and not one known phrase was in it: an answer, but not one to act on."""

    speech_began_at_s: float
    speech_ended_at_s: float


HearingEvent = Heard | SafetyWord | Unclear


class Listener:
    """Feed it every chunk in order; it answers with what is to be published, safety words first."""

    def __init__(self, recognizer: Recognizer, spotter: SafetySpotter, patience_s: float = FIRST_PATIENCE_S) -> None:
        self._recognizer = recognizer
        self._spotter = spotter
        self._turns = Turns(patience_s)
        self._activity = SpeechActivity()

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

    def feed(self, chunk: AudioChunk, now_s: float) -> list[HearingEvent]:
        """Take a chunk at `now_s` and return what came of it; empty most of the time."""
        self._activity.feed(chunk.samples, chunk.began_at_s)
        events = self._take(self._recognizer.accept(chunk.samples), chunk.ended_at_s, now_s)
        turn = self._turns.poll(chunk.ended_at_s, speaking=self._activity.speaking)
        return events + _told(turn, now_s)

    def finish(self, now_s: float) -> list[HearingEvent]:
        """End of the stream: what was still open."""
        events = self._take(self._recognizer.flush(), now_s, now_s)
        return events + _told(self._turns.close(now_s), now_s)

    def _take(self, final: FinalResult | None, ended_at_s: float, now_s: float) -> list[HearingEvent]:
        if final is None:
            return []
        began_at_s, ended_at_s = self._activity.take() or (ended_at_s, ended_at_s)
        self._turns.add(Stretch(final.readings if final.accepted else (), began_at_s, ended_at_s))
        word = self._spotter.spot(final, now_s, strict=self._turns.muted)
        return [word] if word else []


def _told(turn: tuple[Stretch, ...] | None, now_s: float) -> list[HearingEvent]:
    if turn is None:
        return []
    began_at_s, ended_at_s = turn[0].began_at_s, turn[-1].ended_at_s
    readings = joined(turn)
    if not readings:
        return [Unclear(began_at_s, ended_at_s)]
    return [Heard(str(uuid7()), readings, began_at_s, ended_at_s, now_s)]
