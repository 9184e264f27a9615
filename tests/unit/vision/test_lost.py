"""Who is lost in mid-fall, or found again where they look small: told. Who sat down, came back, or plays: not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from robot.messages import FallReason
from robot.vision.detector import FallDetector
from robot.vision.numbers import FallRules
from robot.vision.pose import Box, Keypoint, Person
from robot.vision.rules import FallMachine
from robot.vision.scale import RoomScale
from robot.vision.tracker import postures_of

from .frames import Frames, back, nobody, walks, watch
from .skeletons import LIE, STAND, person

pytestmark = pytest.mark.unit

LYING = person(LIE, 320)
STOOD = (0.5, 0.42, 0.48)
Shape = tuple[float, float, float]


def sinks(x_px: float, height_px: float = 220.0, share: float = 0.4, steps: int = 4) -> Frames:
    """So far on the way to lying, and no further."""
    return [back(person(STAND.towards(LIE, share * n / steps), x_px, height_px)) for n in range(1, steps + 1)]


def sinks_walking(start_px: float, end_px: float) -> Frames:
    """Out below the camera's view, beside it."""
    return [sinks(start_px + (end_px - start_px) * n / 4)[n - 1] for n in range(1, 5)]


def seen_as(hip_h: float, trunk_h: float, leg_h: float, x_px: float = 320.0) -> list[Person]:
    """Upright in the picture: head above hips, ankles below them, hips above the floor, in shares of 220 px."""
    rows = [-trunk_h] * 5 + [-0.7 * trunk_h] * 2 + [-0.2 * trunk_h] * 4 + [0.0] * 2 + [leg_h / 2] * 2 + [leg_h] * 2
    hip_y_px = 440 - 220 * hip_h
    joints = tuple(Keypoint(x_px + (11 if n % 2 else -11), hip_y_px + row * 220, 0.6) for n, row in enumerate(rows))
    return back(Person(joints, Box(0, 0, 1, 1), 0.6))


def turns_into(shapes: Sequence[Shape], seconds: float) -> Frames:
    count = round(10 * seconds)
    mixed = (
        [a + (b - a) * n / count for a, b in zip(old, new, strict=True)]
        for old, new in pairwise(shapes)
        for n in range(1, count + 1)
    )
    return [seen_as(hip_h, trunk_h, leg_h) for hip_h, trunk_h, leg_h in mixed]


def _between(before: list[Person], after: list[Person], share: float) -> list[Person]:
    pairs = zip(before[0].keypoints, after[0].keypoints, strict=True)
    joints = (Keypoint(a.x_px + share * (b.x_px - a.x_px), a.y_px + share * (b.y_px - a.y_px), 0.6) for a, b in pairs)
    return [Person(tuple(joints), Box(0, 0, 1, 1), 0.6)]


def test_who_vanishes_in_mid_fall_is_missed_after_a_while_also_by_day() -> None:
    fall = [*walks(200, 320), *sinks(320)]
    assert watch([*fall, *nobody(14)]) == []
    assert watch([*fall, *nobody(60)]) == ["lost_while_falling"]
    assert watch([*fall, *nobody(34)], bed=False) == [], "they may have lain down: the mattress feels that soon"
    assert watch([*fall, *nobody(60)], bed=False) == ["lost_while_falling"]
    assert watch([*fall, *nobody(60)], bed=True) == []


@pytest.mark.parametrize(
    "frames",
    [
        [*walks(200, 320), *sinks(320), *nobody(10), *walks(320, 200), *nobody(60)],
        [*walks(200, 320), *nobody(60)],
        [*walks(200, 320), *sinks(320, steps=16), *nobody(60)],
        [*walks(200, 320), *turns_into((STOOD, (0.2, 0.3, 0.47)), 0.4), *nobody(60)],
        [*walks(500, 625), *sinks(625), *nobody(60)],
        [*walks(200, 500, seconds=2.5), *sinks_walking(500, 560), *nobody(60)],
        [[*a, *b] for a, b in zip(walks(200, 320), walks(620, 480), strict=True)]
        + [*walks(320, 325, seconds=2), *sinks(325), *nobody(60)],
    ],
    ids=["came back", "on their feet", "sat down", "walked nearer", "at the edge", "near it, walking", "had company"],
)
def test_who_came_back_or_left_or_has_company_is_not_missed(frames: Frames) -> None:
    assert watch(frames) == []


def test_who_sinks_and_vanishes_again_and_again_is_asked_about_once_in_ten_minutes() -> None:
    once = [*walks(200, 320), *sinks(320), *nobody(30)]
    assert watch([*once, *once, *once]) == ["lost_while_falling"]
    assert watch([*once, *nobody(600), *once]) == ["lost_while_falling"] * 2


