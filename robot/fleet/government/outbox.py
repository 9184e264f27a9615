"""The bridge's outbox: from the alarm log into an order, out of it one item per alarm at a time, dead letters and back.

Every function works in the caller's transaction; times are Unix seconds given by the caller.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import delete, exists, false, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from robot.errors import BadInput
from robot.fleet import audit
from robot.fleet.desk import CARE, ENDED, OPEN, TECHNICAL
from robot.fleet.government.facts import Facts, events_of
from robot.fleet.government.retry import Trial, Verdict
from robot.fleet.government.tables import DEAD, DELIVERED, DROPPED, WAITING, WORKER, GovernmentItem, GovernmentPending
from robot.fleet.people.accounts import AT_THE_MACHINE
from robot.fleet.tables import Alarm, AlarmLog, Worker

BATCH = 500
KEYS = uuid.UUID("6e1b7c52-5f0e-5d0b-9a5b-0f6f6d0d9a11")  # the namespace of idempotency keys; must never change


@dataclass(frozen=True, slots=True)
class Choice:
    """Which alarms concern the region at all."""

    tests: bool = False
    technical: bool = False
    care: bool = False
    events: frozenset[str] = frozenset()  # those for which the mapping has a message

    @property
    def unwanted(self) -> frozenset[str]:
        """The types of alarms that stay here."""
        return frozenset(type_ for type_, wanted in ((TECHNICAL, self.technical), (CARE, self.care)) if not wanted)


def is_pending(session: Session) -> bool:
    """Whether there is anything to collect: a look that takes no lock."""
    return session.scalar(select(GovernmentPending.log_id).limit(1)) is not None


def collect(session: Session, choice: Choice, now_s: float, *, first_start: bool = False) -> tuple[int, int]:
    """Turn noted lines of the alarm log into items. Returns (lines looked at, items made).

    At the bridge's first start ever, alarms that have ended by then are passed over.
    """
    ids = list(session.scalars(select(GovernmentPending.log_id).order_by(GovernmentPending.log_id).limit(BATCH)))
    if not ids:
        return 0, 0
    made = 0
    # columns of Alarm, not Alarm itself: a writing session would hold these rows against ingest and the desk
    lines = select(AlarmLog, Alarm.type, Alarm.phase, Alarm.severity, Alarm.test)
    lines = lines.join(Alarm, Alarm.alarm_id == AlarmLog.alarm_id).where(AlarmLog.id.in_(ids)).order_by(AlarmLog.id)
    for line, type_, phase, severity, test in session.execute(lines).all():
        wanted = (choice.tests or not test) and type_ not in choice.unwanted
        if wanted and not (first_start and phase in ENDED):
            made += _append(session, line, severity, choice, now_s)
    session.execute(delete(GovernmentPending).where(GovernmentPending.log_id.in_(ids)))
    return len(ids), made


def _append(session: Session, line: AlarmLog, severity: str, choice: Choice, now_s: float) -> int:
    told = session.execute(
        select(GovernmentItem.phase, GovernmentItem.severity)
        .where(GovernmentItem.alarm_id == line.alarm_id)
        .order_by(GovernmentItem.position.desc())
        .limit(1)
    ).first()
    told_phase, told_severity = (told.phase, told.severity) if told else (None, None)
    events = [e for e in events_of(line.phase, severity, told_phase, told_severity) if e in choice.events]
    for event in events:
        phase = "raised" if event in ("raised", "reopened") else line.phase
        session.add(_item(line.id, line.alarm_id, event, phase, severity, 1, now_s))
        session.flush()
    return len(events)


def _item(
    log_id: int, alarm_id: str, event: str, phase: str, severity: str, telling: int, now_s: float
) -> GovernmentItem:
    return GovernmentItem(
        key=uuid.uuid5(KEYS, f"{alarm_id}/{log_id}/{event}/{telling}").hex,
        log_id=log_id,
        telling=telling,
        alarm_id=alarm_id,
        event=event,
        phase=phase,
        severity=severity,
        state=WAITING,
        queued_at_s=now_s,
        due_at_s=now_s,
        attempts=0,
    )


def heads(
    session: Session, now_s: float, limit: int, longest_s: float, flying: Collection[str] = ()
) -> list[GovernmentItem]:
    """The next items to send: of each alarm only its first waiting one, the least tried alarms first.

    An item due later than any back-off allows was put off by a clock that has since been set back: it goes now.
    `flying` names the alarms whose item is on its way.
    """
    item, earlier = GovernmentItem, aliased(GovernmentItem)
    held = exists().where(earlier.alarm_id == item.alarm_id, earlier.state == WAITING, earlier.position < item.position)
    due = or_(item.due_at_s <= now_s, item.due_at_s > now_s + longest_s)
    found = select(item).where(item.state == WAITING, due, ~held).order_by(item.attempts, item.position)
    return [one for one in session.scalars(found.limit(limit + len(flying))) if one.alarm_id not in flying][:limit]


def facts_of(session: Session, item: GovernmentItem, region_of: Callable[[str], str]) -> Facts | None:
    """What the item says, read from the log and the alarm; None when the alarm has been erased meanwhile."""
    row = session.execute(
        select(AlarmLog, Alarm)
        .join(Alarm, Alarm.alarm_id == AlarmLog.alarm_id)
        .where(AlarmLog.id == item.log_id, AlarmLog.alarm_id == item.alarm_id)
    ).first()
    if row is None:
        return None
    line, alarm = row
    return Facts(
        key=item.key,
        event=item.event,
        alarm_id=item.alarm_id,
        device=alarm.device,
        region=region_of(alarm.device),
        type=alarm.type,
        phase=item.phase,
        severity=item.severity,
        revision=line.revision,
        test=alarm.test,
        confidence=alarm.confidence,
        reasons=",".join(alarm.reasons),
        room=alarm.room,
        how=alarm.how,
        onset_at_s=alarm.onset_at_s,
        received_at_s=alarm.received_at_s,
        at_s=line.at_s,
        by=line.by,
        detail=line.detail if item.event == "closed" else None,
    )


def doubt(session: Session) -> None:
    """A bridge has begun: what waits may have been on its way when the one before ended, which counts as an attempt."""
    untried = (GovernmentItem.state == WAITING, GovernmentItem.attempts == 0)
    session.execute(update(GovernmentItem).where(*untried).values(attempts=1))


def trial(session: Session, item: GovernmentItem, now_s: float) -> Trial:
    """What `retry.decide` needs of an item that has just been answered."""
    accepted_at_s = session.scalar(
        select(func.max(GovernmentItem.settled_at_s)).where(GovernmentItem.state == DELIVERED)
    )
    since_s = item.failing_since_s if item.failing_since_s is not None else now_s
    return Trial(item.attempts + 1, since_s, accepted_at_s)


def settle(session: Session, item: GovernmentItem, verdict: Verdict, digest: str | None, now_s: float) -> None:
    """Write down what became of an item. One that a person settled meanwhile stays as that person left it."""
    waits = verdict.state == WAITING
    session.execute(
        update(GovernmentItem)
        .where(GovernmentItem.position == item.position, GovernmentItem.state == WAITING)
        .values(
            state=verdict.state,
            due_at_s=verdict.due_at_s,
            reason=verdict.reason,
            attempts=GovernmentItem.attempts + 1,
            failing_since_s=func.coalesce(GovernmentItem.failing_since_s, now_s) if waits else None,
            settled_at_s=None if waits else now_s,
            digest=digest if digest is not None else GovernmentItem.digest,
        )
    )


def dead_letters(session: Session) -> list[GovernmentItem]:
    """The dead letters, oldest first."""
    return list(
        session.scalars(select(GovernmentItem).where(GovernmentItem.state == DEAD).order_by(GovernmentItem.position))
    )


def dead_letter(session: Session, key: str) -> GovernmentItem:
    """The dead letter with this key. Raises BadInput when there is none."""
    item = session.scalar(select(GovernmentItem).where(GovernmentItem.key == key, GovernmentItem.state == DEAD))
    if item is None:
        raise BadInput(f"there is no dead letter {key}; see `dead-letters list`")
    return item


def replay(session: Session, item: GovernmentItem, by: str, now_s: float) -> None:
    """Send a dead letter of an alarm again, together with the alarm's other dead letters, in their order.

    If that tells anything older than the newest item of the alarm, the newest state is told once more behind them,
    under a new key: the last word must stay the newest one, and the region may have taken that item before, or may be
    taking it now. Not if it died at its first attempt: an item that was refused at once was never taken.
    """
    of_alarm = (GovernmentItem.alarm_id == item.alarm_id, GovernmentItem.state != DROPPED)
    dead = (*of_alarm, GovernmentItem.state == DEAD)
    first_dead = session.scalar(select(func.min(GovernmentItem.position)).where(*dead))
    last = session.scalar(select(GovernmentItem).where(*of_alarm).order_by(GovernmentItem.position.desc()).limit(1))
    may_be_taken = last is not None and (last.state != DEAD or last.attempts > 1)
    session.execute(
        update(GovernmentItem)
        .where(*dead)
        .values(state=WAITING, due_at_s=now_s, attempts=0, failing_since_s=None, settled_at_s=None)
    )
    audit.append(
        session,
        at_s=now_s,
        actor=AT_THE_MACHINE,
        action="government.replay",
        subject=f"alarm:{item.alarm_id}",
        detail={"by": by, "key": item.key, "reason": item.reason},
    )
    if last is not None and may_be_taken and first_dead is not None and first_dead < last.position:
        telling = session.scalar(
            select(func.max(GovernmentItem.telling)).where(
                GovernmentItem.log_id == last.log_id, GovernmentItem.event == last.event
            )
        )
        session.add(_item(last.log_id, last.alarm_id, last.event, last.phase, last.severity, (telling or 1) + 1, now_s))


def drop(session: Session, item: GovernmentItem, by: str, reason: str, now_s: float) -> None:
    """Give a dead letter up; who did and why stays in the audit."""
    session.execute(
        update(GovernmentItem)
        .where(GovernmentItem.position == item.position)
        .values(state=DROPPED, settled_at_s=now_s, reason=f"dropped: {reason}")
    )
    audit.append(
        session,
        at_s=now_s,
        actor=AT_THE_MACHINE,
        action="government.drop",
        subject=f"alarm:{item.alarm_id}",
        detail={"by": by, "key": item.key, "reason": reason},
    )


def prune(session: Session, before_s: float) -> int:
    """Forget what was delivered or dropped before `before_s`; what is dead or waits stays as long as its alarm."""
    open_ = select(Alarm.alarm_id).where(Alarm.phase.in_(sorted(OPEN)))
    old = GovernmentItem.state.in_((DELIVERED, DROPPED)) & (GovernmentItem.settled_at_s < before_s)
    gone = session.scalars(
        delete(GovernmentItem).where(old, GovernmentItem.alarm_id.not_in(open_)).returning(GovernmentItem.position)
    )
    return len(gone.all())


def forget(session: Session, alarm_ids: Collection[str]) -> int:
    """Forget these alarms, told or not, while their log still stands. Returns how many items went."""
    lines = select(AlarmLog.id).where(AlarmLog.alarm_id.in_(alarm_ids))
    session.execute(delete(GovernmentPending).where(GovernmentPending.log_id.in_(lines)))
    gone = delete(GovernmentItem).where(GovernmentItem.alarm_id.in_(alarm_ids)).returning(GovernmentItem.position)
    return len(session.scalars(gone).all())


def let_go(session: Session, limit: int) -> int:
    """Forget at most `limit` noted lines that no bridge will need, and return how many: those of alarms that have gone.

    Where no bridge ever ran, of ended alarms too: a first start passes over them.
    """
    ended = Alarm.phase.in_(sorted(ENDED))
    no_bridge = session.get(Worker, WORKER) is None
    lines = (
        select(GovernmentPending.log_id)
        .outerjoin(AlarmLog, AlarmLog.id == GovernmentPending.log_id)
        .outerjoin(Alarm, Alarm.alarm_id == AlarmLog.alarm_id)
        .where(or_(Alarm.alarm_id.is_(None), ended if no_bridge else false()))
    )
    ids = list(session.scalars(lines.order_by(GovernmentPending.log_id).limit(limit)))
    session.execute(delete(GovernmentPending).where(GovernmentPending.log_id.in_(ids)))
    return len(ids)
