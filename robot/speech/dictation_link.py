"""Dictation in a process of its own: slow, large and dispensable. Nothing here waits, and its end costs free talk only.

One piece of sound is under way and one waits, the newest. No answer for 20 s ends the process; it is started again
after 10 s, a minute, ten minutes, and soon again once it has answered.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

from robot import paths
from robot.messages import Language, Reading
from robot.speech.audio import SAMPLE_RATE_HZ, Samples
from robot.speech.dictation import LONGEST_S

log = logging.getLogger(__name__)

_START_LIMIT_S = 120.0  # a large model from a slow card
_ANSWER_LIMIT_S = 20.0
_RETRY_S = (10.0, 60.0, 600.0)
_PACKET = 65_536


class DictationState(str, Enum):
    OFF = "off"
    LOADING = "loading"
    READY = "ready"
    AWAY = "away"


class DictationLink:
    """One caller, one thread; call `take` often. `command` gets the socket's descriptor as `{fd}`."""

    def __init__(self, command: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._command = list(command)
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._ready = False
        self._since_s = 0.0  # it was started, or asked
        self._under_way: int | None = None
        self._waiting: tuple[int, Samples] | None = None
        self._start_at_s = clock()
        self._failures = 0

    @classmethod
    def vosk(cls, model: Path) -> DictationLink:
        return cls([sys.executable, "-m", "robot.speech.dictation_child", "{fd}", str(model)])

    @property
    def state(self) -> DictationState:
        if self._ready:
            return DictationState.READY
        return DictationState.AWAY if self._failures else DictationState.LOADING

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._socket else None

    def ask(self, number: int, samples: Samples) -> None:
        """Mono int16 at 16 kHz, of which the first 30 s count. Replaces what waits."""
        if self._ready:
            self._waiting = (number, samples[: round(LONGEST_S * SAMPLE_RATE_HZ)])
            self._send()

    def take(self) -> list[tuple[int, Reading | None]]:
        """The answers that have come."""
        now_s = self._clock()
        if self._socket is None:
            gone = self._process is None or self._process.poll() is not None  # a large one takes its time to go
            if gone and now_s >= self._start_at_s:
                self._start(now_s)
            return []
        answers = self._receive()
        limit_s = _ANSWER_LIMIT_S if self._ready else _START_LIMIT_S
        if (self._under_way is not None or not self._ready) and now_s - self._since_s > limit_s:
            self._failed("does not answer")
        return answers

    def close(self) -> None:
        self._end()
        if self._process is not None:
            self._process.wait()
        self._process = None

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.kill()  # it holds nothing that needs a goodbye
        self._socket = self._under_way = self._waiting = None
        self._ready = False

    def _start(self, now_s: float) -> None:
        self._process = None
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.setblocking(False)
            self._socket, self._since_s = ours, now_s
            with theirs:
                fd = theirs.fileno()
                self._process = subprocess.Popen(
                    [part.replace("{fd}", str(fd)) for part in self._command],
                    pass_fds=[fd],
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": paths.python_path()},
                )
        except OSError as error:  # memory, processes or descriptors are short
            self._failed(f"it cannot be started: {error.strerror}")

    def _send(self) -> None:
        if self._socket is None or self._waiting is None or self._under_way is not None:
            return
        (number, samples), self._waiting = self._waiting, None
        # an error: it has ended, which is seen on receiving; or memory is short, and this is not what it is for
        with contextlib.suppress(OSError), open(os.memfd_create("sound"), "wb") as sound:
            sound.write(samples.tobytes())
            sound.flush()
            socket.send_fds(self._socket, [str(number).encode()], [sound.fileno()])
            self._under_way, self._since_s = number, self._clock()

    def _receive(self) -> list[tuple[int, Reading | None]]:
        answers: list[tuple[int, Reading | None]] = []
        while self._socket is not None:
            try:
                packet = self._socket.recv(_PACKET)
            except BlockingIOError:
                break
            except OSError:
                packet = b""
            message = json.loads(packet) if packet else {"error": "it has ended"}
            if "error" in message:
                self._failed(message["error"])
            elif "ready" in message:
                self._ready = True
            else:
                text, number = message.get("text"), int(message["number"])
                reading = Reading(text, Language.ZH, float(message["confidence"])) if text else None
                answers.append((number, reading))
                self._under_way, self._failures = None, 0
                self._send()
        return answers

    def _failed(self, reason: str) -> None:
        log.warning("dictation is away, everything else goes on: %s", reason)
        self._end()
        self._start_at_s = self._clock() + _RETRY_S[min(self._failures, len(_RETRY_S) - 1)]
        self._failures += 1
