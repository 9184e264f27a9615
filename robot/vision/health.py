"""Is the camera still an eye? Pure. A camera that shows nothing is a fault, never a quiet room."""

from __future__ import annotations

import numpy as np

from robot.vision.pose import Image

SILENT_AFTER_S = 5.0  # ten frames of the quiet rate
BLACK_AFTER_S = 5.0  # longer than a light switched off and on, or an exposure adapting
BLACK_LEVEL = 10.0  # of 255, mean: a covered lens or a dark room without infrared; both cannot see a fall
FROZEN_AFTER_S = 30.0  # sensor noise makes even two frames differ; compressed streams may repeat a still room longer
SAMPLE_EVERY_PX = 8


class CameraHealth:
    """Takes every frame by `saw`; `fault` says what is wrong now. All times are on one steady clock, in seconds."""

    def __init__(self, started_at_s: float) -> None:
        self._seen_at_s = started_at_s
        self._bright_at_s = started_at_s
        self._changed_at_s = started_at_s
        self._sample: Image | None = None

    def saw(self, image: Image, at_s: float) -> None:
        """Take a frame (H x W x 3, uint8)."""
        if at_s - self._seen_at_s > SILENT_AFTER_S:
            self._bright_at_s = self._changed_at_s = at_s  # after a silence the other faults start counting anew
        self._seen_at_s = at_s
        sample = image[::SAMPLE_EVERY_PX, ::SAMPLE_EVERY_PX].copy()
        if float(sample.mean()) > BLACK_LEVEL:
            self._bright_at_s = at_s
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._changed_at_s = at_s
        self._sample = sample

    def fault(self, now_s: float) -> str | None:
        """One line for the caregiver, or None while the camera sees."""
        if now_s - self._seen_at_s > SILENT_AFTER_S:
            return "the camera delivers no pictures: check its cable and power"
        if now_s - self._bright_at_s > BLACK_AFTER_S:
            return "the camera sees only black: check that it is not covered and that a light is on"
        if now_s - self._changed_at_s > FROZEN_AFTER_S:
            return "the camera's picture is frozen: unplug it and plug it in again"
        return None
