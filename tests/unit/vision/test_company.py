"""Guests: a bigger child beside the one who lives there, and who drops out of sight while others are about."""

from __future__ import annotations

import pytest

from robot.vision.company import Company
from robot.vision.detector import FallDetector
from robot.vision.findings import State
from robot.vision.numbers import FallRules
from robot.vision.posture import posture_of
from robot.vision.rules import FallMachine
from robot.vision.tracker import Track

from .frames import Frames, back, nobody, walks, watch
from .skeletons import LIE, SIT, STAND, person

pytestmark = pytest.mark.unit

CHILD_PX = 190.0  # 0.86 of who lives there


def walks_alone() -> Frames:
    return [*walks(60, 300), *walks(300, 60), *walks(60, 90)]


def beside_resident(frames: Frames, height_px: float = 220.0) -> Frames:
    """The same with the one who was there before, who walks to and fro."""
    return [[*people, *back(person(STAND, 90 + n % 60, height_px))] for n, people in enumerate(frames)]


def drops(height_px: float, share: float = 1.0) -> Frames:
    return [back(person(STAND.towards(LIE, share * n / 4), 320, height_px)) for n in range(1, 5)]


def plays(height_px: float, seconds: float) -> Frames:
    return [*walks(600, 320, height_px), *drops(height_px), *[back(person(LIE, 320, height_px))] * round(10 * seconds)]


def test_a_bigger_child_beside_the_resident_has_a_minute_to_get_up() -> None:
    gets_up = [*plays(CHILD_PX, 45), *walks(320, 600, CHILD_PX)]
    assert watch([*walks_alone(), *beside_resident(gets_up)]) == []
    assert watch([*walks_alone(), *beside_resident(plays(CHILD_PX, 55))]) == []
    assert watch([*walks_alone(), *beside_resident(plays(CHILD_PX, 70))]) == ["fast_drop"], "late, and not never"


@pytest.mark.parametrize(
    ("frames", "lives_alone"),
    [
        ([*walks_alone(), *beside_resident(plays(220.0, 15))], True),
        ([*beside_resident(plays(CHILD_PX, 15))], True),
        ([*walks_alone(), *plays(CHILD_PX, 15)], True),
        ([*walks_alone(), *beside_resident(plays(CHILD_PX, 15), 280.0)], True),
        ([*walks_alone(), *beside_resident(plays(CHILD_PX, 15))], False),
    ],
    ids=["as tall", "nobody walked alone", "alone", "another took the resident's track", "a couple"],
)
def test_who_may_live_there_is_told_as_ever(frames: Frames, lives_alone: bool) -> None:
    assert watch(frames, detector=FallDetector(lives_alone=lives_alone)) == ["fast_drop"]


def sitting_guest(frames: Frames) -> Frames:
    """The same with somebody who came in and has been sitting for a while: no helper."""
    comes = [*walks(620, 560, seconds=2), *[back(person(SIT, 560))] * 120]
    return [*comes, *[[*people, *back(person(SIT, 560))] for people in frames]]


def test_who_drops_out_of_sight_in_company_is_told_when_they_stay_hidden() -> None:
    hidden = [*walks(200, 320), *drops(220.0), *nobody(18)]
    assert watch(sitting_guest(hidden)) == []
    assert watch(sitting_guest([*hidden, *nobody(15)])) == ["lost_while_falling"]
    assert watch([*walks(200, 320), *drops(220.0), *nobody(2)]) == ["lost_while_falling"], "alone at once"


def test_who_is_back_was_only_out_of_sight() -> None:
    """As many are off the floor again; one glimpse, or who lies, is nobody's return."""
    hidden = [*walks(200, 320), *drops(220.0), *nobody(5)]
    lies = [back(person(LIE, 420))] * 40
    assert watch(sitting_guest([*hidden, *walks(420, 200), *nobody(30)])) == []
    assert watch(sitting_guest([*hidden, *walks(420, 300, seconds=1), *nobody(30)])) == ["lost_while_falling"]
    assert "lost_while_falling" in watch(sitting_guest([*hidden, *lies, *nobody(30)]))


def test_a_taller_guest_who_comes_back_alone_is_not_who_dropped_out_of_sight() -> None:
    """The guest had left the picture for a while when it happened."""
    together = sitting_guest(walks(60, 300))
    gone = [*together, *walks(300, 60), *walks(60, 320), *drops(220.0), *nobody(5)]
    assert watch([*walks_alone(), *gone, *walks(620, 380, seconds=6), *nobody(20)]) == []
    assert watch([*walks_alone(), *gone, *walks(620, 380, 290.0, 6), *nobody(20)]) == ["lost_while_falling"]


def somebody(state: State = State.UPRIGHT, **known: object) -> Track:
    machine, posture = FallMachine(FallRules()), posture_of(person(SIT, 320))
    machine.state = state
    assert posture is not None
    return Track(1, machine, posture, 0.0, 0.0, **{"moved": True, **known})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of_resident", "other", "sees"),
    [
        (True, somebody(stands_h=1.0), True),
        (True, somebody(stands_h=0.6), False),
        (False, somebody(stands_h=0.6), True),
        (True, somebody(moved=False), False),
        (True, somebody(State.ALARMED), False),
        (True, somebody(State.FALLING), False),
        (True, somebody(State.IN_BED), False),
    ],
    ids=["a grown-up", "a child", "who stoops beside a visitor", "a poster", "fallen", "falling", "asleep"],
)
def test_who_sees_what_becomes_of_somebody(of_resident: bool, other: Track, sees: bool) -> None:
    company, track = Company(lives_alone=True), somebody(walked_alone=of_resident, stands_h=1.0)
    company.see([track, other], is_recent=True)
    assert company.watches(track) is sees
    company.see([track], is_recent=True)
    assert not company.watches(track), "nobody sees themselves"


def test_who_lies_on_the_sofa_sees_nothing() -> None:
    company, track, sleeper = Company(lives_alone=True), somebody(walked_alone=True), somebody(stands_h=1.0)
    sleeper.machine.reclines = True
    company.see([track, sleeper], is_recent=True)
    assert not company.watches(track)
