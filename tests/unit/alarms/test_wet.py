"""A wet bed: the caregiver is told once, nobody in the room hears a word, and no emergency is touched by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from robot.alarms.case import Severity
from robot.alarms.settings import AlarmSettings
from robot.messages import AlarmPhase, AlarmType, Answer, Presence, ReceiptKind

from .helpers import Robot, bed, fall, receipt, word

pytestmark = pytest.mark.unit

P = AlarmPhase


@pytest.fixture
def robot() -> Robot:
    return Robot()


def lies(robot: Robot, wet: bool | None, from_s: int, to_s: int, presence: Presence = Presence.IN_BED) -> None:
    """The mattress repeats itself every ten seconds, and the book ticks each second."""
    for now_s in range(from_s, to_s + 1):
        if now_s % 10 == 0:
            state = bed(presence, float(now_s), fresh=presence is not Presence.UNKNOWN)
            robot.do(robot.book.on_bed(replace(state, wet=wet), True, float(now_s)))
        robot.do(robot.book.tick(float(now_s)))


def only(robot: Robot):
    (case,) = robot.store.load()
    return case.alarm


def test_a_bed_that_stays_wet_is_a_low_alarm_without_a_word(robot):
    lies(robot, False, 0, 99)
    lies(robot, True, 100, 218)
    assert robot.phases == []
    lies(robot, True, 219, 1000)
    alarm = only(robot)
    assert (alarm.type, alarm.phase, alarm.reasons, alarm.onset_at_s) == (AlarmType.WET, P.RAISED, ("bed_wet",), 100.0)
    assert ({report.severity for report in robot.reports}, robot.asked, robot.told) == ({Severity.LOW}, [], [])


def test_whatever_becomes_of_it_the_room_hears_nothing(robot):
    lies(robot, True, 0, 200)
    for second, kind in enumerate(ReceiptKind):
        robot.do(robot.book.on_receipt(receipt(only(robot).id, kind), 201.0 + second))
        robot.start()
        robot.do(robot.book.resume(202.0 + second))
    assert (only(robot).phase, robot.asked, robot.told) == (P.CLOSED, [], [])


def test_closing_it_dries_nothing_and_a_restart_asks_for_no_second_one(robot):
    lies(robot, True, 0, 200)
    robot.do(robot.book.on_receipt(receipt(only(robot).id, ReceiptKind.CLOSED), 201.0))
    robot.start()
    lies(robot, True, 202, 2000)
    assert robot.phases == [P.CLOSED]


def test_a_flickering_sensor_is_one_alarm_and_a_bed_that_was_dry_for_a_while_another(robot):
    lies(robot, True, 0, 200)
    robot.do(robot.book.on_receipt(receipt(only(robot).id, ReceiptKind.CLOSED), 201.0))
    for begin_s in range(210, 3000, 400):
        lies(robot, False, begin_s, begin_s + 199)
        lies(robot, True, begin_s + 200, begin_s + 399)
    assert robot.phases == [P.CLOSED]
    lies(robot, False, 3410, 4100)
    lies(robot, True, 4110, 4300)
    assert robot.phases == [P.CLOSED, P.RAISED]


@pytest.mark.parametrize(
    ("wet", "presence"), [(None, Presence.IN_BED), (False, Presence.IN_BED), (True, Presence.UNKNOWN)]
)
def test_what_is_dry_or_unknown_is_no_alarm(robot, wet, presence):
    lies(robot, wet, 0, 1000, presence)
    assert robot.phases == []


def test_a_silence_in_between_begins_anew(robot):
    lies(robot, True, 0, 50)
    robot.run(51, 500)
    lies(robot, True, 510, 600)
    assert robot.phases == []
    lies(robot, True, 601, 640)
    assert robot.phases == [P.RAISED]


def test_below_zero_it_is_never_told():
    robot = Robot(AlarmSettings(device="hani-test", bed_wet_s=-1.0))
    lies(robot, True, 0, 4000)
    assert robot.phases == []


def test_a_fall_and_a_cry_beside_it_are_alarms_of_their_own(robot):
    lies(robot, True, 0, 200)
    robot.do(robot.book.on_bed(replace(bed(Presence.OUT_OF_BED, 205.0), wet=True), True, 205.0))
    robot.do(robot.book.on_fall(fall(at_s=210.0), 210.0))
    robot.do(robot.book.on_answer(Answer.FINE, 215.0, 216.0))
    assert robot.phases == [P.RAISED, P.CANCELLED]
    robot.do(robot.book.on_safety_word(word(at_s=300.0), 300.0))
    assert [(case.alarm.type, case.phase) for case in robot.store.load()] == [
        (AlarmType.WET, P.RAISED),
        (AlarmType.FALL, P.CANCELLED),
        (AlarmType.SOS, P.RAISED),
    ]
