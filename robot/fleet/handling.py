"""What people do to alarms and robots: acknowledge, close, put into maintenance, ask for a test alarm."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from robot.fleet import audit, desk
from robot.fleet.database import Database
from robot.fleet.desk_tables import ChannelState, DeskDevice, Notification
from robot.fleet.intake import ACTOR, changed, log, move, tell
from robot.fleet.notify.outbox import PENDING, withdraw
from robot.fleet.resend import TEST
from robot.fleet.tables import Alarm, Command, Device, Worker

LONGEST_MAINTENANCE_S = 24 * 3600.0
SEEN_AFTER_S = 5.0  # an alarm that joined a case later than this before a click was not on the page that was clicked
FAULT_AFTER_S = 300.0  # a channel that has only failed for this long is shown as a fault


def case_of(alarm: Alarm) -> desk.Case:
    """What the ladder needs of a row."""
    return desk.Case(alarm.phase, alarm.received_at_s, alarm.raised_at_s, alarm.acknowledged_at_s, alarm.test)


def members(session: Session, alarm: Alarm) -> list[Alarm]:
    """The alarms of the same event, oldest first, this one among them."""
    if alarm.case_id is None:  # the desk has not looked at it yet
        return [alarm]
    query = select(Alarm).where(Alarm.case_id == alarm.case_id)
    return list(session.scalars(query.order_by(Alarm.received_at_s, Alarm.alarm_id)))


def _case(session: Session, alarm_id: str) -> dict[str, Alarm]:
    """The alarm and the others of its event, held in the one order in which everybody holds alarms."""
    case_id = session.scalar(select(Alarm.case_id).where(Alarm.alarm_id == alarm_id))
    those = Alarm.alarm_id == alarm_id
    if case_id is not None:  # the desk has looked at it
        those |= Alarm.case_id == case_id
    query = select(Alarm).where(those)
    return {alarm.alarm_id: alarm for alarm in session.scalars(query.order_by(Alarm.alarm_id).with_for_update())}


def everything(_device: str) -> bool:
    """What a person sees unless said otherwise."""
    return True


def acknowledge(
    database: Database,
    alarm_id: str,
    by: str,
    now_s: float,
    sees: Callable[[str], bool] = everything,
    actor: str = "person:unknown",
) -> bool:
    """A person takes the alarm on, and with it what else of the same event waits and could be seen.

    The first one counts: False when it was taken or ended before, or is not known. `sees`: which devices are this
    person's; a group of technical alarms may reach beyond them.
    """
    with database.write() as session:
        session.info[ACTOR] = actor
        case = _case(session, alarm_id)
        alarm = case.get(alarm_id)
        if alarm is None or alarm.phase not in desk.OPEN or alarm.phase == "acknowledged":
            return False
        for member in case.values():
            seen = now_s - member.received_at_s >= SEEN_AFTER_S and member.phase == "raised"
            if member is alarm or (seen and sees(member.device)):
                _take_on(session, member, by, now_s)
        return True


def _take_on(session: Session, alarm: Alarm, by: str, now_s: float) -> None:
    alarm.acknowledged_by, alarm.acknowledged_at_s = by, now_s
    move(session, alarm, "acknowledged", now_s)
    log(session, alarm, "acknowledged", now_s, by=by)
    tell(session, alarm, "acknowledged", now_s, by=by)
    withdraw(session, alarm.alarm_id, now_s)


def close(
    database: Database,
    alarm_id: str,
    by: str,
    reason: str,
    now_s: float,
    sees: Callable[[str], bool] = everything,
    actor: str = "person:unknown",
) -> bool:
    """A person ends the alarm and says why, and with it what the same helper took on of the same event.

    What waits stays: it was not answered. False when the alarm had ended before, or is not known.
    """
    with database.write() as session:
        session.info[ACTOR] = actor
        case = _case(session, alarm_id)
        alarm = case.get(alarm_id)
        if alarm is None or alarm.phase not in desk.OPEN:
            return False
        helpers = (by, alarm.acknowledged_by) if alarm.phase == "acknowledged" else ()
        for member in case.values():
            same = member.phase == "acknowledged" and member.acknowledged_by in helpers
            if member is alarm or (same and sees(member.device)):
                end(session, member, by, reason, now_s)
        return True


def end(session: Session, alarm: Alarm, by: str, reason: str, now_s: float) -> None:
    """Close an open alarm in the caller's transaction and tell its robot."""
    alarm.closed_by, alarm.close_reason = by, reason
    move(session, alarm, "closed", now_s)
    log(session, alarm, "closed", now_s, by=by, detail=reason)
    tell(session, alarm, "closed", now_s, by=by, reason=reason)
    withdraw(session, alarm.alarm_id, now_s)


