"""What a pose model says about one frame, and the Protocol behind which it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A frame: H x W x 3, BGR, uint8."""

NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR = range(5)
LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST = range(5, 11)
LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE = range(11, 17)
KEYPOINT_COUNT = 17  # the COCO order, as MoveNet returns it


class Keypoint(NamedTuple):
    """One joint in pixels of the frame (x right, y down) with the model's score in 0..1."""

    x_px: float
    y_px: float
    score: float


class Box(NamedTuple):
    """A person's frame in pixels."""

    left_px: float
    top_px: float
    right_px: float
    bottom_px: float


@dataclass(frozen=True, slots=True)
class Person:
    """One person in one frame: 17 keypoints in COCO order, a box, and the model's score in 0..1."""

    keypoints: tuple[Keypoint, ...]
    box: Box
    score: float

    def __post_init__(self) -> None:
        if len(self.keypoints) != KEYPOINT_COUNT:
            raise ValueError(f"a person has {KEYPOINT_COUNT} keypoints, not {len(self.keypoints)}")


class PoseEngine(Protocol):
    """Finds people in a frame."""

    name: str

    def detect(self, frame_bgr: Image) -> tuple[Person, ...]:
        """Everybody in a frame (H x W x 3, BGR, uint8), the surest first; empty when nobody is seen."""
        ...


class FakePoseEngine:
    """A fake for tests: returns the people it was given, frame by frame, and the last ones for ever after."""

    name = "fake"

    def __init__(self, script: Iterable[Sequence[Person]] = ()) -> None:
        self._script = iter(script)
        self._people: tuple[Person, ...] = ()
        self.calls = 0

    def detect(self, frame_bgr: Image) -> tuple[Person, ...]:  # noqa: ARG002 - the Protocol's signature
        self.calls += 1
        self._people = tuple(next(self._script, self._people))
        return self._people
