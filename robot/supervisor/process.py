"""One supervised process: how it starts, where its output goes, when it starts again, how it is made to end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from robot.errors import BadInput, MissingPart
from robot.supervisor.lifeline import die_with_parent

SHORT_LIFE_S = 5.0
LONG_LIFE_S = 30.0
LONGEST_DELAY_S = 10.0
SHORTEST_DOUBLED_DELAY_S = 0.25  # a respawn_delay of zero grows, too
LOG_LIMIT_BYTES = 5_000_000
LINE_LIMIT_BYTES = 4096  # also PIPE_BUF: a pipe that is writable takes so much without blocking


@dataclass(frozen=True)
class Command:
    """What to run and how. `name` is unique among the supervised processes."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str | None = None
    respawn: bool = False
    respawn_delay_s: float = 0.0
    sigterm_after_s: float = 5.0
    sigkill_after_s: float = 5.0


class Backoff:
    """How long to wait before a restart: `first_s`, doubled up to 10 s after each short life, reset by a long one."""

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self._delay_s = first_s

    def after(self, alive_s: float) -> float:
        """The delay after a life of `alive_s`."""
        if alive_s >= LONG_LIFE_S:
            self._delay_s = self._first_s
        delay_s = self._delay_s
        if alive_s < SHORT_LIFE_S:
            doubled_s = max(2 * delay_s, SHORTEST_DOUBLED_DELAY_S)
            self._delay_s = min(doubled_s, max(LONGEST_DELAY_S, self._first_s))
        return delay_s


class Screen:
    """Lines on standard output. A reader that does not read must not stop the robot: then lines are dropped."""

    def __init__(self) -> None:
        self._dropped = 0

    def show(self, name: str, line: bytes) -> None:
        if self._dropped and self._write(b"[supervisor] %d lines were not shown: nobody read\n" % self._dropped):
            self._dropped = 0
        whole = b"[%s] %s" % (name.encode(), line)
        if self._dropped or not self._write(whole[: LINE_LIMIT_BYTES - 1] + b"\n"):
            self._dropped += 1

    def _write(self, data: bytes) -> bool:
        try:
            if not select.select([], [sys.stdout.fileno()], [], 0)[1]:
                return False
            os.write(sys.stdout.fileno(), data)
        except (OSError, ValueError):
            return False  # closed, as by `| head`
        return True


class Process:
    """A running process in a session of its own. It is killed with this one, and its group with it."""

    def __init__(self, command: Command, log_folder: Path | None) -> None:
        self.command = command
        self._rest = b""
        self.output: BinaryIO | None = None
        self.output_ended = False
        log = _open_log(log_folder, command.name)
        supervisor_pid = os.getpid()
        try:
            # safe with preexec_fn: this program has one thread
            self._child = subprocess.Popen(
                command.arguments,
                env=dict(command.environment),
                cwd=command.folder,
                stdin=subprocess.DEVNULL,
                stdout=log or subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(supervisor_pid),
            )
        except OSError as error:
            raise MissingPart(f"{command.name}: {command.arguments[0]} cannot be started: {error.strerror}") from error
        finally:
            if log is not None:
                log.close()
        if self._child.stdout is not None:
            os.set_blocking(self._child.stdout.fileno(), False)
            self.output = self._child.stdout  # type: ignore[assignment]  # typed as IO[bytes], is a BufferedReader

    @property
    def pid(self) -> int:
        return self._child.pid

    def ended(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs."""
        return self._child.poll()

    def send(self, number: signal.Signals) -> None:
        """Signal the process, or with SIGKILL its whole group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number is signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                self._child.send_signal(number)

    def lines(self) -> list[bytes]:
        """Whole lines that came since the last call."""
        if self.output is None:
            return []
        with contextlib.suppress(BlockingIOError):
            data = os.read(self.output.fileno(), 65_536)
            self.output_ended = not data
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > LINE_LIMIT_BYTES:
                lines, self._rest = [*lines, self._rest], b""
            return lines
        return []

    def close(self) -> list[bytes]:
        """End what is left of its group; give the last lines."""
        self.send(signal.SIGKILL)
        lines = []
        while more := self.lines():
            lines += more
        if self.output is not None:
            self.output.close()
        return [*lines, self._rest] if self._rest else lines


def _open_log(folder: Path | None, name: str) -> BinaryIO | None:
    """Append to FOLDER/NAME.log; a file above 5 MB becomes NAME.log.1 first."""
    if folder is None:
        return None
    path = folder / f"{name.replace('/', '_')}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")
    except OSError as error:
        raise BadInput(f"the log {path} cannot be written ({error.strerror}): set HANI_LOG_DIR") from error
