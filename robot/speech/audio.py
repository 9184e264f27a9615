"""Sound as all of the hearing takes it: mono int16 at 16 kHz in chunks of 0.1 s; and files as a source of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from robot.errors import BadInput

SAMPLE_RATE_HZ = 16_000
CHUNK_SAMPLES = 1_600
CHUNK_S = CHUNK_SAMPLES / SAMPLE_RATE_HZ
Samples = NDArray[np.int16]
LONGEST_FILE_S = 1_800.0
"""A longer file is no clip, and would take gigabytes to load."""
_AGREE = 0.4  # of the loudest channel's power: two that have nothing in common leave a half


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Mono int16 samples at 16 kHz, shape (n,); the first was taken at `began_at_s`.

    `clipped_share` (0..1) is how many of them the device could not follow: at the end of its scale.
    """

    samples: Samples
    began_at_s: float
    clipped_share: float = 0.0

    @property
    def ended_at_s(self) -> float:
        return self.began_at_s + len(self.samples) / SAMPLE_RATE_HZ


class AudioSource(Protocol):
    """A stream of chunks. `close` may be called from any thread and ends the iterator."""

    def chunks(self) -> Iterator[AudioChunk]: ...

    def close(self) -> None: ...


def load_clip(path: Path) -> Samples:
    """The whole of a wav, flac, ogg or mp3 file of any rate and number of channels as mono int16 at 16 kHz.

    Raises `BadInput` naming the file when it is missing, empty, no sound file, or longer than `LONGEST_FILE_S`.
    """
    import soundfile
    import soxr

    if not path.is_file():
        raise BadInput(f"{path} is not a file; give a wav, flac, ogg or mp3 file.")
    try:
        length_s = soundfile.info(str(path)).duration
        if length_s > LONGEST_FILE_S:
            raise BadInput(f"{path} is {length_s / 60:.0f} minutes long; cut it to {LONGEST_FILE_S / 60:.0f} at most.")
        sound, rate_hz = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, MemoryError, TypeError, ValueError, OSError) as error:
        raise BadInput(f"{path} cannot be read as sound; give a wav, flac, ogg or mp3 file.") from error
    if not len(sound):
        raise BadInput(f"{path} holds no sound.")
    mono = _one_channel(np.nan_to_num(sound, posinf=1.0, neginf=-1.0))
    if rate_hz != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
    samples: Samples = (np.clip(mono, -1.0, 1.0) * 32_767).astype(np.int16)
    return samples


def _one_channel(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of `sound`, shape (frames, channels); or its loudest channel, when the mean cancels them."""
    mono: NDArray[np.float32] = sound.mean(axis=1)
    powers = sound.var(axis=0)
    loudest = int(np.argmax(powers))
    return mono if mono.var() >= _AGREE * powers[loudest] else sound[:, loudest]


class FileSource:
    """A file as if it were heard from `start_at_s` on, with `tail_s` of silence behind it, as fast as it is read."""

    def __init__(self, path: Path, start_at_s: float = 0.0, tail_s: float = 1.0) -> None:
        self._path = path
        self._start_at_s = start_at_s
        self._tail_s = tail_s
        self._closed = threading.Event()

    def chunks(self) -> Iterator[AudioChunk]:
        tail = np.zeros(round(self._tail_s * SAMPLE_RATE_HZ), np.int16)
        sound = np.concatenate([load_clip(self._path), tail])
        for first in range(0, len(sound), CHUNK_SAMPLES):
            if self._closed.is_set():
                return
            yield AudioChunk(sound[first : first + CHUNK_SAMPLES], self._start_at_s + first / SAMPLE_RATE_HZ)

    def close(self) -> None:
        self._closed.set()
