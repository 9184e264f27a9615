"""Plays a scenario's steps in order against a home, and says where it got stuck."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from robot.simulation.scenario import Caregiver, Mattress, Scenario, Step, WaitFor
from robot.simulation.timeline import Event, Timeline

_POLL_S = 0.05
_EARLY_MIN = 10
_DAY_MIN = 24 * 60


class Home(Protocol):
    """What a scenario can do to a home."""

    def set_clock(self, hour: int, minute: int, second: int) -> None: ...
    def show(self, clip: Path | None) -> None: ...
    def play(self, clip: Path) -> None: ...
    def set_mattress(self, mattress: Mattress) -> None: ...
    def caregiver(self, visit: Caregiver, stopping: threading.Event) -> bool: ...


class Runner:
    """`run` returns True when every step succeeded. A wait sees events since the last successful wait."""

    def __init__(
        self,
        scenario: Scenario,
        media: Path,
        home: Home,
        timeline: Timeline,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._scenario, self._media, self._home, self._timeline = scenario, media, home, timeline
        self._now = now
        self._since = 0

    def first_clock(self) -> tuple[int, int, int]:
        """Ten minutes before the first `clock` step; noon when there is none."""
        clock = next((step.clock for step in self._scenario.steps if step.clock), "12:10")
        hour, minute = (int(part) for part in clock.split(":")[:2])
        before = (hour * 60 + minute - _EARLY_MIN) % _DAY_MIN
        return before // 60, before % 60, 0

    def run(self, stopping: threading.Event) -> bool:
        self._note("scenario", name=self._scenario.name, result="started")
        for number, step in enumerate(self._scenario.steps, start=1):
            if stopping.is_set():
                return False
            if not self._do(step, stopping):
                self._note("scenario", name=self._scenario.name, result="failed", step=str(number), verb=_verb(step))
                return False
        self._note("scenario", name=self._scenario.name, result="done")
        return True

    def _do(self, step: Step, stopping: threading.Event) -> bool:
        if step.note is not None:
            self._note("note", text=step.note)
        elif step.clock is not None:
            hour, minute, *rest = (int(part) for part in step.clock.split(":"))
            self._home.set_clock(hour, minute, rest[0] if rest else 0)
            self._note("room", what="clock", time=step.clock)
        elif step.camera is not None:
            self._home.show(None if step.camera == "empty" else self._media / step.camera)
            self._note("room", what="camera", clip=step.camera)
        elif step.resident_says is not None:
            self._home.play(self._media / step.resident_says)
            self._note("room", what="resident_says", clip=step.resident_says)
        elif step.mattress is not None:
            self._home.set_mattress(step.mattress)
            self._note("room", what="mattress", in_bed=step.mattress.in_bed)
        elif step.pause_s is not None:
            stopping.wait(step.pause_s)
        elif step.wait_for is not None:
            return self._wait(step.wait_for, stopping)
        elif step.caregiver is not None:
            return self._home.caregiver(step.caregiver, stopping)
        return True

    def _wait(self, wait: WaitFor, stopping: threading.Event) -> bool:
        until_s = time.monotonic() + wait.within_s
        while time.monotonic() < until_s and not stopping.is_set():
            event = self._timeline.find(wait.kind, wait.where, self._since)
            if event is not None:
                self._since = self._timeline.events.index(event) + 1
                return True
            stopping.wait(_POLL_S)
        return False

    def _note(self, kind: str, **fields: str | float | bool | None) -> None:
        self._timeline.add(Event(self._now(), kind, fields))


def _verb(step: Step) -> str:
    """The step in one line, for the message that says where a scenario got stuck."""
    (verb,) = step.model_fields_set
    value = getattr(step, verb)
    if isinstance(value, WaitFor):
        return f"wait_for {value.kind} {dict(value.where)} within {value.within_s:g} s"
    return f"{verb} {value}"
