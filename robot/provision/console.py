"""Run long commands so that a person sees that they go on, and what went wrong when they stop."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from robot.errors import MissingPart

TICK_S = 1.0  # how often a terminal's line is redrawn
QUIET_S = 20.0  # how often a log (CI) gets a line, so that nobody takes a long step for a hanging one
SHOWN_LINES = 25  # of a failed command's output


class Console:
    """Prints one line a step; the output of the commands goes into a log file a step."""

    def __init__(self, logs: Path, out: TextIO | None = None) -> None:
        self.logs = logs
        self.out = out or sys.stdout
        self.title = ""
        self.log = logs / "setup.log"
        self.begun_s = 0.0

    def say(self, line: str) -> None:
        print(line, file=self.out, flush=True)

    def begin(self, step: str, title: str) -> None:
        """Open the log of a step and show that it runs."""
        self.title, self.begun_s = title, time.monotonic()
        self.logs.mkdir(parents=True, exist_ok=True)
        self.log = self.logs / f"setup-{step}.log"
        self.log.write_text("", encoding="utf-8")
        if self.out.isatty():
            self._draw("...")
        else:
            self.say(f"{title} ...")

    def end(self) -> None:
        done = f"{self.title}: done in {self._elapsed_s():.1f} s"
        self.say(f"\r\033[K{done}" if self.out.isatty() else done)

    def run(self, command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        """Run a command of the current step to its end.

        `env` is added to this process's environment. Raises MissingPart, after showing the last lines of the command's
        output, when it cannot be started or ends with an error.
        """
        words = [str(word) for word in command]
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(words)}\n")
            log.flush()
            try:
                child = subprocess.Popen(
                    words, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            except OSError as error:
                log.write(f"{error}\n")
                code = 127
            else:
                code = self._wait(child)
        if code != 0:
            self._show_end_of_log()
            raise MissingPart(f"{self.title}: `{words[0]}` ended with {code}; all of its output is in {self.log}")

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        terminal = self.out.isatty()
        try:
            while True:
                try:
                    return child.wait(TICK_S if terminal else QUIET_S)
                except subprocess.TimeoutExpired:
                    if terminal:
                        self._draw(f"{self._elapsed_s():.0f} s  {self._last_line()}")
                    else:
                        self.say(f"  still at it after {self._elapsed_s():.0f} s: {self._last_line()}")
        except BaseException:  # Ctrl-C: leave no child behind
            child.terminate()
            child.wait()
            raise

    def _draw(self, state: str) -> None:
        width = max(20, os.get_terminal_size(self.out.fileno()).columns - 1)
        self.out.write("\r\033[K" + f"{self.title}: {state}"[:width])
        self.out.flush()

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.begun_s

    def _lines(self) -> list[str]:
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return [line for line in text.replace("\r", "\n").splitlines() if line.strip()]

    def _last_line(self) -> str:
        return (self._lines() or [""])[-1].strip()[:100]

    def _show_end_of_log(self) -> None:
        self.say("")
        for line in self._lines()[-SHOWN_LINES:]:
            self.say(f"  | {line}")
