"""A mattress that lies, dies, raves or contradicts the camera: nothing lost, nothing crashed, faults shown."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.alarms.effects import Ask, Suppressed
from robot.alarms.settings import AlarmSettings
from robot.messages import (
    AlarmPhase,
    AlarmType,
    Answer,
    BedState,
    Call,
    CallKind,
    FallReason,
    Presence,
    ReceiptKind,
    RoomView,
    SafetyKind,
)

from .helpers import SETTINGS, Robot, bed, fall, receipt, word

pytestmark = pytest.mark.unit

P = AlarmPhase


@pytest.fixture
def robot() -> Robot:
    return Robot()


def view(at_s: float, **other: object) -> RoomView:
    return RoomView(**{"at_s": at_s, "sees": True, "people": 1, "upright": 0, "in_bed": 0, "low": 0, **other})


def call(call_id: str = "c1", kind: CallKind = CallKind.BUTTON, at_s: float = 0.0) -> Call:
    return Call(call_id, kind, kind is not CallKind.SENSED_FALL, at_s)


def only(robot: Robot):
    (case,) = robot.store.load()
    return case.alarm


# Left the bed at night


def leave(robot: Robot, upright: int | None, to_s: int, sees: bool = True, latency_s: float | None = None) -> None:
    """In bed at 0, out at 10, and a camera that looks every five seconds."""
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 0.0, since_s=0.0, latency_s=latency_s), True, 0.0))
    for at_s in range(-40, 10, 5):
        robot.book.on_view(view(float(at_s), upright=0, sees=sees))
    robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, 10.0, since_s=10.0, latency_s=latency_s), True, 10.0))
    for now_s in range(10, to_s + 1):
        if now_s % 5 == 0 and upright is not None:
            robot.book.on_view(view(float(now_s), upright=upright, sees=sees))
        robot.do(robot.book.tick(float(now_s)))


def test_nobody_seen_upright_is_asked_about_soon(robot):
    leave(robot, upright=0, to_s=54)
    assert robot.phases == []
    robot.book.on_view(view(55.0))
    robot.do(robot.book.tick(55.0))
    assert (robot.phases, only(robot).reasons) == ([P.CHECKING], ("left_bed_unseen",))
    assert only(robot).type is AlarmType.BED_EXIT


@pytest.mark.parametrize(("upright", "sees"), [(1, True), (None, True), (0, False)])
def test_seen_upright_or_not_seen_for_want_of_a_camera_waits_for_the_tolerance(robot, upright, sees):
    leave(robot, upright, to_s=609, sees=sees)
    assert robot.phases == []
    robot.do(robot.book.tick(610.0))
    assert only(robot).reasons == ("not_back_in_bed",)


def test_a_camera_that_goes_blind_makes_the_tolerance_no_longer(robot):
    leave(robot, upright=0, to_s=30)
    robot.run(31, 609)
    assert robot.phases == []
    robot.run(610, 610)
    assert robot.phases == [P.CHECKING]


@pytest.mark.parametrize("told", [True, False], ids=["told by the mattress", "set"])
@pytest.mark.parametrize(
    ("latency_s", "up_at_s", "phases"),
    [(30.0, -15.0, []), (30.0, -25.0, [P.CHECKING]), (300.0, -280.0, [])],
)
def test_who_walked_out_before_a_late_mattress_told_it_was_seen_upright(latency_s, up_at_s, phases, told):
    robot = Robot(AlarmSettings(device="hani-test", bed_latency_s=-1.0 if told else latency_s))
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 0.0, since_s=-1e4), True, 0.0))
    for at_s in range(-400, 10, 5):
        robot.book.on_view(view(float(at_s), upright=int(at_s == up_at_s)))
    leave(robot, upright=0, to_s=60, latency_s=latency_s if told else None)
    assert robot.phases == phases


@pytest.mark.parametrize(
    ("upright", "in_bed", "asked"),
    [(0, 0, True), (1, 0, False), (0, None, False), (None, 0, False)],
    ids=["nobody got up", "somebody got up", "no bed in the picture", "no camera"],
)
def test_by_day_only_who_was_not_seen_to_get_up_is_asked(robot, upright, in_bed, asked):
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 0.0, since_s=-1e4), False, 0.0))
    for now_s in range(-60, 700):
        if upright is not None and now_s % 5 == 0:
            robot.book.on_view(RoomView(float(now_s), True, 1, upright, in_bed))
        if now_s == 10:
            robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, 10.0, since_s=10.0), False, 10.0))
        robot.do(robot.book.tick(float(now_s)))
        if now_s == 54:
            assert robot.phases == []
        if now_s == 56:
            assert robot.phases == ([P.CHECKING] if asked else [])
    assert bool(robot.phases) is asked


# Heart and breath, and contradictions


def in_bed(robot: Robot, from_s: int, to_s: int, heart: float | None) -> None:
    for now_s in range(from_s, to_s + 1, 10):
        state = BedState(Presence.IN_BED, True, 0.0, float(now_s), heart, None)
        robot.do(robot.book.on_bed(state, True, float(now_s)))
        robot.do(robot.book.tick(float(now_s)))


def test_a_mattress_whose_heart_has_gone_explains_no_fall_away(robot):
    in_bed(robot, 0, 100, 60.0)
    in_bed(robot, 110, 300, None)
    robot.do(robot.book.on_fall(fall(reason=FallReason.LONG_ON_FLOOR, at_s=270.0), 300.0))
    assert robot.phases == [P.CHECKING]


def test_a_mattress_that_never_measured_a_heart_still_explains(robot):
    in_bed(robot, 0, 300, None)
    robot.do(robot.book.on_fall(fall(reason=FallReason.LONG_ON_FLOOR, at_s=270.0), 300.0))
    assert robot.of(Suppressed) == [Suppressed("in_bed_before_onset")]


def test_a_suppressed_fall_comes_back_when_heart_and_breath_go(robot):
    in_bed(robot, 0, 100, 60.0)
    in_bed(robot, 110, 250, None)
    robot.do(robot.book.on_fall(fall(reason=FallReason.LONG_ON_FLOOR, at_s=220.0), 250.0))
    assert robot.phases == []
    in_bed(robot, 260, 290, None)
    assert robot.phases == [P.CHECKING]


def test_lost_vitals_are_a_fault_once_they_last(robot):
    in_bed(robot, 0, 100, 60.0)
    in_bed(robot, 110, 390, None)
    assert robot.book.sensor_fault(390.0) == ""
    in_bed(robot, 400, 510, None)
    assert robot.book.sensor_fault(510.0) == "vitals_lost"
    assert robot.phases == []
    in_bed(robot, 520, 520, 61.0)
    assert robot.book.sensor_fault(520.0) == ""


def test_a_mattress_that_says_empty_under_somebody_is_a_fault(robot):
    for now_s in range(0, 121, 5):
        robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, float(now_s)), False, float(now_s)))
        robot.book.on_view(view(float(now_s), in_bed=1))
        assert robot.book.sensor_fault(float(now_s)) == ("" if now_s < 120 else "sensors_disagree")


def test_every_suppressed_fall_is_counted_by_its_reason_for_good(robot):
    for number in range(3):
        at_s = 100.0 + 200 * number
        robot.do(robot.book.on_bed(bed(Presence.IN_BED, at_s), True, at_s))
        robot.do(robot.book.on_fall(fall(f"f{number}", FallReason.LONG_ON_FLOOR, at_s - 5), at_s))
    assert robot.store.suppressed() == {"in_bed_before_onset": 3}
    assert len(robot.of(Suppressed)) == 3, "the node logs each"


# Buttons


@pytest.mark.parametrize(("kind", "reason"), [(CallKind.BUTTON, "button_pressed"), (CallKind.CORD, "cord_pulled")])
def test_a_press_raises_the_same_alarm_without_a_word_and_then_asks(robot, kind, reason):
    robot.do(robot.book.on_call(call(kind=kind), 0.0))
    alarm = only(robot)
    assert (alarm.type, alarm.phase, alarm.reasons) == (AlarmType.SOS, P.RAISED, (reason,))
    assert (robot.told, robot.asked) == (["alarm_raised"], [])
    robot.run(1, 11)
    assert robot.asked == []
    robot.run(12, 60)
    assert robot.asked == [1], "once"


def test_a_press_by_mistake_can_be_withdrawn_after_the_question(robot):
    robot.do(robot.book.on_call(call(), 0.0))
    robot.run(1, 30)
    robot.do(robot.book.on_answer(Answer.FINE, 42.0, 43.0))
    assert robot.phases == [P.CANCELLED]


@pytest.mark.parametrize("spoke_at_s", [1.0, 11.0])
def test_fine_from_the_television_before_the_question_withdraws_no_press(robot, spoke_at_s):
    robot.do(robot.book.on_call(call(), 0.0))
    robot.do(robot.book.on_answer(Answer.FINE, 1.0, 2.0))
    robot.run(2, 12)
    robot.do(robot.book.on_answer(Answer.FINE, spoke_at_s, 13.0))
    assert robot.phases == [P.RAISED]
    robot.do(robot.book.on_answer(Answer.FINE, 14.0, 15.0))
    assert robot.phases == [P.CANCELLED]


def test_a_press_on_top_of_a_word_is_not_withdrawn_before_its_own_question(robot):
    robot.do(robot.book.on_safety_word(word(at_s=0.0), 0.0))
    robot.do(robot.book.on_call(call(), 5.0))
    robot.do(robot.book.on_answer(Answer.FINE, 6.0, 7.0))
    assert robot.phases == [P.RAISED]
    robot.run(8, 17)
    robot.do(robot.book.on_answer(Answer.FINE, 20.0, 21.0))
    assert (robot.asked, robot.phases) == ([1], [P.CANCELLED])


def test_nobody_is_asked_who_was_answered_already(robot):
    robot.do(robot.book.on_call(call(), 0.0))
    robot.do(robot.book.on_receipt(receipt(only(robot).id, ReceiptKind.ACKNOWLEDGED), 5.0))
    robot.run(6, 60)
    assert robot.asked == []


def test_a_question_that_is_due_outlives_a_restart(robot):
    robot.do(robot.book.on_call(call(), 0.0))
    robot.start()
    robot.do(robot.book.resume(5.0))
    robot.run(6, 30)
    assert robot.asked == [1]


def test_the_same_press_counts_once_even_after_a_restart(robot):
    robot.do(robot.book.on_call(call(), 0.0))
    robot.start()
    assert robot.do(robot.book.on_call(call(), 10.0)) == ()


def test_a_press_during_a_check_in_raises_it(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_call(call(), 3.0))
    assert (only(robot).type, only(robot).phase) == (AlarmType.FALL, P.RAISED)


def test_a_sensed_fall_asks_first_and_a_second_witness_raises(robot):
    robot.do(robot.book.on_call(call(kind=CallKind.SENSED_FALL), 0.0))
    assert (only(robot).type, only(robot).phase, robot.asked) == (AlarmType.FALL, P.CHECKING, [1])
    robot.do(robot.book.on_call(call("c2", CallKind.SENSED_FALL), 5.0))
    assert only(robot).phase is P.RAISED


@pytest.mark.parametrize("reason", FallReason)
def test_the_camera_confirms_a_fall_that_was_sensed(robot, reason):
    robot.do(robot.book.on_call(call(kind=CallKind.SENSED_FALL), 0.0))
    robot.do(robot.book.on_fall(fall(reason=reason, at_s=1.0), 3.0))
    assert (only(robot).phase, only(robot).reasons) == (P.RAISED, ("fall_sensed", reason.value))
    again = Robot()
    again.do(again.book.on_fall(fall(at_s=1.0), 3.0))
    again.do(again.book.on_fall(fall("f2", reason=reason, at_s=4.0), 5.0))
    assert only(again).phase is P.CHECKING, "the camera alone is one witness"


def test_a_sensed_fall_confirms_what_the_camera_suspects(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_call(call(kind=CallKind.SENSED_FALL), 2.0))
    assert (only(robot).phase, only(robot).reasons) == (P.RAISED, ("fast_drop", "fall_sensed"))


# Whatever the mattress says


times = st.one_of(st.none(), st.floats(-1e4, 1e4), st.sampled_from([math.inf, -math.inf, 0.0]))
rates = st.none() | st.floats(20, 250)
beds = st.builds(BedState, st.sampled_from(Presence), st.booleans(), st.floats(-1e4, 1e4), times, rates, rates)
views = st.builds(
    RoomView, st.floats(-1e4, 1e4), st.booleans(), *(st.none() | st.integers(0, 3) for _ in range(4)), st.booleans()
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 200), beds | views | st.none()), max_size=25), st.integers(0, 25))
def test_no_mattress_and_no_view_takes_back_a_seen_fall_a_word_or_a_press(steps, when):
    """A lying, stale, silent or raving mattress: what was raised is raised, whatever it says before and after."""
    for start in ("fall", "word", "press"):
        robot, now_s = Robot(), 0.0
        for number, (after_s, said) in enumerate([*steps, (30.0, None), (30.0, None)]):
            now_s += after_s
            if number == min(when, len(steps)):
                if start == "fall":
                    robot.do(robot.book.on_fall(fall(at_s=now_s), now_s))
                elif start == "word":
                    robot.do(robot.book.on_safety_word(word(at_s=now_s, kind=SafetyKind.HELP), now_s))
                else:
                    robot.do(robot.book.on_call(call(at_s=now_s), now_s))
            if isinstance(said, BedState):
                robot.do(robot.book.on_bed(said, True, now_s))
            elif isinstance(said, RoomView):
                robot.book.on_view(replace(said, at_s=now_s + said.at_s / 1e3))
            robot.do(robot.book.tick(now_s))
            robot.book.sensor_fault(now_s)
        emergencies = [case for case in robot.store.load() if case.alarm.type in (AlarmType.FALL, AlarmType.SOS)]
        assert any(case.phase is P.RAISED for case in emergencies)
        assert not any(case.phase is P.CANCELLED for case in emergencies)
        assert robot.store.unwritten == 0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 100), beds), max_size=15))
def test_a_suppressed_fall_always_had_a_fresh_bed_behind_it(steps):
    robot, now_s, believed = Robot(AlarmSettings(device="hani-test")), 0.0, False
    for number, (after_s, said) in enumerate(steps):
        now_s += after_s
        robot.do(robot.book.on_bed(said, True, now_s))
        effects = robot.do(robot.book.on_fall(fall(f"f{number}", FallReason.LONG_ON_FLOOR, now_s - 20), now_s))
        believed = said.fresh and said.presence is Presence.IN_BED and said.since_at_s < now_s - 20
        believed = believed and said.measured_at_s is not None and -5 <= now_s - said.measured_at_s <= 60
        assert not any(isinstance(effect, Suppressed) for effect in effects) or believed
        assert any(isinstance(effect, Suppressed | Ask) for effect in effects) or robot.book.open_alarms


def test_the_settings_of_the_tests_are_those_of_the_product():
    assert AlarmSettings(device=SETTINGS.device) == SETTINGS
