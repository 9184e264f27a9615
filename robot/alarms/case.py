"""A case: one alarm together with what the book must remember about it across a restart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from robot.messages import Alarm, AlarmPhase, AlarmType, Presence

# A clock may be slewed back a little; more than this, and it was set back: see `elapsed_s`.
CLOCK_SLACK_S = 5.0

ENDED = frozenset({AlarmPhase.CLOSED, AlarmPhase.CANCELLED})
CHECKED = frozenset({AlarmPhase.SUSPECTED, AlarmPhase.CHECKING})
WAITING = frozenset({AlarmPhase.RAISED, AlarmPhase.SENT, AlarmPhase.RECEIVED})


class Severity(str, Enum):
    """How urgent a report is; the platform's three levels."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    def risen(self, steps: int) -> Severity:
        """This severity, `steps` levels up; HIGH is the top."""
        levels = list(Severity)
        return levels[min(levels.index(self) + steps, len(levels) - 1)]


# A fall or a call for help is urgent once raised; a long absence from bed becomes so; a wet bed or a device never does.
RAISED_SEVERITY = {
    AlarmType.FALL: Severity.HIGH,
    AlarmType.SOS: Severity.HIGH,
    AlarmType.BED_EXIT: Severity.LOW,
    AlarmType.WET: Severity.LOW,
    AlarmType.DEVICE: Severity.LOW,
}
FINE_AFTER_RAISE = "fine_after_raise"
"""The reason of an alarm whose resident said "I am fine" too late to withdraw it."""
EMERGENCIES = frozenset({AlarmType.FALL, AlarmType.SOS})
QUIET = frozenset({AlarmType.WET, AlarmType.DEVICE})
"""For the caregiver only: nobody is asked or told aloud. A wet bed is nothing to say into a room where others sleep."""


def elapsed_s(since_s: float, now_s: float) -> float:
    """Seconds from `since_s` to `now_s`; infinite when the clock was set back: too early is safer than never.

    A board without a battery clock starts in the past until the network gives it the time.
    """
    return math.inf if since_s - now_s > CLOCK_SLACK_S else max(0.0, now_s - since_s)


@dataclass(frozen=True, slots=True)
class Evidence:
    """An event that opens an alarm of `type`, or joins one that is open.

    source: the event's id. at_s: its onset. confidence: 0..1, cut to that.
    revision: the alarm's first that tells of it, once it has joined: who knew an earlier one did not know of this.
    """

    source: str
    type: AlarmType
    reason: str
    at_s: float
    confidence: float
    revision: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "confidence", min(max(self.confidence, 0.0), 1.0))


@dataclass(frozen=True, slots=True)
class Case:
    """One alarm as the book knows it.

    source_ids: the events that opened or joined it; an event that comes twice counts once.
    joined: the latest of those that joined it.
    answers_from_s: words spoken earlier are no answer to it (they were said before the latest evidence).
    prompts: how many check-in prompts were asked; `checking_at_s` and `prompted_at_s` are the first and the latest.
    raised_revision: platform receipts about earlier revisions say nothing about the raised alarm.
    cancel_until_s: a clear FINE spoken by then still withdraws it.
    ask_at_s: a raised alarm asks the resident once, then; a suspected one then begins its check-in.
    told: the latest text key said to a waiting resident, at `told_at_s`.
    rises: how many times waiting has raised the severity.
    """

    alarm: Alarm
    severity: Severity
    source_ids: tuple[str, ...]
    answers_from_s: float
    checking_at_s: float | None = None
    prompted_at_s: float | None = None
    prompts: int = 0
    raised_at_s: float | None = None
    raised_revision: int | None = None
    cancel_until_s: float | None = None
    acknowledged_at_s: float | None = None
    told: str | None = None
    told_at_s: float | None = None
    rises: int = 0
    ask_at_s: float | None = None
    joined: tuple[Evidence, ...] = ()

    @property
    def id(self) -> str:
        return self.alarm.id

    @property
    def phase(self) -> AlarmPhase:
        return self.alarm.phase

    @property
    def is_open(self) -> bool:
        return self.alarm.phase not in ENDED

    def revised(
        self,
        now_s: float,
        *,
        phase: AlarmPhase | None = None,
        reason: str | None = None,
        confidence: float = 0.0,
        by: str | None = None,
        how: str | None = None,
        **memory: Any,
    ) -> Case:
        """The next revision. A reason already given is not repeated; confidence never falls."""
        alarm = self.alarm
        new_reasons = (reason,) if reason and reason not in alarm.reasons else ()
        revised = replace(
            alarm,
            phase=phase or alarm.phase,
            revision=alarm.revision + 1,
            changed_at_s=now_s,
            confidence=max(alarm.confidence, confidence),
            reasons=alarm.reasons + new_reasons,
            by=by or alarm.by,
            how=how or alarm.how,
        )
        return replace(self, alarm=revised, **memory)


@dataclass(frozen=True, slots=True)
class BedMemory:
    """What the bed last said for certain, and since when a night absence is being timed (None: it is not).

    by_night: whether it was left at night. By day it is no absence, and only who was not seen to get up is asked.
    explained: the last falls that the mattress explained away, (event id, when): a watcher repeats its last events to
    whoever restarts, and the mattress has not spoken yet then. wet_told: the bed has been wet since the caregiver was
    told so; closing that alarm does not dry it.
    """

    presence: Presence = Presence.UNKNOWN
    left_at_s: float | None = None
    by_night: bool = True
    explained: tuple[tuple[str, float], ...] = ()
    wet_told: bool = False
