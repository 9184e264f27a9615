"""A fake of the package sounddevice, for nodes in their own processes; put its folder on PYTHONPATH.

Its one microphone knows only 48 kHz and two channels. It is unplugged after three seconds of a quiet room: the stream
ends, and twice nothing opens. Then it is there again, and a second later somebody says HANI_FAKE_CLIP into its second
channel, and again every few seconds. With HANI_FAKE_MUTED in the environment it stays plugged in and gives nothing but
zeros.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

RATE_HZ = 48_000
CHANNELS = 2
_PLUGGED_S = 3.0
_REFUSALS = 2
_TIMES, _SAYS_AGAIN_AFTER_S = 8, 6
_MUTED = "HANI_FAKE_MUTED" in os.environ

_attempts = 0


class PortAudioError(Exception):
    """As sounddevice has it."""


def query_devices(device: object = None, kind: str = "input") -> dict[str, Any]:
    return {"default_samplerate": float(RATE_HZ), "max_input_channels": CHANNELS, "name": "a fake microphone"}


def _terminate() -> None: ...


def _initialize() -> None: ...


class RawInputStream:
    """Delivers blocks in real time."""

    def __init__(self, *, samplerate: int, blocksize: int, channels: int, callback: Any, **_: Any) -> None:
        global _attempts
        if (samplerate, channels) != (RATE_HZ, CHANNELS):
            raise PortAudioError("Invalid sample rate")
        _attempts += 1
        if 1 < _attempts <= 1 + _REFUSALS:
            raise PortAudioError("Device unavailable")
        self._block = blocksize
        self._callback = callback
        self._ends = _attempts == 1 and not _MUTED
        self._stopped = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._deliver, daemon=True).start()

    def abort(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        self._stopped.set()

    def _deliver(self) -> None:
        rng = np.random.default_rng(0)
        level = 0.0 if _MUTED else 15.0
        sound = np.zeros(round(_PLUGGED_S * RATE_HZ)) if self._ends or _MUTED else _clip()
        began_s, at = time.monotonic(), 0
        while not self._stopped.is_set() and not (self._ends and at >= len(sound)):
            room = rng.normal(0.0, level, (self._block, CHANNELS))
            piece = sound[at : at + self._block]
            room[: len(piece), 1] += piece
            at += self._block
            time.sleep(max(began_s + at / RATE_HZ - time.monotonic(), 0.0))
            self._callback(room.astype(np.int16).tobytes(), self._block, None, None)


def _clip() -> np.ndarray:
    import soundfile
    import soxr

    sound, rate_hz = soundfile.read(str(Path(os.environ["HANI_FAKE_CLIP"])), dtype="float32")
    sound = soxr.resample(sound, rate_hz, RATE_HZ) * 32_767.0
    once = np.concatenate([np.zeros(RATE_HZ), sound, np.zeros(_SAYS_AGAIN_AFTER_S * RATE_HZ)])
    return np.tile(once, _TIMES)
