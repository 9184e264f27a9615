"""Who is seen falling may get up first, and who just said "I am fine" may lie down again: both for a while only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from robot.alarms.effects import Suppressed
from robot.alarms.settings import AlarmSettings
from robot.messages import AlarmPhase, Answer, FallEvent, FallReason, RoomView, SafetyKind, Zone
from robot.settings import AlarmManagerSettings
from robot.simulation.life.household import COMPANY_GET_UP_S, FINE_LATELY_S, GET_UP_S

from .helpers import Robot, fall, word

pytestmark = pytest.mark.unit

P = AlarmPhase
SURE, UNSURE = (
    FallReason.FAST_DROP,
    (FallReason.LONG_ON_FLOOR, FallReason.LOST_WHILE_FALLING, FallReason.FOUND_ON_FLOOR),
)


@pytest.fixture
def robot() -> Robot:
    return Robot(AlarmSettings("hani-test", get_up_s=10.0, fine_lately_s=240.0))


def up(track: int = 1, at_s: float = 5.0, **seen: object) -> FallEvent:
    return replace(fall(f"up-{track}", at_s=at_s), track=track, recovered=True, people=1, **seen)


def lying(event_id: str, at_s: float, zone: Zone = Zone.FLOOR) -> FallEvent:
    return replace(fall(event_id, FallReason.LONG_ON_FLOOR, at_s), zone=zone)


def pass_time(robot: Robot, until_s: float, from_s: float = 0.0) -> None:
    for now_s in range(int(from_s), int(until_s) + 1):
        robot.do(robot.book.tick(float(now_s)))


@pytest.mark.parametrize("reason", FallReason)
def test_who_stays_down_is_asked_after_the_wait_and_the_platform_knows_it_then(robot, reason):
    robot.do(robot.book.on_fall(fall(reason=reason), 0.0))
    pass_time(robot, 9)
    assert (robot.phases, robot.asked, robot.reports) == ([P.SUSPECTED], [], [])
    pass_time(robot, 10, 10)
    assert robot.phases == [P.CHECKING]
    assert robot.asked == [1]
    assert len(robot.reports) == 1


def test_who_has_a_helper_beside_them_was_waited_for_already(robot):
    robot.do(robot.book.on_fall(fall(helped=True), 0.0))
    assert robot.phases == [P.CHECKING]


@pytest.mark.parametrize(("waited_s", "asked"), [(7, [P.SUSPECTED, P.CHECKING]), (12, [P.CHECKING, P.CHECKING])])
def test_what_the_watcher_held_for_a_helper_who_left_counts_as_waited(robot, waited_s, asked):
    robot.do(robot.book.on_fall(fall(), float(waited_s)))
    seen = robot.phases
    pass_time(robot, max(10, waited_s), waited_s)
    assert [*seen, *robot.phases] == asked


def test_who_gets_up_in_time_is_not_asked_but_counted(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_fall(up(), 5.0))
    pass_time(robot, 100)
    assert (robot.phases, robot.asked, robot.reports) == ([P.CANCELLED], [], [])
    assert robot.of(Suppressed) == [Suppressed("got_up")]


@pytest.mark.parametrize(
    "event", [up(track=2), up(helped=True), replace(up(), people=2)], ids=["other", "helped", "two"]
)
def test_it_must_be_the_fallen_alone_who_stands_there(robot, event):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_fall(event, 5.0))
    pass_time(robot, 10)
    assert robot.phases == [P.CHECKING]


def test_while_another_lies_there_nothing_ends(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_fall(replace(fall("f2"), track=2), 1.0))
    robot.do(robot.book.on_fall(up(track=1), 5.0))
    pass_time(robot, 10)
    assert robot.phases == [P.CHECKING]


def test_getting_up_ends_no_question_that_was_asked(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    pass_time(robot, 10)
    robot.do(robot.book.on_fall(up(at_s=11.0), 11.0))
    assert robot.phases == [P.CHECKING]


def test_a_word_or_a_restart_ends_the_wait(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_safety_word(word(kind=SafetyKind.HELP, at_s=3.0), 3.0))
    pass_time(robot, 15)
    assert robot.phases == [P.RAISED]
    assert robot.asked == []
    other = Robot(AlarmSettings("hani-test", get_up_s=10.0))
    other.do(other.book.on_fall(fall(), 0.0))
    other.start()
    other.do(other.book.resume(1.0))
    assert other.phases == [P.CHECKING]


def test_a_clock_that_was_set_back_ends_the_wait(robot):
    robot.do(robot.book.on_fall(fall(at_s=1000.0), 1000.0))
    robot.do(robot.book.tick(100.0))
    assert robot.phases == [P.CHECKING]


def fine(robot: Robot) -> None:
    robot.do(robot.book.on_fall(lying("f1", 0.0), 0.0))
    pass_time(robot, 10)
    robot.do(robot.book.on_answer(Answer.FINE, 22.0, 23.0))
    assert robot.phases == [P.CANCELLED]


def test_who_said_fine_and_lies_down_again_is_asked_once_that_is_minutes_old(robot):
    fine(robot)
    robot.do(robot.book.on_fall(lying("f2", 60.0), 60.0))
    pass_time(robot, 261, 60)
    assert robot.phases == [P.CANCELLED]
    assert robot.of(Suppressed) == [Suppressed("said_fine_lately")]
    pass_time(robot, 265, 262)
    assert robot.phases == [P.CANCELLED, P.CHECKING], "and at once: they had the time to get up"


@pytest.mark.parametrize(
    ("people", "asked"), [(1, []), (2, [P.CHECKING])], ids=["they stood up", "a visitor stands, who lies is overlooked"]
)
def test_a_visitor_who_stands_does_not_end_the_wait_for_who_lies(robot, people, asked):
    fine(robot)
    robot.do(robot.book.on_fall(replace(lying("f2", 60.0), people=people), 60.0))
    for at_s in range(70, 80):
        robot.book.on_view(RoomView(float(at_s), True, 1, 1, 0, 0))
        robot.do(robot.book.tick(float(at_s)))
    pass_time(robot, 265, 80)
    assert robot.phases == [P.CANCELLED, *asked]


def test_who_said_fine_and_is_seen_falling_is_asked(robot):
    fine(robot)
    robot.do(robot.book.on_fall(fall("f2", at_s=60.0), 60.0))
    pass_time(robot, 70, 60)
    assert robot.phases == [P.CANCELLED, P.CHECKING]


def playing() -> Robot:
    robot = Robot(AlarmSettings("hani-test", get_up_s=10.0, company_get_up_s=30.0, fine_lately_s=240.0))
    fine(robot)
    return robot


def test_in_company_of_one_who_said_fine_there_is_half_a_minute_to_get_up():
    robot = playing()
    robot.do(robot.book.on_fall(fall("f2", at_s=60.0, people=2), 60.0))
    pass_time(robot, 89, 60)
    assert robot.phases == [P.CANCELLED, P.SUSPECTED]
    pass_time(robot, 90, 90)
    assert robot.phases == [P.CANCELLED, P.CHECKING]


@pytest.mark.parametrize(
    ("people", "rises", "asked"),
    [(2, {}, False), (2, {"helped": True}, True), (1, {}, True)],
    ids=["got up", "a helper may stand there", "who came since may stand there"],
)
def test_who_gets_up_in_company_of_one_who_said_fine_is_not_asked(people, rises, asked):
    robot = playing()
    robot.do(robot.book.on_fall(fall("f2", at_s=60.0, people=people), 60.0))
    robot.do(robot.book.on_fall(replace(up(at_s=68.0), people=2, **rises), 68.0))
    pass_time(robot, 95, 68)
    assert (robot.phases[-1] in (P.CHECKING, P.RAISED)) is asked


@pytest.mark.parametrize(("seen", "at_s"), [({}, 60.0), ({"people": 2}, 280.0)])
def test_alone_or_minutes_later_nobody_is_waited_for_longer(seen, at_s):
    robot = playing()
    robot.do(robot.book.on_fall(fall("f2", at_s=at_s, **seen), at_s))
    pass_time(robot, at_s + 10, at_s)
    assert robot.phases[-1] == P.CHECKING


@pytest.mark.parametrize("people", [2, 1], ids=["both seen", "who lies there is hidden"])
def test_beside_a_helper_the_watcher_has_waited_and_who_plays_has_the_rest_of_half_a_minute(people):
    robot = playing()
    robot.do(robot.book.on_fall(replace(fall("f2", at_s=60.0, people=people, helped=True), suspected_at_s=50.0), 60.0))
    pass_time(robot, 79, 60)
    assert robot.phases == [P.CANCELLED, P.SUSPECTED]
    pass_time(robot, 80, 80)
    assert robot.phases == [P.CANCELLED, P.CHECKING]


def test_in_company_of_one_who_said_fine_twice_in_a_row_there_is_a_minute():
    robot = playing()
    robot.do(robot.book.on_fall(fall("f2", at_s=60.0, people=2), 60.0))
    pass_time(robot, 90, 60)
    robot.do(robot.book.on_answer(Answer.FINE, 95.0, 96.0))
    robot.do(robot.book.on_fall(fall("f3", at_s=120.0, people=2), 120.0))
    pass_time(robot, 179, 120)
    assert robot.phases == [P.CANCELLED, P.CANCELLED, P.SUSPECTED]
    pass_time(robot, 180, 180)
    assert robot.phases == [P.CANCELLED, P.CANCELLED, P.CHECKING]


def test_who_said_fine_twice_in_a_row_and_lies_is_asked_once_that_is_eight_minutes_old(robot):
    fine(robot)
    robot.do(robot.book.on_fall(lying("f2", 60.0), 60.0))
    pass_time(robot, 265, 60)
    robot.do(robot.book.on_answer(Answer.FINE, 270.0, 271.0))
    robot.do(robot.book.on_fall(lying("f3", 300.0), 300.0))
    pass_time(robot, 749, 300)
    assert robot.phases == [P.CANCELLED] * 2
    pass_time(robot, 751, 750)
    assert robot.phases == [P.CANCELLED, P.CANCELLED, P.CHECKING]
    robot.do(robot.book.on_answer(Answer.FINE, 755.0, 756.0))
    robot.do(robot.book.on_fall(fall("f4", at_s=800.0), 800.0))
    pass_time(robot, 810, 800)
    assert robot.phases[-1] == P.CHECKING, "seen falling"


@pytest.mark.parametrize(
    ("views", "said_fine", "asked"),
    [
        ([RoomView(0.0, True, 2, 2, 0, 0, True)] * 3, True, False),
        ([RoomView(0.0, True, 2, 2, 0, 0, True)] * 3, False, True),
        ([RoomView(0.0, True, 2, 2, 0, 0, True)] * 2, True, True),
        ([RoomView(0.0, True, 1, 1, 0, 0, False)] * 3, True, True),
        ([RoomView(0.0, True, 3, 2, 0, 1, True)] * 3, True, True),
    ],
    ids=["both stand", "nobody said fine", "for a moment", "only one of two", "one still lies"],
)
def test_in_company_of_one_who_said_fine_nobody_is_asked_when_all_stand(views, said_fine, asked):
    robot = playing() if said_fine else Robot(AlarmSettings("hani-test", get_up_s=10.0, company_get_up_s=30.0))
    robot.do(robot.book.on_fall(fall("f2", at_s=60.0, people=2), 60.0))
    for at_s, view in enumerate(views, 62):
        robot.book.on_view(replace(view, at_s=float(at_s)))
        robot.do(robot.book.tick(float(at_s)))
    robot.book.on_view(RoomView(66.0, True, 1, 0, 0, 1, False))
    pass_time(robot, 95, 66)
    assert (robot.phases[-1] in (P.CHECKING, P.RAISED)) is asked


def test_a_second_fall_is_asked_about_when_it_would_be_alone():
    robot = playing()
    robot.do(robot.book.on_fall(fall("f2", at_s=60.0, people=2), 60.0))
    robot.do(robot.book.on_fall(replace(fall("f3", at_s=65.0), track=2), 65.0))
    pass_time(robot, 74, 65)
    assert robot.phases[-1] == P.SUSPECTED
    pass_time(robot, 75, 75)
    assert robot.phases[-1] == P.CHECKING


@pytest.mark.parametrize(("low", "phases"), [(0, [P.CANCELLED]), (1, [P.CANCELLED, P.CHECKING])])
def test_who_walks_about_since_is_not_asked_about_having_lain(robot, low, phases):
    fine(robot)
    robot.do(robot.book.on_fall(lying("f2", 60.0), 60.0))
    for at_s in range(100, 105):
        robot.book.on_view(RoomView(float(at_s), True, 1 + low, 1, 0, low, False))
        robot.do(robot.book.tick(float(at_s)))
    pass_time(robot, 265, 105)
    assert robot.phases == phases


def test_the_simulated_home_waits_as_the_product_does():
    product = {name: field.default for name, field in AlarmManagerSettings.model_fields.items()}
    names = ("get_up_s", "company_get_up_s", "fine_lately_s")
    assert tuple(product[name] for name in names) == (GET_UP_S, COMPANY_GET_UP_S, FINE_LATELY_S)
