from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from robot.messages import Heard, Language, Reading, SafetyKind, SafetyWord
from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, AudioChunk
from robot.speech.company import ANSWER_WITHIN_S
from robot.speech.listener import HearingEvent, Listener, Unclear
from robot.speech.patience import Question
from robot.speech.recognizer import FakeRecognizer, FinalResult, VoskRecognizer
from robot.speech.room_source import RoomSource
from robot.speech.safety import SafetySpotter
from robot.speech.turns import Stretch
from tests.unit.hearing.conftest import DATA
from tests.unit.hearing.test_room_source import Time

pytestmark = pytest.mark.unit

SPOTTER = SafetySpotter({(Language.ZH, "救命"): SafetyKind.HELP})
NO_WORDS = SafetySpotter({})
HELP = FinalResult((Reading("救命", Language.ZH, 0.9),), 0.95)
HELLO = FinalResult((Reading("你好", Language.ZH, 0.9),), 0.95)
MUMBLE = FinalResult((Reading("你好", Language.ZH, 0.2),), 0.2)


def chunk(number: int, loud: bool) -> AudioChunk:
    level = 3000.0 if loud else 10.0
    noise = np.random.default_rng(number).normal(0.0, level, CHUNK_SAMPLES).astype(np.int16)
    return AudioChunk(noise, number * CHUNK_S)


def run(listener: Listener, chunks: int, loud: range = range(5, 15)) -> list[tuple[float, HearingEvent]]:
    """Feed quiet and loud chunks; every event with the time it came."""
    told = []
    for number in range(chunks):
        now_s = (number + 1) * CHUNK_S
        told += [(now_s, event) for event in listener.feed(chunk(number, number in loud), now_s)]
    return told


def final_at(number: int, final: FinalResult) -> FakeRecognizer:
    return FakeRecognizer([None] * number + [final])


def test_a_turn_carries_the_times_of_its_speech_and_comes_after_the_patience() -> None:
    ((at_s, heard),) = run(Listener(final_at(20, HELLO), NO_WORDS), 50)
    assert isinstance(heard, Heard)
    assert heard.text == "你好"
    assert (heard.speech_began_at_s, heard.speech_ended_at_s) == pytest.approx((0.5, 1.5), abs=0.03)
    assert at_s == heard.heard_at_s == pytest.approx(1.5 + 1.2, abs=0.11)


def test_a_pause_after_which_the_first_part_is_told_is_as_long_as_it_was() -> None:
    """0.9 s inside a sentence; the first part is told 0.2 s into the second."""
    late = replace(HELLO, ahead_s=0.2)
    listener = Listener(FakeRecognizer([*[None] * 25, late, *[None] * 14, HELLO]), NO_WORDS)
    stretches: list[Stretch] = []
    add = listener._turns.add
    listener._turns.add = lambda stretch: (stretches.append(stretch), add(stretch))[1]  # type: ignore[method-assign]
    told = [
        event
        for number in range(70)
        for event in listener.feed(chunk(number, number in (*range(5, 15), *range(24, 32))), (number + 1) * CHUNK_S)
    ]
    assert [(s.began_at_s, s.ended_at_s) for s in stretches] == [
        pytest.approx((0.5, 1.5), abs=0.05),
        pytest.approx((2.4, 3.2), abs=0.05),
    ]
    assert [type(event) for event in told] == [Heard]


def test_a_safety_word_does_not_wait_for_the_turn() -> None:
    (first_s, word), (second_s, heard) = run(Listener(final_at(20, HELP), SPOTTER), 50)
    assert isinstance(word, SafetyWord)
    assert word.certain
    assert isinstance(heard, Heard)
    assert first_s == pytest.approx(2.1)
    assert second_s > first_s


def test_while_hani_speaks_only_safety_words_pass() -> None:
    for final, expected in ((HELLO, []), (HELP, [SafetyWord])):
        listener = Listener(final_at(20, final), SPOTTER)
        listener.mute(0.0)
        assert [type(event) for _, event in run(listener, 60)] == expected


def test_after_a_closed_question_the_answer_comes_sooner() -> None:
    listener = Listener(final_at(20, HELLO), NO_WORDS)
    listener.mute(-5.0)
    listener.unmute(-1.0, Question.CLOSED)
    ((at_s, _),) = run(listener, 50)
    assert at_s == pytest.approx(2.1, abs=0.11)


