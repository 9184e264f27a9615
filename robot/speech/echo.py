"""Takes our own voice out of what the microphone hears, so that somebody can speak over it. Pure.

What is played is known as a file, so it needs no second microphone: find by cross-correlation how late it comes back,
then learn the room between loudspeaker and microphone with a partitioned-block frequency-domain filter, and subtract.
The filter is the Kalman form (Enzner & Vary 2006; partitions: Kuech et al. 2014): it slows down by itself while
somebody speaks over the echo, so no separate detector of double talk has to be right.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robot.speech.audio import SAMPLE_RATE_HZ, AudioChunk, Samples

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

BLOCK = 320  # samples: 20 ms, a fifth of a chunk
PARTITIONS = 13  # 260 ms of room
_FORGET = 0.9995  # the room changes within tens of seconds: a door, a person
_NOISE_SMOOTH = 0.8
_LEAST_OTHERS = 0.1  # of the error is not echo, however little the filter knows yet
SETTLED_DB = 6.0
_OTHERS_DB = 8.0  # above the echo that is expected to be left
_ROOM_FADES = 0.85  # of the echo's power from block to block, beyond the filter's length: 0.85 s of reverberation
_LEAST_POWER = 1e-6  # -60 dBFS: quieter than that nobody speaks over a loudspeaker
_EARLY_SAMPLES = 80  # the filter may have to begin 5 ms before the strongest path
_FULL_SCALE = 32_768.0


class EchoFilter:
    """Learns the way from `reference` to `heard`, block by block of 320 samples."""

    def __init__(self, partitions: int = PARTITIONS) -> None:
        bins = BLOCK + 1
        self._weights: Complexes = np.zeros((partitions, bins), np.complex128)
        self._doubt: Floats = np.full((partitions, bins), 1.0)  # variance of each weight
        self._references: Complexes = np.zeros((partitions, bins), np.complex128)
        self._last: Floats = np.zeros(BLOCK)
        self._noise: Floats = np.full(bins, 1e-4)

    def take(self, heard: Floats, reference: Floats) -> tuple[Floats, Floats]:
        """What is left of `heard` and the echo that was taken out of it, each of shape (320,)."""
        self._references = np.roll(self._references, 1, axis=0)
        self._references[0] = np.fft.rfft(np.concatenate([self._last, reference]))
        self._last = reference
        echo = np.fft.irfft(np.sum(self._weights * self._references, axis=0))[BLOCK:]
        left = heard - echo
        self._learn(np.fft.rfft(np.concatenate([np.zeros(BLOCK), left])))
        return left, echo

    def _learn(self, error: Complexes) -> None:
        power = np.abs(self._references) ** 2
        expected = 0.5 * np.sum(power * self._doubt, axis=0)
        loudness = np.abs(error) ** 2
        others = np.maximum(loudness - expected, _LEAST_OTHERS * loudness)
        self._noise = _NOISE_SMOOTH * self._noise + (1.0 - _NOISE_SMOOTH) * others
        step = self._doubt / (2.0 * expected + 2.0 * self._noise + 1e-9)
        change = np.fft.irfft(step * np.conj(self._references) * error, axis=1)
        change[:, BLOCK:] = 0.0  # a partition is only as long as a block
        self._weights += np.fft.rfft(change, axis=1)
        self._doubt = (1.0 - 0.5 * step * power) * self._doubt
        self._doubt = _FORGET**2 * self._doubt + (1.0 - _FORGET**2) * np.abs(self._weights) ** 2


def delay_of(reference: Floats, heard: Floats) -> tuple[int, float]:
    """By how many samples `reference` (shorter or equal) lies inside `heard`, and how clearly (ratio of the peak to the
    typical value; above 8 it is one). Generalised cross-correlation with the phase transform (Knapp & Carter 1976).
    """
    size = 1 << int(np.ceil(np.log2(len(reference) + len(heard))))
    cross = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(reference, size))
    lags = np.abs(np.fft.irfft(cross / (np.abs(cross) + 1e-9), size))[: max(len(heard) - len(reference), 1)]
    best = int(np.argmax(lags))
    return best, float(lags[best] / (np.median(lags) + 1e-12))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A chunk without our echo. `erle_db` is by how much it is weakened (echo return loss enhancement), None while
    nothing is played; `others_s` is how much of the chunk is clearly louder than what may be left of the echo.
    """

    chunk: AudioChunk
    erle_db: float | None = None
    others_s: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether the echo was found and is being cancelled well enough to hear somebody over it."""
        return self.erle_db is not None and self.erle_db >= SETTLED_DB


class EchoCanceller:
    """One text at a time: `begin` with what is played, feed every chunk, `end` some time after the last sound."""

    _SEARCH_BEFORE_S = 0.3  # clocks of two processes, and a first block that was played before it was told
    _SEARCH_AFTER_S = 0.7  # a loudspeaker's buffer; Bluetooth needs 0.2 to 0.4
    _SEARCH_S = 0.8  # of the reference that is looked for, from its first sound on
    _CLEAR = 8.0
    _MOST_HEARD = 200  # chunks, 20 s: what a busy board leaves waiting, twice; longer, and the clock was set back

    def __init__(self) -> None:
        self._reference: Floats | None = None
        self._began_at_s = 0.0
        self._shift: int | None = None
        self._heard: list[AudioChunk] = []
        self._filter = EchoFilter()
        self._echo_power = 0.0
        self._leak = 1.0  # share of the echo's power that is left

    def begin(self, reference: Samples, began_at_s: float) -> None:
        """The loudspeaker plays `reference` (mono int16 at 16 kHz); its first sample left at about `began_at_s`."""
        audible = len(reference) > BLOCK and bool(np.any(reference))
        self._reference = reference.astype(np.float64) / _FULL_SCALE if audible else None
        self._began_at_s = began_at_s
        self._shift = None
        self._heard.clear()
        self._filter = EchoFilter()
        self._echo_power, self._leak = 0.0, 1.0

    def end(self) -> None:
        """Nothing is played any more, and the room has become quiet."""
        self._reference = None
        self._heard.clear()

    def take(self, chunk: AudioChunk) -> Cleaned:
        """The next chunk; without a reference it comes back as it is."""
        if self._reference is None:
            return Cleaned(chunk)
        if self._shift is not None:
            return self._cancel(chunk)
        self._heard.append(chunk)
        if len(self._heard) > self._MOST_HEARD:
            self.end()
            return Cleaned(chunk)
        if not self._find(self._reference):
            return Cleaned(chunk, 0.0)
        heard, self._heard = self._heard, []
        return [self._cancel(earlier) for earlier in heard][-1]  # the filter learns from what went by meanwhile

    def _find(self, reference: Floats) -> bool:
        """Look for the reference in what was heard since it began; `_shift` is then the place in the reference of the
        first sample that was heard.
        """
        first_at_s = self._heard[0].began_at_s
        loud = int(np.argmax(np.abs(reference) > 0.1 * np.max(np.abs(reference), initial=1e-6)))
        wanted = reference[loud : loud + round(self._SEARCH_S * SAMPLE_RATE_HZ)]
        least = round((self._began_at_s - self._SEARCH_BEFORE_S - first_at_s) * SAMPLE_RATE_HZ) + loud
        span = round((self._SEARCH_BEFORE_S + self._SEARCH_AFTER_S) * SAMPLE_RATE_HZ)
        heard = np.concatenate([chunk.samples for chunk in self._heard]).astype(np.float64) / _FULL_SCALE
        least = max(least, 0)
        if len(heard) < least + len(wanted) + span:
            return False
        at, clear = delay_of(wanted, heard[least : least + len(wanted) + span])
        if clear < self._CLEAR:
            self.end()  # it is not heard: headphones, or another room
            return False
        self._shift = loud - least - at
        return True

    def _cancel(self, chunk: AudioChunk) -> Cleaned:
        assert self._reference is not None
        assert self._shift is not None
        heard = chunk.samples.astype(np.float64) / _FULL_SCALE
        played = _window(self._reference, self._shift + _EARLY_SAMPLES, len(heard))
        left = np.empty_like(heard)
        others_s = 0.0
        for first in range(0, len(heard), BLOCK):
            block = slice(first, first + BLOCK)
            rest, echo = self._filter.take(_padded(heard[block]), _padded(played[block]))
            left[block] = rest[: len(left[block])]
            if self._others(float(np.mean(heard[block] ** 2)), float(np.mean(rest**2)), float(np.mean(echo**2))):
                others_s += BLOCK / SAMPLE_RATE_HZ
        self._shift += len(heard)
        samples = np.clip(np.rint(left * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
        return Cleaned(replace(chunk, samples=samples), -10.0 * float(np.log10(self._leak)), others_s)

    def _others(self, heard: float, left: float, echo: float) -> bool:
        """Whether a block's rest is too loud to be echo; if not, it tells how much of the echo leaks through."""
        self._echo_power = max(echo, _ROOM_FADES * self._echo_power)
        others: bool = left > max(self._leak * self._echo_power * 10.0 ** (_OTHERS_DB / 10.0), _LEAST_POWER)
        if echo > 0.5 * heard:  # mostly echo: somebody's voice would look like a leak
            follow = 0.02 if others else 0.1
            self._leak += follow * (min(left / (heard + 1e-12), 1.0) - self._leak)
        return others


