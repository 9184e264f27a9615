"""What looks like a fall and is none: work and prayer on the floor, a seat that was none, wild guesses, who comes near.

Postures at 100 px standing height, so that shares of H can be read as pixels.
"""

from __future__ import annotations

import pytest

from robot.messages import FallReason
from robot.vision.before import Before
from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.lying import OnFloor
from robot.vision.numbers import FallRules
from robot.vision.posture import Posture
from robot.vision.rules import FallMachine

from .skeletons import FRAME_PX, LIE, SIT, STAND, act, person

pytestmark = pytest.mark.unit

RULES = FallRules()


def posture(
    head_y_px: float,
    hip_y_px: float,
    leg_px: float | None,
    *,
    torso_deg: float = 5,
    width_px: float = 30,
    x_px: float = 0,
) -> Posture:
    bottom_px = max(head_y_px, hip_y_px + max(0.0, leg_px or 0.0))
    height_px = max(1.0, bottom_px - min(head_y_px, hip_y_px))
    centre_y_px = bottom_px - height_px / 2
    return Posture(
        torso_deg, width_px / height_px, height_px, width_px, leg_px, head_y_px, hip_y_px, x_px, x_px, centre_y_px, 0.6
    )


STANDS, CROUCHES = posture(100, 145, 52), posture(140, 180, 15)
LEGS_HIDDEN = posture(100, 145, 30)  # stands behind something, and looks seated
SITS, SITS_FACING = posture(120, 160, 30), posture(120, 160, 40)  # seen from above half of a sitter is legs


@pytest.mark.parametrize(
    ("sat", "then", "stood_until_s", "stands_px", "slid"),
    [
        (LEGS_HIDDEN, STANDS, 13, 100.0, False),
        (LEGS_HIDDEN, STANDS, 10, 100.0, True),
        (LEGS_HIDDEN, STANDS, 13, None, True),
        (SITS, SITS_FACING, 13, 100.0, True),
    ],
)
def test_who_stands_as_tall_as_others_there_has_left_every_seat(
    sat: Posture, then: Posture, stood_until_s: int, stands_px: float | None, slid: bool
) -> None:
    """Else who stood half hidden seems to have slid when they crouch or lean; who only looks on their feet sits on."""
    before = Before(RULES)

    def sees(seen: Posture, from_s: int, until_s: int, *, on_feet: bool) -> None:
        for tenth in range(from_s * 10, until_s * 10):
            known = {"low": False, "lying": False, "on_feet": on_feet, "unsure": False, "stands_px": stands_px}
            before.see(tenth / 10, seen, 100.0, None, **known)

    sees(sat, 0, 7, on_feet=False)
    sees(then, 7, stood_until_s, on_feet=True)
    sees(CROUCHES if sat is LEGS_HIDDEN else posture(165, 190, 15), stood_until_s + 1, 22, on_feet=False)
    assert before.slides is slid


def lies(on_floor: OnFloor, places_px: list[float]) -> OnFloor:
    """A place of the hips for each second."""
    for second, x_px in enumerate(places_px):
        on_floor.see(float(second), posture(190, 190, 0, torso_deg=90, width_px=90, x_px=x_px), 100.0, 0.0)
    return on_floor