def test_speech_that_is_no_phrase_is_told_as_unclear() -> None:
    ((_, event),) = run(Listener(final_at(20, MUMBLE), NO_WORDS), 50)
    assert isinstance(event, Unclear)
    assert event.speech_ended_at_s == pytest.approx(1.5, abs=0.03)


def test_the_end_of_the_stream_gives_out_what_was_open() -> None:
    listener = Listener(final_at(20, HELLO), NO_WORDS)
    assert run(listener, 22) == []
    (heard,) = listener.finish(2.2)
    assert isinstance(heard, Heard)


def test_a_clip_in_the_room_is_heard_as_one_turn_of_its_language(recognizer: VoskRecognizer) -> None:
    """The whole path but the microphone: room, recogniser, activity, turn."""
    time = Time()
    room = RoomSource(time.clock, time.sleep)
    listener = Listener(recognizer, NO_WORDS)
    clip = DATA / "mn" / "L8-K1_A.flac"
    ends_at_s = room.play(clip, 1001.0)
    told = [event for piece in islice(room.chunks(), 60) for event in listener.feed(piece, time.now_s)]
    (heard,) = told
    assert isinstance(heard, Heard)
    assert (heard.language, heard.text) == (Language.MN, "одоо хэдэн цаг вэ")
    assert 1001.0 <= heard.speech_began_at_s < heard.speech_ended_at_s <= ends_at_s + 0.1
    assert heard.heard_at_s - heard.speech_ended_at_s < 1.5


def test_two_people_one_after_the_other_are_two_turns(recognizer: VoskRecognizer) -> None:
    time = Time()
    room = RoomSource(time.clock, time.sleep)
    listener = Listener(recognizer, NO_WORDS)
    ends_at_s = room.play(DATA / "mn" / "key-1_B.flac", 1000.5)
    room.play(DATA / "zh" / "BAC009S0252W0070.ogg", ends_at_s + 2.5)
    told = [event for piece in islice(room.chunks(), 100) for event in listener.feed(piece, time.now_s)]
    assert [(e.language, e.text) for e in told if isinstance(e, Heard)] == [
        (Language.MN, "сайн байна уу"),
        (Language.ZH, "打开兄弟抱一下"),
    ]


DOUBTFUL = FinalResult((Reading("你好", Language.ZH, 0.3),), 0.3, 0.2)


def beside_television(final: FinalResult, *, talk: FinalResult = MUMBLE, expect_s: float | None = None) -> list[str]:
    """What comes of a final after a minute of others' sentences, 4 s of sound in every 5 s."""
    finals = [talk if number % 50 == 46 else None for number in range(600)]
    listener = Listener(FakeRecognizer([*finals, *[None] * 55, final]), SPOTTER)
    if expect_s is not None:
        listener.expect_answer(expect_s)
    syllables = (2, 3, 5, 6, 7)  # of ten chunks: even noise is no speech
    loud = {number for number in range(600) if number % 50 < 40 and number % 10 in syllables} | set(range(640, 650))
    told = [
        event
        for number in range(700)
        for event in listener.feed(chunk(number, number in loud), (number + 1) * CHUNK_S)
        if number >= 640
    ]
    return [f"{type(e).__name__} {e.certain}" if isinstance(e, SafetyWord) else type(e).__name__ for e in told]


def test_beside_a_television_a_doubtful_command_is_unclear_unless_an_answer_is_expected() -> None:
    assert beside_television(DOUBTFUL) == ["Unclear"]
    assert beside_television(HELLO) == ["Heard"]
    assert beside_television(DOUBTFUL, expect_s=70.0) == ["Heard"]
    assert beside_television(DOUBTFUL, talk=HELLO) == ["Heard"], "commands are nobody's company"


def test_beside_a_television_a_cry_is_asked_about() -> None:
    assert beside_television(HELP)[0] == "SafetyWord False"
    assert beside_television(HELP, expect_s=70.0)[0] == "SafetyWord True"


def test_after_a_question_an_answer_is_expected() -> None:
    listener = Listener(final_at(20, HELLO), NO_WORDS)
    for question, until_s in ((Question.NONE, -np.inf), (Question.CLOSED, 5.0 + ANSWER_WITHIN_S)):
        listener.mute(0.0)
        listener.unmute(5.0, question)
        assert listener._company._answer_until_s == until_s
