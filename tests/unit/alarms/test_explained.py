"""What explains a lying person away, and what takes that back: no lag, no pet, no stuck cell and no old word lasts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from robot.alarms.effects import Suppressed
from robot.alarms.settings import AlarmSettings
from robot.messages import AlarmPhase, Answer, FallEvent, FallReason, Presence, RoomView, Zone

from .helpers import Robot, bed, fall

pytestmark = pytest.mark.unit

P = AlarmPhase
IN, OUT = Presence.IN_BED, Presence.OUT_OF_BED


@pytest.fixture
def robot() -> Robot:
    return Robot()


def lying(event_id: str, at_s: float, zone: Zone | None = None, track: int = 1) -> FallEvent:
    return replace(fall(event_id, FallReason.LONG_ON_FLOOR, at_s), zone=zone, track=track)


def mattress(robot: Robot, presence: Presence, from_s: int, to_s: int, latency_s: float | None = None) -> None:
    for now_s in range(from_s, to_s + 1, 20):
        robot.do(robot.book.on_bed(bed(presence, float(now_s), latency_s=latency_s), False, float(now_s)))
        robot.do(robot.book.tick(float(now_s)))


@pytest.mark.parametrize(
    ("zone", "phases"), [(Zone.FLOOR, [P.CHECKING]), (Zone.SOFA, [P.CHECKING]), (Zone.BED, []), (None, [])]
)
def test_who_visibly_lies_outside_the_drawn_bed_is_asked_whatever_the_mattress_says(robot, zone, phases):
    mattress(robot, IN, 0, 100)
    robot.do(robot.book.on_fall(lying("f1", 80.0, zone), 100.0))
    assert robot.phases == phases


@pytest.mark.parametrize(
    ("set_s", "told_s", "phases"),
    [
        (-1.0, None, []),
        (-1.0, 34.0, []),
        (-1.0, 304.0, [P.CHECKING]),
        (300.0, None, [P.CHECKING]),
        (300.0, 34.0, [P.CHECKING]),
        (30.0, 304.0, []),
        (0.0, 304.0, []),
    ],
)
def test_a_radar_explains_no_fall_away_by_its_own_word_or_by_what_is_set(set_s, told_s, phases):
    robot = Robot(AlarmSettings(device="hani-test", bed_latency_s=set_s))
    mattress(robot, IN, 0, 100, told_s)
    robot.do(robot.book.on_fall(lying("f1", 80.0, Zone.BED), 100.0))
    assert robot.phases == phases


def test_a_mattress_that_says_out_within_five_minutes_brings_the_fall_back(robot):
    mattress(robot, IN, 0, 100)
    robot.do(robot.book.on_fall(lying("f1", 80.0), 100.0))
    mattress(robot, IN, 120, 380)
    assert robot.phases == []
    mattress(robot, OUT, 399, 399)
    assert robot.phases == [P.CHECKING]


def test_one_who_gets_up_takes_no_other_s_fall_back(robot):
    """Two figures, or one that the tracker lost: each withheld fall is kept, and cleared by its own track only."""
    mattress(robot, IN, 0, 100)
    robot.do(robot.book.on_fall(lying("f1", 80.0, track=1), 100.0))
    robot.do(robot.book.on_fall(lying("f2", 81.0, track=2), 101.0))
    robot.do(robot.book.on_fall(replace(lying("f3", 102.0, track=2), recovered=True), 103.0))
    mattress(robot, OUT, 105, 105)
    (case,) = robot.store.load()
    assert (case.phase, case.source_ids) == (P.CHECKING, ("f1",))


# "I am fine", said lying there


def watch(robot: Robot, from_s: int, to_s: int, upright: int = 0) -> None:
    for now_s in range(from_s, to_s + 1, 5):
        robot.book.on_view(RoomView(float(now_s), True, 1, upright, None, 0))
        robot.do(robot.book.tick(float(now_s)))


def said_fine(robot: Robot, zone: Zone | None = Zone.SOFA, reason: FallReason = FallReason.LONG_ON_FLOOR) -> None:
    """Seen lying at 100, cancelled at 106; the camera looks from the start."""
    watch(robot, 0, 100)
    robot.do(robot.book.on_fall(replace(lying("f1", 80.0, zone), reason=reason), 100.0))
    robot.do(robot.book.on_answer(Answer.FINE, 105.0, 106.0))
    assert robot.phases == [P.CANCELLED]


def asked_again(robot: Robot, at_s: float, zone: Zone | None = Zone.SOFA, **other: object) -> bool:
    robot.do(robot.book.on_fall(replace(lying("f2", at_s - 20, zone, track=2), **other), at_s))
    return P.CHECKING in robot.phases


@pytest.mark.parametrize("zone", [Zone.SOFA, Zone.BED, None])
def test_the_same_sleeper_is_not_asked_again_for_a_new_track(robot, zone):
    said_fine(robot, zone)
    watch(robot, 105, 1000)
    assert not asked_again(robot, 1000.0, zone)
    assert robot.of(Suppressed) == [Suppressed("said_fine_here")]


def test_after_two_hours_the_sleeper_is_asked_again(robot):
    said_fine(robot)
    watch(robot, 105, 7310)
    assert asked_again(robot, 7310.0)


def test_fine_on_the_floor_or_in_another_zone_is_no_explanation(robot):
    said_fine(robot, Zone.FLOOR)
    watch(robot, 105, 200)
    assert asked_again(robot, 200.0, Zone.FLOOR)


def test_fine_holds_for_its_own_zone_only(robot):
    said_fine(robot, Zone.SOFA)
    watch(robot, 105, 200)
    assert asked_again(robot, 200.0, None)


@pytest.mark.parametrize("reason", sorted(set(FallReason) - {FallReason.LONG_ON_FLOOR, FallReason.FOUND_ON_FLOOR}))
def test_a_seen_fall_is_always_asked_about(robot, reason):
    said_fine(robot)
    watch(robot, 105, 200)
    assert asked_again(robot, 200.0, reason=reason)


def test_fine_about_a_seen_fall_explains_nobody_lying_later(robot):
    said_fine(robot, reason=FallReason.FAST_DROP)
    watch(robot, 105, 200)
    assert asked_again(robot, 200.0)


def test_who_was_seen_upright_meanwhile_is_asked(robot):
    said_fine(robot)
    watch(robot, 105, 150)
    watch(robot, 155, 155, upright=1)
    watch(robot, 160, 200)
    assert asked_again(robot, 200.0)


def test_a_camera_that_looked_away_meanwhile_vouches_for_nobody(robot):
    said_fine(robot)
    watch(robot, 150, 200)
    assert asked_again(robot, 200.0)


def test_an_exit_that_the_mattress_told_ends_it(robot):
    mattress(robot, IN, 0, 0)
    said_fine(robot)
    robot.do(robot.book.on_bed(bed(OUT, 150.0), False, 150.0))
    watch(robot, 105, 200)
    assert asked_again(robot, 200.0)


def test_an_exit_within_five_minutes_brings_back_what_fine_explained_but_getting_up_does_not(robot):
    for upright, asked in ((0, True), (1, False)):
        robot = Robot()
        mattress(robot, IN, 0, 0)
        said_fine(robot)
        watch(robot, 105, 200)
        assert not asked_again(robot, 200.0)
        watch(robot, 205, 210, upright=upright)
        robot.do(robot.book.on_bed(bed(OUT, 212.0), False, 212.0))
        assert (P.CHECKING in robot.phases) is asked
