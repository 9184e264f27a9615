"""The life of an alarm, what the platform answers, and what falls due."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class AlarmType(str, Enum):
    FALL = "fall"
    BED_EXIT = "bed_exit"
    SOS = "sos"
    WET = "wet"
    DEVICE = "device"


class AlarmPhase(str, Enum):
    """The life of an alarm, in order; CANCELLED ends it before it was raised or by a person."""

    SUSPECTED = "suspected"
    CHECKING = "checking"
    RAISED = "raised"
    SENT = "sent"
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Answer(str, Enum):
    """What a resident's words mean to an open check-in. Only FINE cancels."""

    FINE = "fine"
    HELP = "help"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it stands now. `revision` counts its changes from 1; `by` and `how` say who ended or answered it."""

    id: str
    type: AlarmType
    phase: AlarmPhase
    revision: int
    onset_at_s: float
    changed_at_s: float
    confidence: float
    reasons: tuple[str, ...]
    by: str | None = None
    how: str | None = None


class ReceiptKind(str, Enum):
    """What came back about an alarm from the platform."""

    SENT = "sent"
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform's answer about an alarm. `by` is a role or a name for the screen and is never logged.

    revision: the alarm's newest that the platform knew when it said so; None: it did not say.
    """

    id: str
    alarm_id: str
    kind: ReceiptKind
    at_s: float
    by: str | None = None
    reason: str | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder falls due. `late_s` says by how much it was missed (power loss, restart)."""

    id: str
    purpose: str
    due_at_s: float
    late_s: float
