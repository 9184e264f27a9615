"""Cameras: where frames come from. No frame is written or sent anywhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when OpenCV opens FFmpeg: faults are told by our errors
import cv2

from robot.errors import BadInput, DeviceFault
from robot.vision.pose import Image

SHORT_BY_S = 1.0  # a file that ends so much before its header says is broken


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture (H x W x 3, BGR, uint8). `at_s` is Unix time; for a video file, seconds from its beginning."""

    image: Image
    at_s: float


class Camera(Protocol):
    """Delivers frames, each as of the moment it is asked for; the caller sets the pace by asking."""

    def frames(self) -> Iterator[Frame]:
        """The frames, until the end of a file or for ever; raises DeviceFault or BadInput."""
        ...


class DeviceCamera:
    """A camera of this machine: an index (0 is the first) or a device path such as /dev/video0."""

    STALE_FRAMES = 4  # as many as V4L2 keeps; a caller at 2 frames a second would otherwise see the past
    FRESH_AFTER_S = 0.004  # a grab that had to wait so long brought a new frame

    def __init__(self, device: int | str, now: Callable[[], float] = time.time) -> None:
        self._device = device
        self._now = now

    def frames(self) -> Iterator[Frame]:
        _quiet_opencv()
        capture: Any = cv2.VideoCapture(self._device)
        try:
            if not capture.isOpened():
                raise DeviceFault(f"camera {self._device} does not open: check that it is plugged in and not in use")
            while True:
                self._skip_stale(capture)
                ok, image = capture.retrieve()
                if not ok:
                    raise DeviceFault(f"camera {self._device} stopped delivering: check its cable")
                yield Frame(image, self._now())
        finally:
            capture.release()

    def _skip_stale(self, capture: Any) -> None:
        for _ in range(self.STALE_FRAMES + 1):
            asked_at_s = time.perf_counter()
            if not capture.grab():
                raise DeviceFault(f"camera {self._device} stopped delivering: check its cable")
            if time.perf_counter() - asked_at_s > self.FRESH_AFTER_S:
                return


class FileCamera:
    """A video file, as fast as it can be read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def frames(self) -> Iterator[Frame]:
        capture = open_video(self._path)
        try:
            rate_hz, count = video_rate_hz(capture), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            read = 0
            while True:
                ok, image = capture.read()
                if not ok:
                    break
                yield Frame(image, read / rate_hz)
                read += 1
            if read == 0 or (count - read) / rate_hz > SHORT_BY_S:
                raise BadInput(f"{self._path} breaks off after {read / rate_hz:.1f} s: give a whole video file")
        finally:
            capture.release()


def open_video(path: Path) -> Any:
    """A cv2.VideoCapture on a file; raises BadInput."""
    _quiet_opencv()
    if not path.is_file():
        raise BadInput(f"{path} is not there: give the path of a video file")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise BadInput(f"{path} cannot be read as a video: give an .mp4 or .avi file that plays")
    return capture


def video_rate_hz(capture: Any) -> float:
    """The frame rate that a video claims; 30 when it claims nonsense."""
    rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
    return rate_hz if 1.0 <= rate_hz <= 240.0 else 30.0


def _quiet_opencv() -> None:
    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_SILENT
    )  # OpenCV's own complaints on stderr would double our one line
