"""What a camera sees from frame to frame, ten a second, and what the detector tells of it."""

from __future__ import annotations

from robot.messages import FallEvent
from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.pose import Box, Keypoint, Person
from robot.vision.zones import NO_ZONES, Zones

from .skeletons import FRAME_PX, STAND, person

Frames = list[list[Person]]
UP_PX = 90.0  # further back in the room, away from the picture's lower edge


def watch(
    frames: Frames, bed: bool | None = None, zones: Zones = NO_ZONES, detector: FallDetector | None = None
) -> list[str]:
    detector, events = detector or FallDetector(zones=zones), list[FallEvent]()
    for n, people in enumerate(frames):
        events += detector.step(people, FrameInfo(n / 10, 1000 + n / 10, *FRAME_PX, 130.0), bed)
    return [event.reason.value for event in events]


def back(figure: Person) -> list[Person]:
    joints = tuple(Keypoint(j.x_px, j.y_px - UP_PX, j.score) for j in figure.keypoints)
    return [Person(joints, Box(0, 0, 1, 1), figure.score)]


def walks(start_px: float, end_px: float, height_px: float = 220.0, seconds: float = 4.0) -> Frames:
    count = round(10 * seconds)
    return [back(person(STAND, start_px + (end_px - start_px) * n / count, height_px)) for n in range(count)]


def nobody(seconds: float) -> Frames:
    return [[] for _ in range(round(10 * seconds))]