def maintenance(
    database: Database, device: str, until_s: float, by: str, reason: str, now_s: float, actor: str = "person:unknown"
) -> float:
    """Somebody works on a robot until `until_s`, at most a day ahead; a moment that has passed ends it at once.

    Its technical alarms call nobody meanwhile; alarms about a person come as ever, with a mark. Returns when it ends.
    """
    with database.write() as session:
        row = desk_device(session, device, now_s)
        ends_at_s = min(until_s, now_s + LONGEST_MAINTENANCE_S)
        row.maintenance_until_s = ends_at_s if ends_at_s > now_s else None
        row.maintenance_by, row.maintenance_reason = by, reason
        changed(session, device, now_s)
        facts = {"until_s": row.maintenance_until_s, "reason": reason}
        audit.append(
            session, at_s=now_s, actor=actor, action="device.maintenance", subject=f"device:{device}", detail=facts
        )
        return row.maintenance_until_s or now_s


def request_test(database: Database, device: str, by: str, now_s: float, actor: str = "person:unknown") -> None:
    """Ask this robot for a test alarm now: if none comes in 10 min, that is a technical alarm."""
    command_id = str(uuid.uuid4())  # the test alarm's id, too
    with database.write() as session:
        row = desk_device(session, device, now_s)
        row.test_requested_at_s, row.test_requested_by = now_s, by
        session.add(
            Command(
                command_id=command_id,
                device=device,
                alarm_id=command_id,
                status=TEST,
                made_at_s=now_s,
                by=None,
                reason=None,
                confirmed_at_s=None,
                due_at_s=now_s,
                times_sent=0,
            )
        )
        changed(session, device, now_s)
        audit.append(session, at_s=now_s, actor=actor, action="device.test_requested", subject=f"device:{device}")


def desk_device(session: Session, device: str, now_s: float) -> DeskDevice:
    """The desk's row of a robot, made if there is none."""
    row = session.get(DeskDevice, device)
    if row is None:
        row = DeskDevice(device=device, watched_since_s=now_s, tests=0, breaks_told=0)
        session.add(row)
        session.flush()
    return row


def in_maintenance(session: Session, device: str, now_s: float) -> bool:
    """Whether somebody works on the robot. A clock that was set back does not prolong it beyond a day."""
    row = session.get(DeskDevice, device)
    until_s = row.maintenance_until_s if row else None
    return until_s is not None and now_s < until_s <= now_s + LONGEST_MAINTENANCE_S


@dataclass(frozen=True, slots=True)
class ChannelFault:
    """A channel that fails or is stuck for a while; `fault` is a constant word, without address or secret."""

    channel: str
    failing_since_s: float
    fault: str


def notification_faults(database: Database, now_s: float, channels: Iterable[str] = ()) -> list[ChannelFault]:
    """The channels, of these and of those ever used, by which for 5 min nothing went out that should."""
    with database.read() as session:
        return failing_channels(session, now_s, channels)


def failing_channels(session: Session, now_s: float, channels: Iterable[str]) -> list[ChannelFault]:
    """The same in the caller's session: what only fails, and what does not even get to its messages."""
    failing = select(ChannelState).where(ChannelState.failing_since_s <= now_s - FAULT_AFTER_S)
    overdue = (
        select(Notification.channel, func.min(Notification.next_try_at_s))
        .where(Notification.channel.in_(sorted(channels)), Notification.status == PENDING)
        .where(Notification.next_try_at_s <= now_s - FAULT_AFTER_S)
        .group_by(Notification.channel)
    )
    found = {name: ChannelFault(name, since_s, "stuck") for name, since_s in session.execute(overdue)}
    for row in session.scalars(failing):
        found[row.channel] = ChannelFault(row.channel, row.failing_since_s or now_s, row.fault or "unknown")
    return [found[name] for name in sorted(found)]


def beat(database: Database, name: str, linked: bool, now_s: float) -> None:
    """The heartbeat of a worker."""
    with database.write() as session:
        session.merge(Worker(name=name, beat_at_s=now_s, linked=linked))


def label_devices(database: Database, labels: Mapping[str, str], now_s: float) -> None:
    """Write the labels of the contacts file beside the devices, known or yet to be heard."""
    with database.write() as session:
        for device, label in labels.items():
            row = session.get(Device, device)
            if row is None:
                row = Device(device=device, label=None, last_seen_at_s=None)
                session.add(row)
            if row.label != label:
                row.label = label
                changed(session, device, now_s)
