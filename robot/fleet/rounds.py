"""The desk's rounds, once a second: new alarms find their event, waiting ones call people, unfinished ones open again.

One event is one case: alarms of one home within a short time, or technical alarms of one kind in one region. A case has
one ladder, that of the alarm that has waited longest. Everything is decided from what the database holds at this
moment, so that a desk that was dead for a while misses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from robot.fleet import desk, technical
from robot.fleet.contacts import Contacts, Person, Site
from robot.fleet.database import Database
from robot.fleet.desk_tables import Notification
from robot.fleet.handling import case_of, desk_device, end, in_maintenance
from robot.fleet.intake import changed, log, move
from robot.fleet.notify import outbox
from robot.fleet.notify.texts import call_text
from robot.fleet.tables import Alarm, Change, Device
from robot.fleet.words import Words

CHANGES_KEPT = 5000
CALLS_A_ROUND = 100  # a round is one transaction and must not keep ingest waiting
NEW_A_ROUND = 200  # the same
OPEN_A_ROBOT = 100  # of the oldest and of the newest: a robot gone wild must not make every round a long one
SET_BACK_S = 2.0  # a clock that goes back by less is being slewed


@dataclass(frozen=True)
class Desk:
    """What the desk works with."""

    contacts: Contacts
    site: Site

    def ladder(self, alarm: Alarm) -> desk.Ladder:
        return self.contacts.ladder_of(alarm.device, alarm.type)


def tick(
    database: Database,
    now_s: float,
    desk_: Desk,
    *,
    listening_since_s: float | None = None,
    set_back_s: float = 0.0,
    fence: Callable[[Session], None] = lambda _session: None,
) -> None:
    """One round, in one transaction.

    `listening_since_s`: since when the platform could have heard every robot; None: it cannot now, and nobody is called
    silent. `set_back_s`: by how much the clock went back since the last round. `fence` comes last and may refuse all.
    """
    with database.write() as session:
        if set_back_s > SET_BACK_S:
            _follow_the_clock(session, set_back_s, now_s)
        open_ = _open(session)
        technical.watch(session, open_, now_s, listening_since_s, desk_)
        _look_at_new(session, open_, now_s, desk_)
        open_ = [alarm for alarm in _open(session) if alarm.case_id is not None and not alarm.test]
        for alarm in open_:
            _rise_and_reopen(session, alarm, now_s, desk_)
        _call_all(session, _cases(open_), now_s, desk_)
        _forget_the_old(session, now_s)
        fence(session)


def _open(session: Session) -> list[Alarm]:
    """The open alarms that the desk has seen, and all that it made itself."""
    mine = Alarm.phase.in_(sorted(desk.OPEN))
    oldest, newest = (Alarm.received_at_s, Alarm.alarm_id), (Alarm.received_at_s.desc(), Alarm.alarm_id.desc())
    places = [func.row_number().over(partition_by=Alarm.device, order_by=order) for order in (oldest, newest)]
    seen = select(Alarm.alarm_id, *(place.label(f"place_{n}") for n, place in enumerate(places)))
    ends = seen.where(mine, Alarm.case_id.is_not(None), Alarm.made_here.is_(False)).subquery()
    few = select(ends.c.alarm_id).where(or_(ends.c.place_0 <= OPEN_A_ROBOT, ends.c.place_1 <= OPEN_A_ROBOT))
    query = select(Alarm).where(mine, or_(Alarm.made_here, Alarm.alarm_id.in_(few)))
    return list(session.scalars(query.order_by(Alarm.alarm_id).with_for_update()))


def _follow_the_clock(session: Session, set_back_s: float, now_s: float) -> None:
    """Keep how long everything has waited: otherwise nobody would be called until the clock has caught up."""
    for column in (Alarm.received_at_s, Alarm.raised_at_s, Alarm.acknowledged_at_s):
        waiting = update(Alarm).where(Alarm.phase.in_(sorted(desk.OPEN)), column.is_not(None))
        session.execute(waiting.values({column.key: column - set_back_s}))
    pending = update(Notification).where(Notification.status == outbox.PENDING)
    for at_s in (Notification.next_try_at_s, Notification.expires_at_s):
        session.execute(pending.values({at_s.key: at_s - set_back_s}))
    session.execute(update(Device).where(Device.last_seen_at_s > now_s).values(last_seen_at_s=now_s))
    session.expire_all()


def _look_at_new(session: Session, open_: Iterable[Alarm], now_s: float, desk_: Desk) -> None:
    """Give the next alarms that the desk has not seen their cases; tests are counted and closed."""
    near = _Near(desk_)
    tests = []
    for alarm in sorted(open_, key=lambda alarm: (alarm.received_at_s, alarm.alarm_id)):
        if alarm.test:
            tests.append(alarm)
        elif alarm.case_id is not None and alarm.phase in desk.OPEN:
            near.add(alarm)
    for alarm in _next_new(session):
        alarm.case_id = alarm.alarm_id
        if alarm.test:
            row = desk_device(session, alarm.device, now_s)
            row.tests, row.last_test_at_s = row.tests + 1, now_s
            tests.append(alarm)
        elif alarm.phase in desk.OPEN:
            alarm.maintenance = in_maintenance(session, alarm.device, now_s)
            lead = near.lead(alarm)
            if lead is not None:
                _join(session, alarm, lead, now_s)
            near.add(alarm)
    for alarm in tests:
        if alarm.phase in desk.OPEN:
            words = Words(desk_.site.language)
            end(session, alarm, words("desk.name"), words("desk.test_arrived"), now_s)
    session.flush()


def _next_new(session: Session) -> list[Alarm]:
    """Robots' alarms before the desk's own, each robot's first before any robot's second: none waits for a flood."""
    turn = func.row_number().over(partition_by=Alarm.device, order_by=(Alarm.received_at_s, Alarm.alarm_id))
    new = select(Alarm.alarm_id, Alarm.made_here, Alarm.received_at_s, turn.label("turn"))
    ranked = new.where(Alarm.case_id.is_(None)).subquery()
    order = (ranked.c.made_here, ranked.c.turn, ranked.c.received_at_s, ranked.c.alarm_id)
    those = select(ranked.c.alarm_id).order_by(*order).limit(NEW_A_ROUND)
    query = select(Alarm).where(Alarm.alarm_id.in_(those), Alarm.case_id.is_(None))
    return list(session.scalars(query.order_by(Alarm.received_at_s, Alarm.alarm_id).with_for_update()))


class _Near:
    """What new alarms may join: of each case its first and its newest alarm, so that no flood makes the search long."""

    def __init__(self, desk_: Desk) -> None:
        self._desk = desk_
        self._cases: dict[tuple[str, ...], dict[str, list[Alarm]]] = defaultdict(dict)

    def add(self, alarm: Alarm) -> None:
        """Take an alarm that has a case, in the order of their arrival."""
        if alarm.made_here or alarm.type not in desk.CALM:  # what a robot says of itself is an event of its own
            ends = self._cases[self._where(alarm)].setdefault(alarm.case_id or alarm.alarm_id, [])
            ends[1:] = [alarm]

    def lead(self, alarm: Alarm) -> Alarm | None:
        """The oldest alarm of the same event."""
        cases = self._cases[self._where(alarm)].values()
        found = [other for ends in cases for other in ends if self._is_one_event(alarm, other)]
        return min(found, key=lambda other: (other.received_at_s, other.alarm_id), default=None)

    def _where(self, alarm: Alarm) -> tuple[str, ...]:
        """What alarms of one event have in common."""
        if alarm.made_here:
            return (self._desk.contacts.region(alarm.device) or self._desk.site.region, *alarm.reasons[:1])
        return (alarm.device,)

    def _is_one_event(self, alarm: Alarm, other: Alarm) -> bool:
        """A person's alarms within a short time; machines' and wet beds have nothing to do with them and hide none."""
        if alarm.made_here:
            return technical.is_one_group(alarm, other)
        calm = desk.CALM & {alarm.type, other.type}
        return not calm and abs(alarm.received_at_s - other.received_at_s) <= self._desk.ladder(alarm).join_s


def _join(session: Session, alarm: Alarm, lead: Alarm, now_s: float) -> None:
    alarm.case_id = lead.case_id
    log(session, alarm, "joined", now_s, detail=lead.alarm_id)
    changed(session, lead.device, now_s, lead.alarm_id)
    changed(session, alarm.device, now_s, alarm.alarm_id)
    if alarm.made_here:
        alarm.calls, alarm.called_severity = 1, alarm.severity  # its first call is the group's
    else:
        severity = desk.confirmed(alarm.severity, lead.severity, alarm.type == lead.type)
        for member in (alarm, lead):
            _make_graver(session, member, severity, "joined", now_s)


def _make_graver(session: Session, alarm: Alarm, severity: str, why: str, now_s: float) -> None:
    if desk.graver(alarm.severity, severity) != alarm.severity:
        alarm.severity = severity
        log(session, alarm, "severity", now_s, detail=f"{severity}: {why}")
        changed(session, alarm.device, now_s, alarm.alarm_id)


def _rise_and_reopen(session: Session, alarm: Alarm, now_s: float, desk_: Desk) -> None:
    ladder = desk_.ladder(alarm)
    since_s = desk.waiting_since_s(case_of(alarm), ladder)
    if since_s is None:
        return
    if desk.reopens(case_of(alarm), now_s, ladder):
        move(session, alarm, "raised", now_s)
        alarm.raised_at_s, alarm.reopened_at_s = since_s, now_s
        log(session, alarm, "reopened", now_s)
    if alarm.phase != "acknowledged" and alarm.type != desk.TECHNICAL:
        _make_graver(session, alarm, desk.risen(alarm.severity, now_s - since_s, ladder), "unanswered", now_s)


def _cases(open_: Iterable[Alarm]) -> list[list[Alarm]]:
    cases: dict[str, list[Alarm]] = defaultdict(list)
    for alarm in open_:
        cases[alarm.case_id or alarm.alarm_id].append(alarm)
    return list(cases.values())


def _call_all(session: Session, cases: list[list[Alarm]], now_s: float, desk_: Desk) -> None:
    """Call for the cases, first where nobody was called yet; after a flood the rest has its turn in the next rounds."""
    session.flush()
    cases.sort(key=lambda case: (any(alarm.calls for alarm in case), min(alarm.received_at_s for alarm in case)))
    with session.no_autoflush:  # a flush for each call would hold everybody's locks several times as long
        called = 0
        for case in cases:
            called += _call(session, case, now_s, desk_)
            if called >= CALLS_A_ROUND:
                break


def _call(session: Session, case: list[Alarm], now_s: float, desk_: Desk) -> bool:
    """Write down the case's call that is due, and tell a helper what has become graver. False when none was due."""
    waiting = []
    for alarm in case:
        call = desk.call(case_of(alarm), now_s, desk_.ladder(alarm))
        silent = alarm.type == desk.TECHNICAL and in_maintenance(session, alarm.device, now_s)
        if call is not None and not silent:
            waiting.append((call, alarm))
        elif alarm.phase == "acknowledged" and _is_graver(alarm):
            _tell_helper(session, alarm, case, now_s, desk_)
    if not waiting:
        return False
    call, alarm = min(waiting, key=lambda pair: (pair[0].since_s, pair[1].alarm_id))
    if call.number <= alarm.calls and not _is_graver(alarm):
        return False
    _ring(session, alarm, call, case, now_s, desk_)
    return True


