"""The contract between a robot and the platform: topics and payloads, version 1.

Up (robot to platform):     hani/v1/{device}/e/alarm   AlarmReport        QoS 1, kept in the outbox until acknowledged
                            hani/v1/{device}/e/event   EventReport        QoS 1, kept in the outbox until acknowledged
                            hani/v1/{device}/t/bed     TelemetryReport    QoS 0, only the newest counts
                            hani/v1/{device}/state     StateReport        retained, and the last will
                            hani/v1/{device}/cmd/ack   CommandAck         QoS 1
Down (platform to robot):   hani/v1/{device}/ack       Ack                QoS 1, only after the platform's commit
                            hani/v1/{device}/cmd/alarm AlarmCommand       QoS 1, repeated until CommandAck

A broker's PUBACK says nothing about the platform's database: only `Ack` empties the outbox. Unknown fields are ignored,
so that a newer robot can talk to an older platform; null means unknown, never zero. No name of a resident, no speech
and no picture has a field here.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from robot.errors import BadInput

VERSION: Final = 1
ROOT = f"hani/v{VERSION}"

DeviceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
MessageId = Annotated[str, StringConstraints(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
UnixSeconds = Annotated[float, Field(ge=0, lt=1e11, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def topic(device: str, leaf: str) -> str:
    """The topic of `device` for `leaf`, for instance "e/alarm"."""
    return f"{ROOT}/{device}/{leaf}"


def device_of(topic_name: str) -> tuple[str, str]:
    """Split a topic into (device, leaf). Raises BadInput for a topic outside the contract."""
    parts = topic_name.split("/", 3)
    if len(parts) != 4 or "/".join(parts[:2]) != ROOT:
        raise BadInput("topic outside the contract; expected hani/v1/{device}/{leaf}")
    return parts[2], parts[3]


class Wire(BaseModel):
    """Base of everything on the wire: frozen, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    v: Literal[1] = VERSION

    def encode(self) -> bytes:
        """Compact UTF-8 JSON."""
        return self.model_dump_json().encode()


class Envelope(Wire):
    """What every message up carries. `seq` counts the device's outbox rows; `boot` changes at each start."""

    id: MessageId
    dev: DeviceId
    seq: Annotated[int, Field(ge=0)]
    ts: UnixSeconds
    boot: str = ""
    test: bool = False


class AlarmBody(BaseModel):
    """One alarm as it stands at `revision`."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    alarm_id: MessageId
    type: Literal["fall", "bed_exit", "sos", "device"]
    phase: Literal["suspected", "checking", "raised", "acknowledged", "closed", "cancelled"]
    revision: Annotated[int, Field(ge=1)]
    severity: Literal["low", "medium", "high"]
    confidence: Share | None
    onset_ts: UnixSeconds
    reasons: tuple[str, ...] = ()
    room: str | None = None
    how: str | None = None


class AlarmReport(Envelope):
    kind: Literal["alarm"] = "alarm"
    body: AlarmBody


class EventBody(BaseModel):
    """A fact for the record: `name` is constant, `detail` holds no personal content."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: str
    detail: dict[str, str | float | int | bool | None] = {}


class EventReport(Envelope):
    kind: Literal["event"] = "event"
    body: EventBody


class BedBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    in_bed: bool | None
    heart_rate_bpm: Annotated[float, Field(ge=0, le=300)] | None = None
    breath_rate_bpm: Annotated[float, Field(ge=0, le=120)] | None = None
    fresh: bool = False


class TelemetryReport(Envelope):
    kind: Literal["telemetry"] = "telemetry"
    body: BedBody


class StateReport(Wire):
    """Retained. `online` False comes from the last will or an orderly stop.

    `nodes` gives each node's level: 0 ok, 1 warn, 2 error.
    """

    dev: DeviceId
    online: bool
    ts: UnixSeconds
    outbox: Annotated[int, Field(ge=0)] = 0
    software: str = ""
    nodes: dict[str, int] = {}


class Ack(Wire):
    """The platform has committed these messages."""

    ids: tuple[MessageId, ...]


class AlarmCommand(Wire):
    """The platform tells the robot what became of an alarm. Repeated until CommandAck."""

    id: MessageId
    alarm_id: MessageId
    status: Literal["received", "acknowledged", "closed"]
    ts: UnixSeconds
    by: str | None = None
    reason: str | None = None


class CommandAck(Wire):
    id: MessageId
    dev: DeviceId


UP: dict[str, type[Wire]] = {
    "e/alarm": AlarmReport,
    "e/event": EventReport,
    "t/bed": TelemetryReport,
    "state": StateReport,
    "cmd/ack": CommandAck,
}
DOWN: dict[str, type[Wire]] = {"ack": Ack, "cmd/alarm": AlarmCommand}


def decode(leaf: str, payload: bytes) -> Wire:
    """Read the payload of a leaf. Raises BadInput, which never repeats the payload."""
    model = UP.get(leaf) or DOWN.get(leaf)
    if model is None:
        raise BadInput("unknown leaf of the contract")
    try:
        return model.model_validate_json(payload)
    except (ValidationError, ValueError, RecursionError) as error:
        raise BadInput(f"payload does not fit {model.__name__}") from error
