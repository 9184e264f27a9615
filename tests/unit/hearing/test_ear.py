"""The way of a chunk through the ear, with a fake in place of the recogniser's process."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from robot.messages import Heard, Language, Reading, SafetyKind, SafetyWord
from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, load_clip
from robot.speech.decoder_link import Decoded, DecoderLink
from robot.speech.ear import BargedIn, Ear
from robot.speech.front_end import Gain, level_dbfs
from robot.speech.listener import Hearing
from robot.speech.recognizer import FinalResult
from robot.speech.safety import SafetySpotter
from robot.speech.safety_watch import WAIT_S, SafetyWatch
from tests.unit.hearing.conftest import DATA
from tests.unit.hearing.test_echo import LEAD, STARTED_S, microphone, reference

pytestmark = pytest.mark.unit

HELLO = FinalResult((Reading("你好", Language.ZH, 0.9),), 0.95)
HELP = FinalResult((Reading("救命", Language.ZH, 0.9),), 0.95)
SPOTTER = SafetySpotter({(Language.ZH, "救命"): SafetyKind.HELP})


class FakeLink:
    """A fake, not a recogniser: `answers` maps the number of a chunk to the chunks that are answered with it."""

    real_time_factor, lost_s, left_out, restarts, fault, has_safety = 0.1, 0.0, 0, 0, "", False

    def __init__(self, finals: dict[int, FinalResult], away: range = range(0)) -> None:
        self._finals = finals
        self._away = away
        self._waiting: list[tuple[int, AudioChunk]] = []
        self._number = 0
        self.heard: list[AudioChunk] = []

    def feed(self, chunk: AudioChunk, *, voiced: bool) -> list[Decoded]:
        self.heard.append(chunk)
        self._waiting.append((self._number, chunk))
        self._number += 1
        if self._number in self._away:
            return []
        answers = [Decoded(chunk, self._finals.get(number), None, False) for number, chunk in self._waiting]
        self._waiting.clear()
        return answers

    def behind_s(self) -> float:
        return len(self._waiting) * CHUNK_S


def ear(link: FakeLink, gain: Gain | None = None) -> tuple[Ear, Hearing]:
    hearing = Hearing(SafetyWatch(SPOTTER))
    return Ear(hearing, cast(DecoderLink, link), gain), hearing


def fed(one: Ear, sound: np.ndarray, from_s: float = 100.0) -> list[tuple[float, object]]:
    told = []
    samples = np.clip(sound, -32_768, 32_767).astype(np.int16)
    for first in range(0, len(samples) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES):
        at_s = from_s + first / SAMPLE_RATE_HZ
        chunk = AudioChunk(samples[first : first + CHUNK_SAMPLES], at_s)
        told += [(round(at_s - from_s, 1), event) for event in one.take(chunk, chunk.ended_at_s)]
    return told


def room_with(clip: str, at_s: float, length_s: float, louder: float = 1.0) -> np.ndarray:
    sound = np.random.default_rng(0).normal(0.0, 15.0, round(length_s * SAMPLE_RATE_HZ))
    speech = load_clip(DATA / clip).astype(float) * louder
    first = round(at_s * SAMPLE_RATE_HZ)
    sound[first : first + len(speech)] += speech
    return sound


def test_a_recogniser_that_was_away_changes_no_turn() -> None:
    """The times of speech are those of the sound: late answers are joined as if they had come at once."""
    sound = room_with("mn/L8-K1_A.flac", 1.0, 12.0)
    turns = []
    for away in (range(0), range(20, 60)):
        one, _ = ear(FakeLink({18: HELLO, 35: HELLO}, away))
        turns.append([event for _, event in fed(one, sound) if isinstance(event, Heard)])
    prompt, late = turns
    assert [(h.text, h.speech_began_at_s, h.speech_ended_at_s) for h in prompt] == [
        (h.text, h.speech_began_at_s, h.speech_ended_at_s) for h in late
    ]


def test_however_far_behind_the_safety_decoder_stays_the_witness() -> None:
    """Both answer in one message: on a slow board neither is without the other."""
    link = FakeLink({}, away=range(1, 100))
    link.has_safety = True
    one, hearing = ear(link)
    fed(one, np.zeros(30 * CHUNK_SAMPLES))
    assert link.behind_s() > WAIT_S
    assert hearing.watch.decoder_there


def test_a_quiet_voice_is_raised_for_the_recogniser_and_health_is_measured_before() -> None:
    link = FakeLink({})
    one, _ = ear(link, Gain())
    sound = np.concatenate([room_with("mn/L8-K1_A.flac", 1.0, 4.0, louder=0.05)] * 5)
    fed(one, sound)
    clip_s = len(load_clip(DATA / "mn" / "L8-K1_A.flac")) / SAMPLE_RATE_HZ
    middle = round((16.0 + 1.0 + clip_s / 2) / CHUNK_S)
    raw = level_dbfs(np.clip(sound, -32_768, 32_767).astype(np.int16)[middle * CHUNK_SAMPLES :][:CHUNK_SAMPLES])
    assert level_dbfs(link.heard[middle].samples) > raw + 6.0
    assert one.status().gain_db > 6.0
    assert one.status().microphone.floor_dbfs < -60.0


@pytest.mark.parametrize("known", [True, False])
def test_our_own_voice_leaves_the_gain_for_the_answer(known: bool) -> None:
    one, _ = ear(FakeLink({}), Gain())
    fed(one, np.concatenate([room_with("mn/L8-K1_A.flac", 1.0, 4.0, louder=0.05)] * 5), from_s=60.0)
    before_db = one.status().gain_db
    assert before_db > 6.0
    one.voice_began(reference() if known else None, STARTED_S)
    own = microphone(0.3, 35.0)
    fed(one, own)
    assert one.status().gain_db == before_db
    one.voice_ended(100.0 + len(own) / SAMPLE_RATE_HZ)
    fed(one, np.concatenate([room_with("mn/L8-K1_A.flac", 1.0, 4.0)] * 2), from_s=130.0)
    assert one.status().gain_db < before_db - 3.0  # it follows again


def test_somebody_speaks_over_hani_and_is_heard_from_their_first_word() -> None:
    near = load_clip(DATA / "mn" / "L8-K1_B.flac").astype(float)
    sound = microphone(0.3, 35.0, near=near)
    final_at = round((LEAD / SAMPLE_RATE_HZ + 3.5 + len(near) / SAMPLE_RATE_HZ + 0.6) / CHUNK_S)
    one, hearing = ear(FakeLink({final_at: HELLO}))
    hearing.mute(STARTED_S)
    one.voice_began(reference(), STARTED_S)
    told = []
    for at_s, event in fed(one, sound):
        told.append(event)
        if isinstance(event, BargedIn):
            hearing.barge_in(event.began_at_s)
            assert 3.9 < at_s < 5.5
    assert [type(event) for event in told if not isinstance(event, Heard)][:1] == [BargedIn]
    assert one.status().erle_db is not None


def test_without_a_barge_in_only_safety_words_pass_hanis_own_voice() -> None:
    for final, expected in ((HELLO, []), (HELP, [SafetyWord])):
        one, hearing = ear(FakeLink({40: final}))
        hearing.mute(STARTED_S)
        one.voice_began(None, STARTED_S)
        told = fed(one, microphone(0.3, 35.0))
        assert [type(event) for _, event in told] == expected


def test_after_the_voice_the_sound_is_left_alone() -> None:
    link = FakeLink({})
    one, _ = ear(link)
    one.voice_began(reference(), STARTED_S)
    fed(one, microphone(0.3, 35.0))
    one.voice_ended(107.0)
    quiet = np.random.default_rng(1).normal(0.0, 15.0, 2 * SAMPLE_RATE_HZ)
    fed(one, quiet, from_s=109.0)
    assert np.array_equal(link.heard[-1].samples, quiet.astype(np.int16)[-CHUNK_SAMPLES:])
