"""Falls that were missed although the camera saw who lay there: each told now, and what looks like it is not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.pose import Box, Keypoint, Person
from robot.vision.zones import Polygon, Zones

from .frames import Frames, back, nobody, walks, watch
from .skeletons import FRAME_PX, LIE, SIT, STAND, Pose, person

pytestmark = pytest.mark.unit

Rows = tuple[float, float, float]
"""The picture's rows of head, hips and ankles."""
LIE_ON_BED = Pose(torso_deg=88, hip_h=0.36, thigh_deg=-88, shin_deg=-86)
CORNER: Polygon = ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1))


def upright(rows: Rows, x_px: float = 320.0) -> list[Person]:
    """Upright in the picture, as who lies along the line of sight."""
    head, hips, feet = rows
    ys = [head] * 5 + [head + 0.3 * (hips - head)] * 2 + [head + 0.8 * (hips - head)] * 4
    ys += [hips] * 2 + [(hips + feet) / 2] * 2 + [feet] * 2
    joints = tuple(Keypoint(x_px + (11 if n % 2 else -11), y, 0.6) for n, y in enumerate(ys))
    return [Person(joints, Box(0, 0, 1, 1), 0.6)]


def turns(shapes: Sequence[Rows], seconds: float) -> Frames:
    count, frames = round(10 * seconds), Frames()
    for old, new in pairwise(shapes):
        for n in range(1, count + 1):
            head, hips, feet = (a + (b - a) * n / count for a, b in zip(old, new, strict=True))
            frames.append(upright((head, hips, feet)))
    return frames


def test_who_rolls_out_of_a_bed_that_still_feels_them_lies_lower_than_in_it() -> None:
    """Their hips are just above another part of the bed's zone, as of who lies in it under a blanket."""
    bed: Polygon = ((0.42, 0.7), (0.7, 0.7), (0.7, 1.0), (0.25, 1.0), (0.25, 0.93), (0.42, 0.93))
    sleeps = [[person(LIE_ON_BED, 320)]] * 100
    rolls = [[person(LIE_ON_BED.towards(LIE, n / 10), 320 - 10 * n)] for n in range(11)]
    assert watch([*sleeps, *rolls, *[rolls[-1]] * 100], True, Zones(bed=(bed,))) == ["fell_out_of_bed"]
    assert watch([*sleeps, *sleeps, *sleeps], True, Zones(bed=(bed,))) == []


def test_one_wrong_ankle_at_first_sight_does_not_make_who_lies_there_come_in() -> None:
    (lies,) = back(person(LIE))
    joints = tuple(Keypoint(j.x_px, j.y_px + (150 if n > 14 else 0), 0.6) for n, j in enumerate(lies.keypoints))
    wrong = [Person(joints, Box(0, 0, 1, 1), 0.6)]
    assert watch([*nobody(5), wrong, *[[lies]] * 150]) == ["found_on_floor"]
    assert watch([*nobody(5), *walks(200, 320, seconds=1), *[[lies]] * 5, *nobody(1)]) == []


@pytest.mark.parametrize(("goes_px", "told"), [(0, ["lost_while_falling"]), (100, [])], ids=["topples", "walks on"])
def test_who_topples_over_the_frame_s_edge_has_not_walked_out(goes_px: float, told: list[str]) -> None:
    falls = [back(person(STAND.towards(LIE, n / 7), 525 + goes_px * n / 7)) for n in range(1, 8)]
    assert watch([*walks(400, 525), *falls, *nobody(5)]) == told


FAR, LOW, ALONG = (209.0, 275.0, 350.0), (306.0, 345.0, 358.0), (306.0, 345.0, 402.0)


def test_who_falls_towards_the_camera_has_legs_too_short_for_that_place() -> None:
    """They look as long as legs that stand far away."""
    near = [[person(STAND, 60 + 6 * n, 330)] for n in range(40)]
    far = walks(60, 320, 150)
    falls = [*turns((FAR, LOW), 0.6), *[upright(LOW)] * 3, *[upright(ALONG)] * 40]
    assert watch([*near, *nobody(5), *far, *falls]) == ["fast_drop"]
    stands = (250.0, 345.0, 430.0)
    assert watch([*near, *nobody(5), *far, *turns((FAR, stands), 0.6), *[upright(stands)] * 40]) == []


