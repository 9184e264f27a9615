"""When to send and when to try to connect. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from robot.reporting.outbox import Row

FIRST_WAIT_S = 4.0
LONGEST_WAIT_S = 15.0
SHORTEST_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast rows go up. Waiting times vary by the share `jitter`, so that a fleet does not march in step.

    The longest wait differs by kind: of alarms it is what a raised alarm may wait once the platform is back, with 30 s
    for all one in a hundred waited 28 s (tests.chaos); telemetry's is for a platform of the first release, which never
    acknowledges it.
    """

    window: int = 64
    reserved_for_alarms: int = 16
    first_retry_s: float = 3.0
    max_retry_s: float = 30.0
    alarm_retry_s: float = 8.0
    telemetry_retry_s: float = 600.0
    jitter: float = 0.2


@dataclass(slots=True)
class _Sent:
    at_s: float
    again_at_s: float
    tries: int


class SendPlan:
    """Which pending rows to send now. A row is due again and again, ever more slowly, until it is acknowledged.

    A row takes a place in the window for `first_retry_s` after each sending, not until its acknowledgement: rows that
    the platform never answers cannot stop the others. Some places are only for alarms.
    """

    def __init__(self, pacing: Pacing | None = None, chance: Callable[[], float] = random.random) -> None:
        self._pacing = pacing or Pacing()
        self._chance = chance
        self._sent: dict[str, _Sent] = {}

    def reach(self) -> int:
        """How many pending rows `due` must see, so that no row is hidden behind those that wait for an answer."""
        return len(self._sent) + self._pacing.window

    def due(self, pending: Sequence[Row], now_s: float) -> list[Row]:
        """Choose from `pending` (in the outbox's order) what to send at `now_s`, and take it as sent."""
        occupied = sum(sent.at_s <= now_s < sent.at_s + self._pacing.first_retry_s for sent in self._sent.values())
        chosen: list[Row] = []
        for row in pending:
            sent = self._sent.get(row.id)
            # a clock that was set back must not delay anything: then `at_s` lies in the future
            if sent is not None and sent.at_s <= now_s < sent.again_at_s:
                continue
            places = self._pacing.window - (0 if row.kind == "alarm" else self._pacing.reserved_for_alarms)
            if occupied >= places:
                break
            self._sent[row.id] = self._next(row, sent.tries if sent else 0, now_s)
            occupied += 1
            chosen.append(row)
        return chosen

    def acked(self, ids: Iterable[str]) -> None:
        """The platform has committed these."""
        for id_ in ids:
            self._sent.pop(id_, None)

    def reconnected(self) -> None:
        """What was under way may be lost: everything without acknowledgement is due at once."""
        self._sent.clear()

    def _next(self, row: Row, tries: int, now_s: float) -> _Sent:
        pacing = self._pacing
        longest_s = {"alarm": pacing.alarm_retry_s, "telemetry": pacing.telemetry_retry_s}
        most_s = longest_s.get(row.kind, pacing.max_retry_s)
        wait_s = min(pacing.first_retry_s * 2.0 ** min(tries, 32), most_s)
        return _Sent(now_s, now_s + wait_s * (1 + pacing.jitter * self._chance()), tries + 1)


class Backoff:
    """How long to wait before the next attempt to connect: anywhere up to a bound that doubles.

    A broker that restarts loses its whole fleet in one moment. Waits that double in step, however much their bound is
    jittered, bring all of it back in one moment, too; waits that are drawn anew each time spread it out.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._tries = 0

    def next_s(self) -> float:
        """The wait after one more loss or failure."""
        most_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._tries, 8))
        self._tries += 1
        return SHORTEST_WAIT_S + (most_s - SHORTEST_WAIT_S) * self._chance()

    def connected(self) -> None:
        """The broker has taken this robot."""
        self._tries = 0
