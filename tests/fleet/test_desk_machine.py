"""Whatever robots, people, clocks and desks do in whatever order: no raised alarm is lost, hidden or left uncalled.

The machine drives the real intake, handling, rounds and lease over one real database, SQLite and, shorter, PostgreSQL.
Its model knows only what must hold, not how.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select

from robot.fleet import audit, desk, handling, intake
from robot.fleet.contacts import Contacts, Site
from robot.fleet.database import Database, open_database
from robot.fleet.desk_tables import Notification
from robot.fleet.duty import Duty
from robot.fleet.lease import LEASE_S, Deposed
from robot.fleet.notify import outbox
from robot.fleet.rounds import Desk
from robot.fleet.tables import Alarm, AlarmLog
from robot.reporting.contract import AlarmBody, AlarmReport, StateReport, Wire, topic

pytestmark = pytest.mark.fleet

PEOPLE = ("王芳", "巴特尔", "过路人")
SITE = Site.model_validate({"channels": {"sms": {"kind": "fake"}}})
numbers = count(1)


@dataclass
class Known:
    """What must hold of an alarm: `may_end` once somebody or its robot has ended it."""

    device: str
    test: bool
    revision: int = 0
    may_end: bool = False
    severity: str = "low"
    wait: tuple[float | None, int] = (None, 0)
    answered_since_call: int | None = None  # the newest call when somebody acknowledged
    sent: list[AlarmReport] = field(default_factory=list)


class AlarmDesk(RuleBasedStateMachine):
    """One home with two robots' worth of alarms; desks come and go."""

    database: ClassVar[Database]

    @initialize()
    def begin(self) -> None:
        number = next(numbers)
        self.now_s, self.mono_s = 1e9 + 1e6 * number, 0.0
        self.devices = [f"hani-{number:04}-{letter}" for letter in "ab"]
        homes = [
            {
                "device": device,
                "label": device,
                "contacts": [
                    {"name": "王芳", "role": "护理员", "phone": "111", "after_s": 0},
                    {"name": "巴特尔", "role": "家属", "phone": "112", "after_s": 60},
                ],
            }
            for device in self.devices
        ]
        duty = {"name": "值班室", "role": "值班", "phone": "110"}
        self.contacts = Contacts.model_validate({"duty": duty, "technical": {**duty, "name": "技术"}, "homes": homes})
        self.alarms: dict[str, Known] = {}
        self.duty = self.new_duty()
        self.old: list[Duty] = []
        self.takeover()

    def new_duty(self) -> Duty:
        desk_ = Desk(self.contacts, SITE)
        return Duty(self.database, desk_, clock=lambda: self.now_s, monotonic=lambda: self.mono_s)

    def takeover(self) -> None:
        """The newest desk leads after it has watched the old one's silence."""
        self.duty.turn()
        self.mono_s += LEASE_S
        self.duty.turn()
        assert self.duty.leadership.leads

    def deliver(self, device: str, leaf: str, message: Wire) -> None:
        safe = intake.commit(self.database, [intake.read(topic(device, leaf), message.encode(), self.now_s)])
        assert leaf != "e/alarm" or safe

    # what robots do

    @rule(
        which=st.integers(0, 4),
        home=st.integers(0, 1),
        kind=st.sampled_from(("fall", "sos", "bed_exit", "device")),
        phase=st.sampled_from((*desk.RISING, "raised", "raised", *sorted(desk.ENDED))),
        severity=st.sampled_from(desk.SEVERITIES),
        ahead=st.integers(-2, 3),
        test=st.booleans(),
    )
    def report(self, which: int, home: int, kind: str, phase: str, severity: str, ahead: int, test: bool) -> None:
        alarm_id = f"{self.devices[0]}-{which}"
        known = self.alarms.setdefault(alarm_id, Known(self.devices[home], test and which == 4))
        body = AlarmBody.model_validate(
            {
                "alarm_id": alarm_id,
                "type": kind,
                "phase": phase,
                "revision": max(1, known.revision + ahead),
                "severity": severity,
                "confidence": None,
                "onset_ts": self.now_s,
            }
        )
        seq = next(numbers)
        message = AlarmReport(
            id=f"message-{seq:06}", dev=known.device, seq=seq, ts=self.now_s, test=known.test, body=body
        )
        known.sent.append(message)
        if body.revision > known.revision:
            known.revision = body.revision
            known.may_end |= phase in desk.ENDED
            if phase == "acknowledged" and known.answered_since_call is None:
                known.wait = (None, 0)
        self.deliver(known.device, "e/alarm", message)

    @precondition(lambda self: self.alarms)
    @rule(data=st.data())
    def repeat_a_message(self, data: st.DataObject) -> None:
        known = data.draw(st.sampled_from(sorted(self.alarms.values(), key=lambda known: known.sent[0].id)))
        self.deliver(known.device, "e/alarm", data.draw(st.sampled_from(known.sent)))

    @rule(home=st.integers(0, 1), online=st.booleans())
    def say_something(self, home: int, online: bool) -> None:
        device = self.devices[home]
        self.deliver(device, "state", StateReport(dev=device, online=online, ts=self.now_s))
        handling.beat(self.database, "ingest", True, self.now_s)

    # what people do

    def someones(self, data: st.DataObject) -> str:
        return str(data.draw(st.sampled_from(sorted(self.alarms))))

    @precondition(lambda self: self.alarms)
    @rule(data=st.data(), by=st.sampled_from(PEOPLE))
    def acknowledge(self, data: st.DataObject, by: str) -> None:
        alarm_id = self.someones(data)
        before = self.row(alarm_id)
        taken = handling.acknowledge(self.database, alarm_id, by, self.now_s)
        after = self.row(alarm_id)
        assert taken == (before.phase in desk.OPEN and before.phase != "acknowledged")
        assert not taken or (after.phase, after.acknowledged_by) == ("acknowledged", by)

    @precondition(lambda self: self.alarms)
    @rule(data=st.data(), by=st.sampled_from(PEOPLE))
    def close(self, data: st.DataObject, by: str) -> None:
        alarm_id = self.someones(data)
        acknowledged = {row.alarm_id for row in self.rows() if row.phase == "acknowledged"}
        if handling.close(self.database, alarm_id, by, "帮助已到", self.now_s):
            for row in self.rows():  # what waits must not be closed along with another one
                if row.phase == "closed" and row.alarm_id in acknowledged | {alarm_id}:
                    self.alarms[row.alarm_id].may_end = True

    @rule(home=st.integers(0, 1), for_s=st.integers(-10, 200_000))
    def work_on_a_robot(self, home: int, for_s: int) -> None:
        ends_at_s = handling.maintenance(
            self.database, self.devices[home], self.now_s + for_s, "技术", "换电池", self.now_s
        )
        assert ends_at_s <= self.now_s + 24 * 3600

    # what time and machines do

    @rule(passed_s=st.sampled_from((0.5, 1.0, 30.0, 61.0, 130.0, 400.0, 1000.0)))
    def wait(self, passed_s: float) -> None:
        self.now_s += passed_s
        self.mono_s += passed_s
        self.look()

    @rule(jump_s=st.sampled_from((-86_400.0, -3600.0, -5.0, 3600.0)))
    def clock_jumps(self, jump_s: float) -> None:
        self.now_s += jump_s
        self.look()

    @rule()
    def desk_is_killed(self) -> None:
        self.old.append(self.duty)
        self.duty = self.new_duty()
        self.takeover()
        self.settle()

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def an_old_leader_wakes(self, data: st.DataObject) -> None:
        """It was paused, not dead: nothing that it writes may count."""
        before = self.everything()
        sleeper = self.old.pop()
        with pytest.raises(Deposed):
            sleeper.turn()
        assert self.everything() == before
        assert not sleeper.leadership.leads

    def look(self) -> None:
        self.duty.turn()
        self.settle()

    def settle(self) -> None:
        """After a round: everybody who is missing has been called, and each event has one ladder."""
        for case_id, case in self.cases().items():
            waiting = [row for row in case if self.call(row) and not self.is_silent(row)]
            if waiting:
                first = min(waiting, key=lambda row: (self.since(row), row.alarm_id))
                call = self.call(first)
                assert call is not None
                assert first.calls >= call.number, f"nobody was called for {case_id}"
        for row in self.rows():
            assert row.case_id is not None
            assert row.phase != "raised" or self.call(row), "the wait begins in the future"
            assert not (row.test and row.phase in desk.OPEN), "a test alarm was left open"

    # what must always hold

    @invariant()
    def nothing_is_lost_hidden_or_closed_without_a_reason(self) -> None:
        rows = {row.alarm_id: row for row in self.rows()}
        assert set(rows) == set(self.alarms)
        for alarm_id, known in self.alarms.items():
            row = rows[alarm_id]
            assert row.device == known.device
            assert row.revision == known.revision
            if not known.may_end and not known.test:
                assert row.phase in desk.OPEN, f"{alarm_id} has ended by itself"
            if row.phase == "closed":
                assert row.closed_at_s is not None
                assert row.close_reason or known.may_end
            assert desk.graver(row.severity, known.severity) == row.severity
            known.severity = row.severity

    @invariant()
    def calls_only_grow_while_somebody_is_missing(self) -> None:
        for row in self.rows():
            known = self.alarms[row.alarm_id]
            raised, calls = known.wait
            if row.phase == "raised" and raised == self.waits(row.alarm_id):
                assert row.calls >= calls
            known.wait = (self.waits(row.alarm_id), row.calls)

    @invariant()
    def nobody_is_called_for_what_somebody_has_taken_on(self) -> None:
        with self.database.read() as session:
            for alarm_id, known in self.alarms.items():
                row = session.get(Alarm, alarm_id)
                assert row is not None
                calls = session.scalar(
                    select(func.count())
                    .select_from(AlarmLog)
                    .where(AlarmLog.alarm_id == alarm_id, AlarmLog.what == "call")
                )
                if row.phase != "acknowledged":
                    known.answered_since_call = None
                    continue
                if known.answered_since_call is None:
                    known.answered_since_call = calls
                assert calls == known.answered_since_call, "escalated after it was acknowledged"
                assert row.acknowledged_at_s is not None

    @invariant()
    def what_was_answered_by_a_person_is_not_sent_any_more(self) -> None:
        waiting = select(Notification).where(
            Notification.alarm_id.in_(sorted(self.alarms)),
            Notification.status == outbox.PENDING,
            Notification.kind == outbox.CALL,
        )
        with self.database.read() as session:
            for note in session.scalars(waiting):
                row = session.get(Alarm, note.alarm_id)
                assert row is not None
                assert row.acknowledged_by is None or row.phase not in ("acknowledged", "closed")

    def teardown(self) -> None:
        """Leave the database to the next example: everything closed, the lease free, the audit whole."""
        if not hasattr(self, "duty"):
            return
        with self.database.read() as session:
            open_ = session.scalars(select(Alarm.alarm_id).where(Alarm.phase.in_(sorted(desk.OPEN)))).all()
        for alarm_id in open_:
            handling.close(self.database, alarm_id, "王芳", "结束", self.now_s)
        self.duty.leadership.release()
        assert audit.verify(self.database).entries >= 0

    # looking

    def rows(self) -> list[Alarm]:
        with self.database.read() as session:
            mine = select(Alarm).where(Alarm.device.in_(self.devices), Alarm.made_here.is_(False))
            return list(session.scalars(mine))

    def row(self, alarm_id: str) -> Alarm:
        return next(row for row in self.rows() if row.alarm_id == alarm_id)

    def cases(self) -> dict[str, list[Alarm]]:
        found: dict[str, list[Alarm]] = {}
        for row in self.rows():
            if row.phase in desk.OPEN and not row.test:
                found.setdefault(row.case_id or row.alarm_id, []).append(row)
        return found

    def call(self, row: Alarm) -> desk.Call | None:
        return desk.call(handling.case_of(row), self.now_s, self.contacts.ladder_of(row.device, row.type))

    def since(self, row: Alarm) -> float:
        return desk.waiting_since_s(handling.case_of(row), self.contacts.ladder_of(row.device, row.type)) or 0.0

    def waits(self, alarm_id: str) -> float | None:
        """How many times the alarm began to wait: its calls count from there."""
        begins = select(func.count()).select_from(AlarmLog).where(AlarmLog.alarm_id == alarm_id)
        with self.database.read() as session:
            return session.scalar(begins.where(AlarmLog.what.in_(("reported", "reopened", "acknowledged"))))

    def is_silent(self, row: Alarm) -> bool:
        with self.database.read() as session:
            return row.type == desk.TECHNICAL and handling.in_maintenance(session, row.device, self.now_s)

    def everything(self) -> Callable[[], None] | tuple[object, ...]:
        with self.database.read() as session:
            alarms = [
                (row.alarm_id, row.phase, row.calls, row.severity, row.raised_at_s)
                for row in session.scalars(select(Alarm).order_by(Alarm.alarm_id))
            ]
            sent = session.scalar(select(func.count()).select_from(Notification))
            return (alarms, sent, audit.verify(self.database))


def run(database: Database, examples: int, steps: int) -> None:
    """Run the machine over this database."""
    machine = type("Machine", (AlarmDesk,), {"database": database}).TestCase
    machine.settings = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine().runTest()


def test_no_raised_alarm_is_lost_hidden_closed_without_a_reason_or_escalated_after_it_was_acknowledged(
    tmp_path: Path, store_url: str
) -> None:
    database = open_database(tmp_path, store_url)
    try:
        run(database, examples=20 if store_url.startswith("sqlite") else 5, steps=40)
    finally:
        database.close()
