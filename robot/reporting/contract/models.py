"""The messages, version 1. New fields are optional and have defaults; null means unknown, never zero."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from robot.reporting.contract.topics import VERSION
from robot.reporting.contract.values import (
    ACK_IDS,
    AlarmKind,
    BootId,
    BreathRate,
    Count,
    Detail,
    DeviceId,
    Digest,
    HeartRate,
    How,
    MessageId,
    NodeReasons,
    Nodes,
    Person,
    Phase,
    Reasons,
    Revision,
    Room,
    Seconds,
    Severity,
    Share,
    Slug,
    UnixSeconds,
    Version,
    Words,
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Wire(_Part):
    """Base of everything on the wire: frozen, unknown fields ignored."""

    v: Literal[1] = VERSION

    def encode(self) -> bytes:
        """Compact UTF-8 JSON."""
        return self.model_dump_json().encode()


class Envelope(Wire):
    """What every report carries.

    seq: counts the rows of the device's outbox; 0 for what never stood in it.
    ts, ts_mono: the moment of the report by the robot's wall clock, and in seconds of its boot `boot`. The wall clock
    may jump; within one boot `ts_mono` orders and measures. prev: digest of the report with the number before
    (`robot.reporting.contract.digest`).
    """

    id: MessageId
    dev: DeviceId
    seq: Count
    ts: UnixSeconds
    ts_mono: Seconds | None = None
    boot: BootId = ""
    test: bool = False
    prev: Digest | None = None


class AlarmBody(_Part):
    """One alarm as it stands at `revision`.

    A type that is not known here is read as "other", a severity as "high", a phase as "raised", a reason or `how` that
    is no slug as "other", a room that is no slug as unknown: an alarm always gets through.
    """

    alarm_id: MessageId
    type: AlarmKind
    phase: Phase
    revision: Revision
    severity: Severity
    confidence: Share | None
    onset_ts: UnixSeconds
    reasons: Reasons = ()
    room: Room = None
    how: How = None


class AlarmReport(Envelope):
    """An alarm's newest revision. QoS 1, kept in the outbox until the platform's Ack, never expires."""

    kind: Literal["alarm"] = "alarm"
    body: AlarmBody


class EventBody(_Part):
    """A fact for the record: `name` is constant; `detail` holds numbers and short tokens."""

    name: Slug
    detail: Detail = {}


class EventReport(Envelope):
    """A fact. QoS 1, kept in the outbox until the platform's Ack."""

    kind: Literal["event"] = "event"
    body: EventBody


class BedBody(_Part):
    """The bed as it stood; all null while the mattress is silent. wet: null too where it has no such sensor."""

    in_bed: bool | None
    heart_rate_bpm: HeartRate | None = None
    breath_rate_bpm: BreathRate | None = None
    fresh: bool = False
    wet: bool | None = None


class TelemetryReport(Envelope):
    """The bed, once a minute and on change. Kept until the platform's Ack like the others, but thinned for space."""

    kind: Literal["telemetry"] = "telemetry"
    body: BedBody


class StateReport(Wire):
    """Retained. `online` False comes from the last will or an orderly stop.

    nodes: each node's level, 0 ok, 1 warn, 2 error; one whose name is no slug counts as "other". reasons: for some of
    those that are not ok, what is wrong, in a word that pages translate (`camera_dark`), never a text. outbox: reports
    that wait for the platform. thinned: reports of telemetry and events, never of alarms, that the robot gave up for
    want of space or for their age, ever. test_ok_ts: when a test alarm last came back closed from the platform.
    """

    dev: DeviceId
    online: bool
    ts: UnixSeconds
    outbox: Count = 0
    software: Version = ""
    nodes: Nodes = {}
    reasons: NodeReasons = {}
    boot: BootId = ""
    ts_mono: Seconds | None = None
    thinned: Count | None = None
    test_ok_ts: UnixSeconds | None = None


class Ack(Wire):
    """The platform has committed these messages."""

    ids: tuple[MessageId, ...] = Field(max_length=ACK_IDS)


class AlarmCommand(Wire):
    """The platform tells the robot what became of an alarm. Repeated until CommandAck.

    `by` and `reason` are a caregiver's, for the screen in that home; the robot sends neither back. revision: the
    newest of the alarm that the platform had then: of what joined it later, nobody has said anything yet, and the robot
    begins a new alarm for that when this one is closed.
    """

    id: MessageId
    alarm_id: MessageId
    status: Literal["received", "acknowledged", "closed"]
    ts: UnixSeconds
    by: Person | None = None
    reason: Words | None = None
    revision: Revision | None = None


class RequestTest(Wire):
    """The platform asks for a test alarm now; its `alarm_id` will be this `id`. Repeated until CommandAck."""

    id: MessageId
    ts: UnixSeconds


class CommandAck(Wire):
    """The robot has taken the command."""

    id: MessageId
    dev: DeviceId