def test_who_has_become_small_does_not_stand_there_on_long_legs() -> None:
    """Who crumples with the legs towards the camera: only these look as long as those of who stands."""
    stood, fallen, cut_off = (148.0, 240.0, 346.0), (264.0, 319.0, 397.0), (264.0, 319.0, 478.0)
    stands = [*walks(200, 320), *[upright(stood)] * 15]
    assert watch([*stands, *turns((stood, fallen), 0.6), *[upright(fallen)] * 40]) == ["fast_drop"]
    assert watch([*stands, *turns((stood, cut_off), 0.6), *[upright(cut_off)] * 40]) == [], "comes nearer"


def askew(feet_y_px: float) -> list[Person]:
    """Lying half along the line of sight, an arm stretched out: a trunk a sixth of H high, leaning to the side."""
    xs = [359.0] * 5 + [350.0] * 2 + [380.0] * 4 + [320.0] * 2 + [300.0] * 4
    knee_y_px = (360.0 + feet_y_px) / 2
    ys = [325.0] * 5 + [333.0] * 2 + [306.0] * 4 + [360.0] * 2 + [knee_y_px] * 2 + [feet_y_px] * 2
    joints = tuple(Keypoint(x + (8 if n % 2 else -8), y, 0.6) for n, (x, y) in enumerate(zip(xs, ys, strict=True)))
    return [Person(joints, Box(0, 0, 1, 1), 0.6)]


def test_who_lies_askew_to_the_line_of_sight_is_low_and_who_bends_down_there_is_not() -> None:
    assert watch([*walks(200, 320), *nobody(24), *[askew(425.0)] * 300]) == ["found_on_floor"]
    assert watch([*walks(200, 320), *nobody(24), *[askew(440.0)] * 300]) == [], "on their feet"


def test_who_is_found_lying_along_the_line_of_sight_is_low_though_the_trunk_looks_upright() -> None:
    lies, kneels = (296.0, 344.0, 410.0), (296.0, 344.0, 418.0)
    assert watch([*walks(200, 320), *nobody(110), *[upright(lies)] * 300]) == ["found_on_floor"]
    assert watch([*walks(200, 320), *nobody(110), *[upright(kneels)] * 300]) == [], "on their feet"


def test_who_falls_away_from_the_camera_keeps_the_hips_nearly_where_they_were() -> None:
    """What comes down in the room goes up in the picture: the legs are short, the trunk is a third of itself."""
    reaches, stood, fallen = (148.0, 231.0, 341.0), (148.0, 240.0, 346.0), (228.0, 259.0, 326.0)
    stands = [upright(reaches)] * 20 + [upright(stood)] * 8
    assert watch([*walks(200, 320), *stands, *turns((stood, fallen), 0.6), *[upright(fallen)] * 40]) == ["fast_drop"]
    bows = (228.0, 245.0, 346.0)
    assert watch([*walks(200, 320), *stands, *turns((stood, bows), 0.6), *[upright(bows)] * 40]) == []


def test_who_was_large_enough_once_is_judged_also_where_they_lie_or_are_found_again() -> None:
    away = [*walks(200, 260, 105, 2), *walks(260, 320, 88, 3)]
    lies = [back(person(LIE, 330, 62))] * 150
    assert watch([*away, *nobody(8), *lies]) == ["fast_drop"]
    assert watch([*away, *nobody(40), *lies]) == ["found_on_floor"]
    assert watch([*walks(200, 320, 88, 5), *nobody(8), *lies]) == [], "always too few pixels"


def test_who_was_counted_as_a_person_shrinks_to_no_pet() -> None:
    known = [*walks(60, 300, 105), *walks(300, 20, 105), *nobody(5)]
    lies, curls_up = [back(person(LIE, 420, 88))] * 10, [back(person(LIE, 420, 60))] * 150
    assert watch([*known, *lies, *curls_up]) == ["found_on_floor"]
    assert watch([*known, *curls_up]) == []


@pytest.mark.parametrize(("felt", "told"), [(True, ["found_on_floor"]), (False, []), (None, [])])
def test_nobody_lies_on_a_sofa_and_in_a_felt_bed(felt: bool | None, told: list[str]) -> None:
    """Who rolled out of a bed beside the picture lies before the sofa, and nobody saw them walk to it."""
    seat: Polygon = ((0.25, 0.87), (0.85, 0.87), (0.85, 1.0), (0.25, 1.0))
    lies = [[person(LIE)]] * 200
    assert watch([*nobody(5), *lies], felt, Zones(bed=(CORNER,), sofa=(seat,))) == told


