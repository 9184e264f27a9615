from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, Samples
from robot.speech.front_end import ChannelChoice, Conditioner, Gain, Meter, level_dbfs

pytestmark = pytest.mark.unit


def tone(rate_hz: int, length_s: float, level: float = 8000.0, hz: float = 440.0) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * length_s)) / rate_hz)


def conditioned(sound: np.ndarray, rate_hz: int, channels: int, block: int) -> list[AudioChunk]:
    """Blocks of a device; the clock stands at the end of each."""
    conditioner = Conditioner(rate_hz, channels)
    blocks = sound.astype(np.int16).reshape(-1, channels)
    chunks = []
    for first in range(0, len(blocks), block):
        piece = blocks[first : first + block]
        chunks += conditioner.take(piece, 100.0 + (first + len(piece)) / rate_hz)
    return chunks


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 32_000, 44_100, 48_000, 96_000])
def test_any_rate_becomes_16_khz_without_a_seam(rate_hz: int) -> None:
    chunks = conditioned(tone(rate_hz, 3.0), rate_hz, 1, round(rate_hz * 0.1))
    assert {len(chunk.samples) for chunk in chunks} == {CHUNK_SAMPLES}
    assert len(chunks) >= 29
    sound = np.concatenate([chunk.samples for chunk in chunks]).astype(float)[8_000:40_000]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    best = int(np.argmax(spectrum))
    assert best * SAMPLE_RATE_HZ / len(sound) == pytest.approx(440.0, abs=1.0)
    rest = spectrum.sum() - spectrum[best - 4 : best + 5].sum()
    assert rest < 1e-5 * spectrum.sum()  # clicks at the seams would be seen here


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=30))
@settings(deadline=None)
def test_whatever_blocks_a_device_delivers_every_sample_comes_out_once_in_order(blocks: list[int]) -> None:
    conditioner = Conditioner(SAMPLE_RATE_HZ, 1)
    sound = (np.arange(sum(blocks)) % 200 - 100).astype(np.int16)
    out: list[AudioChunk] = []
    at = 0
    for length in blocks:
        out += conditioner.take(sound[at : at + length, None], 50.0 + (at + length) / SAMPLE_RATE_HZ)
        at += length
    assert len(out) == sum(blocks) // CHUNK_SAMPLES
    assert [chunk.began_at_s for chunk in out] == pytest.approx([50.0 + n * CHUNK_S for n in range(len(out))])
    heard = np.concatenate([chunk.samples for chunk in out]) if out else np.zeros(0)
    assert np.abs(heard - sound[: len(heard)]).max(initial=0) <= 101  # but for the offset, which is taken out


def test_an_offset_is_taken_out() -> None:
    chunks = conditioned(tone(16_000, 2.0, 1000.0) + 5000.0, 16_000, 1, 1600)
    assert abs(float(np.mean(chunks[-1].samples))) < 20.0


def test_of_two_microphones_the_one_that_hears_is_taken() -> None:
    """One is covered and noisy, and louder: loudness is no merit."""
    rng = np.random.default_rng(0)
    speech = np.concatenate([tone(16_000, 0.5), np.zeros(8_000)] * 8)
    good = speech * 0.3 + rng.normal(0, 20.0, len(speech))
    bad = speech * 0.05 + rng.normal(0, 3000.0, len(speech))
    both = np.column_stack([bad, good])
    conditioner = Conditioner(16_000, 2)
    for first in range(0, len(both), 1600):
        conditioner.take(both[first : first + 1600].astype(np.int16), first / 16_000)
    assert conditioner.channel == 1


