"""From the wire into the database: read a message, commit a batch, and say which messages may be acknowledged.

A batch is one transaction of some dozen statements, however many messages it has. Writers that run at the same time
take tables in one order (ids, alarms, messages, devices, states, beds, commands, chains, refusals, changes) and rows
in the order of their keys, so that they never wait for each other in a circle.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from robot.errors import BadInput
from robot.fleet import audit, bulk, desk, quarantine, readings, resend
from robot.fleet.chain import Link, Reached, follow
from robot.fleet.database import Database, note_change
from robot.fleet.quarantine import Refused
from robot.fleet.tables import Alarm, AlarmLog, Chain, Command, Message, SeenMessage
from robot.reporting.contract import (
    AlarmReport,
    CommandAck,
    Envelope,
    EventReport,
    StateReport,
    TelemetryReport,
    Wire,
    decode,
    device_of,
    digest_of,
)

FOREIGN = "the alarm belongs to another device"

ACTOR = "hani_actor"  # in a session's info: the person who acts in it, as the audit's chain names people


M = TypeVar("M", bound=Wire, covariant=True)
K = TypeVar("K", bound=Wire)
E = TypeVar("E", bound=Envelope)


@dataclass(frozen=True)
class Arrival(Generic[M]):
    """A message that fits the contract. `digest` is of a report's bytes, None for what is not chained."""

    device: str
    message: M
    received_at_s: float
    digest: str | None = None


def read(topic: str, payload: bytes, now_s: float) -> Arrival[Wire] | Refused:
    """Decode a message; whatever does not fit the contract comes back as Refused, never as an error."""
    try:
        device, leaf = device_of(topic)
        message = decode(leaf, payload)
        if getattr(message, "dev", None) != device:
            raise BadInput("the payload's device is not the topic's device")
        digest = digest_of(payload) if isinstance(message, Envelope) and message.seq else None
    except BadInput as error:
        return Refused(topic, payload, str(error), now_s)
    return Arrival(device, message, now_s, digest)


def commit(database: Database, batch: Iterable[Arrival[Wire] | Refused]) -> dict[str, list[str]]:
    """Write a batch in one transaction. Returns, per device, the ids of messages now safe, repeated ones too."""
    with database.write() as session:
        return _write(session, list(batch))


def _write(session: Session, batch: Sequence[Arrival[Wire] | Refused]) -> dict[str, list[str]]:
    refused = [item for item in batch if isinstance(item, Refused)]
    arrivals = [item for item in batch if isinstance(item, Arrival)]
    new, foreign = _take_reports(session, arrivals)
    if foreign:
        forged = [item for item in _those(arrivals, Envelope) if _key(item) in foreign]  # each as often as it came
        refused += [Refused(item.device, item.message.encode(), FOREIGN, item.received_at_s) for item in forged]
        arrivals = [item for item in arrivals if item not in forged]
    states = [(item.received_at_s, item.message) for item in _those(arrivals, StateReport)]
    beds = _those(arrivals, TelemetryReport)
    readings.see(session, *_seen(arrivals))
    back = readings.came_back(session, states) if states else set()
    if states:
        readings.take_states(session, states)
    if beds:
        measured = readings.take_beds(session, [(item.received_at_s, item.message) for item in beds])
        new += [item for item in _once(beds) if (item.device, item.message.ts) in measured]
    _confirm(session, arrivals)
    if back:
        resend.begin_again(session, back)
    _follow_chains(session, new)
    quarantine.keep(session, refused)
    safe: dict[str, list[str]] = defaultdict(list)
    for item in _those(arrivals, Envelope):
        safe[item.device].append(item.message.id)
    return dict(safe)


def _those(arrivals: Iterable[Arrival[Wire]], kind: type[K]) -> list[Arrival[K]]:
    """Of the messages those of one kind."""
    return [item for item in arrivals if isinstance(item.message, kind)]  # type: ignore[misc]  # mypy does not narrow a field


