"""The simulated home's camera: an empty drawn room, into which the simulation plays recorded clips in real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.errors import BadInput
from robot.vision.camera import Frame, open_video, video_rate_hz
from robot.vision.pose import Image

WIDTH_PX, HEIGHT_PX = 640, 480
NOISE_LEVELS = 2.0  # of 255: a lit room on a cheap sensor; a real camera never repeats itself exactly
NOISE_SHIFTS_PX = 32


class RoomCamera:
    """A simulated camera: each frame is the room as of the moment it is asked for.

    `show` may be called from any thread. `now` gives Unix time; a test brings its own.
    """

    def __init__(self, now: Callable[[], float] = time.time, seed: int = 1) -> None:
        self._now = now
        self._random = np.random.default_rng(seed)
        self._empty = empty_room()
        self._noise: NDArray[np.int8] = np.zeros((0, 0, 3), np.int8)
        self._clip: _Clip | None = None
        self._started_at_s = 0.0
        self._hold = True
        self._lock = threading.Lock()

    def show(self, path: Path | None, started_at_s: float, hold: bool = True) -> None:
        """Play a clip that began at `started_at_s` (Unix time); None is the empty room. Raises BadInput.

        A camera that (re)starts late enters the clip where it is by then. After the end the last frame stays, unless
        `hold` is False: then the room is empty again.
        """
        clip = _Clip(path) if path is not None else None
        with self._lock:
            old, self._clip = self._clip, clip
            self._started_at_s, self._hold = started_at_s, hold
            if old is not None:
                old.close()

    def frames(self) -> Generator[Frame, None, None]:
        while True:
            now_at_s = self._now()
            yield Frame(self._noisy(self._picture(now_at_s)), now_at_s)

    def _picture(self, now_at_s: float) -> Image:
        with self._lock:
            if self._clip is None:
                return self._empty
            picture = self._clip.at(now_at_s - self._started_at_s)
            return self._empty if self._clip.ended and not self._hold else picture

    def _noisy(self, picture: Image) -> Image:
        height, width = picture.shape[:2]
        if self._noise.shape[0] != height + NOISE_SHIFTS_PX or self._noise.shape[1] != width + NOISE_SHIFTS_PX:
            shape = (height + NOISE_SHIFTS_PX, width + NOISE_SHIFTS_PX, 3)
            self._noise = np.rint(self._random.normal(0, NOISE_LEVELS, shape)).astype(np.int8)
        y, x = self._random.integers(0, NOISE_SHIFTS_PX, 2)  # shifting one field is cheaper than drawing a new one
        return np.asarray(cv2.add(picture, self._noise[y : y + height, x : x + width], dtype=cv2.CV_8U), np.uint8)


class _Clip:
    """A video that is read forwards; `at` gives the frame of a moment, and the last one after the end."""

    def __init__(self, path: Path) -> None:
        self._capture: Any = open_video(path)
        self._rate_hz = video_rate_hz(self._capture)
        self._read = 0
        self.ended = False
        ok, first = self._capture.read()
        if not ok:
            self._capture.release()
            raise BadInput(f"{path} has no pictures: give a video file that plays")
        self._last: Image = first

    def at(self, position_s: float) -> Image:
        while not self.ended and self._read < int(position_s * self._rate_hz):
            ok, picture = self._capture.read()
            if ok:
                self._last = picture
                self._read += 1
            else:
                self.close()
        return self._last

    def close(self) -> None:
        self.ended = True
        self._capture.release()


def empty_room() -> Image:
    """A drawn room (480 x 640 x 3): window, wooden floor, a bed on the right, a chair on the left; nobody in it."""
    room: Image = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    room[:300] = (196, 206, 210)
    room[300:] = (96, 128, 158)
    for row, y in enumerate(range(300, HEIGHT_PX, 22)):
        cv2.line(room, (0, y), (WIDTH_PX, y), (84, 114, 142), 1)
        for x in range((row % 2) * 60, WIDTH_PX, 120):
            cv2.line(room, (x, y), (x, y + 22), (84, 114, 142), 1)
    cv2.rectangle(room, (0, 292), (WIDTH_PX, 302), (150, 160, 165), -1)
    cv2.rectangle(room, (250, 60), (360, 180), (235, 220, 190), -1)
    cv2.rectangle(room, (250, 60), (360, 180), (120, 130, 140), 5)
    cv2.line(room, (305, 60), (305, 180), (120, 130, 140), 4)
    mattress = np.array([(430, 300), (640, 300), (640, 390), (405, 390)])
    cv2.fillPoly(room, [mattress], (200, 190, 225))
    cv2.rectangle(room, (405, 390), (640, 425), (70, 85, 120), -1)
    cv2.ellipse(room, (600, 312), (38, 16), 0, 0, 360, (240, 240, 245), -1)
    cv2.rectangle(room, (396, 262), (410, 430), (60, 75, 105), -1)
    for left, top, right, bottom in ((60, 330, 130, 345), (58, 240, 70, 345), (62, 345, 70, 410), (120, 345, 128, 410)):
        cv2.rectangle(room, (left, top), (right, bottom), (50, 70, 110), -1)
    return np.asarray(cv2.GaussianBlur(room, (3, 3), 0), np.uint8)
