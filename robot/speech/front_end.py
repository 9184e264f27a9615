"""From what a device gives to what the recogniser wants, and how well the device is. Pure.

A device may have several microphones, another rate and an offset: `Conditioner` makes mono int16 at 16 kHz of it.
`Gain` brings far and quiet voices to one level, slowly, and never raises noise alone. `Meter` tells level, clipping
and a dead microphone. The echo of our own voice is cancelled between the first and the second, while all is linear.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray

from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, Samples

Block = NDArray[np.int16]
"""What a device delivers: int16, shape (frames, channels)."""

_FULL_SCALE = 32_768.0
_AT_THE_END = 32_700  # of the scale: converters stop a little below it


class Conditioner:
    """Blocks of any rate and number of channels in, chunks of 0.1 s mono at 16 kHz out."""

    _DC_FOLLOWS = 0.2  # of the way to a block's mean: an offset drifts, a voice has none

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._choice = ChannelChoice(channels)
        self._offset: NDArray[np.float64] | None = None
        self._resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1) if rate_hz != SAMPLE_RATE_HZ else None
        self._left: Samples = np.zeros(0, np.int16)
        self._clipped = 0.0

    @property
    def channel(self) -> int | None:
        """The microphone that is heard now, from 0; None: the mean of all."""
        return self._choice.channel

    def take(self, block: Block, ended_at_s: float) -> list[AudioChunk]:
        """Take a block whose last frame was heard at `ended_at_s`; returns the chunks that became full."""
        sound = block.astype(np.float64)
        ends = float(np.mean(np.max(np.abs(sound), axis=1) >= _AT_THE_END)) if len(sound) else 0.0
        self._clipped = max(self._clipped, ends)
        mono = self._choice.mono(sound - self._drift(sound), self._rate_hz).astype(np.float32)
        if self._resampler is not None:
            mono = self._resampler.resample_chunk(mono)
        fresh = np.clip(np.rint(mono), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
        self._left = np.concatenate([self._left, fresh])
        return self._full_chunks(ended_at_s)

    def _full_chunks(self, ended_at_s: float) -> list[AudioChunk]:
        began_at_s = ended_at_s - len(self._left) / SAMPLE_RATE_HZ
        chunks = []
        while len(self._left) >= CHUNK_SAMPLES:
            chunks.append(AudioChunk(self._left[:CHUNK_SAMPLES], began_at_s, self._clipped))
            self._left = self._left[CHUNK_SAMPLES:]
            self._clipped = 0.0
            began_at_s += CHUNK_S
        return chunks

    def _drift(self, sound: NDArray[np.float64]) -> NDArray[np.float64]:
        """The offset along the block, shape (frames, channels): a line from what it was to what it is."""
        if not len(sound):
            return sound
        mean = sound.mean(axis=0)
        before = mean if self._offset is None else self._offset
        self._offset = before + self._DC_FOLLOWS * (mean - before)
        way = np.linspace(0.0, 1.0, len(sound))[:, None]
        line: NDArray[np.float64] = before + way * (self._offset - before)
        return line


class ChannelChoice:
    """Which of several microphones stands out best from its own noise, or their mean when that does."""

    _WINDOW_S = 5.0
    _BETTER_DB = 3.0  # another is taken only when it is clearly better
    _LEAST_S = 2.0  # that are needed for a first judgement

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._best = channels if channels > 1 else 0  # the last candidate is the mean of all
        self._levels: deque[NDArray[np.float64]] = deque()
        self._seconds: deque[float] = deque()

    @property
    def channel(self) -> int | None:
        return self._best if self._best < self._channels else None

    def mono(self, sound: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
        """One channel of `sound` (frames, channels), shape (frames,)."""
        if self._channels == 1:
            return sound[:, 0]
        candidates = np.column_stack([sound, sound.mean(axis=1)])
        if len(sound):
            self._judge(10.0 * np.log10((candidates**2).mean(axis=0) + 1.0), len(sound) / rate_hz)
        return candidates[:, self._best]

    def _judge(self, levels_db: NDArray[np.float64], length_s: float) -> None:
        """A loud microphone is no good one: what counts is how far the loud moments lie above the quiet ones."""
        self._levels.append(levels_db)
        self._seconds.append(length_s)
        while sum(self._seconds) > self._WINDOW_S:
            self._levels.popleft()
            self._seconds.popleft()
        if sum(self._seconds) < self._LEAST_S:
            return
        quiet, loud = np.percentile(np.stack(self._levels), (10, 90), axis=0)
        contrast_db = loud - quiet
        best = int(np.argmax(contrast_db))
        if contrast_db[best] > contrast_db[self._best] + self._BETTER_DB:
            self._best = best


class Gain:
    """Brings voices to one level. It follows speech only, so a quiet room stays quiet, and it limits peaks."""

    TARGET_DB = -24.0  # of full scale, while somebody speaks
    MOST_DB = 24.0
    LEAST_DB = -12.0
    LOUDEST_NOISE_DB = -50.0  # the room's noise is not raised above it
    PEAK = 0.9  # of full scale
    _UP_DB_PER_S = 3.0
    _DOWN_DB_PER_S = 12.0

    def __init__(self) -> None:
        self.gain_db = 0.0
        self._applied = 1.0
        self._floor_db: float | None = None

    def apply(self, chunk: AudioChunk, *, speaking: bool, hold: bool = False) -> AudioChunk:
        """The chunk at the present gain, which moves towards the target while `speaking`.

        With `hold` (our own voice is in the sound) nothing is learnt from it and the gain stays.
        """
        sound = chunk.samples.astype(np.float64) / _FULL_SCALE
        level_db = level_dbfs(chunk.samples)
        length_s = len(sound) / SAMPLE_RATE_HZ
        if speaking and not hold:
            wanted_db = min(self.TARGET_DB - level_db, self._most_db())
            step_db = min(max(wanted_db - self.gain_db, -self._DOWN_DB_PER_S * length_s), self._UP_DB_PER_S * length_s)
            self.gain_db = min(max(self.gain_db + step_db, self.LEAST_DB), self.MOST_DB)
        elif not hold:
            self._floor_db = level_db if self._floor_db is None else 0.9 * self._floor_db + 0.1 * level_db
            self.gain_db = max(min(self.gain_db, self._most_db()), self.LEAST_DB)
        gain = 10.0 ** (self.gain_db / 20.0)
        peak = float(np.max(np.abs(sound), initial=0.0))
        gain = min(gain, max(self.PEAK / peak, 1.0) if peak > 0.0 else gain)  # what came loud is not made louder
        ramp = np.linspace(self._applied, gain, len(sound)) if gain >= self._applied else np.full(len(sound), gain)
        self._applied = gain
        loud = np.clip(sound * ramp * _FULL_SCALE, -_FULL_SCALE, _FULL_SCALE - 1)
        return replace(chunk, samples=np.rint(loud).astype(np.int16))

    def _most_db(self) -> float:
        return self.MOST_DB if self._floor_db is None else max(self.LOUDEST_NOISE_DB - self._floor_db, 0.0)


def level_dbfs(samples: Samples) -> float:
    """The level of int16 samples in dB of full scale; -96.0 for digital zero."""
    if not len(samples):
        return -96.0
    mean_square = float(np.mean(samples.astype(np.float64) ** 2)) / _FULL_SCALE**2
    return max(10.0 * math.log10(mean_square), -96.0) if mean_square > 0.0 else -96.0


@dataclass(frozen=True, slots=True)
class Health:
    """How the microphone is. `fault` is constant text, empty when all is well; levels in dB of full scale."""

    level_dbfs: float
    floor_dbfs: float
    clipped_share: float
    fault: str = ""


class Meter:
    """Watches the chunks of one device, before any gain."""

    DEAD_AFTER_S = 5.0  # of one value: no converter is so quiet in a room
    FAINT_AFTER_S = 60.0
    FAINT_DBFS = -88.0  # a covered or muted microphone; 16 bit at its last place has about -98
    CLIPS_SHARE = 0.02
    _WINDOW = 100  # chunks: 10 s
    _LATELY = 10

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=self._WINDOW)
        self._clipped: deque[float] = deque(maxlen=self._WINDOW)
        self._same_s = 0.0
        self._faint_s = 0.0

    def feed(self, chunk: AudioChunk) -> None:
        length_s = len(chunk.samples) / SAMPLE_RATE_HZ
        level = level_dbfs(chunk.samples)
        self._levels.append(level)
        self._clipped.append(chunk.clipped_share)
        same = not len(chunk.samples) or bool(np.all(chunk.samples == chunk.samples[0]))
        self._same_s = self._same_s + length_s if same else 0.0
        self._faint_s = self._faint_s + length_s if level < self.FAINT_DBFS else 0.0

    def health(self) -> Health:
        if not self._levels:
            return Health(-96.0, -96.0, 0.0)
        levels = list(self._levels)
        clipped_share = sum(self._clipped) / len(self._clipped)
        lately = levels[-self._LATELY :]
        mean_db = 10.0 * math.log10(sum(10.0 ** (level / 10.0) for level in lately) / len(lately))
        return Health(mean_db, min(levels), clipped_share, self._fault(clipped_share))

    def _fault(self, clipped_share: float) -> str:
        if self._same_s >= self.DEAD_AFTER_S:
            return "the microphone gives no sound at all"
        if self._faint_s >= self.FAINT_AFTER_S:
            return "the microphone is nearly silent"
        if clipped_share >= self.CLIPS_SHARE:
            return "the microphone is too loud and clips"
        return ""
