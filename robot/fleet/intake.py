"""From the wire into the database: read a message, commit a batch, and say which messages may be acknowledged."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from robot.errors import BadInput
from robot.fleet import desk
from robot.fleet.database import Database
from robot.fleet.tables import Alarm, AlarmLog, Bed, Change, Command, Device, DeviceState, Message, Refusal
from robot.reporting.contract import (
    AlarmCommand,
    AlarmReport,
    CommandAck,
    EventReport,
    StateReport,
    TelemetryReport,
    Wire,
    decode,
    device_of,
)

REFUSALS_KEPT = 1000
REFUSED_BYTES_KEPT = 2000
LARGEST_INTEGER = 2**63 - 1  # SQL's BIGINT


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that fits the contract. `retained`: the broker kept it from an unknown time ago."""

    device: str
    message: Wire
    received_at_s: float
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that does not fit the contract, and why."""

    topic: str
    payload: bytes
    reason: str
    received_at_s: float


def read(topic: str, payload: bytes, now_s: float, retained: bool = False) -> Arrival | Refused:
    """Decode a message; whatever does not fit the contract comes back as Refused, never as an error."""
    try:
        device, leaf = device_of(topic)
        message = decode(leaf, payload)
        if getattr(message, "dev", None) != device:
            raise BadInput("the payload's device is not the topic's device")
        if any(number > LARGEST_INTEGER for number in _integers(message)):
            raise BadInput("a number is larger than a database can hold")
    except BadInput as error:
        return Refused(topic, payload, str(error), now_s)
    return Arrival(device, message, now_s, retained)


def _integers(message: Wire) -> tuple[int, ...]:
    """The whole numbers of a message that become columns."""
    if isinstance(message, AlarmReport):
        return message.seq, message.body.revision
    if isinstance(message, EventReport):
        return (message.seq,)
    return (message.outbox,) if isinstance(message, StateReport) else ()


def commit(database: Database, batch: Iterable[Arrival | Refused]) -> dict[str, list[str]]:
    """Write a batch in one transaction. Returns, per device, the ids of messages now safe, repeated ones too."""
    safe: dict[str, list[str]] = defaultdict(list)
    with database.write() as session:
        for item in batch:
            if isinstance(item, Refused):
                _keep_refusal(session, item)
                continue
            message_id = _take(session, item)
            if message_id is not None:
                safe[item.device].append(message_id)
            session.flush()
    return dict(safe)


def _take(session: Session, arrival: Arrival) -> str | None:
    """Write one message; returns its id if the robot waits for an acknowledgement."""
    message = arrival.message
    if isinstance(message, CommandAck):
        _confirm(session, arrival.device, message.id, arrival.received_at_s)
    elif isinstance(message, StateReport):
        _take_state(session, message, arrival)
    elif isinstance(message, TelemetryReport):
        _take_bed(session, message, arrival)
    elif isinstance(message, AlarmReport | EventReport):
        if isinstance(message, AlarmReport) and _is_foreign(session, message):
            refused = Refused(
                arrival.device, message.encode(), "the alarm belongs to another device", arrival.received_at_s
            )
            _keep_refusal(session, refused)
            return None
        _see(session, arrival.device, arrival.received_at_s)
        if session.get(Message, (message.dev, message.id)) is None:
            _keep(session, message, arrival.received_at_s)
            if isinstance(message, AlarmReport):
                take_alarm(session, message, arrival.received_at_s)
        return message.id
    return None


def _is_foreign(session: Session, report: AlarmReport) -> bool:
    alarm = session.get(Alarm, report.body.alarm_id)
    return alarm is not None and alarm.device != report.dev


def _keep(session: Session, message: AlarmReport | EventReport, now_s: float) -> None:
    session.add(
        Message(
            device=message.dev,
            message_id=message.id,
            seq=message.seq,
            kind=message.kind,
            sent_at_s=message.ts,
            received_at_s=now_s,
            body=message.body.model_dump_json(),
        )
    )


def take_alarm(session: Session, report: AlarmReport, now_s: float) -> None:
    """Bring the alarm's row to the robot's newest revision; an older revision leaves only its line in the log."""
    body = report.body
    alarm = session.get(Alarm, body.alarm_id)
    if alarm is not None and body.revision <= alarm.revision:
        log(session, alarm, "late_report", now_s, detail=f"revision {body.revision}: {body.phase}")
        return
    if alarm is None:
        alarm = Alarm(
            alarm_id=body.alarm_id,
            device=report.dev,
            type=body.type,
            phase="suspected",
            received_at_s=now_s,
            onset_at_s=body.onset_ts,
            test=report.test,
            calls=0,
        )
        session.add(alarm)
    alarm.revision = body.revision
    alarm.severity = body.severity
    alarm.confidence = body.confidence
    alarm.reasons = list(body.reasons)
    alarm.room = body.room or alarm.room
    alarm.how = body.how or alarm.how
    move(session, alarm, desk.advance(alarm.phase, body.phase, alarm.acknowledged_at_s is not None), now_s)
    log(session, alarm, "reported", now_s, detail=body.phase)


def move(session: Session, alarm: Alarm, phase: str, now_s: float) -> None:
    """Give the alarm a phase, with the times and commands that belong to it, and tell the live pages."""
    alarm.changed_at_s = now_s
    if phase != alarm.phase:
        alarm.phase = phase
        if phase == "raised":
            alarm.raised_at_s, alarm.calls = now_s, 0
            if not _was_told(session, alarm.alarm_id, "received"):
                tell(session, alarm, "received", now_s)
        if phase == "acknowledged" and alarm.acknowledged_at_s is None:
            alarm.acknowledged_at_s = now_s
        if phase == "closed":
            alarm.closed_at_s = now_s
    changed(session, alarm.device, now_s, alarm.alarm_id)


def tell(
    session: Session, alarm: Alarm, status: str, now_s: float, by: str | None = None, reason: str | None = None
) -> None:
    """Add the command that tells the robot; the worker repeats it until the robot confirms."""
    session.add(
        Command(
            command_id=str(uuid.uuid4()),
            device=alarm.device,
            alarm_id=alarm.alarm_id,
            status=status,
            made_at_s=now_s,
            by=by,
            reason=reason,
            confirmed_at_s=None,
        )
    )


def log(
    session: Session, alarm: Alarm, what: str, now_s: float, *, by: str | None = None, detail: str | None = None
) -> None:
    """Append to the alarm's log."""
    session.add(
        AlarmLog(
            alarm_id=alarm.alarm_id,
            at_s=now_s,
            what=what,
            phase=alarm.phase,
            revision=alarm.revision,
            by=by,
            detail=detail,
        )
    )


