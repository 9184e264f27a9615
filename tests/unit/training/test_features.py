"""The recipe's MFCC are Kaldi's, so that what is trained is what Vosk computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.speech.training.features import BANDS, FRAME, SHIFT, log_mel, mfcc

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[2] / "data" / "speech" / "mfcc.npy"
"""By kaldi-native-fbank 1.23 with the options of conf/mfcc.conf and no dither, of `sweep`."""


def sweep() -> np.ndarray:
    seconds = np.arange(8_000) / 16_000
    tone = 8_000 * np.sin(2 * np.pi * (200 * seconds + 3_000 * seconds**2))
    return np.round(tone + 300 * np.sin(2 * np.pi * 50 * seconds)).astype(np.float32)


def test_cepstra_are_kaldis() -> None:
    ours, kaldis = mfcc(log_mel(sweep())), np.load(GOLDEN)
    assert ours.shape == kaldis.shape
    assert np.abs(ours - kaldis).max() < 0.05, "of cepstra up to 150"


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16_000, 98)])
def test_frames_are_counted_as_kaldi_does(samples: int, frames: int) -> None:
    assert log_mel(np.zeros(samples, np.float32)).shape == (frames, BANDS)
    assert frames == max(0, 1 + (samples - FRAME) // SHIFT)


def test_digital_silence_has_finite_cepstra() -> None:
    assert np.isfinite(mfcc(log_mel(np.zeros(1_600, np.float32)))).all()


def test_a_warp_moves_resonances() -> None:
    """A tone of 1 kHz through a filter bank warped by 1.15 looks like one of 1.15 kHz."""
    seconds = np.arange(4_000) / 16_000
    tone = lambda hz: (8_000 * np.sin(2 * np.pi * hz * seconds)).astype(np.float32)  # noqa: E731
    assert log_mel(tone(1_000), 1.15)[5].argmax() == log_mel(tone(1_150))[5].argmax()
    assert log_mel(tone(1_000), 0.87)[5].argmax() < log_mel(tone(1_000))[5].argmax()


@pytest.mark.parametrize("warp", [0.5, 0.75, 1.0, 1.5, 2.0])
def test_no_warp_leaves_a_band_without_energy(warp: float) -> None:
    """A band of nothing would be an outlier that no microphone makes."""
    noise = np.random.default_rng(1).standard_normal(16_000).astype(np.float32) * 1_000
    energies = log_mel(noise, warp)
    assert energies.min() > 5.0
    assert np.abs(np.diff(energies.mean(0))).max() < 1.5, "neighbouring bands"
