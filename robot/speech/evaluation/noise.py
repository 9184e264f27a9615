"""A house to put clips into: its noises, its rooms, other microphones. Pure; the same generator gives the same sound.

Nothing here is shared with the training's augmentation: a model must not be measured in the noise that it learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from robot.speech.audio import SAMPLE_RATE_HZ, Samples

Wave = NDArray[np.float64]
Draw = np.random.Generator

_FULL = 32_767
_FRAME = SAMPLE_RATE_HZ // 50
_ACTIVE_DB = 30.0  # frames so far below the loudest are pauses and do not count for the level of speech
_MAINS_HZ = 50.0


def active_rms(samples: NDArray[np.generic]) -> float:
    """Root mean square of the frames (20 ms) in which somebody speaks."""
    wave = np.asarray(samples, np.float64)
    frames = wave[: len(wave) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.mean(np.square(frames), axis=1) if len(frames) else np.array([np.mean(np.square(wave))])
    return float(np.sqrt(np.mean(power[power >= power.max() * 10 ** (-_ACTIVE_DB / 10)])))


def with_noise(samples: Samples, noise: Wave, snr_db: float) -> Samples:
    """`samples` in as long a stretch of `noise` (any scale), so many dB below the level of the speech."""
    level = active_rms(samples) / 10 ** (snr_db / 20)
    return as_int16(samples + noise[: len(samples)] * (level / max(_rms(noise), 1e-9)))


def in_room(samples: Samples, t60_s: float, draw: Draw) -> Samples:
    """As heard some metres away: direct sound, early echoes, and a tail that falls by 60 dB in `t60_s`.

    Direct sound and reverberation are about equally strong, as 2 m from the microphone. Level and length are kept.
    """
    length = round(t60_s * SAMPLE_RATE_HZ)
    fall = np.exp(-6.908 * np.arange(length) / length)
    tail = draw.normal(size=length) * fall
    tail[: SAMPLE_RATE_HZ // 200] = 0.0  # nothing within 5 ms of the direct sound
    highs = _band(tail, 2_000, 8_000) * fall  # walls and air swallow high sound faster
    tail = tail - _band(tail, 2_000, 8_000) + highs
    for at_s in draw.uniform(0.003, 0.04, 6):
        tail[round(at_s * SAMPLE_RATE_HZ)] += draw.choice((-1.0, 1.0)) * draw.uniform(1.0, 3.0)
    response = tail / np.sqrt(np.square(tail).sum())
    response[0] += 1.0
    whole = len(samples) + length - 1
    wet = np.fft.irfft(np.fft.rfft(samples, whole) * np.fft.rfft(response, whole), whole)[: len(samples)]
    return as_int16(wet * (_rms(samples) / max(_rms(wet), 1e-9)))


def through_channel(samples: Samples, draw: Draw) -> Samples:
    """As recorded by some other equipment: a random equaliser (+-8 dB), band limits and gain."""
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    knots = np.geomspace(60, 8_000, 8)
    gains_db = np.interp(np.log(np.maximum(hz, 1.0)), np.log(knots), draw.uniform(-8, 8, len(knots)))
    low, high = draw.uniform(40, 300), draw.uniform(3_400, 8_000)
    edges = 1 / np.sqrt(1 + (low / np.maximum(hz, 1.0)) ** 4) / np.sqrt(1 + (hz / high) ** 8)
    heard = np.fft.irfft(np.fft.rfft(samples) * 10 ** (gains_db / 20) * edges, len(samples))
    peak = max(float(np.abs(heard).max()), 1.0)
    return as_int16(heard / peak * _FULL * 10 ** (draw.uniform(-26, -3) / 20))


def fridge(length: int, draw: Draw) -> Wave:
    """Mains hum with its harmonics, a compressor's rumble, slowly swelling."""
    at_s = np.arange(length) / SAMPLE_RATE_HZ
    tones = sum(
        np.sin(2 * np.pi * _MAINS_HZ * k * at_s + draw.uniform(0, 6.28)) * draw.uniform(0.2, 1.0) / k
        for k in (1, 2, 3, 4, 6, 8, 12)
    )
    return (_unit(tones) + 0.7 * _unit(_band(draw.normal(size=length), 40, 500))) * _swell(length, draw, 0.2)


def fan(length: int, draw: Draw) -> Wave:
    """Moving air, and blades that pass some sixty times a second."""
    at_s = np.arange(length) / SAMPLE_RATE_HZ
    blades_hz = draw.uniform(40, 90)
    air = _tilted(draw.normal(size=length), 300)
    return _unit(air) * (1 + 0.3 * np.sin(2 * np.pi * blades_hz * at_s)) + 0.3 * np.sin(2 * np.pi * blades_hz * at_s)


def kettle(length: int, draw: Draw) -> Wave:
    """Boiling water: a broad hiss and bubbles."""
    bubbles = _hits(length, draw, a_second=150, hz=(200, 900), decay_s=(0.005, 0.03), modes=1)
    return _unit(_band(draw.normal(size=length), 300, 5_000)) * _swell(length, draw, 3.0) + 0.5 * _unit(bubbles)


