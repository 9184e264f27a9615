"""The robot's book and the platform's desk over a link that comes and goes: no fall ends that nobody knew of.

Both are the real ones; only the wire between them is a list.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from robot.fleet import handling, resend
from robot.fleet.database import open_database
from robot.fleet.tables import Alarm
from robot.messages import AlarmPhase, Answer, Receipt, ReceiptKind
from robot.reporting.contract import AlarmBody, AlarmCommand, AlarmReport, CommandAck
from tests.unit.alarms.helpers import Robot, fall, word
from tests.unit.fleet.conftest import DEVICE, Home

pytestmark = pytest.mark.unit


class RobotAndDesk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.home, self.robot = Home(open_database(Path(self.folder.name))), Robot()
        self.home.now_s = 1000.0
        self.linked, self.told, self.events = True, 0, 0
        self.closed_at: dict[str, int] = {}

    def teardown(self) -> None:
        try:
            self.linked = True
            for _ in range(3):
                self.sync()
            self.check()
        finally:
            self.home.database.close()
            self.folder.cleanup()

    # what happens

    @rule()
    def falls(self) -> None:
        self.events += 1
        self.robot.do(self.robot.book.on_fall(fall(f"fall-{self.events}", at_s=self.home.now_s - 2), self.home.now_s))

    @rule(certain=st.booleans())
    def calls(self, certain: bool) -> None:
        self.events += 1
        self.robot.do(
            self.robot.book.on_safety_word(word(f"word-{self.events}", certain, self.home.now_s), self.home.now_s)
        )

    @rule()
    def says_fine(self) -> None:
        self.robot.do(self.robot.book.on_answer(Answer.FINE, self.home.now_s, self.home.now_s))

    @rule(after_s=st.sampled_from([1.0, 11.0, 40.0, 700.0]))
    def time_passes(self, after_s: float) -> None:
        self.home.now_s += after_s
        self.robot.do(self.robot.book.tick(self.home.now_s))

    @rule()
    def the_robot_restarts(self) -> None:
        self.robot.start()
        self.robot.do(self.robot.book.resume(self.home.now_s))

    @rule(linked=st.booleans())
    def the_link(self, linked: bool) -> None:
        self.linked = linked

    @rule(which=st.integers(0, 3))
    def a_caregiver_acknowledges(self, which: int) -> None:
        if alarms := self.on_the_page():
            handling.acknowledge(self.home.database, alarms[which % len(alarms)].alarm_id, "王芳", self.home.now_s)

    @rule(which=st.integers(0, 3))
    def a_caregiver_closes(self, which: int) -> None:
        if alarms := self.on_the_page():
            alarm = alarms[which % len(alarms)]
            self.closed_at[alarm.alarm_id] = alarm.revision
            handling.close(self.home.database, alarm.alarm_id, "王芳", "已到现场", self.home.now_s)

    @rule()
    def sync(self) -> None:
        """What waits on both sides arrives, if there is a link."""
        if not self.linked:
            return
        for report in self.robot.reports[self.told :]:
            self.told += 1
            alarm = report.alarm
            fields = {"alarm_id": alarm.id, "type": alarm.type.value, "phase": report.phase.value}
            fields |= {"revision": alarm.revision, "severity": report.severity.value, "confidence": alarm.confidence}
            body = AlarmBody.model_validate({**fields, "onset_ts": alarm.onset_at_s, "reasons": alarm.reasons})
            now_s = self.home.now_s
            self.home.send(
                "e/alarm", AlarmReport(id=f"report-{self.told:04}", dev=DEVICE, seq=self.told, ts=now_s, body=body)
            )
        self.home.now_s += 20.0  # longer than any pause between repeats
        for _, command in resend.claim(self.home.database, self.home.now_s):
            assert isinstance(command, AlarmCommand)
            answer = Receipt(
                command.id, command.alarm_id, ReceiptKind(command.status), self.home.now_s, revision=command.revision
            )
            self.robot.do(self.robot.book.on_receipt(answer, self.home.now_s))
            self.home.send("cmd/ack", CommandAck(id=command.id, dev=DEVICE))

    # what must be

    def on_the_page(self) -> list[Alarm]:
        with self.home.database.read() as session:
            alarms = session.query(Alarm).filter(Alarm.phase.not_in(["closed", "cancelled"]))
            return list(alarms.order_by(Alarm.alarm_id))

    @invariant()
    def whatever_ended_was_known_to_who_ended_it(self) -> None:
        cases = self.robot.store.load()
        for case in cases:
            if case.phase is AlarmPhase.CLOSED:
                known = self.closed_at[case.id]
                unknown = {joined.source for joined in case.joined if joined.revision > known}
                for source in unknown:
                    assert any(source in other.source_ids for other in cases if other.id != case.id)

    def check(self) -> None:
        """With the link back, each side knows what the other knows."""
        shown = {alarm.alarm_id: alarm.phase for alarm in self.on_the_page()}
        for case in self.robot.store.load():
            assert case.is_open == (case.id in shown), (case.phase, shown.get(case.id))


RobotAndDesk.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestRobotAndDesk = RobotAndDesk.TestCase
