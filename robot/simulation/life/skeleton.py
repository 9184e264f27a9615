"""A body of rigid bones: joint angles in, seventeen COCO joints in metres out, for many moments at once. Pure.

Axes of the room: x and y along the walls, z up, in metres. A person's own axes: forward, left, up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GROUPS = {
    "face": (0, 1, 2, 3, 4),
    "shoulders": (5, 6),
    "elbows": (7, 8),
    "wrists": (9, 10),
    "hips": (11, 12),
    "knees": (13, 14),
    "ankles": (15, 16),
}
LEFT_RIGHT = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""For each joint, the one on the other side."""

# Lengths of the bones as shares of standing height, between joint centres: Drillis and Contini's segments, as
# reprinted by Winter (Biomechanics and Motor Control of Human Movement); the face's points by eye.
THIGH, SHIN, ANKLE_HEIGHT = 0.245, 0.246, 0.039
TORSO, UPPER_ARM, FOREARM = 0.288, 0.186, 0.146
SHOULDER_HALF, HIP_HALF = 0.112, 0.058
NECK, FACE_FORWARD, EYE_HALF, EAR_HALF = 0.105, 0.055, 0.02, 0.045

BONES = (
    (5, 6),
    (5, 7),
    (7, 9),
    (6, 8),
    (8, 10),
    (11, 12),
    (11, 13),
    (13, 15),
    (12, 14),
    (14, 16),
    (0, 1),
    (0, 2),
    (3, 4),
)
"""Pairs of joints whose distance never changes."""

_RADIUS = np.array(
    [0.06] * 5 + [0.05, 0.05, 0.03, 0.03, 0.02, 0.02, 0.055, 0.055, 0.035, 0.035, ANKLE_HEIGHT, ANKLE_HEIGHT]
)
"""Flesh around each joint, as a share of height: so far above whatever carries the body."""


class Pose(NamedTuple):
    """Angles in degrees.

    pitch: the torso forward (90 on the face, -90 on the back); roll: to the left; twist: about its own axis (lying on a
    side). nod: the head forward. hip: the thigh forward of the torso's line; knee: the shin backward. arm: the upper
    arm forward; elbow: bent. Spreads are outward.
    """

    pitch: float = 0.0
    roll: float = 0.0
    twist: float = 0.0
    nod: float = 5.0
    left_hip: float = 0.0
    right_hip: float = 0.0
    left_knee: float = 3.0
    right_knee: float = 3.0
    hip_spread: float = 3.0
    left_arm: float = 0.0
    right_arm: float = 0.0
    left_elbow: float = 12.0
    right_elbow: float = 12.0
    arm_spread: float = 8.0


ANGLES = len(Pose._fields)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a person stands at T moments: `angles` (T x 14, degrees, in Pose's order), `x_m`, `y_m` of the pelvis,
    `heading_deg` (0 looks along x, 90 along y), and `support_m`, the height of what carries them (floor 0).
    """

    angles: Array
    x_m: Array
    y_m: Array
    heading_deg: Array
    support_m: Array


def joints(places: Places, height_m: float) -> Array:
    """The joints in the room, T x 17 x 3, in metres. The lowest part of the body touches what carries it."""
    angle = {name: np.radians(places.angles[:, n]) for n, name in enumerate(Pose._fields)}
    forward, left, up = _axes(np.radians(places.heading_deg), angle["pitch"], angle["roll"], angle["twist"])
    body = np.zeros((len(places.x_m), 17, 3))
    shoulders = up * TORSO
    nod = angle["nod"][:, None]
    head_up, head_forward = up * np.cos(nod) + forward * np.sin(nod), forward * np.cos(nod) - up * np.sin(nod)
    head = shoulders + head_up * NECK
    body[:, 0] = head + head_forward * FACE_FORWARD
    for side, sign in ((0, 1.0), (1, -1.0)):
        out = left * sign
        body[:, 1 + side] = head + head_forward * (FACE_FORWARD * 0.8) + head_up * 0.02 + out * EYE_HALF
        body[:, 3 + side] = head + out * EAR_HALF
        name = ("left", "right")[side]
        shoulder, hip = shoulders + out * SHOULDER_HALF, out * HIP_HALF
        arm, elbow = angle[f"{name}_arm"], angle[f"{name}_elbow"]
        thigh, knee = angle[f"{name}_hip"], angle[f"{name}_knee"]
        body[:, 5 + side] = shoulder
        body[:, 7 + side] = shoulder + _limb(forward, out, up, arm, angle["arm_spread"]) * UPPER_ARM
        body[:, 9 + side] = body[:, 7 + side] + _limb(forward, out, up, arm + elbow, angle["arm_spread"]) * FOREARM
        body[:, 11 + side] = hip
        body[:, 13 + side] = hip + _limb(forward, out, up, thigh, angle["hip_spread"]) * THIGH
        body[:, 15 + side] = body[:, 13 + side] + _limb(forward, out, up, thigh - knee, angle["hip_spread"]) * SHIN
    lowest = (body[:, :, 2] - _RADIUS).min(axis=1)
    body *= height_m
    body[:, :, 0] += places.x_m[:, None]
    body[:, :, 1] += places.y_m[:, None]
    body[:, :, 2] += (places.support_m - lowest * height_m)[:, None]
    return body


def facing(points: Array) -> tuple[Array, Array]:
    """Of joints T x 17 x 3: the unit vectors to the left through the shoulders and forward out of the face."""
    left = points[:, 5] - points[:, 6]
    ahead = points[:, 0] - (points[:, 3] + points[:, 4]) / 2
    return (left / np.linalg.norm(left, axis=1, keepdims=True), ahead / np.linalg.norm(ahead, axis=1, keepdims=True))


def _axes(heading: Array, pitch: Array, roll: Array, twist: Array) -> tuple[Array, Array, Array]:
    """Forward, left and up of the torso, each T x 3: first twist, then roll, then pitch, then heading."""
    zero, one = np.zeros_like(heading), np.ones_like(heading)
    axes = [
        np.stack([np.cos(twist), np.sin(twist), zero], 1),
        np.stack([-np.sin(twist), np.cos(twist), zero], 1),
        np.stack([zero, zero, one], 1),
    ]
    first, second, third = (_turned(axis, heading, pitch, roll) for axis in axes)
    return first, second, third


def _turned(axis: Array, heading: Array, pitch: Array, roll: Array) -> Array:
    x, y, z = axis[:, 0], axis[:, 1], axis[:, 2]
    y, z = y * np.cos(roll) + z * np.sin(roll), z * np.cos(roll) - y * np.sin(roll)
    x, z = x * np.cos(pitch) + z * np.sin(pitch), z * np.cos(pitch) - x * np.sin(pitch)
    x, y = x * np.cos(heading) - y * np.sin(heading), x * np.sin(heading) + y * np.cos(heading)
    return np.stack([x, y, z], 1)


def _limb(forward: Array, out: Array, up: Array, raised: Array, spread: Array) -> Array:
    """The direction of a limb that hangs down along the torso when its angles are zero."""
    ahead = (forward * np.sin(raised)[:, None] - up * np.cos(raised)[:, None]) * np.cos(spread)[:, None]
    limb: Array = ahead + out * np.sin(spread)[:, None]
    return limb
