"""Plain noise for fitting confidences: white, or mostly low as in a house. Pure; a seed gives the same again.

Evaluation has noises of its own (`robot.speech.evaluation.noise`): what is fitted here must not be measured here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.speech.audio import SAMPLE_RATE_HZ, Samples

TAIL_S = 1.0
HOUSE_CORNER_HZ = 400.0  # design: most of a room's noise (fridge, fan, street) lies below


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise at a level below the clip's own mean level; `snr_db` None is the recording as it is."""

    kind: str
    snr_db: int | None = None


def noisy(clip: Samples, noise: Noise, seed: int) -> Samples:
    """The clip and its tail of silence as int16, both in noise of `snr_db` below the clip's root mean square."""
    sound = np.concatenate([clip, np.zeros(round(TAIL_S * SAMPLE_RATE_HZ), np.int16)])
    if noise.snr_db is None:
        return sound
    level = np.sqrt(np.mean(clip.astype(np.float64) ** 2)) * 10 ** (-noise.snr_db / 20)
    hiss = np.random.default_rng(seed).standard_normal(len(sound))
    if noise.kind == "house":
        hiss = _low_passed(hiss)
    mixed: Samples = np.clip(sound + level * hiss / np.sqrt(np.mean(hiss**2)), -32_768, 32_767).astype(np.int16)
    return mixed


def _low_passed(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """One pole at the corner: 6 dB an octave above it."""
    hz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ)
    low: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(sound) / np.hypot(1, hz / HOUSE_CORNER_HZ), len(sound))
    return low
