from __future__ import annotations

import pytest

from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.pose import Box, Keypoint, Person
from robot.vision.posture import posture_of, smoothed
from robot.vision.zones import contains

from .skeletons import BEND, LIE, STAND, Pose, person

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("pose", "torso_deg"),
    [(STAND, 0), (BEND, 85), (LIE, 88), (Pose(torso_deg=170), 170), (Pose(torso_deg=-60), 60)],
)
def test_the_torso_s_angle_is_measured_from_the_vertical(pose, torso_deg):
    posture = posture_of(person(pose))
    assert posture is not None
    assert posture.torso_deg == pytest.approx(torso_deg, abs=1)


def test_legs_reach_below_the_hips_only_in_those_who_stand():
    standing, lying = posture_of(person(STAND)), posture_of(person(LIE))
    assert standing is not None
    assert lying is not None
    assert standing.leg_px == pytest.approx(0.48 * 220, rel=0.05)
    assert abs(lying.leg_px or 0) < 0.1 * 220


def test_hidden_ankles_are_guessed_from_the_knees():
    whole = person(STAND)
    hidden = Person(
        (*whole.keypoints[:15], *(joint._replace(score=0.0) for joint in whole.keypoints[15:])), whole.box, whole.score
    )
    posture = posture_of(hidden)
    assert posture is not None
    assert posture.leg_px == pytest.approx(1.8 * 0.24 * 220, rel=0.05)


def test_three_joints_are_nobody():
    joints = tuple(Keypoint(10.0 * n, 10.0, 0.9 if n < 3 else 0.05) for n in range(17))
    assert posture_of(Person(joints, Box(0, 0, 1, 1), 0.5)) is None


def test_joints_all_in_one_point_are_nobody_and_a_flat_line_can_be_judged():
    point = Person(tuple(Keypoint(10.0, 10.0, 0.9) for _ in range(17)), Box(0, 0, 1, 1), 0.9)
    assert posture_of(point) is None
    line = Person(tuple(Keypoint(20.0 * n, 400.0, 0.9) for n in range(17)), Box(0, 0, 1, 1), 0.9)
    detector = FallDetector()
    for n in range(20):
        assert detector.step([line, point], FrameInfo(n / 10, n / 10, 640, 480)) == []
    assert detector.view().people == 1


def test_hidden_hips_leave_the_angle_unknown():
    whole = person(STAND)
    joints = tuple(j._replace(score=0.0) if n in (11, 12) else j for n, j in enumerate(whole.keypoints))
    posture = posture_of(Person(joints, whole.box, whole.score))
    assert posture is not None
    assert posture.torso_deg is None


def test_a_person_has_seventeen_joints():
    with pytest.raises(ValueError, match="17"):
        Person((), Box(0, 0, 1, 1), 0.5)


def test_one_wild_frame_among_three_changes_nothing():
    calm, wild = posture_of(person(STAND)), posture_of(person(LIE))
    assert calm is not None
    assert wild is not None
    assert smoothed([calm, wild, calm]).torso_deg == calm.torso_deg


def test_a_point_is_inside_a_polygon_or_not():
    corner = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.5, 0.5), (0.5, 1.0), (0.0, 1.0))
    assert contains(corner, 0.25, 0.75)
    assert contains(corner, 0.75, 0.25)
    assert not contains(corner, 0.75, 0.75)
    assert not contains((), 0.5, 0.5)
