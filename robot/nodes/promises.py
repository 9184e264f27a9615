"""Texts that somebody must hear, such as "help is coming": given to the voice until it has said them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from robot.messages import Say, Spoken, SpokenState

AGAIN_S = 10.0
"""Between two attempts; a voice that was ended is back in about that time."""
WITHIN_S = 600.0
"""Then the moment has passed: the caregiver stands in the room, or the alarm has climbed on."""


@dataclass(frozen=True, slots=True)
class _Promise:
    say: Say
    made_at_s: float
    given_at_s: float


class Promises:
    """Each text is said once: it keeps its id, and a voice drops the id that it has taken already, but one that was
    restarted meanwhile does not know it. What the voice gave up gets a new id from `new_id`.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._promises: list[_Promise] = []

    def make(self, says: Iterable[Say], now_s: float) -> None:
        """`says`, all about one alarm, have been given to the voice now. They replace what was promised about it."""
        for say in (says := tuple(says)):
            self.forget(say.about)
        self._promises += [_Promise(say, now_s, now_s) for say in says]

    def forget(self, alarm_id: str) -> None:
        """The alarm has ended."""
        self._promises = [promise for promise in self._promises if promise.say.about != alarm_id]

    def spoken(self, spoken: Spoken) -> None:
        """What became of a text, of any."""
        if spoken.state is SpokenState.FINISHED:
            self._promises = [promise for promise in self._promises if promise.say.id != spoken.say_id]
        elif spoken.state in (SpokenState.FAILED, SpokenState.INTERRUPTED):
            self._promises = [
                replace(promise, say=replace(promise.say, id=self._new_id()))
                if promise.say.id == spoken.say_id
                else promise
                for promise in self._promises
            ]

    def due(self, now_s: float) -> tuple[Say, ...]:
        """What to give to the voice again, in the order of the first time."""
        self._promises = [promise for promise in self._promises if now_s - promise.made_at_s <= WITHIN_S]
        due = tuple(promise.say for promise in self._promises if now_s - promise.given_at_s >= AGAIN_S)
        self._promises = [
            replace(promise, given_at_s=now_s) if promise.say in due else promise for promise in self._promises
        ]
        return due
