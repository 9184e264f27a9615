"""Where sound comes from: a microphone, a file, or the simulated room. Mono int16 at 16 kHz in chunks of 0.1 s."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from robot.errors import BadInput, DeviceFault

SAMPLE_RATE_HZ = 16_000
CHUNK_SAMPLES = 1_600
CHUNK_S = CHUNK_SAMPLES / SAMPLE_RATE_HZ
Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Mono int16 samples at 16 kHz, shape (n,); the first was taken at `began_at_s`."""

    samples: Samples
    began_at_s: float

    @property
    def ended_at_s(self) -> float:
        return self.began_at_s + len(self.samples) / SAMPLE_RATE_HZ


class AudioSource(Protocol):
    """A stream of chunks. `close` may be called from any thread and ends the iterator."""

    def chunks(self) -> Iterator[AudioChunk]: ...

    def close(self) -> None: ...


def load_clip(path: Path) -> Samples:
    """The whole of a wav, flac, ogg or mp3 file of any rate as mono int16 at 16 kHz.

    Raises `BadInput` naming the file when it is missing, empty or no sound file.
    """
    import soundfile
    import soxr

    if not path.is_file():
        raise BadInput(f"{path} is not a file; give a wav, flac, ogg or mp3 file.")
    try:
        sound, rate_hz = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, MemoryError) as error:
        raise BadInput(f"{path} cannot be read as sound; give a wav, flac, ogg or mp3 file.") from error
    mono = sound.mean(axis=1)
    if not len(mono):
        raise BadInput(f"{path} holds no sound.")
    if rate_hz != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
    samples: Samples = (np.clip(np.nan_to_num(mono), -1.0, 1.0) * 32_767).astype(np.int16)
    return samples


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


class MicrophoneSource:
    """A sound device by name, number or None for the default, through PortAudio.

    `chunks` raises `DeviceFault` when there is no such device or when it stops delivering.
    """

    _SILENT_DEVICE_S = 3.0
    _BACKLOG_CHUNKS = 100  # 10 s; older sound is dropped when nobody takes it

    def __init__(self, device: str | int | None = None, clock: Callable[[], float] = time.time) -> None:
        self._device = device
        self._clock = clock
        self._queue: queue.Queue[AudioChunk | None] = queue.Queue(self._BACKLOG_CHUNKS)
        self._closed = threading.Event()

    def chunks(self) -> Iterator[AudioChunk]:
        with self._open():
            while not self._closed.is_set():
                try:
                    chunk = self._queue.get(timeout=self._SILENT_DEVICE_S)
                except queue.Empty:
                    raise DeviceFault("The microphone delivers nothing; check its plug and restart.") from None
                if chunk is not None:
                    yield chunk

    def close(self) -> None:
        self._closed.set()
        self._put(None)

    def _open(self) -> Any:
        try:
            import sounddevice

            return sounddevice.RawInputStream(
                samplerate=SAMPLE_RATE_HZ,
                blocksize=CHUNK_SAMPLES,
                device=self._device,
                channels=1,
                dtype="int16",
                callback=self._take,
            )
        except Exception as error:  # OSError without PortAudio, PortAudioError or ValueError without the device
            name = "the default microphone" if self._device is None else f"microphone {self._device!r}"
            raise DeviceFault(f"Cannot open {name} ({error}); check the device and libportaudio2.") from error

    def _take(self, data: Any, frames: int, _time: Any, _status: Any) -> None:
        samples = np.frombuffer(bytes(data), np.int16)
        self._put(AudioChunk(samples, self._clock() - frames / SAMPLE_RATE_HZ))

    def _put(self, chunk: AudioChunk | None) -> None:
        while True:
            try:
                self._queue.put_nowait(chunk)
                return
            except queue.Full:
                try:
                    self._queue.get_nowait()
                except queue.Empty:
                    continue


class RoomSource:
    """The simulated room: a low noise floor in real time, into which `play` mixes recorded clips."""

    _NOISE_RMS = 15.0  # int16 units, about -67 dBFS: a quiet room
    _LATEST_S = 2.0  # a listener that hangs longer than this loses sound, as with a device

    def __init__(
        self, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep, seed: int = 0
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._noise = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._clips: list[tuple[float, Samples]] = []
        self._closed = threading.Event()

    def play(self, path: Path, start_at_s: float) -> float:
        """Let a clip sound from `start_at_s` on and return when it ends; what lies in the past is not heard again.

        Raises `BadInput` when the clip cannot be read.
        """
        clip = load_clip(path)
        with self._lock:
            self._clips.append((start_at_s, clip))
        return start_at_s + len(clip) / SAMPLE_RATE_HZ

    def chunks(self) -> Iterator[AudioChunk]:
        began_at_s = self._clock()
        while not self._closed.is_set():
            late_s = self._clock() - (began_at_s + CHUNK_S)
            if late_s > self._LATEST_S:
                began_at_s += late_s
            elif late_s < 0:
                self._sleep(-late_s)
            yield AudioChunk(self._mixed(began_at_s), began_at_s)
            began_at_s += CHUNK_S

    def close(self) -> None:
        self._closed.set()

    def _mixed(self, began_at_s: float) -> Samples:
        room = self._noise.normal(0.0, self._NOISE_RMS, CHUNK_SAMPLES)
        with self._lock:
            for start_at_s, clip in self._clips:
                first = round((began_at_s - start_at_s) * SAMPLE_RATE_HZ)  # of the clip, at this chunk's beginning
                heard = clip[max(first, 0) : max(first + CHUNK_SAMPLES, 0)]
                at = max(-first, 0)
                room[at : at + len(heard)] += heard
            self._clips = [
                (start_at_s, clip)
                for start_at_s, clip in self._clips
                if start_at_s + len(clip) / SAMPLE_RATE_HZ > began_at_s + CHUNK_S
            ]
        return np.clip(room, -32_768, 32_767).astype(np.int16)
