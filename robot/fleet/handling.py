"""What people and the desk's clock do to alarms: acknowledge, close, call the next person, open again."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from robot.fleet import desk
from robot.fleet.database import Database
from robot.fleet.intake import changed, log, move, tell
from robot.fleet.tables import Alarm, Change, Device, Worker

CHANGES_KEPT = 5000


def case_of(alarm: Alarm) -> desk.Case:
    """What the ladder needs of a row."""
    return desk.Case(alarm.phase, alarm.received_at_s, alarm.raised_at_s, alarm.acknowledged_at_s, alarm.test)


def acknowledge(database: Database, alarm_id: str, by: str, now_s: float) -> bool:
    """A person takes the alarm on. The first one counts: False when it was taken or ended before, or is not known."""
    with database.write() as session:
        alarm = session.get(Alarm, alarm_id)
        if alarm is None or alarm.phase not in desk.OPEN or alarm.phase == "acknowledged":
            return False
        alarm.acknowledged_by, alarm.acknowledged_at_s = by, now_s
        move(session, alarm, "acknowledged", now_s)
        log(session, alarm, "acknowledged", now_s, by=by)
        tell(session, alarm, "acknowledged", now_s, by=by)
        return True


def close(database: Database, alarm_id: str, by: str, reason: str, now_s: float) -> bool:
    """A person ends the alarm and says why. False when it had ended before, or is not known."""
    with database.write() as session:
        alarm = session.get(Alarm, alarm_id)
        if alarm is None or alarm.phase not in desk.OPEN:
            return False
        alarm.closed_by, alarm.close_reason = by, reason
        move(session, alarm, "closed", now_s)
        log(session, alarm, "closed", now_s, by=by, detail=reason)
        tell(session, alarm, "closed", now_s, by=by, reason=reason)
        return True


def tick(database: Database, now_s: float, ladder: desk.Ladder) -> None:
    """Write down the calls that have become due and open what nobody finished. Cheap when nothing is due."""
    with database.read() as session:
        due = [alarm.alarm_id for alarm in _open(session) if _is_due(alarm, now_s, ladder)]
        newest = session.scalar(select(func.max(Change.id))) or 0
        oldest = session.scalar(select(func.min(Change.id))) or 0
    overfull = newest - oldest >= 2 * CHANGES_KEPT
    if not due and not overfull:
        return
    with database.write() as session:
        for alarm_id in due:
            alarm = session.get(Alarm, alarm_id)
            if alarm is not None and _is_due(alarm, now_s, ladder):
                _climb(session, alarm, now_s, ladder)
        if overfull:
            session.execute(delete(Change).where(Change.id <= newest - CHANGES_KEPT))


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


def _open(session: Session) -> list[Alarm]:
    return list(session.scalars(select(Alarm).where(Alarm.phase.in_(sorted(desk.OPEN)))))


def _is_due(alarm: Alarm, now_s: float, ladder: desk.Ladder) -> bool:
    now = desk.call(case_of(alarm), now_s, ladder)
    return desk.reopens(case_of(alarm), now_s, ladder) or (now is not None and now.number > alarm.calls)


def _climb(session: Session, alarm: Alarm, now_s: float, ladder: desk.Ladder) -> None:
    if desk.reopens(case_of(alarm), now_s, ladder):
        since_s = desk.waiting_since_s(case_of(alarm), ladder)
        move(session, alarm, "raised", now_s)
        alarm.raised_at_s, alarm.reopened_at_s = since_s, now_s
        log(session, alarm, "reopened", now_s)
    now = desk.call(case_of(alarm), now_s, ladder)
    if now is not None and now.number > alarm.calls:
        alarm.calls = now.number
        changed(session, alarm.device, now_s, alarm.alarm_id)
        log(session, alarm, "call", now_s, detail=f"{now.number}: {now.rung.value}")
