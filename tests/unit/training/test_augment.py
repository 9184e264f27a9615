"""Augmentation changes voices, rooms and noise; it never breaks the samples or depends on anything but the seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from models.speech.training import augment

pytestmark = pytest.mark.unit


def voice(samples: int = 8_000, hz: float = 220.0) -> np.ndarray:
    seconds = np.arange(samples) / 16_000
    return sum(3_000 / k * np.sin(2 * np.pi * hz * k * seconds) for k in range(1, 12)).astype(np.float32)


@given(st.integers(0, 2**32 - 1), st.integers(500, 20_000))
def test_any_draw_keeps_length_range_and_sense(seed: int, samples: int) -> None:
    sound = augment.recorded_elsewhere(voice(samples), [voice(3_000, 150.0), voice(9_000, 90.0)], default_rng(seed))
    assert sound.shape == (samples,)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 1.0 < np.abs(sound).max() <= 32_767


def test_the_same_seed_gives_the_same_sound() -> None:
    one, two, other = (augment.recorded_elsewhere(voice(), [voice()], default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_speed_moves_length_and_pitch_together(speed: float) -> None:
    sound = augment.resampled(voice(16_000, 200.0), speed)
    assert len(sound) == int(16_000 / speed)
    spectrum = np.abs(np.fft.rfft(sound))
    assert spectrum.argmax() * 16_000 / len(sound) == pytest.approx(200 * speed, rel=0.02)
    assert np.abs(sound).max() == pytest.approx(np.abs(voice(16_000, 200.0)).max(), rel=0.1)


@given(st.floats(0.5, 2.0), st.integers(1, 60))
def test_slower_frames_stay_between_their_neighbours(factor: float, count: int) -> None:
    frames = np.sort(default_rng(1).standard_normal((count, 40)).astype(np.float32), axis=0)
    slow = augment.slower(frames, factor)
    assert len(slow) == max(round(count * factor), 1)
    assert np.array_equal(slow[0], frames[0])
    assert (np.diff(slow, axis=0) >= -1e-6).all()


def test_masking_hides_by_the_mean_and_leaves_the_original_alone() -> None:
    frames = default_rng(1).standard_normal((300, 40)).astype(np.float32)
    before = frames.copy()
    hidden = [augment.masked(frames, default_rng(seed)) for seed in range(20)]
    assert np.array_equal(frames, before)
    assert any((one != frames).any() for one in hidden)
    for one in hidden:
        assert (one[one != frames] == frames.mean()).all()


@given(st.integers(0, 2**32 - 1))
def test_a_drawn_voice_stays_human(seed: int) -> None:
    """Pitch, formants and duration each stay in their range, whatever the other two are."""
    drawn = augment.Voice.drawn(default_rng(seed))
    for factor, (least, most) in zip(
        (drawn.pitch, drawn.pitch * drawn.warp, drawn.stretch / drawn.pitch),
        (augment.PITCHES, augment.FORMANTS, augment.LENGTHS),
        strict=True,
    ):
        assert least * 0.999 <= factor <= most * 1.001