def _take_reports(
    session: Session, arrivals: Sequence[Arrival[Wire]]
) -> tuple[list[Arrival[Envelope]], set[tuple[str, str]]]:
    """Write alarms and events. Returns those that came for the first time, and keys that speak for another robot."""
    alarms, events = _once(_those(arrivals, AlarmReport)), _once(_those(arrivals, EventReport))
    reports: list[Arrival[AlarmReport | EventReport]] = [*alarms, *events]
    reports.sort(key=_key)
    ids = [
        {"device": item.device, "message_id": item.message.id, "received_at_s": item.received_at_s} for item in reports
    ]
    fresh = bulk.add_new(session, SeenMessage, ids)
    foreign = {_key(item) for item in _take_alarms(session, [item for item in alarms if _key(item) in fresh])}
    if foreign:
        session.execute(delete(SeenMessage).where(tuple_(SeenMessage.device, SeenMessage.message_id).in_(foreign)))
        fresh -= foreign
    new = [item for item in reports if _key(item) in fresh]
    bulk.add(session, Message, [_message(item) for item in new])
    return list(new), foreign


def _key(item: Arrival[Envelope]) -> tuple[str, str]:
    return item.device, item.message.id


def _once(items: Iterable[Arrival[E]]) -> list[Arrival[E]]:
    """Each message once, in the order of the keys."""
    once = {_key(item): item for item in items}
    return [once[key] for key in sorted(once)]


def _message(item: Arrival[AlarmReport | EventReport]) -> dict[str, Any]:
    message = item.message
    return {
        "device": item.device,
        "message_id": message.id,
        "seq": message.seq,
        "kind": message.kind,
        "sent_at_s": message.ts,
        "received_at_s": item.received_at_s,
        "body": message.body.model_dump_json(),
        "prev": message.prev,
        "digest": item.digest,
    }


def _take_alarms(session: Session, items: Sequence[Arrival[AlarmReport]]) -> list[Arrival[AlarmReport]]:
    """Move the alarms of these reports, each of which is new. Returns reports of robots that do not own the alarm.

    Two workers may hold two revisions of one alarm: the row is made at revision 0 by whoever comes first, and then held
    by one after the other.
    """
    if not items:
        return []
    first = {item.message.body.alarm_id: item for item in reversed(items)}
    bulk.add_new(session, Alarm, [_beginning(first[alarm_id]) for alarm_id in sorted(first)])
    those, values = bulk.among(session, first)
    query = select(Alarm).where(Alarm.alarm_id.in_(those)).order_by(Alarm.alarm_id)
    alarms = {alarm.alarm_id: alarm for alarm in session.scalars(query, {"among": values})}
    foreign = []
    for item in sorted(items, key=lambda item: item.message.seq):
        alarm = alarms[item.message.body.alarm_id]
        if alarm.device == item.device:
            take_alarm(session, alarm, item.message, item.received_at_s)
        else:
            foreign.append(item)
    bulk.put(session, Alarm, [bulk.values(alarms[alarm_id]) for alarm_id in sorted(first)])
    for table in (Command, AlarmLog):
        bulk.add(session, table, [bulk.values(row) for row in session.new if isinstance(row, table)])
    session.expunge_all()  # all of it is written
    return foreign


def _beginning(item: Arrival[AlarmReport]) -> dict[str, Any]:
    """An alarm of which nothing is known yet but whose it is."""
    body, now_s = item.message.body, item.received_at_s
    return {
        "alarm_id": body.alarm_id,
        "device": item.device,
        "type": body.type,
        "phase": "suspected",
        "revision": 0,
        "severity": body.severity,
        "reasons": [],
        "test": item.message.test,
        "onset_at_s": body.onset_ts,
        "received_at_s": now_s,
        "changed_at_s": now_s,
        "calls": 0,
        "made_here": False,
        "maintenance": False,
    }


def take_alarm(session: Session, alarm: Alarm, report: AlarmReport, now_s: float) -> None:
    """Bring the alarm's row to the robot's newest revision; an older revision leaves only its line in the log."""
    body = report.body
    if body.revision <= alarm.revision:
        alarm.room, alarm.how = alarm.room or body.room, alarm.how or body.how
        log(session, alarm, "late_report", now_s, detail=f"revision {body.revision}: {body.phase}")
        return
    alarm.revision = body.revision
    alarm.severity = desk.graver(alarm.severity, body.severity)  # it only rises: the desk may have raised it
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
            if alarm.raised_at_s is None:  # the first time; the robot is told once
                tell(session, alarm, "received", now_s)
            alarm.raised_at_s, alarm.calls = now_s, 0
        if phase == "acknowledged" and alarm.acknowledged_at_s is None:
            alarm.acknowledged_at_s = now_s
        if phase == "closed":
            alarm.closed_at_s = now_s
    changed(session, alarm.device, now_s, alarm.alarm_id)


