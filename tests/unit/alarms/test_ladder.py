"""What a waiting resident hears and the platform learns, second by second."""

from __future__ import annotations

import pytest

from robot.alarms.case import Severity
from robot.alarms.effects import Tell
from robot.messages import AlarmType, Presence, ReceiptKind

from .helpers import Robot, bed, receipt, word

pytestmark = pytest.mark.unit


def timeline(robot: Robot, seconds: range) -> list[tuple[int, str]]:
    """(second, purpose) of everything told; reports as (second, "report SEVERITY")."""
    seen = []
    for second in seconds:
        count = len(robot.reports)
        effects = robot.do(robot.book.tick(float(second)))
        seen += [(second, effect.purpose) for effect in effects if isinstance(effect, Tell)]
        seen += [(second, f"report {report.severity.value}") for report in robot.reports[count:]]
    return seen


def test_an_alarm_that_does_not_get_through_is_said_at_30_s_and_every_60_s():
    robot = Robot()
    robot.do(robot.book.on_safety_word(word(), 0.0))
    assert timeline(robot, range(1, 200)) == [(second, "not_reached_yet") for second in (30, 90, 150)]


def test_a_received_alarm_reassures_every_60_s_and_rises_at_60_s_and_180_s():
    robot = Robot()
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, -630.0), True, -630.0))
    robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, -620.0), True, -620.0))
    robot.do(robot.book.tick(-20.0))
    robot.do(robot.book.tick(0.0))
    (case,) = robot.store.load()
    assert (case.alarm.type, case.severity) == (AlarmType.BED_EXIT, Severity.LOW)
    robot.do(robot.book.on_receipt(receipt(case.id, ReceiptKind.RECEIVED), 1.0))
    assert timeline(robot, range(2, 241)) == [
        (60, "alarm_raised"),
        (60, "report medium"),
        (120, "alarm_raised"),
        (180, "alarm_raised"),
        (180, "report high"),
        (240, "alarm_raised"),
    ]
    (case,) = robot.store.load()
    assert case.alarm.reasons[-2:] == ("unanswered_60s", "unanswered_180s")


def test_an_alarm_that_arrives_late_rises_once_by_all_that_was_due():
    robot = Robot()
    robot.do(robot.book.on_safety_word(word(), 0.0))
    robot.run(1, 1000)
    (case,) = robot.store.load()
    robot.do(robot.book.on_receipt(receipt(case.id, ReceiptKind.RECEIVED), 1000.0))
    robot.reports.clear()
    robot.run(1001, 1030)
    assert [report.alarm.reasons[-1] for report in robot.reports] == ["unanswered_180s"]


def test_a_restart_does_not_rise_again():
    robot = Robot()
    robot.do(robot.book.on_safety_word(word(), 0.0))
    (case,) = robot.store.load()
    robot.do(robot.book.on_receipt(receipt(case.id, ReceiptKind.RECEIVED), 1.0))
    robot.run(2, 70)
    robot.start()
    robot.reports.clear()
    assert timeline(robot, range(71, 120)) == []


@pytest.mark.parametrize("kind", [ReceiptKind.ACKNOWLEDGED, ReceiptKind.CLOSED])
def test_the_ladder_ends_with_a_person(kind):
    robot = Robot()
    robot.do(robot.book.on_safety_word(word(), 0.0))
    (case,) = robot.store.load()
    robot.do(robot.book.on_receipt(receipt(case.id, kind), 1.0))
    assert timeline(robot, range(2, 400)) == []