def _is_graver(alarm: Alarm) -> bool:
    """Whether the alarm is graver than people were told."""
    told = alarm.called_severity
    return told is not None and desk.graver(told, alarm.severity) != told


def _ring(session: Session, alarm: Alarm, call: desk.Call, case: list[Alarm], now_s: float, desk_: Desk) -> None:
    alarm.calls = max(alarm.calls, call.number)
    alarm.called_severity = alarm.severity
    changed(session, alarm.device, now_s, alarm.alarm_id)
    log(session, alarm, "call", now_s, detail=f"{call.number}: rung {call.rung + 1}")
    people = [_on_rung(alarm, call.rung, desk_)]
    if call.number == 1:  # whoever is on the way to this home must hear of what has joined
        people += [_helper(other, desk_) for other in case if other.phase == "acknowledged"]
    for person in dict.fromkeys(people):
        _notify(session, alarm, case, person, outbox.CALL, call.number, now_s, desk_)


def _tell_helper(session: Session, alarm: Alarm, case: list[Alarm], now_s: float, desk_: Desk) -> None:
    alarm.called_severity = alarm.severity
    log(session, alarm, "news", now_s, detail=alarm.severity)
    person = _helper(alarm, desk_) or _on_rung(alarm, 0, desk_)
    _notify(session, alarm, case, person, outbox.NEWS, alarm.calls, now_s, desk_)