def test_who_lies_still_is_told_sooner_than_who_moves_on_or_bows_where_they_sat() -> None:
    wipes = [30.0 * (second // 10 % 2) for second in range(100)]
    wild = [40.0 if second in (9, 20) else 0.0 for second in range(26)]
    assert lies(OnFloor(RULES), [0.0] * 26).is_long(25.0, bows=False)
    assert lies(OnFloor(RULES), wild).is_long(25.0, bows=False), "a wild look is no move"
    assert not lies(OnFloor(RULES), wipes[:80]).is_long(79.0, bows=False)
    assert lies(OnFloor(RULES), wipes).is_long(99.0, bows=False), "who crawls for help is told in the end"
    assert lies(OnFloor(RULES), [0.0, 0.0, 10.0, 70.0]).travelled
    assert not lies(OnFloor(RULES), [0.0, 0.0, 10.0, 40.0]).travelled
    assert not lies(OnFloor(RULES), [70.0, 0.0, 0.0, 0.0]).travelled, "the first look was wild"
    assert lies(OnFloor(RULES), [0.0] * 5).rests(4.0)
    assert not lies(OnFloor(RULES), [0.0] * 2).rests(1.0), "who came to lie there just now"
    assert not lies(OnFloor(RULES), [0.0, 0.0, 10.0, 12.0, 30.0]).rests(4.0), "a pet seen again, and further on"
    assert not lies(OnFloor(RULES), [0.0, 0.0, 10.0, 30.0, 45.0]).rests(4.0), "and again"
    assert not lies(OnFloor(RULES), [0.0] * 80).is_long(79.0, bows=True)
    assert lies(OnFloor(RULES), [0.0] * 100).is_long(99.0, bows=True)


@pytest.mark.parametrize(("step_px", "after_s"), [(0.0, 27.0), (60.0, 92.0)])
def test_who_works_on_the_floor_is_asked_later_than_who_lies_there(step_px: float, after_s: float) -> None:
    begins = [(t, person(pose, 320)) for t, pose in act(((STAND, 3.0), (SIT, 3.0), (LIE, 4.0)))]
    works = [(10 + n / 10, person(LIE, 320 + step_px * (n // 80 % 2))) for n in range(1200)]
    detector = FallDetector()
    told = [
        (event.reason, t_s)
        for t_s, figure in begins + works
        for event in detector.step([figure], FrameInfo(t_s, t_s, *FRAME_PX))
    ]
    assert [reason for reason, _ in told] == [FallReason.LONG_ON_FLOOR]
    assert after_s - 3 < told[0][1] - 8.0 < after_s + 3


def test_who_kneels_and_bows_is_asked_later_than_who_lies_down_somewhere_else() -> None:
    before = Before(RULES)
    kneels = posture(150, 190, 12, x_px=50)
    for tenth in range(80):
        before.see(tenth / 10, kneels, 100.0, None, low=False, lying=False, on_feet=False, unsure=False)
    for x_px, bows in ((55, True), (90, False)):
        there = posture(190, 192, 12, torso_deg=88, width_px=60, x_px=x_px)
        before.see(8.5, there, 100.0, None, low=True, lying=True, on_feet=False, unsure=False)
        assert before.bows(8.5) is bows


ABED, ON_FLOOR = (posture(y, y, None, torso_deg=90, width_px=90) for y in (140, 168))


@pytest.mark.parametrize(("seen_s", "told"), [(0.6, []), (6.0, [FallReason.FELL_OUT_OF_BED])])
def test_who_rolled_out_of_bed_stays_down_and_a_wild_guess_does_not(seen_s: float, told: list[FallReason]) -> None:
    machine, found = FallMachine(RULES), []
    for tenth in range(80):
        at_s = tenth / 10
        seen = ON_FLOOR if 2.0 <= at_s < 2.0 + seen_s else ABED
        found.append(machine.see(at_s, seen))
    assert [finding.reason for finding in found if finding is not None] == told


NEARER = posture(165, 205, 62, torso_deg=40, width_px=60)
TIPS = posture(165, 190, 48, torso_deg=40, width_px=60)
FALLS = posture(165, 185, 15, torso_deg=50, width_px=60)


@pytest.mark.parametrize(
    ("last", "told"), [(NEARER, None), (TIPS, FallReason.LOST_WHILE_FALLING), (FALLS, FallReason.LOST_WHILE_FALLING)]
)
def test_who_was_last_seen_on_longer_legs_walked_past_the_camera(last: Posture, told: FallReason | None) -> None:
    machine = FallMachine(RULES)
    for tenth in range(30):
        machine.see(tenth / 10, STANDS)
    for tenth in range(30, 36):
        machine.see(tenth / 10, last)
    found = machine.miss(5.0)
    assert (found.reason if found else None) is told


@pytest.mark.parametrize(("x_px", "told"), [(55, None), (90, FallReason.LOST_WHILE_FALLING)])
def test_who_bows_where_they_sat_and_is_not_seen_then_prays(x_px: float, told: FallReason | None) -> None:
    machine = FallMachine(RULES, height_px=100.0)
    for tenth in range(80):
        machine.see(tenth / 10, posture(130, 178, 37, x_px=50))  # the knees are ahead: legs that give way
    for tenth in range(80, 84):
        machine.see(tenth / 10, posture(185, 182, 5, torso_deg=95, width_px=60, x_px=x_px))
    found = machine.miss(10.0)
    assert (found.reason if found else None) is told


CROUCH, HALF_UP = (155.0, 190.0), (120.0, 156.0)


@pytest.mark.parametrize(("stays", "slid"), [(CROUCH, False), (HALF_UP, True)], ids=["rose between", "sat so high"])
def test_who_rises_slowly_and_crouches_again_slid_from_no_seat(stays: tuple[float, float], slid: bool) -> None:
    """A seat is where somebody stayed, and not where they were for a moment half way up."""
    before = Before(RULES)

    def goes(start: tuple[float, float], end: tuple[float, float], tenths: int) -> list[tuple[float, ...]]:
        return [tuple(a + (b - a) * n / tenths for a, b in zip(start, end, strict=True)) for n in range(tenths)]

    ways = [*[stays] * 80, *goes(stays, HALF_UP, 20), *goes(HALF_UP, CROUCH, 20), *[CROUCH] * 100]
    for n, (head, hips) in enumerate(ways):
        legs_px = 0.45 * (hips - head)
        before.see(
            n / 10, posture(head, hips, legs_px), 100.0, None, low=False, lying=False, on_feet=False, unsure=False
        )
    assert before.slides is slid


def test_a_wrong_look_now_and_then_makes_no_other_seat() -> None:
    """Who prays sits back on the heels, and their hips are seen here and there: they bow where they sat."""
    before = Before(RULES)
    for n in range(220):
        hips = 190.0 - (9.0 if n >= 80 and n % 30 == 0 else 0.0)
        sits = posture(150, hips, 15)
        before.see(n / 10, sits, 100.0, None, low=False, lying=False, on_feet=False, unsure=False)
    bow = posture(188, 190, None, torso_deg=80)
    before.see(22.1, bow, 100.0, None, low=True, lying=True, on_feet=False, unsure=False)
    assert before.bows(22.1)


def goes_down(step_px: float) -> list[tuple[float, FallReason]]:
    """Stands for 3 s, comes down in one, and then the hips go on sideways, so far in each tenth of a second."""
    machine, told = FallMachine(RULES), []
    for tenth in range(90):
        down, x_px = min(1.0, max(0.0, (tenth - 30) / 10)), step_px * max(0, tenth - 30)
        now = posture(100 + 85 * down, 145 + 50 * down, 52 - 42 * down, torso_deg=5 + 85 * down, x_px=x_px)
        found = machine.see(tenth / 10, now)
        if found is not None:
            told.append((tenth / 10, found.reason))
    return told


def test_who_walks_on_below_the_camera_has_not_landed() -> None:
    """They come down in the picture, and go on as fast as people walk; who crawls on is told."""
    assert goes_down(8.0) == []
    ((still_s, reason),) = goes_down(0.0)
    assert reason is FallReason.FAST_DROP
    assert still_s < 5.5
    assert goes_down(2.0) == [(still_s, FallReason.FAST_DROP)]


def test_who_sank_before_the_fast_drop_lies_as_low_as_from_where_they_stood() -> None:
    """Diagonally towards the camera: flat, and the legs still long in the picture."""
    machine, told = FallMachine(RULES), []
    ways = [(100.0, 145.0)] * 30 + [(100.0, 149.0)] * 4 + [(160.0, 183.0)] * 30
    for tenth, (head, hips) in enumerate(ways):
        lies = hips > 180
        now = posture(head, hips, 40 if lies else 52, torso_deg=75 if lies else 5, width_px=85 if lies else 30)
        found = machine.see(tenth / 10, now)
        told += [found.reason] if found else []
    assert told == [FallReason.FAST_DROP]
