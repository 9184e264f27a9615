"""Whatever happens in whatever order, with crashes between: no raised alarm is lost, hidden or cancelled by silence."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from robot.alarms.effects import Ask, Effects, Publish, Report, Store, Tell
from robot.alarms.settings import AlarmSettings
from robot.messages import Alarm, AlarmPhase, AlarmType, Answer, FallReason, Presence, ReceiptKind

from .helpers import Robot, bed, fall, receipt, word

pytestmark = pytest.mark.unit

P = AlarmPhase
# where a crash cuts the node's work: before the commit, or after it with so many of the remaining effects done
CRASHES = st.sampled_from([None, None, None, None, None, "before_commit", 0, 1, 2])
MOSTLY_NOT = st.sampled_from([False, False, True])
EVENT_IDS = st.integers(0, 30).map(lambda number: f"event-{number}")


class AlarmLife(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.robot = Robot(AlarmSettings(device="hani-test", bed_exit_tolerance_s=120.0, bed_stale_alarm_s=90.0))
        self.now_s = 1000.0
        self.fine: set[str] = set()
        self.by_person: dict[ReceiptKind, set[str]] = {kind: set() for kind in ReceiptKind}
        self.help_coming: Counter[str | None] = Counter()
        self.ended: dict[str, Alarm] = {}
        self.unknown: set[tuple[str, str]] = set()

    def carry_out(self, effects: Effects, crash: object) -> None:
        self.check_written_first(effects)
        if crash != "before_commit":
            rest = self.robot.store.commit(effects, self.robot.reports.append)
            done = rest if crash is None else rest[: int(str(crash))]
            self.help_coming.update(
                effect.alarm_id for effect in done if isinstance(effect, Tell) and effect.purpose == "help_coming"
            )
        if crash is not None:
            self.robot.start()
            self.carry_out(self.robot.book.resume(self.now_s), None)

    def check_written_first(self, effects: Effects) -> None:
        written = {(case.id, case.alarm.revision) for case in self.robot.store.load()}
        for effect in effects:
            if isinstance(effect, Store):
                written.add((effect.case.id, effect.alarm.revision))
            elif isinstance(effect, (Report, Publish)):
                assert (effect.alarm.id, effect.alarm.revision) in written
            elif isinstance(effect, Ask) or (isinstance(effect, Tell) and effect.alarm_id):
                assert effect.alarm_id in {alarm_id for alarm_id, _ in written}

    @rule(
        event=EVENT_IDS,
        reason=st.sampled_from(FallReason),
        recovered=st.sampled_from([False, False, True]),
        crash=CRASHES,
    )
    def falls(self, event, reason, recovered, crash):
        self.carry_out(
            self.robot.book.on_fall(fall(event, reason, self.now_s - 2, recovered=recovered), self.now_s), crash
        )

    @rule(event=EVENT_IDS, certain=st.booleans(), crash=CRASHES)
    def calls(self, event, certain, crash):
        self.carry_out(self.robot.book.on_safety_word(word(event, certain, self.now_s), self.now_s), crash)

    @rule(answer=st.sampled_from(Answer), spoke_ago_s=st.sampled_from([0.0, 3.0]), crash=CRASHES)
    def answers(self, answer, spoke_ago_s, crash):
        effects = self.robot.book.on_answer(answer, self.now_s - spoke_ago_s, self.now_s)
        if answer is Answer.FINE:
            self.fine |= {effect.case.id for effect in effects if isinstance(effect, Store)}
        self.carry_out(effects, crash)

    @rule(spoke_ago_s=st.sampled_from([0.0, 3.0]), crash=CRASHES)
    def mumbles(self, spoke_ago_s, crash):
        effects = self.robot.book.on_unclear(self.now_s - spoke_ago_s, self.now_s)
        assert not any(isinstance(effect, Publish) for effect in effects), "nothing is raised or cancelled by a mumble"
        self.carry_out(effects, crash)

    @rule(presence=st.sampled_from(Presence), fresh=st.booleans(), night=st.booleans(), crash=CRASHES)
    def bed_says(self, presence, fresh, night, crash):
        state = bed(presence, self.now_s, since_s=self.now_s - 10, fresh=fresh)
        self.carry_out(self.robot.book.on_bed(state, night, self.now_s), crash)

    @rule(kind=st.sampled_from(ReceiptKind), which=st.integers(0, 5), behind=st.integers(-1, 4), crash=CRASHES)
    def platform_says(self, kind, which, behind, crash):
        """`behind`: so many revisions are not on the platform yet; below 0 it does not say what it knew."""
        cases = self.robot.store.load()
        if cases:
            case = cases[which % len(cases)]
            self.by_person[kind].add(case.id)
            knew = None if behind < 0 else max(1, case.alarm.revision - behind)
            closes = kind is ReceiptKind.CLOSED and case.is_open and crash != "before_commit"
            what = receipt(case.id, kind, self.now_s, revision=knew)
            self.carry_out(self.robot.book.on_receipt(what, self.now_s), crash)
            if closes and knew is not None:
                self.unknown |= {(case.id, joined.source) for joined in case.joined if joined.revision > knew}

    @rule(after_s=st.sampled_from([0.5, 1.0, 4.0, 9.0, 11.0, 20.0, 61.0, 200.0]), crash=CRASHES)
    def time_passes(self, after_s, crash):
        self.now_s += after_s
        self.carry_out(self.robot.book.tick(self.now_s), crash)
        for case in self.robot.store.load():
            if case.phase in (P.SUSPECTED, P.CHECKING) and case.checking_at_s is not None:
                assert self.now_s - case.checking_at_s < 20.0, "a check-in outlived its time"

    @invariant()
    def nothing_is_hidden(self):
        stored = {case.alarm for case in self.robot.store.load() if case.is_open}
        assert set(self.robot.book.open_alarms) == stored

    @invariant()
    def a_raised_alarm_ends_only_by_a_person(self):
        for case in self.robot.store.load():
            if case.phase is P.CANCELLED:
                assert case.id in self.fine
            elif case.phase is P.CLOSED:
                assert case.id in self.by_person[ReceiptKind.CLOSED]
            elif case.phase is P.ACKNOWLEDGED:
                assert case.id in self.by_person[ReceiptKind.ACKNOWLEDGED]
            elif case.raised_at_s is not None:
                assert case.phase in (P.RAISED, P.SENT, P.RECEIVED)

    @invariant()
    def what_nobody_knew_when_it_was_closed_has_an_alarm_of_its_own(self):
        for closed, source in self.unknown:
            assert any(source in case.source_ids for case in self.robot.store.load() if case.id != closed)

    @invariant()
    def whatever_is_raised_or_cancelled_has_been_reported(self):
        reported = {(report.alarm.id, report.phase) for report in self.robot.reports}
        for case in self.robot.store.load():
            if case.phase in (P.RAISED, P.SENT, P.RECEIVED):
                assert (case.id, P.RAISED) in reported
            if case.phase is P.CANCELLED:
                assert (case.id, P.CANCELLED) in reported

    @invariant()
    def the_end_is_final(self):
        for case in self.robot.store.load():
            if not case.is_open:
                assert self.ended.setdefault(case.id, case.alarm) == case.alarm

    @invariant()
    def every_revision_is_logged_once(self):
        rows = self.robot.store._connection.execute(
            "SELECT id, revision FROM alarm_log ORDER BY id, revision"
        ).fetchall()
        for case in self.robot.store.load():
            assert [revision for alarm_id, revision in rows if alarm_id == case.id] == list(
                range(1, case.alarm.revision + 1)
            )

    @invariant()
    def help_is_promised_once_and_only_when_acknowledged(self):
        for alarm_id, count in self.help_coming.items():
            assert count == 1
            assert alarm_id in self.by_person[ReceiptKind.ACKNOWLEDGED]

    @invariant()
    def one_emergency_is_open_unless_one_was_forgotten(self):
        open_now = [
            case
            for case in self.robot.store.load()
            if case.is_open and case.acknowledged_at_s is None and case.alarm.type in (AlarmType.FALL, AlarmType.SOS)
        ]
        assert len(open_now) <= 1


AlarmLife.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestAlarmLife = AlarmLife.TestCase