def test_who_slid_off_the_seat_and_is_not_seen_any_more_is_told() -> None:
    stood, seat, floor = (148.0, 240.0, 346.0), (191.0, 288.0, 354.0), (258.0, 350.0, 405.0)
    sits = [*walks(200, 320), *turns((stood, seat), 2), *[upright(seat)] * 70]
    slides = [*sits, *turns((seat, floor), 4), *[upright(floor)] * 25]
    assert watch([*slides, *nobody(10)]) == ["slid_from_chair"]
    assert watch([*slides[:-25], *[upright(floor)] * 10, *nobody(3), *[upright(floor)] * 10, *nobody(10)]) == [
        "slid_from_chair"
    ], "hidden for longer than who stands is remembered"
    assert watch([*sits, *nobody(10)]) == []
    assert watch([*slides[:-25], *nobody(10)]) == [], "hardly seen so low"


def test_who_came_nearer_a_moment_ago_and_goes_down_in_a_blink_fell() -> None:
    """The limit of free fall is one of their size now, not of when they were far away."""
    far, near, down = (250.0, 300.0, 350.0), (150.0, 250.0, 350.0), (270.0, 300.0, 330.0)
    comes = [*[upright(far)] * 20, *turns([far, near], 0.4), *[upright(near)] * 10]
    assert watch([*comes, *[upright(down)] * 20]) == ["fast_drop"]


def test_who_was_asked_about_while_in_bed_and_then_rolls_out_is_told() -> None:
    """Without a mattress whoever lies in bed for long may be asked about; the fall that follows is another."""
    bed: Polygon = ((0.42, 0.7), (0.7, 0.7), (0.7, 1.0), (0.25, 1.0), (0.25, 0.93), (0.42, 0.93))
    sleeps = [[person(LIE_ON_BED, 320)]] * 300
    rolls = [[person(LIE_ON_BED.towards(LIE, n / 10), 320 - 10 * n)] for n in range(11)]
    asked = watch(sleeps, None, Zones(bed=(bed,)))
    assert asked == ["found_on_floor"]
    assert watch([*sleeps, *rolls, *[rolls[-1]] * 100], None, Zones(bed=(bed,))) == [*asked, "fell_out_of_bed"]


def test_where_there_is_no_mattress_whoever_lies_in_the_drawn_bed_rests_and_who_rolls_out_is_told() -> None:
    """A home that has none would be asked every night; one whose mattress is silent is asked."""
    bed: Polygon = ((0.42, 0.7), (0.7, 0.7), (0.7, 1.0), (0.25, 1.0), (0.25, 0.93), (0.42, 0.93))
    zones = Zones(bed=(bed,))
    sleeps = [[person(LIE_ON_BED, 320)]] * 300
    rolls = [[person(LIE_ON_BED.towards(LIE, n / 10), 320 - 10 * n)] for n in range(11)]
    two = [[person(LIE_ON_BED, 320), person(LIE_ON_BED, 380)]] * 300
    for nights, expected in (
        (sleeps, []),
        (two, []),
        ([*sleeps, *rolls, *[rolls[-1]] * 100], ["fell_out_of_bed"]),
        ([[person(LIE, 60)]] * 300, ["found_on_floor"]),
    ):
        assert watch(nights, detector=FallDetector(zones=zones, has_mattress=False)) == expected


def beside(frames: Frames) -> Frames:
    """The same with a carer who came in and sits: whoever has company is not missed merely because they vanished."""
    comes = walks(620, 560, seconds=2)
    return [*comes, *[[*people, *back(person(SIT, 560))] for people in frames]]


@pytest.mark.parametrize(("unseen_s", "told"), [(8, ["lost_while_falling"]), (40, [])], ids=["they fell", "a cat"])
def test_who_vanished_on_their_feet_and_lies_there_fell_though_hardly_seen(unseen_s: float, told: list[str]) -> None:
    """The model loses them before the head is down, and finds them for a moment only."""
    lies = [back(person(LIE, 330))] * 8
    assert watch(beside([*walks(200, 320), *nobody(unseen_s), *lies, *nobody(24)])) == told


def test_one_low_glimpse_where_somebody_vanished_is_nobody() -> None:
    """Somebody went out by a door in the middle of the picture, and a ghost of the model lay there for a moment."""
    lies = back(person(LIE, 330))
    left = [*walks(200, 320), *nobody(10)]
    assert watch([*left, lies, *nobody(40)]) == []
    assert watch([*left, *[lies] * 4, *nobody(40)]) == []
    assert watch([*left, lies, *nobody(5), *[lies] * 15]) == ["fast_drop"], "seen again, it is somebody"