def test_who_vanished_standing_and_lies_there_as_a_small_figure_is_found() -> None:
    """Along the line of sight a body is a third as tall, and looks like a small figure that stands."""
    lies = [seen_as(0.2, 0.12, 0.2, 330)] * 150
    stood = walks(200, 320, seconds=1.5)  # too short to teach how tall people stand there
    assert watch([*stood, *nobody(8), *lies]) == ["found_on_floor"], "not at once: it may be a pet"
    assert watch([*stood, *nobody(40), *lies]) == ["found_on_floor"]
    assert watch([*stood, *nobody(8), *[seen_as(0.2, 0.12, 0.2, 520)] * 150]) == [], "nobody vanished there"


def test_a_small_figure_that_lies_where_nobody_vanished_raises_nothing() -> None:
    """A cat in an empty room: nobody would answer the question, and the alarm would go out."""
    lies = [back(person(LIE, 420, height_px=85))] * 150
    known = [*walks(60, 300), *walks(300, 10)]
    assert watch([*known, *nobody(10), *lies]) == []


@pytest.mark.parametrize(("height_px", "told"), [(130.0, []), (200.0, ["lost_while_falling"])])
def test_a_child_who_drops_out_of_sight_plays(height_px: float, told: list[str]) -> None:
    adult = [*walks(60, 300), *walks(300, 10), *nobody(5)]
    drops = [*walks(500, 320, height_px), *sinks(320, height_px, share=0.9), *nobody(5)]
    assert watch([*adult, *drops]) == told


def beside(frames: Frames, x_px: float = 90.0) -> Frames:
    """The same with an adult beside, who walks to and fro."""
    return [[*people, *back(person(STAND, x_px + n % 60))] for n, people in enumerate(frames)]


def test_a_child_in_company_who_drops_has_a_minute_to_get_up() -> None:
    adult, child_px = [*walks(60, 300), *walks(300, 10), *nobody(5)], 130.0
    drops = [*walks(500, 320, child_px), *sinks(320, child_px, share=1.0)]
    lies = [back(person(LIE, 320, child_px))]
    plays = [*drops, *lies * 450, *walks(320, 500, child_px)]
    assert watch([*adult, *beside(plays)]) == []
    assert watch([*adult, *beside([*drops, *lies * 700])]) == ["long_on_floor"], "late, and not never"
    assert watch([*adult, *drops, *lies * 30]) == ["fast_drop"], "alone it may be the resident, who stoops"
    couple = FallDetector(lives_alone=False)
    assert watch([*adult, *beside(drops), *lies * 30], detector=couple) == ["fast_drop"], "a small wife of a tall man"


def test_a_tall_visitor_makes_no_child_of_the_resident() -> None:
    """Who lives alone teaches the room how tall people are only while nobody else is about."""
    alone = [*walks(60, 300), *walks(300, 60), *walks(60, 300)]
    to_and_fro = [*walks(350, 600, 310.0), *walks(600, 350, 310.0)]
    visit = [*beside(to_and_fro), *to_and_fro * 13]  # the resident goes out for a while
    falls = [*walks(60, 200), *sinks(200, share=1.0), *[back(person(LIE, 200))] * 200]
    in_company = [[*people, *guest] for people, guest in zip(falls, to_and_fro * 4, strict=False)]
    assert watch([*alone, *visit, *in_company]) == ["fast_drop"]


def test_a_child_who_walks_about_teaches_nobody_that_people_are_small() -> None:
    scale = RoomScale()
    for _ in range(200):
        scale.learn(300, 200, 480)
    for _ in range(1500):  # ten minutes of play, in four places
        scale.learn(300, 130, 480)
    assert scale.standing_px(300, 480) == pytest.approx(180, abs=5)
    for _ in range(2000):
        scale.learn(300, 260, 480)
    assert scale.standing_px(300, 480) > 250, "if a child came first"


def test_who_gets_shorter_because_they_fall_keeps_their_height() -> None:
    """Towards a high camera trunk and legs shorten alike: the figure still looks as if it stood."""
    falls = turns_into((STOOD, (0.12, 0.22, 0.24)), 1.4)
    assert watch([*walks(200, 320), *falls, *[seen_as(0.12, 0.22, 0.24)] * 40]) == ["fast_drop"]


@pytest.mark.parametrize(("shape", "told"), [((0.1, 0.44, 0.12), ["fast_drop"]), ((0.28, 0.44, 0.3), [])])
def test_whose_hips_are_lower_than_any_seat_sits_on_the_floor(shape: Shape, told: list[str]) -> None:
    assert watch([*walks(200, 320), *turns_into((STOOD, shape), 0.6), *[seen_as(*shape)] * 140]) == told


def test_a_fall_between_two_looks_that_ends_along_the_line_of_sight_is_found() -> None:
    assert watch([*walks(200, 320), *nobody(1.2), *[seen_as(0.28, 0.17, 0.38)] * 30]) == ["fast_drop"]


