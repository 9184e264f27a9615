"""Seeing in poor light: brighten what is dark, and know when nothing can be seen. Pure, numpy and OpenCV only."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from robot.vision.pose import Image

NIGHT_LEVEL = 20.0  # of 255, mean: below it brightening finds more people; measured, see models/vision/README.md
WANTED_LEVEL = 110.0  # an ordinary lit room
STEEPEST_GAMMA = 3.0
SAMPLE_EVERY_PX = 8


def brightness_of(frame_bgr: Image) -> float:
    """The mean level of a frame, 0..255, from every eighth pixel of every eighth row."""
    return float(frame_bgr[::SAMPLE_EVERY_PX, ::SAMPLE_EVERY_PX].mean())


def enhanced(frame_bgr: Image, brightness: float) -> Image:
    """The frame itself in good light; a brightened copy in poor light."""
    if brightness >= NIGHT_LEVEL:
        return frame_bgr
    return np.asarray(cv2.LUT(frame_bgr, _gamma(_gamma_for(brightness))), np.uint8)


def _gamma_for(brightness: float) -> float:
    """The exponent that lifts the mean to `WANTED_LEVEL`, in steps of a tenth."""
    share = np.log(WANTED_LEVEL / 255) / np.log(max(brightness, 1.0) / 255)
    return round(float(np.clip(1 / share, 1.0, STEEPEST_GAMMA)), 1)


@cache
def _gamma(gamma: float) -> Image:
    levels = np.arange(256) / 255
    return np.asarray(np.rint(255 * levels ** (1 / gamma)), np.uint8)