@pytest.mark.parametrize("low_px", [80, 220])
def test_a_glimpse_does_not_make_who_sank_and_vanished_be_seen_again(low_px: float) -> None:
    stood, sinks, glimpse = (148.0, 240.0, 346.0), (200.0, 290.0, 340.0), back(person(LIE, 330, low_px))
    vanished = [*walks(200, 320), *turns((stood, sinks), 0.6)]
    assert watch([*vanished, *nobody(40)]) == ["lost_while_falling"]
    assert watch([*vanished, *nobody(10), glimpse, *nobody(30)]) == ["lost_while_falling"]
    assert watch([*vanished, *nobody(10), *walks(320, 200), *nobody(30)]) == [], "they walk"


@pytest.mark.parametrize("unseen_s", [0.8, 1.0, 2.0])
def test_who_lay_down_slowly_and_is_lost_for_a_moment_did_not_fall(unseen_s: float) -> None:
    """On the exercise mat: nearly all of the way down was seen."""
    goes_down = [back(person(STAND.towards(LIE, n / 50))) for n in range(51)]
    lies = [back(person(LIE))] * 80
    rises = [*goes_down[::-1], *walks(320, 330)]
    assert watch([*walks(200, 320), *goes_down, *nobody(unseen_s), *lies, *rises]) == []


def test_a_pet_where_somebody_went_out_of_sight_is_not_them() -> None:
    assert watch([*walks(200, 320), *nobody(10), *[back(person(LIE, 330, 80))] * 15, *nobody(40)]) == []


def test_who_was_told_and_is_long_unseen_is_not_looked_for_on_every_frame() -> None:
    detector = FallDetector()
    falls = [back(person(STAND.towards(LIE, n / 7))) for n in range(1, 8)]
    frames = [*walks(200, 320), *falls, *[falls[-1]] * 40, *nobody(40)]
    missed = []
    for n, people in enumerate(frames):
        missed.append(bool(detector.missed_px(people, n / 10)))
        detector.step(people, FrameInfo(n / 10, n / 10, *FRAME_PX, 130.0))
    assert any(missed[-350:-310])
    assert not any(missed[-80:])


def test_who_falls_along_the_line_of_sight_is_small_and_lies_further_off_than_that() -> None:
    """In mid-fall their size says little about how far the body moves; they are no new figure, too small to judge."""
    stood, sinks = (148.0, 240.0, 346.0), (240.0, 290.0, 330.0)
    lies = [back(person(LIE, 260, 70))] * 40
    assert watch([*walks(200, 320), *turns((stood, sinks), 0.6), *lies]) == ["fast_drop"]
    assert watch([*walks(200, 320), *[upright(stood)] * 6, *lies]) == [], "a cat beside who stood there"


def test_who_vanished_on_their_feet_is_looked_for() -> None:
    """Also in a picture that stands still: else the next look may be five seconds away."""

    def misses(frames: Frames) -> bool:
        detector = FallDetector()
        for n, people in enumerate(frames):
            detector.step(people, FrameInfo(n / 10, n / 10, *FRAME_PX, 130.0))
        return detector.misses_somebody

    assert misses([*walks(200, 320), *nobody(20)])
    assert not misses([*walks(200, 320), *nobody(40)])
    assert not misses([*walks(320, 635), *nobody(20)]), "left at the frame's edge"


def test_whose_hips_are_guessed_on_the_seat_again_has_not_risen_to_it() -> None:
    stood, seat, floor = (148.0, 240.0, 346.0), (191.0, 288.0, 354.0), (258.0, 350.0, 405.0)
    lies, guessed = (290.0, 350.0, 380.0), (290.0, 296.0, 350.0)
    sits = [*walks(200, 320), *turns((stood, seat), 2), *[upright(seat)] * 70]
    slides = [*sits, *turns((seat, floor), 4), *turns((floor, lies, guessed), 1.5)]
    assert watch([*slides, *[upright(guessed)] * 60]) == ["slid_from_chair"]
    assert watch([*sits, *turns((seat, guessed), 4), *[upright(guessed)] * 60]) == [], "slumped on the seat"


def test_who_vanishes_half_way_down_and_lies_there_has_fallen() -> None:
    """On to a bed, in the dim: the model lost them in mid-fall (a real clip). The drop began before they vanished."""
    sinks = [back(person(STAND.towards(LIE, n / 10))) for n in range(1, 6)]
    assert watch([*walks(200, 320), *sinks, *nobody(2.2), *[back(person(LIE_ON_BED))] * 20]) == ["fast_drop"]
