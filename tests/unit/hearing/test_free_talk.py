"""Which turns are dictated, and what becomes of their texts."""

from __future__ import annotations

import numpy as np
import pytest

from robot.messages import Heard, Language, Reading, SafetyKind, SafetyWord, Unclear
from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, AudioChunk, Samples
from robot.speech.free_talk import LATE_S, Dictated, FreeTalk
from robot.speech.listener import Hearing, HearingEvent
from robot.speech.recognizer import FinalResult
from robot.speech.safety import SafetySpotter
from robot.speech.safety_watch import SafetyWatch

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN
MUMBLE = FinalResult((), 0.1)
MONGOLIAN = FinalResult((Reading("сайн байна уу", MN, 0.2),), 0.2)
EITHER = FinalResult((Reading("сайн уу", MN, 0.2), Reading("三", ZH, 0.1)), 0.2)
HELLO = FinalResult((Reading("你好", ZH, 0.9),), 0.95)
TALK = Reading("我年轻的时候在草原上放羊", ZH, 0.8)
CRY = Reading("奶奶在喊救命呢快去看看", ZH, 0.8)


class FakeWriter:
    """A fake: writes the same of whatever it gets, so many chunks later."""

    def __init__(self, reading: Reading | None, after: int = 3) -> None:
        self._reading = reading
        self._after = after
        self._due: list[tuple[int, int]] = []
        self.asked: list[Samples] = []
        self._now = 0

    def ask(self, number: int, samples: Samples) -> None:
        self.asked.append(samples)
        self._due.append((self._now + self._after, number))

    def take(self) -> list[tuple[int, Reading | None]]:
        self._now += 1
        came = [(number, self._reading) for due, number in self._due if due <= self._now]
        self._due = [(due, number) for due, number in self._due if due > self._now]
        return came


def heard(
    writer: FakeWriter | None, finals: dict[int, FinalResult], chunks: int = 150, muted: bool = False
) -> list[HearingEvent]:
    """What comes of speech from 0.5 to 1.5 s (and whatever the finals say of it)."""
    watch = SafetyWatch(SafetySpotter({(ZH, "救命"): SafetyKind.HELP}))
    hearing = Hearing(watch, talk=FreeTalk(writer) if writer else None)
    if muted:
        hearing.mute(0.0)
    told: list[HearingEvent] = []
    for number in range(chunks):
        level = 3000.0 if 5 <= number < 15 else 10.0
        noise = np.random.default_rng(number).normal(0.0, level, CHUNK_SAMPLES).astype(np.int16)
        chunk = AudioChunk(noise, number * CHUNK_S)
        told += hearing.take(chunk, finals.get(number), chunk.ended_at_s)
    return told


@pytest.mark.parametrize("final", [MUMBLE, EITHER])
def test_an_unclear_turn_is_told_at_once_and_its_text_follows(final: FinalResult) -> None:
    writer = FakeWriter(TALK)
    unclear, dictated = heard(writer, {20: final})
    assert isinstance(unclear, Unclear)
    assert isinstance(dictated, Dictated)
    assert dictated.heard.readings == (TALK,)
    assert (dictated.heard.speech_began_at_s, dictated.heard.speech_ended_at_s) == (
        unclear.speech_began_at_s,
        unclear.speech_ended_at_s,
    )
    (sound,) = writer.asked
    assert 1.0 <= len(sound) / 16_000 <= 2.0  # what was said and a little around it
    assert float(np.abs(sound).max()) > 3000.0


@pytest.mark.parametrize("final", [HELLO, MONGOLIAN])
def test_what_is_understood_or_mongolian_is_not_dictated(final: FinalResult) -> None:
    writer = FakeWriter(TALK)
    assert not any(isinstance(event, Dictated) for event in heard(writer, {20: final}))
    assert writer.asked == []


def test_what_was_said_over_hanis_own_voice_is_not_dictated() -> None:
    writer = FakeWriter(TALK)
    assert heard(writer, {20: MUMBLE}, muted=True) == []
    assert writer.asked == []


def test_without_dictation_or_an_answer_in_time_the_turn_stays_unclear() -> None:
    late = FakeWriter(TALK, after=round(LATE_S / CHUNK_S) + 5)
    for writer in (None, late, FakeWriter(None)):
        assert [type(event) for event in heard(writer, {20: MUMBLE})] == [Unclear]


def test_a_turn_that_was_understood_in_part_is_no_free_talk() -> None:
    writer = FakeWriter(TALK)
    assert [type(event) for event in heard(writer, {12: MUMBLE, 20: HELLO})] == [Heard]
    assert writer.asked == []


def test_a_cry_in_a_dictated_text_makes_hani_ask_and_is_no_talk() -> None:
    unclear, word = heard(FakeWriter(CRY), {20: MUMBLE})
    assert isinstance(unclear, Unclear)
    assert isinstance(word, SafetyWord)
    assert (word.kind, word.certain) == (SafetyKind.HELP, False)


def test_the_sound_of_half_a_minute_ago_is_forgotten() -> None:
    talk = FreeTalk(FakeWriter(None))
    for number in range(3000):
        talk.keep(AudioChunk(np.zeros(CHUNK_SAMPLES, np.int16), number * CHUNK_S))
    assert len(talk._kept) * CHUNK_S == pytest.approx(25.0)
