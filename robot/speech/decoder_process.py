"""The processes of `decoder_child`, seen from their parent: one that has everything loaded, and the decoder, its fork.

The first never decodes, so nothing wedges it; a new decoder is there within a tenth of a second, not after the two
seconds that Python and the models take, and shares its memory.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from robot import paths

END_S = 2.0
"""So long the loader may take to end its decoders."""


class Loader:
    """The process that loads. `command` gets the descriptor of its socket as `{fd}`."""

    def __init__(self, command: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair()
        fd = theirs.fileno()
        # a process with threads must not fork, and numpy would start some
        environment = {**os.environ, "PYTHONPATH": paths.python_path(), "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [part.replace("{fd}", str(fd)) for part in command],
            pass_fds=[fd],
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def decoder(self) -> DecoderProcess:
        """Ask for a decoder, which tells itself when it is ready; never blocks."""
        ours, theirs = multiprocessing.Pipe()
        with contextlib.suppress(OSError):  # it has ended, which is seen on receiving
            socket.send_fds(self._control, [b"d"], [theirs.fileno()])
        theirs.close()
        return DecoderProcess(ours)

    def end(self, within_s: float) -> None:
        """It ends its decoders, too, if it is given the time."""
        self._control.close()
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()  # it holds nothing that needs a goodbye
            self._process.wait()


class DecoderProcess:
    """A decoder and the socket to it."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self.pid: int | None = None
        self.has_safety = False
        self.had_s = 0.0  # of the processor, when it answered last
        self.under_way: deque[int] = deque()  # numbers of the chunks that it has not answered

    @property
    def ready(self) -> bool:
        return self.pid is not None

    def began(self, pid: int, has_safety: bool) -> None:
        """It has told that it is ready."""
        self.pid, self.has_safety = pid, has_safety

    def spent_s(self) -> float | None:
        """How long it has worked on what is under way; None when it does nothing."""
        used_s = None if self.pid is None else processor_s(self.pid)
        return None if used_s is None else used_s - self.had_s

    def send(self, message: tuple[int, bytes, bool]) -> bool:
        try:
            self._connection.send(message)
        except OSError:
            return False  # it has ended, which is seen on receiving
        self.under_way.append(message[0])
        return True

    def poll(self, wait_s: float) -> bool:
        try:
            return self._connection.poll(wait_s)
        except OSError:
            return True

    def receive(self) -> Any | None:
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            return None

    def end(self) -> None:
        """One that is not ready yet ends by itself when the socket closes."""
        self._connection.close()
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)  # its number is not given again before the loader forks again


def processor_s(pid: int) -> float | None:
    """Seconds of the processor that a process has had, with its threads that have ended; None when no thread of it
    wants any (stopped, gone).
    """
    process = Path(f"/proc/{pid}")
    try:
        if not any(state in {b"R", b"D"} for state in map(_state, (process / "task").iterdir())):
            return None
        user, system = _fields(process)[11:13]
    except OSError:
        return None
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _state(task: Path) -> bytes:
    """Of a thread; nothing when it has just ended, as the timer of each chunk does."""
    try:
        return _fields(task)[0]
    except OSError:
        return b""


def _fields(process: Path) -> list[bytes]:
    """Of "id (any name) state ppid ..." those behind the name, which may hold spaces and brackets."""
    return (process / "stat").read_bytes().rpartition(b")")[2].split()
