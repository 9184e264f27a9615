"""When somebody speaks, by level: for the times of a turn, never for what was said. Pure."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

_FRAME = 320  # samples: 20 ms at 16 kHz
_SAMPLE_RATE_HZ = 16_000
_ABOVE_FLOOR = 4.0  # times the quietest level lately: 12 dB
_LEAST_RMS = 80.0  # int16 units; below this nothing is speech in a living room (about -52 dBFS)
_FLOOR_WINDOW_S = 4.0
_HANGOVER_S = 0.25  # closures inside words do not end speech


class SpeechActivity:
    """Follows the level of mono int16 samples at 16 kHz, chunk by chunk."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=round(_FLOOR_WINDOW_S * _SAMPLE_RATE_HZ / _FRAME))
        self._began_at_s: float | None = None
        self._loud_until_s: float | None = None
        self._now_s = 0.0

    @property
    def speaking(self) -> bool:
        """Whether a voice was heard within the last quarter of a second."""
        return self._loud_until_s is not None and self._now_s - self._loud_until_s < _HANGOVER_S

    def feed(self, samples: NDArray[np.int16], began_at_s: float) -> None:
        """Take a chunk whose first sample was at `began_at_s`."""
        frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
        for index, level in enumerate(np.sqrt((frames**2).mean(axis=1))):
            self._levels.append(float(level))
            if level > max(_LEAST_RMS, _ABOVE_FLOOR * min(self._levels)):
                at_s = began_at_s + index * _FRAME / _SAMPLE_RATE_HZ
                self._began_at_s = at_s if self._began_at_s is None else self._began_at_s
                self._loud_until_s = at_s + _FRAME / _SAMPLE_RATE_HZ
        self._now_s = began_at_s + len(samples) / _SAMPLE_RATE_HZ

    def take(self) -> tuple[float, float] | None:
        """From when to when there was speech since the last `take`; None when nothing was loud enough."""
        if self._began_at_s is None or self._loud_until_s is None:
            return None
        stretch = (self._began_at_s, self._loud_until_s)
        self._began_at_s = None
        return stretch
