"""The alarm desk's rules, pure: how a robot's report moves an alarm, who should be called by now, and who is offline.

Times are Unix seconds of the platform. The ladder's figures (second contact at 60 s, district duty at 180 s, repeat
every 60 s, re-open after 10 min, offline within 90 s) are telecare practice: 97.5 % answered within 60 s, 99 % within
180 s (TSA).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

RISING = ("suspected", "checking", "raised", "acknowledged")
OPEN = frozenset(RISING)
ENDED = frozenset({"closed", "cancelled"})


SEVERITIES = ("low", "medium", "high")
TECHNICAL = "device"  # the type of alarms about machines; all others are about a person
CARE = "wet"  # the type of alarms that need a hand and no haste: they call slowly
CALM = frozenset({TECHNICAL, CARE})  # no emergency: events of their own, and the page does not go on ringing


@dataclass(frozen=True, slots=True)
class Ladder:
    """When who is called: rung `n` from `starts_s[n]` on, again every `repeat_s`.

    `verify_s` is how long a robot may check with the resident before the desk takes over; `rise_s` after how long
    without an answer "medium" becomes "high"; within `join_s` two alarms of one home are one event.
    """

    starts_s: tuple[float, ...] = (0.0, 60.0, 180.0)
    repeat_s: float = 60.0
    reopen_s: float = 600.0
    verify_s: float = 90.0  # two spoken prompts of 20 s and their answers, doubled
    rise_s: float = 300.0
    join_s: float = 300.0

    @property
    def rungs(self) -> tuple[tuple[float, float], ...]:
        """(start_s, end_s) of each rung from the beginning of the wait, in order."""
        return tuple(zip(self.starts_s, (*self.starts_s[1:], float("inf")), strict=True))


@dataclass(frozen=True, slots=True)
class Case:
    """What the ladder needs to know of an alarm."""

    phase: str
    received_at_s: float
    raised_at_s: float | None
    acknowledged_at_s: float | None
    test: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """Who should be called now. `number` counts the calls of this wait from 1; `rung` counts from 0."""

    number: int
    rung: int
    since_s: float


def waiting_since_s(case: Case, ladder: Ladder) -> float | None:
    """The moment from which a person is, or will be, missing; None when the alarm has ended or is a test."""
    if case.test or case.phase in ENDED:
        return None
    if case.phase == "acknowledged" and case.acknowledged_at_s is not None:
        return case.acknowledged_at_s + ladder.reopen_s
    if case.phase == "raised" and case.raised_at_s is not None:
        return case.raised_at_s
    return case.received_at_s + ladder.verify_s


def call(case: Case, now_s: float, ladder: Ladder) -> Call | None:
    """Who should be called at `now_s`, or None while nobody is missing."""
    since_s = waiting_since_s(case, ladder)
    if since_s is None or now_s < since_s:
        return None
    waited_s = now_s - since_s
    number, current = 0, 0
    for rung, (start_s, end_s) in enumerate(ladder.rungs):
        if waited_s < start_s:
            break
        number, current = number + _rings(min(waited_s, end_s) - start_s, waited_s < end_s, ladder.repeat_s), rung
    return Call(number, current, since_s)


def _rings(span_s: float, inclusive: bool, repeat_s: float) -> int:
    """How many of the moments 0, repeat_s, 2 * repeat_s... lie in the span."""
    whole, rest = divmod(span_s, repeat_s)
    return int(whole) + (1 if inclusive or rest > 0 else 0)


def reopens(case: Case, now_s: float, ladder: Ladder) -> bool:
    """Whether an acknowledged alarm has waited too long for its end."""
    since_s = waiting_since_s(case, ladder)
    return case.phase == "acknowledged" and since_s is not None and now_s >= since_s


def graver(one: str, other: str) -> str:
    """The higher of two severities."""
    return max(one, other, key=SEVERITIES.index)


def risen(severity: str, waited_s: float, ladder: Ladder) -> str:
    """What a severity has become after this long without an answer."""
    return "high" if severity == "medium" and waited_s >= ladder.rise_s else severity


def confirmed(one: str, other: str, of_one_type: bool) -> str:
    """The severity of two alarms of one event: the higher one, and a step more when two senses agree."""
    graver_one = graver(one, other)
    return graver_one if of_one_type else SEVERITIES[min(SEVERITIES.index(graver_one) + 1, len(SEVERITIES) - 1)]


def advance(phase: str, reported: str, acknowledged_here: bool) -> str:
    """The phase after a newer revision of the robot says `reported`.

    A closed alarm stays closed. The robot ends an alarm by closing or cancelling it, and may open a cancelled one
    again: a false alarm costs less than a lost one. Otherwise phases only rise. A robot's "acknowledged" is the echo of
    this desk's own word once somebody acknowledged here, and must not quiet an alarm that has since been re-opened.
    """
    if phase == "closed" or reported == phase:
        return phase
    if reported in ENDED:
        return "cancelled" if reported == "cancelled" else "closed"
    if reported == "acknowledged" and (acknowledged_here or phase == "cancelled"):
        return phase
    if phase == "cancelled":
        return reported
    return max(phase, reported, key=RISING.index)


class Presence(str, Enum):
    """Whether a robot can be reached."""

    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


OFFLINE_AFTER_S = 85.0  # shown within 90 s: pages look every 5 s


def presence(online: bool | None, last_seen_at_s: float | None, now_s: float) -> Presence:
    """A robot is online only if it says so and was heard lately; one that was never heard is unknown."""
    if last_seen_at_s is None:
        return Presence.UNKNOWN
    if online is False or now_s - last_seen_at_s > OFFLINE_AFTER_S:
        return Presence.OFFLINE
    return Presence.ONLINE if online else Presence.UNKNOWN
