"""The microphone of the simulated home."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, Samples, load_clip


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
