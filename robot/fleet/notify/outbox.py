"""The outbox of notifications: written with the transition that causes them, sent at least once, or withdrawn.

Of one case, a newer call to the same address takes the place of one that has not gone out: a channel that comes back
after an hour tells people how things stand, not sixty times how they stood.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from robot.fleet import desk
from robot.fleet.desk_tables import ChannelState, Notification
from robot.fleet.intake import log
from robot.fleet.notify.channels import Outgoing
from robot.fleet.notify.settings import ChannelSettings, Reachable
from robot.fleet.tables import Alarm, AlarmLog

LIFE_S = 900.0  # an older call is of no use: calls repeat every minute, technical ones every 15 min
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0
KEPT_S = 30 * 86_400.0
PENDING, SENT, WITHDRAWN, EXPIRED = "pending", "sent", "withdrawn", "expired"
UNREACHED = "unreached"  # in an alarm's log: a contact whom a channel does not reach although it works
UNREACHED_AFTER = 5  # failures, half a minute
CALL = "call"  # for whoever should answer: withdrawn as soon as somebody has
NEWS = "news"  # for who has answered: an alarm joined, or became graver


def put(
    session: Session,
    channels: Mapping[str, ChannelSettings],
    alarm: Alarm,
    person: Reachable | None,
    *,
    kind: str,
    number: int,
    text: str,
    now_s: float,
) -> None:
    """Add a row for each channel that reaches this person."""
    for name, settings in channels.items():
        address = settings.address_of(person)
        if address is None:
            continue
        case_id = alarm.case_id or alarm.alarm_id
        replaced = session.scalars(
            update(Notification)
            .where(Notification.case_id == case_id, Notification.channel == name, Notification.address == address)
            .where(Notification.status == PENDING, Notification.kind == kind)
            .values(status=WITHDRAWN, ended_at_s=now_s)
            .returning(Notification.next_try_at_s)
            .execution_options(synchronize_session=False)
        ).all()
        session.add(
            Notification(
                id=str(uuid.uuid4()),
                channel=name,
                alarm_id=alarm.alarm_id,
                case_id=case_id,
                kind=kind,
                number=number,
                recipient=person.name if person else None,
                address=address,
                text=text,
                made_at_s=now_s,
                expires_at_s=now_s + LIFE_S,
                next_try_at_s=min((now_s, *replaced)),  # due since then: a sender that is stuck must be seen
                attempts=0,
                status=PENDING,
                ended_at_s=None,
            )
        )


def withdraw(session: Session, alarm_id: str, now_s: float) -> None:
    """Somebody answered, or the alarm has ended: what has not gone out shall not."""
    session.execute(
        update(Notification)
        .where(Notification.alarm_id == alarm_id, Notification.status == PENDING)
        .values(status=WITHDRAWN, ended_at_s=now_s)
    )


def is_waiting(session: Session, channel: str) -> bool:
    """Whether the channel's outbox holds anything, due or not: a cheap look before `claim` takes the write lock."""
    pending = select(Notification.id).where(Notification.channel == channel, Notification.status == PENDING)
    return session.scalar(pending.limit(1)) is not None


def begin_again(session: Session, now_s: float) -> None:
    """A new leader does not wait for what the one before was sending."""
    session.execute(update(Notification).where(Notification.status == PENDING).values(next_try_at_s=now_s))


def claim(session: Session, channel: str, now_s: float, hold_s: float) -> Outgoing | None:
    """The next message of a channel, not to be claimed again for `hold_s`; what is out of date is settled on the way.

    The clock may have been set back: what seems to wait longer than any pause lasts is due as well.
    """
    due = select(Notification).where(Notification.channel == channel, Notification.status == PENDING)
    for row in session.scalars(due.order_by(Notification.next_try_at_s, Notification.made_at_s)):
        if now_s < row.next_try_at_s <= now_s + LONGEST_PAUSE_S + hold_s:
            return None
        if not _is_wanted(session, row):
            row.status, row.ended_at_s = WITHDRAWN, now_s
        elif now_s >= row.expires_at_s:
            row.status, row.ended_at_s = EXPIRED, now_s
        else:
            row.next_try_at_s = now_s + hold_s
            row.attempts += 1
            return Outgoing(row.id, row.address, row.text, row.alarm_id, row.kind, row.number, row.made_at_s)
    return None


def settle(session: Session, channel: str, message_id: str, fault: str | None, now_s: float) -> None:
    """Note how sending went: done, or again after a pause that doubles. Keeps the channel's state."""
    state = session.get(ChannelState, channel)
    if state is None:
        state = ChannelState(channel=channel, sent=0)
        session.add(state)
    row = session.get(Notification, message_id)
    if fault is None:
        state.failing_since_s, state.fault, state.last_sent_at_s = None, None, now_s
        state.sent = (state.sent or 0) + 1
        if row is not None:
            row.status, row.ended_at_s = SENT, now_s  # withdrawn meanwhile or not: it has gone out
        return
    if row is not None and state.failing_since_s is None and row.attempts >= UNREACHED_AFTER:
        _note_unreached(session, row, now_s)
    if state.failing_since_s is None or state.failing_since_s > now_s:
        state.failing_since_s = now_s
    state.fault = fault
    if row is not None and row.status == PENDING:
        pause_s = min(FIRST_PAUSE_S * 2 ** min(row.attempts - 1, 10), LONGEST_PAUSE_S)
        row.next_try_at_s = now_s + pause_s


def _note_unreached(session: Session, row: Notification, now_s: float) -> None:
    """Something else has gone out since this message last failed: it is the address, and a technician is told."""
    alarm = session.get(Alarm, row.alarm_id)
    noted = select(AlarmLog.id).where(AlarmLog.alarm_id == row.alarm_id, AlarmLog.what == UNREACHED)
    if alarm is not None and session.scalar(noted.where(AlarmLog.detail == row.channel).limit(1)) is None:
        log(session, alarm, UNREACHED, now_s, detail=row.channel)


def prune(session: Session, now_s: float) -> None:
    """Forget what ended long ago: addresses are personal."""
    session.execute(delete(Notification).where(Notification.ended_at_s < now_s - KEPT_S))


def _is_wanted(session: Session, row: Notification) -> bool:
    alarm = session.get(Alarm, row.alarm_id)
    if alarm is None or alarm.phase not in desk.OPEN:
        return False
    return row.kind == NEWS or alarm.phase != "acknowledged"
