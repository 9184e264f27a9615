"""Runs a launch description: one thread, one event loop, every process restarted, ended in order, none left behind.

HANI_LOG_DIR: a file a process instead of lines on standard output. HANI_STATE_DIR: processes.json there holds
{name: pid} of what runs now.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from robot.errors import BadInput, HaniError
from robot.supervisor.actions import (
    DeclareLaunchArgument,
    ProcessExited,
    handle_exit,
    read_launch_file,
)
from robot.supervisor.lifeline import GUARD_DIED, kill_children
from robot.supervisor.nodes import ExecuteProcess
from robot.supervisor.process import Backoff, Command, Process, Screen
from robot.supervisor.substitutions import Scope

NEXT_STOP_AFTER_S = 0.5
USAGE_ERROR = 2


class _Supervised:
    """A command with its restarts."""

    def __init__(self, command: Command, action: ExecuteProcess, scope: Scope) -> None:
        self.command, self.action, self.scope = command, action, scope
        self.backoff = Backoff(command.respawn_delay_s)
        self.process: Process | None = None
        self.started_at_s = 0.0
        self.stopping = False


class Service:
    """Visit first, start then: a launch file with a mistake starts nothing."""

    def __init__(self) -> None:
        self.exit_handlers: list[Callable[[ProcessExited], None]] = []
        self.declared: dict[str, DeclareLaunchArgument] = {}
        self._screen = Screen()
        self._log_folder = _folder("HANI_LOG_DIR")
        self._state_folder = _folder("HANI_STATE_DIR")
        self._temporary: Path | None = None
        self._supervised: list[_Supervised] = []
        self._timers: dict[object, asyncio.TimerHandle] = {}
        self._delayed: list[tuple[float, Callable[[], None]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._done = asyncio.Event()
        self._code = 0

    # --- what actions use -----------------------------------------------------------------------------------------

    def say(self, line: str) -> None:
        self._screen.show("supervisor", line.encode())

    def add(self, command: Command, action: ExecuteProcess, scope: Scope) -> None:
        """Supervise a command: started now, or when the whole launch file has been read without a mistake."""
        taken = {other.command.name for other in self._supervised}
        name, number = command.name, 2
        while name in taken:
            name, number = f"{command.name}-{number}", number + 1
        supervised = _Supervised(replace(command, name=name), action, scope)
        self._supervised.append(supervised)
        if self._loop is not None:
            self._start(supervised)

    def later(self, delay_s: float, what: Callable[[], None]) -> None:
        """Do `what` after `delay_s`, counted from the start, unless everything stops before."""
        if self._loop is None:
            self._delayed.append((delay_s, what))
        elif not self._stopping:
            key = object()
            self._timers[key] = self._loop.call_later(delay_s, self._ring, key, what)

    def parameter_file(self, document: str) -> Path:
        """Keep a parameter file until the end."""
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="hani-launch-"))
        path = self._temporary / f"parameters-{len(list(self._temporary.iterdir()))}.yaml"
        path.write_text(document, encoding="utf-8")
        return path

    def shutdown(self, reason: str) -> None:
        """End all processes, the last started first; the next is asked when one has ended, or after 0.5 s."""
        if self._stopping:
            return
        self._stopping = True
        self.say(f"stopping: {reason}")
        if self._loop is not None:
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
            self._stop_next()

    # --- running --------------------------------------------------------------------------------------------------

    def read(self, path: Path, arguments: dict[str, str]) -> None:
        """Visit a launch file, which fills `declared`. Raises HaniError; nothing has been started then."""
        environment = {"PYTHONUNBUFFERED": "1", **os.environ}
        scope = Scope(self, dict(arguments), environment, file=path.resolve())
        description = read_launch_file(path)
        try:
            description.visit(scope)
        except HaniError:
            raise
        except Exception as error:  # an OpaqueFunction is a program: anything may come out of it
            raise BadInput(f"launch file {path} cannot be used: {type(error).__name__}: {error}") from error
        unknown = sorted(set(arguments) - set(self.declared))
        if unknown:
            known = ", ".join(self.declared) or "none"
            raise BadInput(f"unknown argument {', '.join(unknown)}; this launch file has: {known}")

    async def run(self) -> int:
        """Start what was read and stay until all has ended. Gives the exit code."""
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._loop.add_signal_handler(number, self._interrupted, number)
        self._loop.add_signal_handler(GUARD_DIED, self._kill_all)
        self._loop.add_signal_handler(signal.SIGCHLD, self._look_for_ended)
        for supervised in list(self._supervised):
            self._start(supervised)
        for delay_s, what in self._delayed:
            self.later(delay_s, what)
        self._finish_if_idle()
        await self._done.wait()
        return self._code

    def close(self) -> None:
        """Leave nothing behind."""
        kill_children()
        self._write_state()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _start(self, supervised: _Supervised) -> None:
        if self._stopping:
            return
        try:
            process = Process(supervised.command, self._log_folder)
        except HaniError as error:
            self._start_failed(supervised, error)
            return
        supervised.process = process
        supervised.started_at_s = time.monotonic()
        self.say(f"{supervised.command.name}: started, pid {process.pid}")
        if process.output is not None and self._loop is not None:
            self._loop.add_reader(process.output.fileno(), self._show, process)
        self._write_state()

    def _start_failed(self, supervised: _Supervised, error: HaniError) -> None:
        """A part that never ran is a mistake; one that ran before (say, no memory now) is tried again."""
        if supervised.command.respawn and supervised.started_at_s:
            self.say(f"{supervised.command.name}: cannot start now: {error}")
            self.later(supervised.backoff.after(0.0), lambda: self._start(supervised))
        else:
            self._fail(error)

    def _show(self, process: Process) -> None:
        for line in process.lines():
            self._screen.show(process.command.name, line)
        if process.output_ended and process.output is not None and self._loop is not None:
            self._loop.remove_reader(process.output.fileno())

    def _look_for_ended(self) -> None:
        for supervised in list(self._supervised):
            code = supervised.process.ended() if supervised.process is not None else None
            if code is not None:
                self._ended(supervised, code)

    def _ended(self, supervised: _Supervised, code: int) -> None:
        process, supervised.process = supervised.process, None
        if process is None or self._loop is None:
            return
        if process.output is not None:
            self._loop.remove_reader(process.output.fileno())
        for line in process.close():
            self._screen.show(process.command.name, line)
        kill_children(keep={other.process.pid for other in self._supervised if other.process is not None})
        self.say(f"{supervised.command.name}: ended, {_describe(code)}")
        self._write_state()
        if self._stopping:
            self._stop_next()
        else:
            self._react(supervised, process.pid, code)
        self._finish_if_idle()

    def _react(self, supervised: _Supervised, pid: int, code: int) -> None:
        command = supervised.command
        if command.respawn:
            delay_s = supervised.backoff.after(time.monotonic() - supervised.started_at_s)
            self.later(delay_s, lambda: self._start(supervised))
        elif code != 0:
            self._code = 1
        event = ProcessExited(supervised.action, command.name, pid, code)
        try:
            for handler in list(self.exit_handlers):
                handler(event)
            handle_exit(supervised.action.on_exit, event, supervised.scope)
        except HaniError as error:
            self._fail(error)

    def _ring(self, key: object, what: Callable[[], None]) -> None:
        del self._timers[key]
        try:
            what()
        except HaniError as error:
            self._fail(error)
        self._finish_if_idle()

    # --- stopping -------------------------------------------------------------------------------------------------

    def _interrupted(self, number: signal.Signals) -> None:
        if self._stopping:
            self._kill_all()  # asked twice: at once
        self.shutdown(signal.Signals(number).name)
        self._finish_if_idle()

    def _stop_next(self) -> None:
        loop = self._loop
        for supervised in reversed(self._supervised):
            process = supervised.process
            if loop is not None and process is not None and not supervised.stopping:
                supervised.stopping = True
                command = supervised.command
                process.send(signal.SIGINT)
                kill_after_s = command.sigterm_after_s + command.sigkill_after_s
                loop.call_later(command.sigterm_after_s, self._insist, supervised, signal.SIGTERM)
                loop.call_later(kill_after_s, self._insist, supervised, signal.SIGKILL)
                loop.call_later(NEXT_STOP_AFTER_S, self._stop_next)
                return

    def _insist(self, supervised: _Supervised, number: signal.Signals) -> None:
        if supervised.process is not None:
            self.say(f"{supervised.command.name}: does not end; {number.name}")
            supervised.process.send(number)

    def _kill_all(self) -> None:
        self._stopping = True
        for supervised in self._supervised:
            if supervised.process is not None:
                supervised.process.send(signal.SIGKILL)

    def _fail(self, error: HaniError) -> None:
        self._screen.show("supervisor", f"error: {error}".encode())
        self._code = USAGE_ERROR
        self.shutdown("an error")

    def _finish_if_idle(self) -> None:
        running = any(supervised.process is not None for supervised in self._supervised)
        if not running and (self._stopping or not self._timers):
            self._done.set()

    def _write_state(self) -> None:
        if self._state_folder is None:
            return
        running = {other.command.name: other.process.pid for other in self._supervised if other.process is not None}
        path = self._state_folder / "processes.json"
        with contextlib.suppress(OSError):  # a full disk must not end the robot
            self._state_folder.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".new").write_text(json.dumps(running), encoding="utf-8")
            path.with_suffix(".new").replace(path)


def _folder(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def _describe(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