def test_of_two_equal_microphones_the_mean_is_taken() -> None:
    rng = np.random.default_rng(0)
    choice = ChannelChoice(2)
    for number in range(80):
        speech = tone(16_000, 0.1, 300.0 if number // 5 % 2 else 0.0)
        choice.mono(speech[:, None] + rng.normal(0, 50.0, (1600, 2)), 16_000)
    assert choice.channel is None


def test_clipping_is_seen_where_it_happens_before_the_rate_is_changed() -> None:
    loud = np.clip(tone(48_000, 1.0, 60_000.0), -32_768, 32_767)
    shares = [chunk.clipped_share for chunk in conditioned(loud, 48_000, 1, 4_800)]
    assert min(shares) > 0.3
    quiet = conditioned(tone(48_000, 1.0), 48_000, 1, 4_800)
    assert {chunk.clipped_share for chunk in quiet} == {0.0}


def spoken(gain: Gain, level: float, seconds: float, noise: float = 10.0) -> list[float]:
    """Ten chunks of speech, ten of quiet; the level of each speech chunk at the end, in dB of full scale."""
    rng = np.random.default_rng(0)
    levels = []
    for number in range(round(seconds / CHUNK_S)):
        speaking = number // 10 % 2 == 1
        sound = rng.normal(0, level if speaking else noise, CHUNK_SAMPLES)
        samples = np.clip(sound, -32_768, 32_767).astype(np.int16)
        out = gain.apply(AudioChunk(samples, number * CHUNK_S), speaking=speaking)
        if speaking:
            levels.append(level_dbfs(out.samples))
    return levels


def test_a_far_voice_is_brought_near_slowly() -> None:
    levels = spoken(Gain(), 150.0, 30.0)
    assert levels[0] < -45.0
    assert all(after - before < 1.5 for before, after in pairwise(levels))
    assert levels[-1] == pytest.approx(Gain.TARGET_DB, abs=3.0)


def test_a_loud_voice_is_brought_down() -> None:
    assert spoken(Gain(), 9000.0, 30.0)[-1] == pytest.approx(Gain.TARGET_DB, abs=3.0)


def test_noise_alone_is_never_raised() -> None:
    gain = Gain()
    rng = np.random.default_rng(0)
    for number in range(600):
        gain.apply(AudioChunk(rng.normal(0, 30, CHUNK_SAMPLES).astype(np.int16), number * CHUNK_S), speaking=False)
    assert gain.gain_db == 0.0


def test_a_far_voice_in_noise_is_raised_only_as_far_as_the_noise_allows() -> None:
    gain = Gain()
    spoken(gain, 300.0, 40.0, noise=60.0)
    assert level_dbfs(np.full(10, 60, np.int16)) + gain.gain_db <= Gain.LOUDEST_NOISE_DB + 1.0


def test_a_shout_after_whispers_does_not_clip() -> None:
    gain = Gain()
    spoken(gain, 150.0, 30.0)
    assert gain.gain_db > 15.0
    shout = tone(16_000, CHUNK_S, 25_000.0).astype(np.int16)
    out = gain.apply(AudioChunk(shout, 0.0), speaking=True)
    assert int(np.abs(out.samples.astype(int)).max()) <= 30_000


def metered(make: object, seconds: float) -> Meter:
    meter = Meter()
    for number in range(round(seconds / CHUNK_S)):
        samples: Samples = make(number)  # type: ignore[operator] # a function of the chunk's number
        meter.feed(AudioChunk(samples, number * CHUNK_S))
    return meter


def room(level: float) -> object:
    return lambda number: np.random.default_rng(number).normal(0, level, CHUNK_SAMPLES).astype(np.int16)


def test_a_quiet_room_is_healthy_and_a_dead_microphone_is_not() -> None:
    """Silence is not evidence: digital zero is no quiet night."""
    assert metered(room(2.0), 120.0).health().fault == ""
    dead = metered(lambda number: np.zeros(CHUNK_SAMPLES, np.int16), 4.0)
    assert dead.health().fault == ""
    dead = metered(lambda number: np.full(CHUNK_SAMPLES, 3, np.int16), 6.0)
    assert "no sound at all" in dead.health().fault
    for number in range(5):
        dead.feed(AudioChunk(np.random.default_rng(number).normal(0, 50, CHUNK_SAMPLES).astype(np.int16), 0.0))
    assert dead.health().fault == ""


def test_a_covered_microphone_is_noticed_after_a_minute() -> None:
    faint = room(0.6)
    assert metered(faint, 50.0).health().fault == ""
    assert "nearly silent" in metered(faint, 70.0).health().fault


def test_the_level_is_that_of_the_last_second_and_the_floor_the_least() -> None:
    meter = metered(room(33.0), 5.0)
    for number in range(10):
        meter.feed(AudioChunk(tone(16_000, CHUNK_S, 10_000.0).astype(np.int16), number * CHUNK_S))
    health = meter.health()
    assert health.level_dbfs == pytest.approx(-13.3, abs=0.5)
    assert health.floor_dbfs == pytest.approx(-60.0, abs=1.0)


def test_clipping_is_a_fault_only_when_there_is_much_of_it() -> None:
    meter = Meter()
    sound = tone(16_000, CHUNK_S).astype(np.int16)
    meter.feed(AudioChunk(sound, 0.0, clipped_share=0.1))
    for number in range(20):
        meter.feed(AudioChunk(sound, number * CHUNK_S))
    assert meter.health().fault == ""
    for number in range(20):
        meter.feed(AudioChunk(sound, number * CHUNK_S, clipped_share=0.3))
    assert "clips" in meter.health().fault
    assert meter.health().clipped_share > 0.02
