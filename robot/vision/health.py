"""Is the camera still an eye? Pure. A camera that shows nothing is a fault, never a quiet room.

Every fault is found within five seconds: four to be sure, and what the caller takes to ask. A camera that gives less
than one picture in two seconds may take as long as three pictures. Pictures may come on another thread than questions.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from statistics import fmean, median_low

import numpy as np

from robot.vision.night import brightness_of
from robot.vision.pose import Image

SURE_AFTER_S = 4.0  # longer than a light switched off and on, or an exposure adapting
DARK_LEVEL = 8.0  # of 255, mean; measured, see models/vision/README.md: below it, people are no longer found
SLOW_WAIT_S = 0.12  # mean wait for a fresh picture: a camera of 15 a second lets one wait 0.03 s, of 4 a second 0.125 s
SLOW_PICTURES = 4  # so many waits before their mean counts
BLIND_WAIT_S = 0.45  # usual wait: below about two pictures a second; the rules still work at five
MIN_WIDTH_PX, MIN_HEIGHT_PX = 160, 120  # smaller pictures show nobody who is not close
SHAPE_SLACK = 0.02  # of width by height; the zones were drawn on that shape
SAMPLE_EVERY_PX = 8


@dataclass(frozen=True, slots=True)
class Fault:
    """`key` is for logs and texts, `text` one line for the caregiver."""

    key: str
    text: str


SILENT = Fault("camera_silent", "the camera delivers no pictures: check its cable and power")
DARK = Fault("camera_dark", "the camera cannot see: it is too dark, or the lens is covered; put a light on")
FROZEN = Fault("camera_frozen", "the camera's picture is frozen: unplug it and plug it in again")
SLOW = Fault("camera_slow", "the camera is too slow to see a fall: put a light on, or check its cable")
SLOWISH = Fault("camera_slowish", "the camera is slow, a fall may be seen late: put a light on, or check its cable")
SIZE = Fault("camera_size", "the camera's picture has another shape: check its settings, then draw the zones again")


class CameraHealth:
    """Takes every frame by `saw`; `fault` says what blinds it now, `warning` what it sees worse by.

    All times are on one steady clock, in seconds.

    `shape` is width by height of the picture that the zones were drawn on; without one, the first picture's counts.
    """

    def __init__(self, started_at_s: float, shape: float | None = None) -> None:
        self._shape = shape
        self._seen_at_s = self._lit_at_s = self._changed_at_s = self._fits_at_s = started_at_s
        self._waits: deque[tuple[float, float]] = deque()
        self._waits_lock = threading.Lock()
        self._sample: Image | None = None
        self._started_at_s = started_at_s

    def saw(self, image: Image, at_s: float, waited_s: float = 0.0) -> bool:
        """Take a frame for which one had to wait `waited_s`; returns whether it can be used at all."""
        if at_s - self._seen_at_s > SURE_AFTER_S:
            self._lit_at_s = self._changed_at_s = self._fits_at_s = at_s  # after a silence the others count anew
            with self._waits_lock:
                self._waits.clear()
        self._seen_at_s = at_s
        with self._waits_lock:
            self._waits.append((at_s, waited_s))
            while at_s - self._waits[0][0] > SURE_AFTER_S:
                self._waits.popleft()
        if not _is_picture(image):
            return False
        if self._fits(image):
            self._fits_at_s = at_s
        if brightness_of(image) > DARK_LEVEL:
            self._lit_at_s = at_s
        sample = image[::SAMPLE_EVERY_PX, ::SAMPLE_EVERY_PX].copy()
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._changed_at_s = at_s
        self._sample = sample
        return True

    def fault(self, now_s: float) -> Fault | None:
        """What is wrong now, the worst first; None while the camera sees."""
        for since_s, fault in (
            (self._seen_at_s, SILENT),
            (self._fits_at_s, SIZE),
            (self._lit_at_s, DARK),
            (self._changed_at_s, FROZEN),
        ):
            if now_s - since_s > SURE_AFTER_S:
                return fault
        waits = self._lately(now_s)
        # the usual wait, not the mean: one long stutter among good pictures is none
        return SLOW if len(waits) >= 2 and median_low(waits) > BLIND_WAIT_S else None

    def warning(self, now_s: float) -> Fault | None:
        """What the camera sees worse by, while nothing blinds it: no reason to say that the room is not seen."""
        waits = self._lately(now_s)
        slow = len(waits) >= SLOW_PICTURES and fmean(waits) > SLOW_WAIT_S
        return SLOWISH if slow and self.fault(now_s) is None else None

    def _fits(self, image: Image) -> bool:
        height, width = image.shape[:2]
        if self._shape is None:
            self._shape = width / height
        return abs(width / height / self._shape - 1) <= SHAPE_SLACK

    def _lately(self, now_s: float) -> list[float]:
        """The waits of the last seconds; none while the camera is still starting."""
        if now_s - self._started_at_s < SURE_AFTER_S:
            return []
        with self._waits_lock:
            return [waited_s for _, waited_s in self._waits]


def _is_picture(image: Image) -> bool:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        return False
    return image.shape[0] >= MIN_HEIGHT_PX and image.shape[1] >= MIN_WIDTH_PX
