"""Who is lost in mid-fall, or found again where they look small: told. Who sat down, came back, or plays: not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from robot.messages import FallEvent
from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.pose import Box, Keypoint, Person
from robot.vision.scale import RoomScale

from .skeletons import FRAME_PX, LIE, STAND, person

pytestmark = pytest.mark.unit

UP_PX = 90.0  # further back in the room, away from the picture's lower edge
Frames = list[list[Person]]
STOOD = (0.5, 0.42, 0.48)
Shape = tuple[float, float, float]


def watch(frames: Frames, bed: bool | None = None) -> list[str]:
    detector, events = FallDetector(), list[FallEvent]()
    for n, people in enumerate(frames):
        events += detector.step(people, FrameInfo(n / 10, 1000 + n / 10, *FRAME_PX, 130.0), bed)
    return [event.reason.value for event in events]


def back(figure: Person) -> list[Person]:
    joints = tuple(Keypoint(j.x_px, j.y_px - UP_PX, j.score) for j in figure.keypoints)
    return [Person(joints, Box(0, 0, 1, 1), figure.score)]


def walks(start_px: float, end_px: float, height_px: float = 220.0, seconds: float = 4.0) -> Frames:
    count = round(10 * seconds)
    return [back(person(STAND, start_px + (end_px - start_px) * n / count, height_px)) for n in range(count)]


def sinks(x_px: float, height_px: float = 220.0, share: float = 0.4) -> Frames:
    """So far on the way to lying, and no further."""
    return [back(person(STAND.towards(LIE, share * n / 4), x_px, height_px)) for n in range(1, 5)]


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


def nobody(seconds: float) -> Frames:
    return [[] for _ in range(round(10 * seconds))]


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
        [*walks(500, 625), *sinks(625), *nobody(60)],
        [[*a, *b] for a, b in zip(walks(200, 320), walks(620, 480), strict=True)]
        + [*walks(320, 325, seconds=2), *sinks(325), *nobody(60)],
    ],
    ids=["came back", "vanished on their feet", "at the edge", "had company"],
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
    assert watch([*stood, *nobody(8), *lies]) == ["found_on_floor"]
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


def test_who_gets_shorter_because_they_fall_keeps_their_height() -> None:
    """Towards a high camera trunk and legs shorten alike: the figure still looks as if it stood."""
    falls = turns_into((STOOD, (0.12, 0.22, 0.24)), 1.4)
    assert watch([*walks(200, 320), *falls, *[seen_as(0.12, 0.22, 0.24)] * 40]) == ["fast_drop"]


@pytest.mark.parametrize(("shape", "told"), [((0.1, 0.44, 0.12), ["fast_drop"]), ((0.28, 0.44, 0.3), [])])
def test_whose_hips_are_lower_than_any_seat_sits_on_the_floor(shape: Shape, told: list[str]) -> None:
    assert watch([*walks(200, 320), *turns_into((STOOD, shape), 0.6), *[seen_as(*shape)] * 140]) == told


def test_a_fall_between_two_looks_that_ends_along_the_line_of_sight_is_found() -> None:
    assert watch([*walks(200, 320), *nobody(1.2), *[seen_as(0.28, 0.17, 0.38)] * 30]) == ["fast_drop"]


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
