"""Whether somebody used their voice: a kettle, dishes or a tap make sounds that the recogniser takes for words. Pure.

A vowel repeats itself 70 to 400 times a second for at least 60 ms, also in a cry, in a room or in noise; household
noise does so for single moments only. Whispering has no voice.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from robot.speech.audio import SAMPLE_RATE_HZ, Samples

LEAST_RUN = 3
"""Voiced frames (20 ms each) in a row that are a voice. Read off 90 s of each noise of `evaluation.noise` (2 in a row
at most) and 480 clips of the collection (of no speaker more than 1 in 80 has fewer, also in such noise 10 dB below)."""
_LEAST_PERIODIC = 0.8  # normalised autocorrelation: the same reading
_WINDOW, _STEP = 640, 320  # samples: 40 and 20 ms
_SIZE = 2_048
_LAGS = slice(40, 230)  # samples: 400 to 70 Hz
_LEAST_SHARE = 0.15  # of the loud frames' level: what is fainter is an echo, the room, or hiss at the band's edge
_LEAST_LEVEL = 10.0  # int16 units
_MOST_FRAMES = 1_500  # 30 s, as the recogniser's longest stretches

_HZ = np.fft.rfftfreq(_SIZE, 1 / SAMPLE_RATE_HZ)
_BAND = (_HZ > 120.0) & (_HZ < 1_000.0)  # a voice's first harmonics; a whistle lies above
_SHAPE = np.hanning(_WINDOW)
_SHAPE_ALIKE = np.fft.irfft(np.abs(np.fft.rfft(_SHAPE, _SIZE)) ** 2)[:_WINDOW]
_SHAPE_ALIKE = _SHAPE_ALIKE / _SHAPE_ALIKE[0]


class VoiceMeter:
    """Feed it what the recogniser gets (int16, 16 kHz); `take` at each final."""

    def __init__(self) -> None:
        self._rest: Samples = np.zeros(0, np.int16)
        self._frames: deque[tuple[float, float, float]] = deque(maxlen=_MOST_FRAMES)
        """How periodic, how loud in the band, how loud in all."""

    def feed(self, samples: Samples) -> None:
        sound = np.concatenate([self._rest, samples])
        count = (len(sound) - _WINDOW) // _STEP + 1
        if count <= 0:
            self._rest = sound
            return
        self._rest = sound[count * _STEP :]
        windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_STEP][:count] * _SHAPE
        alike = np.fft.irfft(np.abs(np.fft.rfft(windows, _SIZE)) ** 2 * _BAND)[:, :_WINDOW]
        periodic = (alike[:, _LAGS] / _SHAPE_ALIKE[_LAGS]).max(axis=1) / (alike[:, 0] + 1e-9)
        in_band = np.sqrt(np.maximum(alike[:, 0], 0.0) / _WINDOW)
        level = np.sqrt((windows**2).mean(axis=1))
        self._frames.extend(zip(periodic.tolist(), in_band.tolist(), level.tolist(), strict=True))

    def take(self, ahead_s: float = 0.0) -> int:
        """The longest run of voiced frames since the last `take`; the last `ahead_s` belong to the next stretch."""
        ahead = min(round(ahead_s * SAMPLE_RATE_HZ / _STEP), len(self._frames))
        all_frames = list(self._frames)
        frames = np.array(all_frames[: len(all_frames) - ahead])
        self._frames = deque(all_frames[len(all_frames) - ahead :], maxlen=_MOST_FRAMES)
        if not len(frames):
            return 0
        least = max(_LEAST_SHARE * float(np.percentile(frames[:, 2], 95)), _LEAST_LEVEL)
        longest = run = 0
        for voiced in (frames[:, 0] > _LEAST_PERIODIC) & (frames[:, 1] > least):
            run = run + 1 if voiced else 0
            longest = max(longest, run)
        return longest
