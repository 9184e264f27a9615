"""A voice is told from a household's noise, at any level and however the sound is cut into chunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import Language, Reading
from robot.speech.audio import load_clip
from robot.speech.evaluation import noise
from robot.speech.recognizer import FinalResult
from robot.speech.voicing import LEAST_RUN, VoiceMeter
from tests.unit.hearing.conftest import clips

pytestmark = pytest.mark.unit

RATE_HZ = 16_000


def longest_run(sound: np.ndarray, chunk: int = 1_600) -> int:
    meter = VoiceMeter()
    for at in range(0, len(sound), chunk):
        meter.feed(sound[at : at + chunk])
    return meter.take()


@pytest.mark.parametrize("kind", sorted(noise.HOUSEHOLD))
def test_household_noise_has_no_voice(kind: str) -> None:
    for seed in range(5):
        wave = noise.HOUSEHOLD[kind](2 * RATE_HZ, np.random.default_rng(seed))
        sound = noise.as_int16(wave / np.sqrt(np.mean(np.square(wave))) * 2_000.0)
        assert longest_run(sound) < LEAST_RUN


def test_speech_has_a_voice_also_ten_decibels_above_a_kettle() -> None:
    for clip in clips():
        sound = load_clip(clip.path)
        kettle = noise.HOUSEHOLD["kettle"](len(sound), np.random.default_rng(1))
        assert longest_run(sound) >= LEAST_RUN
        assert longest_run(noise.with_noise(sound, kettle, 10)) >= LEAST_RUN


@given(st.integers(1, 5_000), st.sampled_from([0.05, 0.3, 1.0]))
def test_chunks_and_level_change_nothing(chunk: int, gain: float) -> None:
    at_s = np.arange(RATE_HZ) / RATE_HZ
    vowel = sum(np.sin(2 * np.pi * 140.0 * k * at_s) / k for k in range(1, 9)) * 5_000.0
    sound = (np.concatenate([np.zeros(4_000), vowel[:4_800], np.zeros(4_000)]) * gain).astype(np.int16)
    assert longest_run(sound, chunk) == longest_run(sound) >= LEAST_RUN


def test_nothing_and_silence_have_no_voice_and_a_stretch_is_forgotten_when_it_was_told() -> None:
    meter = VoiceMeter()
    assert meter.take() == 0
    meter.feed(np.zeros(8_000, np.int16))
    assert meter.take() == 0
    at_s = np.arange(RATE_HZ) / RATE_HZ
    meter.feed((np.sin(2 * np.pi * 150 * at_s) * 9_000).astype(np.int16))
    assert meter.take() >= LEAST_RUN
    meter.feed(np.zeros(8_000, np.int16))
    assert meter.take() == 0


def test_the_voice_of_the_next_stretch_is_kept_for_it() -> None:
    meter = VoiceMeter()
    at_s = np.arange(RATE_HZ // 2) / RATE_HZ
    meter.feed(np.concatenate([np.zeros(RATE_HZ, np.int16), (np.sin(2 * np.pi * 150 * at_s) * 9_000).astype(np.int16)]))
    assert meter.take(0.55) < LEAST_RUN
    assert meter.take() >= LEAST_RUN
    assert meter.take() == 0


def test_what_has_no_voice_is_not_believed() -> None:
    heard = FinalResult((Reading("救命", Language.ZH, 0.9),), 0.9)
    assert heard.accepted
    assert not replace(heard, voiced=False).accepted