def dishes(length: int, draw: Draw) -> Wave:
    """Plates and cutlery: short ringing blows, and a little of the room between them."""
    return _unit(_hits(length, draw, a_second=4, hz=(1_200, 7_000), decay_s=(0.02, 0.15), modes=5)) + 0.05 * _unit(
        draw.normal(size=length)
    )


def tap(length: int, draw: Draw) -> Wave:
    """Running water: bright noise that splashes."""
    return _unit(_band(draw.normal(size=length), 700, 7_500)) * _swell(length, draw, 12.0)


def rain(length: int, draw: Draw) -> Wave:
    """Drops on a window sill."""
    drops = _hits(length, draw, a_second=400, hz=(1_500, 6_000), decay_s=(0.001, 0.004), modes=1)
    return 0.5 * _unit(drops) + _unit(_band(draw.normal(size=length), 1_000, 8_000))


def wind(length: int, draw: Draw) -> Wave:
    """Gusts around the house."""
    return _unit(_tilted(draw.normal(size=length), 120)) * _swell(length, draw, 0.8) ** 2


def television(length: int, draw: Draw, talk: Sequence[Samples]) -> Wave:
    """Two voices out of `talk` over a chord, through a small loudspeaker and the room."""
    at_s = np.arange(length) / SAMPLE_RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * at_s) for hz in draw.choice((220.0, 262.0, 330.0, 392.0, 440.0), 3, False))
    voices = sum(_unit(_laid(length, draw, talk)) * gain for gain in (1.0, 0.5))
    sound = _band(voices + 0.15 * _unit(chord), 180, 6_000)
    return in_room(as_int16(_unit(sound) * 3_000), 0.4, draw).astype(np.float64)


HOUSEHOLD: dict[str, Callable[[int, Draw], Wave]] = {
    "fridge": fridge,
    "fan": fan,
    "kettle": kettle,
    "dishes": dishes,
    "tap": tap,
    "rain": rain,
    "wind": wind,
}
"""Every noise but the television, which needs clips to talk."""


def as_int16(wave: NDArray[np.generic]) -> Samples:
    clipped: Samples = np.clip(np.nan_to_num(np.asarray(wave, np.float64)), -_FULL, _FULL).astype(np.int16)
    return clipped


def _laid(length: int, draw: Draw, talk: Sequence[Samples]) -> Wave:
    """Clips one after another from a random place on, as long as asked for."""
    laid: list[Wave] = []
    missing = length + (skip := int(draw.integers(0, SAMPLE_RATE_HZ)))
    while missing > 0:
        clip = talk[int(draw.integers(len(talk)))].astype(np.float64)
        pause = np.zeros(round(draw.uniform(0.1, 0.4) * SAMPLE_RATE_HZ))
        laid += [clip / max(active_rms(clip), 1.0), pause]
        missing -= len(clip) + len(pause)
    return np.concatenate(laid)[skip : skip + length]


def _hits(
    length: int,
    draw: Draw,
    *,
    a_second: float,
    hz: tuple[float, float],
    decay_s: tuple[float, float],
    modes: int,
) -> Wave:
    """Decaying tones at random moments."""
    sound = np.zeros(length)
    for _ in range(1 + draw.poisson(a_second * length / SAMPLE_RATE_HZ)):
        decay = draw.uniform(*decay_s)
        ring = np.arange(round(5 * decay * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        tones = np.sin(2 * np.pi * np.outer(draw.uniform(*hz, modes), ring)).sum(axis=0)
        blow = tones * np.exp(-ring / decay) * draw.exponential()
        at = int(draw.integers(length))
        sound[at : at + len(blow)] += blow[: length - at]
    return sound


def _swell(length: int, draw: Draw, hz: float) -> Wave:
    """A level around 1 that drifts `hz` times a second."""
    knots = max(round(length / SAMPLE_RATE_HZ * hz) + 2, 2)
    level: Wave = np.interp(np.linspace(0, knots - 1, length), np.arange(knots), draw.uniform(0.4, 1.6, knots))
    return level


def _tilted(wave: Wave, corner_hz: float) -> Wave:
    hz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE_HZ)
    tilted: Wave = np.fft.irfft(np.fft.rfft(wave) / np.hypot(1, hz / corner_hz), len(wave))
    return tilted


def _band(wave: NDArray[np.float64], low_hz: float, high_hz: float) -> Wave:
    hz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE_HZ)
    cut: Wave = np.fft.irfft(np.fft.rfft(wave) * ((hz >= low_hz) & (hz <= high_hz)), len(wave))
    return cut


def _unit(wave: NDArray[np.generic] | float) -> Wave:
    array = np.asarray(wave, np.float64)
    return array / max(_rms(array), 1e-9)


def _rms(wave: NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(wave, np.float64))))) if len(wave) else 0.0
