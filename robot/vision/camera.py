"""Cameras: where frames come from. No frame is written or sent anywhere."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when OpenCV opens FFmpeg: faults are told by our errors
import cv2

from robot.errors import BadInput, DeviceFault
from robot.vision.pose import Image

SHORT_BY_S = 1.0  # a file that ends so much before its header says is broken,
SHORT_BY_SHARE = 0.05  # and by such a share: a longer sound track is no fault
MAX_FRAMES = 10_000_000  # a header that claims more does not know
FASTEST_HZ = 250.0  # the slow motion of a telephone is 240, give or take
WANTED_SIZE_PX = (640, 480)  # asked of a device, which may give another


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture (H x W x 3, BGR, uint8). `at_s` is Unix time; for a video file, seconds from its beginning.

    `waited_s` is how long the camera let one wait for it.
    """

    image: Image
    at_s: float
    waited_s: float = 0.0


class Camera(Protocol):
    """Delivers frames, each as of the moment it is asked for; the caller sets the pace by asking."""

    def frames(self) -> Generator[Frame, None, None]:
        """The frames, until the end of a file or for ever; closing it releases the device.

        Raises DeviceFault, BadInput.
        """
        ...


class DeviceCamera:
    """A camera of this machine: an index (0 is the first) or a device path such as /dev/video0."""

    STALE_FRAMES = 4  # as many as V4L2 keeps; a caller at 2 frames a second would otherwise see the past
    FRESH_AFTER_S = 0.004  # a grab that had to wait so long brought a new frame

    def __init__(self, device: int | str, now: Callable[[], float] = time.time) -> None:
        self._device = device
        self._now = now

    def frames(self) -> Generator[Frame, None, None]:
        _quiet_opencv()
        capture: Any = cv2.VideoCapture(self._device)
        try:
            if not capture.isOpened():
                raise DeviceFault(f"camera {self._device} does not open: check that it is plugged in and not in use")
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, WANTED_SIZE_PX[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, WANTED_SIZE_PX[1])
            while True:
                asked_at_s = time.perf_counter()
                self._skip_stale(capture)
                ok, image = capture.retrieve()
                if not ok or image is None:
                    raise DeviceFault(f"camera {self._device} stopped delivering: check its cable")
                yield Frame(image, self._now(), time.perf_counter() - asked_at_s)
        except cv2.error:
            raise DeviceFault(f"camera {self._device} delivers no pictures: unplug it and plug it in again") from None
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

    def frames(self) -> Generator[Frame, None, None]:
        capture = open_video(self._path)
        try:
            clock, at_s, read, began_s = _FileClock(1 / video_rate_hz(capture)), 0.0, 0, 0.0
            while True:
                ok, image = capture.read()
                if not ok or image is None:
                    break
                at_s = clock.next_s(float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000)
                began_s = _began_s(capture) if read == 0 else began_s
                yield Frame(image, at_s)
                read += 1
            self._check(read, at_s, _length_s(capture, read), began_s)
        except cv2.error:
            raise BadInput(f"{self._path} cannot be decoded: give an .mp4 or .avi file that plays") from None
        finally:
            capture.release()

    def _check(self, read: int, at_s: float, length_s: float, began_s: float) -> None:
        """Raises BadInput when the pictures that were read, the last at `at_s`, are not what the file claims."""
        if read == 0:
            raise BadInput(f"{self._path} has no pictures: give a video file that plays")
        if read - 1 > FASTEST_HZ * at_s:
            rate_hz = (read - 1) / at_s
            raise BadInput(f"{self._path} claims {rate_hz:.0f} pictures a second: give it its true frame rate")
        if began_s < length_s:  # else its times do not count from its beginning
            length_s -= began_s
        if length_s - at_s > max(SHORT_BY_S, SHORT_BY_SHARE * length_s):
            raise BadInput(f"{self._path} breaks off after {at_s:.1f} s: give a whole video file")


class _FileClock:
    """A file's own time of each picture, counted from the first; by the frame rate where the file does not tell."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._first_s: float | None = None
        self._last_s = -period_s

    def next_s(self, told_s: float) -> float:
        if not math.isfinite(told_s) or told_s < 0:
            told_s = 0.0
        self._first_s = told_s if self._first_s is None else self._first_s
        at_s = told_s - self._first_s
        self._last_s = at_s if at_s > self._last_s else self._last_s + self._period_s
        return self._last_s


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
    return rate_hz if 1.0 <= rate_hz <= FASTEST_HZ else 30.0


def _began_s(capture: Any) -> float:
    """How long after the beginning of a file its first picture comes, when that was just read.

    OpenCV counts the time of a picture from the first one, but the length from the beginning.
    """
    rate_hz, first = float(capture.get(cv2.CAP_PROP_FPS)), float(capture.get(cv2.CAP_PROP_PTS))
    return first / rate_hz if 0.0 < first < math.inf and 0.0 < rate_hz < math.inf else 0.0


def _length_s(capture: Any, read: int) -> float:
    """How long a video claims to be; 0.0 when it claims no more pictures than were read, or nonsense.

    OpenCV reckons the count from length and rate where the file has none (Matroska, WebM): only both together tell the
    length, also where the rate is the 1000 of a file whose pictures come unevenly.
    """
    rate_hz, count = float(capture.get(cv2.CAP_PROP_FPS)), float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return count / rate_hz if read < count < MAX_FRAMES and 0.0 < rate_hz < math.inf else 0.0


def _quiet_opencv() -> None:
    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_SILENT
    )  # OpenCV's own complaints on stderr would double our one line
