"""When somebody speaks: for the times of a turn and for barge-in, never for what was said. Pure.

Relative to the room: every frequency band has its own floor, which follows the quietest moments of the last seconds.
Speech is what rises well above the floors in several bands at once and does not stay level: a fridge or the hum of a
television lies below 200 Hz or in few bands, and what goes on evenly for a second becomes part of the floor.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

_SAMPLE_RATE_HZ = 16_000
_FRAME = 320  # samples: 20 ms
_FRAME_S = _FRAME / _SAMPLE_RATE_HZ
_FFT = 512
_BAND_EDGES_HZ = (200, 500, 900, 1_400, 2_000, 2_900, 4_400)
_FLOOR_FRAMES = 200  # 4 s
_STEADY_FRAMES = 50  # 1 s
_STEADY_DB = 1.5  # speech varies by 6 dB and more within a second, noise of 4 kHz width by 0.5 dB
_FLOOR_SMOOTH = 4  # frames: over 80 ms the noise of a band varies by 1 dB
_LEVEL_SMOOTH = 2
_RISE_DB = 8.0  # of a band above its floor, which is the least of noise that varies by itself
_BELOW_BEST_DB = 25.0  # what a pure tone leaks into the other bands is not theirs
_BEGIN_BANDS = 3  # a beep or a hum has one or two
_GO_ON_BANDS = 2  # hysteresis: less is needed to go on than to begin
_LEAST_RMS = 40.0  # int16 units in the bands, about -58 dBFS
_HANGOVER_S = 0.25  # closures inside words do not end speech
_OTHER_S = 4.0  # a stretch is told 3.3 s after its end at the latest: what was loud before was no speech
_MOST_SPANS = 64  # a turn of 20 s has fewer; who never takes them fills no memory
_NEAR_S = 0.15  # the recogniser's idea of when the next stretch began may differ so much from ours


class SpeechActivity:
    """Follows mono int16 samples at 16 kHz, chunk by chunk; frames of 20 ms, a rest of less is left out."""

    def __init__(self) -> None:
        self._recent: deque[NDArray[np.float64]] = deque(maxlen=_FLOOR_SMOOTH)
        self._floors: deque[NDArray[np.float64]] = deque(maxlen=_FLOOR_FRAMES)
        self._levels_db: deque[float] = deque(maxlen=_STEADY_FRAMES)
        self._spans: deque[tuple[float, float]] = deque(maxlen=_MOST_SPANS)  # of voice since the last `take`
        self._voice_until_s: float | None = None
        self._now_s = 0.0
        self._voiced_s = 0.0

    @property
    def speaking(self) -> bool:
        """Whether a voice was heard within the last quarter of a second."""
        return self._voice_until_s is not None and self._now_s - self._voice_until_s < _HANGOVER_S

    @property
    def voice_until_s(self) -> float:
        """When a voice was heard last, Unix time; minus infinity for never."""
        return float("-inf") if self._voice_until_s is None else self._voice_until_s

    @property
    def voiced_s(self) -> float:
        """How much of the last chunk was voice, in seconds."""
        return self._voiced_s

    def feed(self, samples: NDArray[np.int16], began_at_s: float) -> None:
        """Take a chunk whose first sample was at `began_at_s`."""
        frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
        self._voiced_s = 0.0
        for index, bands in enumerate(_band_powers(frames)):
            at_s = began_at_s + index * _FRAME_S
            self._now_s = at_s
            if self._is_voice(bands):
                self._extend(at_s)
                self._voice_until_s = at_s + _FRAME_S
                self._voiced_s += _FRAME_S
        self._now_s = began_at_s + len(samples) / _SAMPLE_RATE_HZ

    def take(self, before_s: float = math.inf) -> tuple[float, float] | None:
        """From when to when there was speech since the last `take`; None when there was none.

        What began about `before_s` or later is of the next stretch, and kept for it.
        """
        taken = [span for span in self._spans if span[0] < before_s - _NEAR_S]
        for _ in taken:
            self._spans.popleft()
        return (taken[0][0], taken[-1][1]) if taken else None

    def _extend(self, at_s: float) -> None:
        until_s = at_s + _FRAME_S
        if self._spans and abs(at_s - self._spans[-1][1]) > _OTHER_S:
            self._spans.clear()
        if self._spans and at_s - self._spans[-1][1] < _HANGOVER_S:
            self._spans[-1] = (self._spans[-1][0], until_s)
        else:
            self._spans.append((at_s, until_s))

    def _is_voice(self, bands: NDArray[np.float64]) -> bool:
        """`bands`: mean power of each band in one frame, squared int16 units."""
        self._recent.append(bands)
        recent = list(self._recent)
        self._floors.append(np.mean(recent, axis=0))
        self._levels_db.append(10.0 * float(np.log10(bands.sum())))
        if self._is_steady():
            while len(self._floors) > _STEADY_FRAMES:
                self._floors.popleft()
            return False
        level = np.mean(recent[-_LEVEL_SMOOTH:], axis=0)
        if level.sum() < _LEAST_RMS**2:
            return False
        floors = np.min(np.stack(self._floors), axis=0)
        least = np.maximum(floors * 10.0 ** (_RISE_DB / 10.0), level.max() * 10.0 ** (-_BELOW_BEST_DB / 10.0))
        risen = int(np.count_nonzero(level > least))
        return risen >= (_GO_ON_BANDS if self.speaking else _BEGIN_BANDS)

    def _is_steady(self) -> bool:
        return len(self._levels_db) == _STEADY_FRAMES and float(np.std(self._levels_db)) < _STEADY_DB


_WINDOW = np.hanning(_FRAME)
_EDGES = np.array(_BAND_EDGES_HZ) * _FFT // _SAMPLE_RATE_HZ


def _band_powers(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power in each band of frames (n, 320): shape (n, 6), so scaled that their sum is the mean square in the bands."""
    spectra = np.abs(np.fft.rfft(frames * _WINDOW, _FFT, axis=1)) ** 2
    scale = 2.0 / (_FFT * float(np.sum(_WINDOW**2)))
    sums: NDArray[np.float64] = np.add.reduceat(spectra[:, : _EDGES[-1]], _EDGES[:-1], axis=1) * scale
    return np.maximum(sums, 1e-3)
