"""Other speakers, rooms, channels and noises made from the few recordings that there are.

Everything is drawn from one random generator, so that a training run can be repeated and resumed. Levels are int16's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.speech.training.features import BANDS, SAMPLE_RATE_HZ, Floats

PITCHES = (0.6, 1.6)
"""Range of the pitch: a woman's is about 1.7 times a man's, and 40 cepstra still show it."""
FORMANTS = (0.84, 1.19)
"""Range of the formants: a woman's are about 1.15 times a man's."""
LENGTHS = (0.75, 1.4)
"""Range of the duration: old people speak more slowly."""
_LOUDEST = 32_767.0


@dataclass(frozen=True, slots=True)
class Voice:
    """How another speaker differs from the recorded one: factors on pitch, formants and duration.

    Resampling by `pitch` moves all three; the warp of the mel filters and the stretch of the frames correct the others.
    """

    pitch: float
    formants: float
    length: float

    @classmethod
    def drawn(cls, draw: Generator) -> Voice:
        return cls(*(float(np.exp(draw.uniform(*np.log(range_)))) for range_ in (PITCHES, FORMANTS, LENGTHS)))

    @property
    def warp(self) -> float:
        return self.formants / self.pitch

    @property
    def stretch(self) -> float:
        return self.length * self.pitch


def resampled(sound: Floats, speed: float) -> Floats:
    """`sound` played `speed` times as fast, by the Fourier method."""
    count = max(int(len(sound) / speed), 1)
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(count // 2 + 1, spectrum.dtype)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    return np.asarray(np.fft.irfft(kept, count) * (count / len(sound)), np.float32)


def recorded_elsewhere(sound: Floats, babble: Sequence[Floats], draw: Generator) -> Floats:
    """`sound` in another room, through another microphone, in noise, at another level.

    The channel is drawn alike for both languages, so that it says nothing about the language.
    """
    level = float(np.sqrt(np.mean(sound**2)) + 1.0)
    if draw.random() < 0.75:
        sound = _filtered(sound, draw)
    if draw.random() < 0.7:
        snr_db = draw.uniform(3.0, 30.0)
        noise = _babble(len(sound), babble, draw) if draw.random() < 0.35 else _noise(len(sound), draw)
        sound = sound + noise * (level * 10 ** (-snr_db / 20))
    else:
        sound = sound + draw.standard_normal(len(sound), np.float32) * (level * 10 ** (-draw.uniform(30, 80) / 20))
    loudest = float(np.abs(sound).max()) + 1.0
    gain = _LOUDEST / loudest * 10 ** (-draw.uniform(0.0, 36.0) / 20)
    if draw.random() < 0.05:
        gain = _LOUDEST / loudest * 10 ** (draw.uniform(0.0, 8.0) / 20)  # too loud: clipped below
    return np.asarray(np.clip(sound * np.float32(gain), -_LOUDEST, _LOUDEST), np.float32)


def slower(frames: Floats, factor: float) -> Floats:
    """Frames (n, bands) stretched to `factor` times as many by linear interpolation."""
    count = max(round(len(frames) * factor), 1)
    at = np.linspace(0, len(frames) - 1, count, dtype=np.float32)
    low = np.minimum(at.astype(np.int64), len(frames) - 1)
    high = np.minimum(low + 1, len(frames) - 1)
    share = (at - low).astype(np.float32)[:, None]
    return np.asarray(frames[low] * (1 - share) + frames[high] * share, np.float32)


def masked(frames: Floats, draw: Generator) -> Floats:
    """Log energies with some bands and moments hidden (SpecAugment), by the clip's mean."""
    frames, mean = frames.copy(), frames.mean()
    for _ in range(draw.integers(0, 3)):
        width = int(draw.integers(1, 7))
        band = int(draw.integers(0, BANDS - width))
        frames[:, band : band + width] = mean
    for _ in range(draw.integers(0, 1 + len(frames) // 120)):
        moment = int(draw.integers(0, len(frames)))
        frames[moment : moment + int(draw.integers(1, 9))] = mean
    return frames


def _filtered(sound: Floats, draw: Generator) -> Floats:
    """A room's reverberation and a microphone's colour in one multiplication."""
    room = _room(draw) if draw.random() < 0.6 else np.ones(1, np.float32)
    size = 1 << (len(sound) + len(room)).bit_length()
    response = np.fft.rfft(room, size) * _colour(size // 2 + 1, draw)
    return np.asarray(np.fft.irfft(np.fft.rfft(sound, size) * response, size)[: len(sound)], np.float32)


def _room(draw: Generator) -> Floats:
    """Impulse response: the direct sound, and a decaying tail 0 to 12 dB below or above it, T60 0.15 to 0.9 s."""
    t60_s = draw.uniform(0.15, 0.9)
    count = int(SAMPLE_RATE_HZ * t60_s * 0.8)
    tail = draw.standard_normal(count, np.float32) * np.exp(-6.9 / t60_s * np.arange(count) / SAMPLE_RATE_HZ)
    tail[: int(SAMPLE_RATE_HZ * draw.uniform(0.001, 0.01))] = 0.0
    tail *= 10 ** (-draw.uniform(-2.0, 12.0) / 20) / np.sqrt(np.sum(tail**2) + 1e-9)
    tail[0] = 1.0
    return np.asarray(tail, np.float32)


def _colour(bins: int, draw: Generator) -> NDArray[np.float32]:
    """A smooth gain over the frequencies up to +-8 dB, sometimes with a lower or upper end cut off."""
    knots = np.linspace(0, 1, 7)
    gain_db = np.interp(np.linspace(0, 1, bins), knots, draw.uniform(-8.0, 8.0, len(knots)))
    hz = np.linspace(0, SAMPLE_RATE_HZ / 2, bins)
    if draw.random() < 0.4:
        an_octave_db = 24.0 if draw.random() < 0.6 else 96.0  # a microphone, or what a codec leaves
        gain_db -= an_octave_db * np.maximum(np.log2(hz / draw.uniform(3_000, 7_000) + 1e-9), 0.0)
    if draw.random() < 0.4:
        gain_db -= 18.0 * np.maximum(np.log2(draw.uniform(80, 350) / (hz + 1.0)), 0.0)
    return np.asarray(10 ** (gain_db / 20), np.float32)


def _noise(count: int, draw: Generator) -> Floats:
    """Noise of mean square 1 whose spectrum falls by 0 to 9 dB an octave, sometimes with hum or in bursts."""
    size = 1 << (count - 1).bit_length()
    spectrum = np.fft.rfft(draw.standard_normal(size, np.float32))
    spectrum /= (np.arange(len(spectrum)) + 4.0) ** draw.uniform(0.0, 1.5)
    noise = np.fft.irfft(spectrum, size)[:count].astype(np.float32)
    if draw.random() < 0.2:
        seconds = np.arange(count) / SAMPLE_RATE_HZ
        hum = sum(np.sin(2 * np.pi * 50.0 * k * seconds) / k for k in range(1, 5))
        noise = noise / noise.std() + np.asarray(hum, np.float32) * draw.uniform(0.3, 1.5)
    if draw.random() < 0.3:
        moments = np.interp(np.arange(count), np.linspace(0, count, 12), draw.uniform(0.0, 1.0, 12) ** 3)
        noise = noise * moments.astype(np.float32)
    return np.asarray(noise / (np.sqrt(np.mean(noise**2)) + 1e-9), np.float32)


def _babble(count: int, voices: Sequence[Floats], draw: Generator) -> Floats:
    """One to four other clips at once, of mean square 1."""
    mixed = np.zeros(count, np.float32)
    for _ in range(draw.integers(1, 5)):
        voice = voices[int(draw.integers(len(voices)))]
        first = draw.integers(len(voice))
        mixed += np.resize(np.roll(voice, -int(first)), count) / (np.sqrt(np.mean(voice**2)) + 1.0)
    return np.asarray(mixed / (np.sqrt(np.mean(mixed**2)) + 1e-9), np.float32)