def _window(sound: Floats, first: int, length: int) -> Floats:
    """`length` samples of `sound` from `first` on, zeros where there is none."""
    out = np.zeros(length)
    begin, end = max(first, 0), min(first + length, len(sound))
    if end > begin:
        out[begin - first : end - first] = sound[begin:end]
    return out


def _padded(block: Floats) -> Floats:
    return block if len(block) == BLOCK else np.pad(block, (0, BLOCK - len(block)))


class BargeIn:
    """Whether somebody speaks over Hani: a voice clearly above what is left of the echo, for 0.3 s of half a second."""

    NEEDED_S = 0.3
    WITHIN_CHUNKS = 5

    def __init__(self) -> None:
        self._voiced: deque[float] = deque(maxlen=self.WITHIN_CHUNKS)
        self._began: deque[float] = deque(maxlen=self.WITHIN_CHUNKS)

    def feed(self, cleaned: Cleaned, voiced_s: float) -> float | None:
        """Take a chunk and how much voice is in it (after cleaning); when somebody barges in, since when."""
        self._voiced.append(min(voiced_s, cleaned.others_s) if cleaned.settled else 0.0)
        self._began.append(cleaned.chunk.began_at_s)
        if sum(self._voiced) < self.NEEDED_S - 1e-9:
            return None
        began_at_s = next(began for began, voiced in zip(self._began, self._voiced, strict=True) if voiced > 0.0)
        self.reset()
        return began_at_s

    def reset(self) -> None:
        """Another text is said."""
        self._voiced.clear()
        self._began.clear()