def test_what_was_dismissed_is_told_when_they_are_seen_to_lie() -> None:
    """A child that drops out of sight plays; whoever is then seen to lie there does not."""
    machine = FallMachine(FallRules())
    falls = [*walks(200, 320), *sinks(320, share=0.9)]
    for n, people in enumerate(falls):
        machine.see(n / 10, *postures_of(people))
    end_s = len(falls) / 10
    lost = machine.miss(end_s + 1)
    assert lost is not None
    assert lost.reason is FallReason.LOST_WHILE_FALLING
    machine.dismiss()
    later = [machine.see(end_s + 1 + n / 10, *postures_of(back(person(LIE)))) for n in range(300)]
    assert [finding.reason for finding in later if finding] == [FallReason.FAST_DROP]


def test_who_falls_towards_the_camera_is_no_child_for_being_nearer_when_last_seen() -> None:
    near, far = [[person(STAND, 60 + 6 * n)] for n in range(40)], walks(60, 320, 130)
    falls = [_between(back(person(STAND, 320, 130)), [person(LIE, 320, 130)], n / 6) for n in range(1, 6)]
    assert watch([*near, *nobody(5), *far, *falls, *nobody(5)]) == ["lost_while_falling"]


def test_who_lies_where_people_stand_tall_enough_is_counted() -> None:
    """A body has fewer pixels than somebody who stands there; a cat has fewer still."""
    known = [*walks(60, 300, 105), *walks(300, 20, 105), *nobody(5)]
    assert watch([*known, *[back(person(LIE, 420, 88))] * 150]) == ["found_on_floor"]
    assert watch([*known, *[back(person(LIE, 420, 40))] * 150]) == []


def test_who_walks_towards_the_camera_comes_down_in_the_picture_and_falls_not() -> None:
    nearer = (0.05, 0.28, 0.4)
    assert watch([*walks(200, 320), *turns_into((STOOD, nearer), 0.6), *[seen_as(*nearer)] * 120]) == []


def test_who_left_at_the_edge_is_not_the_cat_that_comes_in_there() -> None:
    cat = [back(person(LIE, 590, 90))] * 30
    assert watch([*walks(300, 590, seconds=5), *walks(590, 625, seconds=0.6), *nobody(1.2), *cat]) == []


def test_who_falls_towards_the_camera_keeps_the_hips_where_they_were() -> None:
    """Head and feet are level with them then: the legs carry nobody any more."""
    lies = (0.46, -0.15, -0.05)
    assert watch([*walks(200, 320), *turns_into((STOOD, lies), 0.7), *[seen_as(*lies)] * 20]) == ["fast_drop"]
    bows = (0.48, -0.15, 0.48)
    assert watch([*walks(200, 320), *turns_into((STOOD, bows), 0.7), *[seen_as(*bows)] * 20]) == []


SEAT, ON_FLOOR = (0.28, 0.44, 0.3), (0.0, 0.42, 0.25)
SITS = [*walks(200, 320), *turns_into((STOOD, SEAT), 2), *[seen_as(*SEAT)] * 70]


def test_who_slides_off_the_seat_and_sits_upright_on_the_floor_is_told() -> None:
    """Facing the camera they look as if they sat on a chair, but lower than where they sat."""
    assert watch([*SITS, *turns_into((SEAT, ON_FLOOR), 4), *[seen_as(*ON_FLOOR)] * 80]) == ["slid_from_chair"]
    assert watch([*SITS, *[seen_as(*ON_FLOOR)] * 80]) == [], "another figure was taken for them: nobody slides so fast"


def test_who_had_company_is_not_told_for_sitting_lower() -> None:
    """A carer who crouches before the seat may be taken for who sits on it."""
    slides = [*SITS, *turns_into((SEAT, ON_FLOOR), 4), *[seen_as(*ON_FLOOR)] * 80]
    passes = walks(620, 480)
    assert watch([[*a, *b] for a, b in zip(slides, passes, strict=False)] + slides[len(passes) :]) == []


def test_who_got_up_first_did_not_slide() -> None:
    walks_nearer = turns_into((STOOD, (0.3, 0.42, 0.48), (0.0, 0.4, 0.3)), 2)
    assert watch([*SITS, *turns_into((SEAT, STOOD), 1), *walks_nearer, *[seen_as(0.0, 0.4, 0.3)] * 80]) == []


def test_the_room_knows_how_tall_people_stand_between_the_places_where_they_did() -> None:
    scale = RoomScale()
    for _ in range(20):
        scale.learn(210.0, 100.0, 480)
        scale.learn(330.0, 220.0, 480)
    between_px = scale.standing_px(270.0, 480)
    assert between_px == pytest.approx(160.0)
    assert scale.standing_px(350.0, 480) == pytest.approx(220.0)
    assert scale.standing_px(470.0, 480) is None, "far from where anybody stood"
    assert RoomScale().standing_px(270.0, 480) is None
