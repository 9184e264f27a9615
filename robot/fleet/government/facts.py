"""What there is to tell of an alarm, and when there is something: pure.

`FIELDS` is the whole vocabulary that a mapping can ask for. No name of a resident, no heart or breath rate and no
speech is among it, so no mapping can send one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from robot.fleet.desk import ENDED

EVENTS = ("raised", "reopened", "severity", "acknowledged", "closed", "cancelled")


@dataclass(frozen=True, slots=True)
class Facts:
    """One thing to be told. Times are Unix seconds: onset of the robot, the others of this platform."""

    key: str  # idempotency key
    event: str  # one of EVENTS
    alarm_id: str
    device: str
    region: str  # six digits
    type: str
    phase: str
    severity: str
    revision: int
    test: bool
    confidence: float | None
    reasons: str  # words of the robot's rules, joined by commas
    room: str | None
    how: str | None  # how an alarm was cancelled
    onset_at_s: float
    received_at_s: float
    at_s: float  # of this event
    by: str | None  # the caregiver who acknowledged or closed: personal, ask only if the region must know
    detail: str | None  # why it was closed, in the caregiver's words: may be personal


FIELDS = tuple(field.name for field in fields(Facts))
TIMES = tuple(name for name in FIELDS if name.endswith("at_s"))


def events_of(phase: str, severity: str, told_phase: str | None, told_severity: str | None) -> tuple[str, ...]:
    """What has to be told now that an alarm stands at `phase`; `told_*` is what was queued last, None for nothing.

    What a robot still checks, and what ended before it was raised, does not concern the region. An alarm that somebody
    took on before it was raised is told as raised first: the region must know what was acknowledged.
    """
    if phase == told_phase:
        changed = severity != told_severity and phase not in ENDED
        return ("severity",) if changed else ()
    if phase == "raised":
        return ("raised",) if told_phase is None else ("reopened",)
    if phase == "acknowledged" and told_phase in (None, *ENDED):
        return ("raised" if told_phase is None else "reopened", "acknowledged")
    if phase == "acknowledged" or (phase in ENDED and told_phase is not None):
        return (phase,)
    return ()
