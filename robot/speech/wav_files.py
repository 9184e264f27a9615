"""Wav files of the voice: 16-bit mono, checked, joined and written so that a reader never sees half of one."""

from __future__ import annotations

import array
import os
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robot.errors import BadInput

_SILENT_BELOW = 300  # of 32767; the voice peaks at 28,000 and more at full volume, 1,400 at a twentieth


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono samples (int16) and their rate."""

    samples: array.array[int]
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz

    @property
    def audible(self) -> bool:
        return bool(self.samples) and max(max(self.samples), -min(self.samples)) >= _SILENT_BELOW


def read(path: Path) -> Sound:
    """Read a 16-bit mono wav. Raises BadInput when it is something else or broken."""
    try:
        with wave.open(str(path), "rb") as file:
            if file.getnchannels() != 1 or file.getsampwidth() != 2:
                raise BadInput(f"{path}: give a wav file with one channel of 16 bits")
            rate_hz, data = file.getframerate(), file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise BadInput(f"{path}: cannot be read as a wav file") from error
    samples = array.array("h")
    samples.frombytes(data[: len(data) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return Sound(samples, rate_hz)


def write(path: Path, sound: Sound) -> None:
    """Write a 16-bit mono wav at once. Raises BadInput when the folder cannot be written."""
    samples = sound.samples
    if sys.byteorder == "big":
        samples = array.array("h", samples)
        samples.byteswap()
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=".wav", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as raw, wave.open(raw, "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(sound.rate_hz)
                file.writeframes(samples.tobytes())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error


def join(sounds: Sequence[Sound], pause_s: float) -> Sound:
    """One after another with a pause between. All must have one rate, and there must be at least one."""
    rate_hz = sounds[0].rate_hz
    if any(sound.rate_hz != rate_hz for sound in sounds):
        raise ValueError("sounds of different rates")
    pause = array.array("h", bytes(2 * round(pause_s * rate_hz)))
    joined = array.array("h", sounds[0].samples)
    for sound in sounds[1:]:
        joined.extend(pause)
        joined.extend(sound.samples)
    return Sound(joined, rate_hz)


def resample(sound: Sound, rate_hz: int) -> Sound:
    """The same sound at another rate."""
    if rate_hz == sound.rate_hz:
        return sound
    import numpy as np  # both load slowly, and most sounds need neither
    import soxr

    resampled = soxr.resample(np.asarray(sound.samples, dtype=np.int16), sound.rate_hz, rate_hz)
    samples = array.array("h")
    samples.frombytes(resampled.astype(np.int16).tobytes())
    return Sound(samples, rate_hz)
