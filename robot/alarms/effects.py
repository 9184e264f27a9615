"""What the book wants done.

`Store`, `StoreBed`, `Report` and `Suppressed` are written, in one transaction, before anything else is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from robot.alarms.case import BedMemory, Case, Severity
from robot.messages import Alarm, AlarmPhase


@dataclass(frozen=True, slots=True)
class Store:
    """Write this case to the journal."""

    case: Case

    @property
    def alarm(self) -> Alarm:
        return self.case.alarm


@dataclass(frozen=True, slots=True)
class StoreBed:
    """Write what the bed last said, so that a night absence outlives a restart."""

    memory: BedMemory


@dataclass(frozen=True, slots=True)
class Report:
    """Append the alarm to the outbox, in the transaction of its `Store`."""

    alarm: Alarm
    severity: Severity

    @property
    def phase(self) -> AlarmPhase:
        """The phase to report: SENT and RECEIVED are the robot's own view of RAISED."""
        own_view = self.alarm.phase in (AlarmPhase.SENT, AlarmPhase.RECEIVED)
        return AlarmPhase.RAISED if own_view else self.alarm.phase


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask "are you all right?" in both languages; `number` is 1 or 2."""

    alarm_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Say the text of this purpose; `alarm_id` is None when there is no alarm (the night light)."""

    alarm_id: str | None
    purpose: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Let the other parts know how the alarm stands."""

    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A fall was not followed up because mattress or resident contradict it: counted in the journal, and logged."""

    reason: str


Effect = Store | StoreBed | Report | Ask | Tell | Publish | Suppressed
Effects = tuple[Effect, ...]
DURABLE = (Store, StoreBed, Report, Suppressed)
