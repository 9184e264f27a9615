"""Made-up people for the fall rules: stick figures that stand, walk, bend, sit, lie and fall at 640 x 480."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from robot.vision.pose import KEYPOINT_COUNT, Box, Keypoint, Person

FRAME_PX = (640, 480)
FLOOR_Y_PX = 440.0
RATE_HZ = 10.0


@dataclass(frozen=True)
class Pose:
    """Angles in degrees from "torso up, legs down", positive to the right; the hips' height in body heights."""

    torso_deg: float = 0.0
    hip_h: float = 0.5
    thigh_deg: float = 0.0
    shin_deg: float = 0.0

    def towards(self, other: Pose, share: float) -> Pose:
        def mix(a: float, b: float) -> float:
            return a + (b - a) * share

        return Pose(
            mix(self.torso_deg, other.torso_deg),
            mix(self.hip_h, other.hip_h),
            mix(self.thigh_deg, other.thigh_deg),
            mix(self.shin_deg, other.shin_deg),
        )


STAND = Pose()
BEND = Pose(torso_deg=85, hip_h=0.48)
SIT = Pose(torso_deg=5, hip_h=0.28, thigh_deg=80, shin_deg=0)
LIE = Pose(torso_deg=88, hip_h=0.06, thigh_deg=-88, shin_deg=-86)

Move = tuple[Pose, float]
"""Reach this pose within so many seconds."""


def person(pose: Pose, x_px: float = 320.0, height_px: float = 220.0, score: float = 0.6, jitter_h: float = 0.0,
           rng: random.Random | None = None) -> Person:  # fmt: skip
    """A stick figure of that standing height whose hips are above `x_px`."""
    rng = rng or random.Random(0)
    hip = (x_px, FLOOR_Y_PX - pose.hip_h * height_px)

    def along(start: tuple[float, float], degrees: float, length_h: float) -> tuple[float, float]:
        angle = math.radians(degrees)
        return start[0] + math.sin(angle) * length_h * height_px, start[1] + math.cos(angle) * length_h * height_px

    shoulder = along(hip, 180 - pose.torso_deg, 0.30)
    head = along(hip, 180 - pose.torso_deg, 0.44)
    knee = along(hip, pose.thigh_deg, 0.24)
    ankle = along(knee, pose.shin_deg, 0.24)
    hand = along(shoulder, pose.torso_deg / 4, 0.30)
    centres = [head] * 5 + [shoulder] * 2 + [hand] * 4 + [hip] * 2 + [knee] * 2 + [ankle] * 2
    assert len(centres) == KEYPOINT_COUNT
    joints = []
    for n, (x, y) in enumerate(centres):
        side_px = 0.05 * height_px * (-1 if n % 2 else 1)
        wobble = [rng.gauss(0, jitter_h * height_px) for _ in range(2)]
        joints.append(Keypoint(x + side_px + wobble[0], y + wobble[1], score))
    xs, ys = [j.x_px for j in joints], [j.y_px for j in joints]
    return Person(tuple(joints), Box(min(xs), min(ys), max(xs), max(ys)), score)


def act(
    moves: Sequence[Move], rate_hz: float = RATE_HZ, start_s: float = 0.0, begin: Pose = STAND
) -> Iterator[tuple[float, Pose]]:
    """Times and poses of somebody who starts in `begin` and makes these moves, one after the other."""
    now, frame = start_s, 0
    for pose, lasts_s in moves:
        ends = now + lasts_s
        while (t := start_s + frame / rate_hz) < ends:
            yield t, begin.towards(pose, (t - now) / lasts_s)
            frame += 1
        begin, now = pose, ends