def changed(session: Session, device: str, now_s: float, alarm_id: str | None = None) -> None:
    """Tell the live pages that this alarm, or this robot, is worth another look."""
    session.add(Change(at_s=now_s, device=device, alarm_id=alarm_id))


def pending_commands(database: Database) -> list[tuple[str, AlarmCommand]]:
    """(device, command) for all that robots have not confirmed, oldest first."""
    with database.read() as session:
        query = select(Command).where(Command.confirmed_at_s.is_(None)).order_by(Command.made_at_s)
        return [
            (
                row.device,
                AlarmCommand.model_validate(
                    {
                        "id": row.command_id,
                        "alarm_id": row.alarm_id,
                        "status": row.status,
                        "ts": row.made_at_s,
                        "by": row.by,
                        "reason": row.reason,
                    }
                ),
            )
            for row in session.scalars(query)
        ]


def _was_told(session: Session, alarm_id: str, status: str) -> bool:
    query = select(Command.command_id).where(Command.alarm_id == alarm_id, Command.status == status).limit(1)
    return session.scalar(query) is not None


def _confirm(session: Session, device: str, command_id: str, now_s: float) -> None:
    _see(session, device, now_s)
    row = session.get(Command, command_id)
    if row is not None and row.device == device and row.confirmed_at_s is None:
        row.confirmed_at_s = now_s
        changed(session, device, now_s, row.alarm_id)


def _see(session: Session, device: str, seen_at_s: float) -> None:
    row = session.get(Device, device)
    if row is None:
        session.add(Device(device=device, label=None, last_seen_at_s=seen_at_s))
        session.flush()
        changed(session, device, seen_at_s)
    elif row.last_seen_at_s is None or row.last_seen_at_s < seen_at_s:
        row.last_seen_at_s = seen_at_s


def _take_state(session: Session, report: StateReport, arrival: Arrival) -> None:
    """In order of arrival: a last will was written when the robot connected, so its own time would never be newest."""
    from_robot_now = report.online and not arrival.retained
    _see(session, arrival.device, arrival.received_at_s if from_robot_now else min(report.ts, arrival.received_at_s))
    row = session.get(DeviceState, arrival.device)
    if row is None:
        row = DeviceState(device=arrival.device, online=report.online, software="", nodes={}, outbox=0)
        session.add(row)
        changed(session, arrival.device, arrival.received_at_s)
    elif row.online != report.online or (report.online and row.nodes != report.nodes):
        changed(session, arrival.device, arrival.received_at_s)
    row.online = report.online
    row.reported_at_s = report.ts
    if report.online:  # a last will knows nothing of the nodes and the outbox
        row.outbox, row.software, row.nodes = report.outbox, report.software, dict(report.nodes)


def _take_bed(session: Session, report: TelemetryReport, arrival: Arrival) -> None:
    _see(session, arrival.device, arrival.received_at_s)
    row, body = session.get(Bed, arrival.device), report.body
    if row is None:
        row = Bed(device=arrival.device, measured_at_s=report.ts, in_bed=None, fresh=False)
        session.add(row)
    elif report.ts < row.measured_at_s:
        return
    if (row.in_bed, row.fresh) != (body.in_bed, body.fresh):
        changed(session, arrival.device, arrival.received_at_s)
    row.measured_at_s, row.received_at_s = report.ts, arrival.received_at_s
    row.in_bed, row.fresh = body.in_bed, body.fresh
    row.heart_rate_bpm, row.breath_rate_bpm = body.heart_rate_bpm, body.breath_rate_bpm


def _keep_refusal(session: Session, refused: Refused) -> None:
    digest = hashlib.sha256(refused.topic.encode() + b"\0" + refused.payload).hexdigest()
    row = session.get(Refusal, digest)
    if row is not None:
        row.count, row.last_at_s = row.count + 1, refused.received_at_s
        return
    session.add(
        Refusal(
            digest=digest,
            topic=refused.topic[:200],
            reason=refused.reason,
            payload=refused.payload[:REFUSED_BYTES_KEPT],
            count=1,
            last_at_s=refused.received_at_s,
        )
    )
    session.flush()
    excess = (session.scalar(select(func.count()).select_from(Refusal)) or 0) - REFUSALS_KEPT
    if excess > 0:
        oldest = select(Refusal.digest).order_by(Refusal.last_at_s).limit(excess)
        session.execute(delete(Refusal).where(Refusal.digest.in_(oldest)))
