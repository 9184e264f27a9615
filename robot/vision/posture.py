"""From seventeen joints to the few numbers that the fall rules look at. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from robot.vision.pose import (
    LEFT_ANKLE,
    LEFT_EAR,
    LEFT_EYE,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    NOSE,
    RIGHT_ANKLE,
    RIGHT_EAR,
    RIGHT_EYE,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    Keypoint,
    Person,
)

MIN_JOINT_SCORE = 0.15  # below it MoveNet guesses a joint; prototype, development figure
MIN_JOINTS = 4
MIN_SIZE_PX = 1.0  # joints all in one point are no body, and nothing can be measured in them
LEG_PER_THIGH = 1.8  # hip to ankle from hip to knee when the ankle is hidden; prototype
SMOOTHED = ("torso_deg", "aspect", "height_px", "width_px", "leg_px", "head_y_px", "hip_y_px")


@dataclass(frozen=True, slots=True)
class Posture:
    """One person's posture in one frame, in pixels (x right, y down); None where the joints are hidden.

    `torso_deg` is 0 upright, 90 lying, 180 upside down. `aspect` is width by height of the visible joints. `leg_px` is
    how far the ankles are below the hips (negative when above). `feet_px` is the middle of the seen ankles.
    """

    torso_deg: float | None
    aspect: float
    height_px: float
    width_px: float
    leg_px: float | None
    head_y_px: float
    hip_y_px: float
    hip_x_px: float
    centre_x_px: float
    centre_y_px: float
    score: float
    feet_px: tuple[float, float] | None = None

    @property
    def size_px(self) -> float:
        return max(self.height_px, self.width_px)


def posture_of(person: Person) -> Posture | None:
    """The posture of a person, or None when fewer than four joints are seen, or all in one point."""
    seen = [joint for joint in person.keypoints if joint.score >= MIN_JOINT_SCORE]
    if len(seen) < MIN_JOINTS:
        return None
    left, right = min(j.x_px for j in seen), max(j.x_px for j in seen)
    top, bottom = min(j.y_px for j in seen), max(j.y_px for j in seen)
    if max(right - left, bottom - top) < MIN_SIZE_PX:
        return None
    joints = person.keypoints
    face = _middle(joints, (NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR))
    shoulders = _middle(joints, (LEFT_SHOULDER, RIGHT_SHOULDER)) or face
    hips = _middle(joints, (LEFT_HIP, RIGHT_HIP))
    middle = (sum(j.x_px for j in seen) / len(seen), sum(j.y_px for j in seen) / len(seen))
    hip = hips or middle
    head = face or shoulders or middle
    return Posture(
        torso_deg=_angle_deg(shoulders, hips),
        aspect=(right - left + 1) / (bottom - top + 1),
        height_px=bottom - top,
        width_px=right - left,
        leg_px=_leg_px(joints, hip[1]),
        head_y_px=head[1],
        hip_y_px=hip[1],
        hip_x_px=hip[0],
        centre_x_px=(left + right) / 2,
        centre_y_px=(top + bottom) / 2,
        score=sum(j.score for j in joints) / len(joints),
        feet_px=_middle(joints, (LEFT_ANKLE, RIGHT_ANKLE)),
    )


def smoothed(postures: Sequence[Posture]) -> Posture:
    """The newest posture with the medians of the given ones: one wild joint shall not make a fall."""
    medians = {}
    for name in SMOOTHED:
        values = [value for value in (getattr(posture, name) for posture in postures) if value is not None]
        if values:
            medians[name] = median(values)
    return replace(postures[-1], **medians)


def _middle(joints: Sequence[Keypoint], which: Sequence[int]) -> tuple[float, float] | None:
    seen = [joints[i] for i in which if joints[i].score >= MIN_JOINT_SCORE]
    if not seen:
        return None
    return sum(j.x_px for j in seen) / len(seen), sum(j.y_px for j in seen) / len(seen)


def _angle_deg(shoulders: tuple[float, float] | None, hips: tuple[float, float] | None) -> float | None:
    if shoulders is None or hips is None:
        return None
    return math.degrees(math.atan2(abs(hips[0] - shoulders[0]), hips[1] - shoulders[1]))


def _leg_px(joints: Sequence[Keypoint], hip_y_px: float) -> float | None:
    ankles = _middle(joints, (LEFT_ANKLE, RIGHT_ANKLE))
    if ankles is not None:
        return ankles[1] - hip_y_px
    knees = _middle(joints, (LEFT_KNEE, RIGHT_KNEE))
    return LEG_PER_THIGH * (knees[1] - hip_y_px) if knees is not None else None