def _on_rung(alarm: Alarm, rung: int, desk_: Desk) -> Person | None:
    """Whom to tell; where only the hotline is left, which nobody can be told by, the last person before it."""
    person = desk_.contacts.on_rung(alarm.device, alarm.type, rung)
    return person or next(reversed(desk_.contacts.people(alarm.device)), None)


def _helper(alarm: Alarm, desk_: Desk) -> Person | None:
    """The contact who took this alarm on, if it was one of this home's."""
    people = desk_.contacts.people(alarm.device)
    return next((person for person in people if person.name == alarm.acknowledged_by), None)


def _notify(
    session: Session,
    alarm: Alarm,
    case: list[Alarm],
    person: Person | None,
    kind: str,
    number: int,
    now_s: float,
    desk_: Desk,
) -> None:
    device = session.get(Device, alarm.device)
    where = device.label if device and device.label else alarm.device
    text_ = call_text(alarm, where, len(case) - 1, desk_.site)
    outbox.put(session, desk_.site.channels, alarm, person, kind=kind, number=number, text=text_, now_s=now_s)


def _forget_the_old(session: Session, now_s: float) -> None:
    """Keep the feed and the outboxes short."""
    oldest, newest = session.execute(select(func.min(Change.id), func.max(Change.id))).one()
    if newest is not None and newest - oldest >= 2 * CHANGES_KEPT:
        session.execute(delete(Change).where(Change.id <= newest - CHANGES_KEPT))
    outbox.prune(session, now_s)
