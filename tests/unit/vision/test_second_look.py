"""Another look for somebody who was there a moment ago: in the mirror, and closer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from robot.vision.detector import FallDetector
from robot.vision.pose import KEYPOINT_COUNT, LEFT_ANKLE, NOSE, RIGHT_ANKLE, Image, Keypoint, Person
from robot.vision.second_look import CLOSER_SHARE, SecondLook, closer, mirrored
from robot.vision.watcher import FallWatcher

from .skeletons import FRAME_PX, LIE, STAND, act, person

pytestmark = pytest.mark.unit

WIDTH_PX, HEIGHT_PX = FRAME_PX
CORNER = 255  # the picture's upper left pixel: where an engine that overlooks people sees that it is not mirrored


class _Engine:
    """A fake: sees who is written into the picture's pixels, as `picture` does, unless it overlooks them."""

    name = "fake"

    def __init__(self) -> None:
        self.overlooks = False
        self.calls = 0

    def detect(self, frame_bgr: Image) -> tuple[Person, ...]:
        self.calls += 1
        if self.overlooks and frame_bgr[0, 0, 0] == CORNER:
            return ()
        joints = {int(frame_bgr[y, x, 1]): (x, y) for y, x in np.argwhere(frame_bgr[:, :, 1])}
        if len(joints) < KEYPOINT_COUNT:
            return ()
        points = tuple(Keypoint(float(x), float(y), 0.6) for _, (x, y) in sorted(joints.items()))
        return (Person(points, person(STAND).box, 0.6),)


def picture(figure: Person) -> Image:
    """Each joint a pixel that holds its number."""
    image = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    image[0, 0] = (CORNER, 0, 0)
    for n, joint in enumerate(figure.keypoints):
        x, y = round(joint.x_px), min(HEIGHT_PX - 1, round(joint.y_px))
        while image[y, x, 1]:
            x += 1  # two joints must not share a pixel
        image[y, x, 1] = n + 1
    return image


def places(figure: Person) -> list[tuple[float, float]]:
    return [(joint.x_px, joint.y_px) for joint in figure.keypoints]


def test_in_the_mirror_left_is_right_and_everybody_is_where_they_are() -> None:
    figure = person(STAND, x_px=200)
    image = picture(figure)
    (direct,), (found,) = _Engine().detect(image), mirrored(_Engine(), image)
    assert found.keypoints[NOSE].x_px == pytest.approx(direct.keypoints[NOSE].x_px, abs=1.0)
    assert found.keypoints[LEFT_ANKLE].x_px == pytest.approx(direct.keypoints[RIGHT_ANKLE].x_px, abs=1.0)
    assert found.keypoints[LEFT_ANKLE].y_px == direct.keypoints[RIGHT_ANKLE].y_px


@pytest.mark.parametrize("place_px", [(200.0, 330.0), (0.0, 480.0), (150.0, 470.0)])
def test_closer_shows_a_part_of_the_picture_and_gives_places_in_the_whole(place_px: tuple[float, float]) -> None:
    image = picture(person(STAND, x_px=200))
    (direct,) = _Engine().detect(image)
    (found,) = closer(_Engine(), image, place_px)
    assert places(found) == places(direct)


def test_whoever_is_beyond_the_part_is_not_seen_closer() -> None:
    assert closer(_Engine(), picture(person(STAND, x_px=40)), (WIDTH_PX, HEIGHT_PX)) == ()
    assert CLOSER_SHARE < 1


def falls(*, second_look: bool) -> list[str]:
    """What is told when the engine no longer sees somebody, directly, from the moment at which they lie."""
    engine = _Engine()
    watcher = FallWatcher(engine, FallDetector(), SecondLook(engine) if second_look else None)
    told, t_s = [], 0.0
    for _, pose in act(((STAND, 3.0), (LIE, 0.7), (LIE, 3.0))):
        engine.overlooks = pose.hip_h < 0.4
        image = picture(person(pose, x_px=300))
        image[100:200, 300:340, 2] = 200 * (round(10 * t_s) % 2)  # something moves: the watcher looks at each frame
        told += watcher.watch(image, t_s, 1e9 + t_s)
        t_s += 0.1
    return [event.reason.value for event in told]


def test_a_fall_that_the_first_look_loses_is_found_in_the_mirror() -> None:
    assert falls(second_look=True) == ["fast_drop"]
    assert falls(second_look=False) == []


def test_as_long_as_nobody_is_missed_there_is_one_look() -> None:
    engine = _Engine()
    look = SecondLook(engine)
    figure = person(STAND)
    assert look.people(picture(figure), (figure,), lambda people: []) == (figure,)
    assert engine.calls == 0


def test_a_second_look_brings_nobody_who_was_not_there_before() -> None:
    seen, figure = person(STAND, x_px=500), person(STAND, x_px=200)

    def missed(people: Sequence[Person]) -> list[tuple[float, float]]:
        return [(50.0, 300.0)]  # whoever is found is somebody else

    look = SecondLook(_Engine())
    assert [look.people(picture(figure), (seen,), missed) for _ in range(4)] == [(seen,)] * 4
