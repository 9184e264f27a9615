"""Our own voice in rooms that are made: exponential decay of noise behind a direct path, and noise at 40 to 25 dB."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from robot.speech.activity import SpeechActivity
from robot.speech.audio import CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, load_clip
from robot.speech.echo import BargeIn, Cleaned, EchoCanceller, delay_of
from tests.unit.hearing.conftest import DATA

pytestmark = pytest.mark.unit

Sound = NDArray[np.float64]
STARTED_S = 100.5
LEAD = 8_000  # samples before the loudspeaker begins


@lru_cache
def reference() -> NDArray[np.int16]:
    clips = [load_clip(DATA / "zh" / name) for name in ("BAC009S0252W0476.ogg", "BAC009S0150W0493.ogg")]
    return np.concatenate(clips)


def room(reverberation_s: float, delay: int, seed: int) -> Sound:
    rng = np.random.default_rng(seed)
    tail = rng.normal(0, 0.15, 4_000) * 10 ** (-3 * np.arange(4_000) / SAMPLE_RATE_HZ / reverberation_s)
    tail[0] = 1.0
    way = np.concatenate([np.zeros(delay), tail])
    return way / np.sqrt(np.sum(way**2))


def microphone(
    reverberation_s: float = 0.4, snr_db: float = 30.0, delay: int = 900, seed: int = 0, near: Sound | None = None
) -> Sound:
    """What is heard while the reference is played; `near` (beside it) begins 3.5 s after the voice."""
    rng = np.random.default_rng(seed)
    played = np.convolve(reference().astype(float), room(reverberation_s, delay, seed))
    heard = np.zeros(LEAD + len(played) + 16_000)
    heard[LEAD : LEAD + len(played)] = played * 0.5
    level = float(np.std(played * 0.5))
    if near is not None:
        at = LEAD + round(3.5 * SAMPLE_RATE_HZ)
        heard[at : at + len(near)] += near / np.std(near) * level
    return heard + rng.normal(0, level * 10 ** (-snr_db / 20), len(heard))


def cleaned(heard: Sound, told_late_s: float = 0.0) -> list[Cleaned]:
    canceller = EchoCanceller()
    canceller.begin(reference(), STARTED_S + told_late_s)
    samples = np.clip(heard, -32_768, 32_767).astype(np.int16)
    firsts = range(0, len(samples) - CHUNK_SAMPLES, CHUNK_SAMPLES)
    return [
        canceller.take(AudioChunk(samples[first : first + CHUNK_SAMPLES], 100.0 + first / SAMPLE_RATE_HZ))
        for first in firsts
    ]


def barged_in_at_s(heard: Sound) -> float | None:
    """Seconds after the voice began."""
    barge_in, activity = BargeIn(), SpeechActivity()
    for piece in cleaned(heard):
        activity.feed(piece.chunk.samples, piece.chunk.began_at_s)
        if barge_in.feed(piece, activity.voiced_s) is not None:
            return piece.chunk.ended_at_s - STARTED_S
    return None


@pytest.mark.parametrize("reverberation_s", [0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("snr_db", [40, 25])
def test_the_echo_is_weakened(reverberation_s: float, snr_db: int) -> None:
    """Echo return loss enhancement from 2.5 s on: at least 8 dB, and 12 dB from 5 s on."""
    heard = microphone(reverberation_s, snr_db)
    left = np.concatenate([piece.chunk.samples for piece in cleaned(heard)]).astype(float)
    heard = heard[: len(left)]

    def erle_db(from_s: float, until_s: float) -> float:
        part = slice(round(from_s * SAMPLE_RATE_HZ), round(until_s * SAMPLE_RATE_HZ))
        return float(10 * np.log10(np.mean(heard[part] ** 2) / np.mean(left[part] ** 2)))

    assert erle_db(2.5, 5.0) > 8.0
    assert erle_db(5.0, 7.0) > 12.0


@pytest.mark.parametrize("told_late_s", [-0.3, -0.1, 0.0, 0.2])
@pytest.mark.parametrize("delay", [40, 3_200])
def test_the_echo_is_found_though_the_clocks_disagree(told_late_s: float, delay: int) -> None:
    """Up to 0.3 s early or 0.2 s late, through a loudspeaker of 3 ms or a wireless one of 0.2 s."""
    assert max(piece.erle_db or 0.0 for piece in cleaned(microphone(delay=delay), told_late_s)) > 10.0


def test_the_delay_is_that_of_the_strongest_path() -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 1, 8_000)
    heard = np.concatenate([np.zeros(1_234), 0.3 * sound, np.zeros(4_000)]) + rng.normal(0, 0.1, 13_234)
    delay, clear = delay_of(sound, heard)
    assert delay == 1_234
    assert clear > 8.0
    assert delay_of(sound, rng.normal(0, 1, 13_234))[1] < 8.0


@pytest.mark.parametrize("seed", range(4))
def test_our_own_voice_never_interrupts_us(seed: int) -> None:
    reverberation_s, snr_db = [(0.3, 40.0), (0.5, 20.0), (0.8, 30.0), (0.6, 25.0)][seed]
    assert barged_in_at_s(microphone(reverberation_s, snr_db, seed=seed)) is None


@pytest.mark.parametrize("clip", ["mn/L8-K1_B.flac", "mn/L8-K1_A.flac", "mn/suvival-phrases-repeat_A.flac"])
def test_somebody_who_speaks_over_us_as_loud_as_we_are_is_noticed_soon(clip: str) -> None:
    at_s = barged_in_at_s(microphone(0.3, 35.0, near=load_clip(DATA / clip).astype(float)))
    assert at_s is not None
    assert 3.7 < at_s < 5.0


def test_a_knock_is_no_speech() -> None:
    """Shorter than 0.3 s."""
    knock = np.random.default_rng(0).normal(0, 1, round(0.15 * SAMPLE_RATE_HZ))
    assert barged_in_at_s(microphone(0.3, 35.0, near=knock)) is None


def test_a_voice_that_is_not_heard_changes_nothing() -> None:
    """Headphones, or a loudspeaker in another room: the sound passes as it is."""
    heard = np.random.default_rng(0).normal(0, 300.0, 6 * SAMPLE_RATE_HZ)
    pieces = cleaned(heard)
    assert np.array_equal(pieces[-1].chunk.samples, heard.astype(np.int16)[-2 * CHUNK_SAMPLES : -CHUNK_SAMPLES])
    assert pieces[-1].erle_db is None
    assert not any(piece.settled for piece in pieces)


def test_without_a_text_chunks_come_back_untouched() -> None:
    chunk = AudioChunk(np.arange(CHUNK_SAMPLES, dtype=np.int16), 1.0)
    canceller = EchoCanceller()
    assert canceller.take(chunk) == Cleaned(chunk)
    canceller.begin(reference(), 0.0)
    canceller.end()
    assert canceller.take(chunk).chunk is chunk


def test_an_empty_reference_is_harmless() -> None:
    canceller = EchoCanceller()
    canceller.begin(np.zeros(0, np.int16), 100.0)
    noise = np.random.default_rng(0).normal(0, 300.0, CHUNK_SAMPLES).astype(np.int16)
    pieces = [canceller.take(AudioChunk(noise, 100.0 + number * 0.1)) for number in range(40)]
    assert not any(piece.settled for piece in pieces)


def test_a_clock_set_back_makes_it_wait_no_longer_than_twenty_seconds() -> None:
    canceller = EchoCanceller()
    canceller.begin(reference(), 3700.0)
    noise = np.random.default_rng(0).normal(0, 300.0, CHUNK_SAMPLES).astype(np.int16)
    pieces = [canceller.take(AudioChunk(noise, 100.0 + number * 0.1)) for number in range(210)]
    assert [piece.erle_db for piece in pieces[:200]] == [0.0] * 200
    assert [piece.erle_db for piece in pieces[200:]] == [None] * 10