def tell(
    session: Session, alarm: Alarm, status: str, now_s: float, by: str | None = None, reason: str | None = None
) -> None:
    """Add the command that tells the robot; the worker repeats it until the robot confirms."""
    if alarm.made_here:
        return  # no robot knows it
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
            due_at_s=now_s,
            times_sent=0,
            revision=alarm.revision,
        )
    )


def log(
    session: Session, alarm: Alarm, what: str, now_s: float, *, by: str | None = None, detail: str | None = None
) -> None:
    """Append to the alarm's log, and to the audit what moved it; names only where they can be erased."""
    if what != "late_report":
        actor = session.info.get(ACTOR) or (f"device:{alarm.device}" if what == "reported" else "desk")
        facts = {"device": alarm.device, "phase": alarm.phase, "severity": alarm.severity, "by": by, "detail": detail}
        audit.append(
            session, at_s=now_s, actor=actor, action=f"alarm.{what}", subject=f"alarm:{alarm.alarm_id}", detail=facts
        )
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
    note_change(session, device, now_s, alarm_id)


def _seen(arrivals: Iterable[Arrival[Wire]]) -> tuple[dict[str, float], dict[str, float]]:
    """When each robot was heard, and what last wills say: one is no sign of life, and may be of long ago."""
    heard: dict[str, float] = {}
    willed: dict[str, float] = {}
    for item in arrivals:
        at_s, message, seen = item.received_at_s, item.message, heard
        if isinstance(message, StateReport) and not message.online:
            at_s, seen = min(message.ts, at_s), willed
        seen[item.device] = max(at_s, seen.get(item.device, at_s))
    return heard, willed


def _confirm(session: Session, arrivals: Iterable[Arrival[Wire]]) -> None:
    """Only the robot that a command was sent to confirms it."""
    acks = {
        (item.message.id, item.device): item.received_at_s for item in arrivals if isinstance(item.message, CommandAck)
    }
    if not acks:
        return
    those, values = bulk.among(session, (id_ for id_, _ in acks))
    waiting = select(Command).where(Command.command_id.in_(those), Command.confirmed_at_s.is_(None))
    for command in session.scalars(waiting.order_by(Command.command_id).with_for_update(), {"among": values}):
        at_s = acks.get((command.command_id, command.device))
        if at_s is not None:
            command.confirmed_at_s = at_s
            changed(session, command.device, at_s, command.alarm_id)


def _follow_chains(session: Session, new: Sequence[Arrival[Envelope]]) -> None:
    """Reports that came for the first time take their robots' chains on."""
    links: dict[str, list[Link]] = defaultdict(list)
    now_s: dict[str, float] = {}
    for item in new:
        if item.digest is not None:
            links[item.device].append(Link(item.message.seq, item.message.prev, item.digest, item.message.ts))
            now_s[item.device] = item.received_at_s
    if not links:
        return
    those, values = bulk.among(session, links)
    known = set(session.scalars(select(Chain.device).where(Chain.device.in_(those)), {"among": values}))
    if len(known) < len(links):  # another worker may hold more of a new robot's reports: the row is there for both
        bulk.add_new(session, Chain, [_unreached(device) for device in sorted(links.keys() - known)])
    query = select(*Chain.__table__.c).where(Chain.device.in_(those)).order_by(Chain.device).with_for_update()
    standing = {row.device: row for row in session.execute(query, {"among": values})}
    rows = []
    for device in sorted(links):
        row = standing[device]
        before = Reached(*(getattr(row, name) for name in Reached._fields)) if row.seq else None
        after = follow(before, links[device])
        assert after is not None  # there was a link
        worse = before is None or after.worse_than(before)
        changed_at_s = now_s[device] if worse else row.changed_at_s
        rows.append({"device": device, **after._asdict(), "changed_at_s": changed_at_s})
    bulk.put(session, Chain, rows)


def _unreached(device: str) -> dict[str, Any]:
    nothing = Reached(0, "", 0.0)
    return {"device": device, **nothing._asdict(), "changed_at_s": 0.0}
