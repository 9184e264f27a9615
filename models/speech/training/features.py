"""Kaldi's MFCC as Vosk computes them (models/speech/*/conf/mfcc.conf), with room for another vocal tract.

40 coefficients of 40 mel bands between 20 and 7600 Hz, 25 ms frames every 10 ms, no energy, no dither. Numpy alone.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
FRAME = 400
SHIFT = 160
BANDS = 40
_FFT = 512
_LOWEST_HZ, _HIGHEST_HZ = 20.0, 7_600.0
_PREEMPHASIS = 0.97
_LIFTER = 22.0
_LEAST_ENERGY = 1e-7  # of float32, as in Kaldi

Floats = NDArray[np.float32]


def log_mel(samples: Floats, warp: float = 1.0) -> Floats:
    """Log energies (frames, 40) of int16-scaled samples. With `warp` above 1 the formants lie that much higher."""
    count = 1 + (len(samples) - FRAME) // SHIFT if len(samples) >= FRAME else 0
    if count == 0:
        return np.zeros((0, BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::SHIFT][:count]
    frames = frames - frames.mean(1, keepdims=True, dtype=np.float32)
    emphasised = np.empty_like(frames)
    emphasised[:, 1:] = frames[:, 1:] - _PREEMPHASIS * frames[:, :-1]
    emphasised[:, 0] = frames[:, 0] * (1 - _PREEMPHASIS)
    spectrum = np.fft.rfft(emphasised * _window(), _FFT).astype(np.complex64)
    power = spectrum.real**2 + spectrum.imag**2
    energies = power[:, : _FFT // 2] @ _filters(round(warp, 2))
    return np.asarray(np.log(np.maximum(energies, _LEAST_ENERGY)), np.float32)


def mfcc(log_energies: Floats) -> Floats:
    """Cepstra (frames, 40) of log mel energies (frames, 40)."""
    return log_energies @ _cosines()


@cache
def _window() -> Floats:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
    return np.asarray(hann**0.85, np.float32)  # Kaldi calls this one "povey"


@cache
def _filters(warp: float) -> Floats:
    """Triangles (256, 40), equal on the mel scale; with another warp they sit at frequencies divided by it.

    Bands that lie above all of the spectrum then repeat the highest one that does not.
    """
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), BANDS + 2)
    bins_hz = np.arange(_FFT // 2) * SAMPLE_RATE_HZ / _FFT
    mels = _mel(np.minimum(bins_hz * warp, SAMPLE_RATE_HZ / 2))[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    up, down = (mels - left) / (centre - left), (right - mels) / (right - centre)
    triangles = np.maximum(np.minimum(up, down), 0.0)
    whole = np.nonzero(right <= mels[-1])[0].max()
    triangles[:, whole + 1 :] = triangles[:, whole : whole + 1]
    return np.asarray(triangles, np.float32)


@cache
def _cosines() -> Floats:
    band = np.arange(BANDS) + 0.5
    basis = np.sqrt(2 / BANDS) * np.cos(np.pi / BANDS * np.outer(band, np.arange(BANDS)))
    basis[:, 0] = np.sqrt(1 / BANDS)
    lifter = 1 + 0.5 * _LIFTER * np.sin(np.pi * np.arange(BANDS) / _LIFTER)
    return np.asarray(basis * lifter, np.float32)


def _mel(hz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127.0 * np.log1p(np.asarray(hz) / 700.0)
