"""Seeing in poor light: calm a sensor's noise, brighten what is dark, and know when nothing can be seen.

Pure, numpy and OpenCV only.
"""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np

from robot.vision.movenet import INPUT_WIDTH_PX
from robot.vision.pose import Image

NIGHT_LEVEL = 20.0  # of 255, mean: below it brightening finds more people; measured, see models/vision/README.md
WANTED_LEVEL = 110.0  # an ordinary lit room
STEEPEST_GAMMA = 3.0
SAMPLE_EVERY_PX = 8
NOISE_LEFT_SHARE = 0.035  # of the mean level: with more noise than this who lies is lost; models/vision/README.md
_RUN_PX = 16
_QUIETEST_PERCENT = 25
_BEND_BY_NOISE = 1.65  # the quietest quarter's mean second difference for noise of one level; measured on the clips


def brightness_of(frame_bgr: Image) -> float:
    """The mean level of a frame, 0..255, from every eighth pixel of every eighth row."""
    return float(frame_bgr[::SAMPLE_EVERY_PX, ::SAMPLE_EVERY_PX].mean())


def noise_of(frame_bgr: Image) -> float:
    """The sensor's noise (standard deviation, levels of 255), as it shows where the picture is smoothest.

    From the second differences along every eighth row: edges and slopes are left aside with the busier three quarters
    of the stretches of 16 pixels. Compressed video without noise gives 0 to 0.7; 0 for a frame narrower than a stretch.
    """
    rows = frame_bgr[::SAMPLE_EVERY_PX, :, 1].astype(np.int16)
    bends = np.abs(rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:])
    stretches = bends[:, : bends.shape[1] // _RUN_PX * _RUN_PX].reshape(-1, _RUN_PX)
    if not len(stretches):
        return 0.0
    return float(np.percentile(stretches.mean(axis=1), _QUIETEST_PERCENT)) / _BEND_BY_NOISE


def enhanced(frame_bgr: Image, brightness: float) -> Image:
    """The frame itself in good light; a smoothed copy if it is noisy, a brightened one in poor light."""
    side_px = _averaged_px(frame_bgr, brightness)
    calm = frame_bgr if side_px == 1 else np.asarray(cv2.blur(frame_bgr, (side_px, side_px)), np.uint8)
    return brightened(calm, brightness)


def brightened(picture: Image, brightness: float) -> Image:
    """The picture (any shape, uint8) itself unless its frame's mean level is low; then a lighter copy."""
    if brightness >= NIGHT_LEVEL:
        return picture
    return np.asarray(cv2.LUT(picture, _gamma(_gamma_for(brightness))), np.uint8)


def _averaged_px(frame_bgr: Image, brightness: float) -> int:
    """The side of the squares (odd) over which noise is averaged: `NOISE_LEFT_SHARE` is left, or two of the model's
    pixels are averaged.
    """
    wanted_px = noise_of(frame_bgr) / (NOISE_LEFT_SHARE * max(brightness, 1.0))
    most_px = 2 * frame_bgr.shape[1] / INPUT_WIDTH_PX
    return 1 + 2 * min(math.ceil((wanted_px - 1) / 2), max(0, int((most_px - 1) / 2)))


def _gamma_for(brightness: float) -> float:
    """The exponent that lifts the mean to `WANTED_LEVEL`, in steps of a tenth."""
    share = np.log(WANTED_LEVEL / 255) / np.log(max(brightness, 1.0) / 255)
    return round(float(np.clip(1 / share, 1.0, STEEPEST_GAMMA)), 1)


@cache
def _gamma(gamma: float) -> Image:
    levels = np.arange(256) / 255
    return np.asarray(np.rint(255 * levels ** (1 / gamma)), np.uint8)
