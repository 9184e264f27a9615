"""The same clip as another camera would have shown it: mirrored, farther, crooked, dark, poorly compressed. Pure.

A watcher that was developed on a few clips may have learnt their pixels; what it finds should not depend on these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.vision.camera import Frame
from robot.vision.pose import Image

Change = Callable[[Image], Image]
"""Takes a picture (H x W x 3, uint8); returns another of the same size."""

GREY = (90, 90, 90)
_SMALL_PX, _JPEG_QUALITY = (320, 240), 25


def warped(
    turn_deg: float = 0.0, wide: float = 1.0, high: float = 1.0, right: float = 0.0, down: float = 0.0
) -> Change:
    """Turned and scaled about the middle, then moved by shares of the picture; what lies beyond it is grey."""

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        middle = np.array([width / 2, height / 2])
        angle = np.radians(turn_deg)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * [[wide], [high]]
        matrix = np.column_stack([turn, middle - turn @ middle + (right * width, down * height)])
        return _picture(cv2.warpAffine(image, matrix, (width, height), borderValue=GREY))

    return change


def _picture(values: NDArray[Any]) -> Image:
    return np.clip(values, 0, 255).astype(np.uint8)


def _mirrored(image: Image) -> Image:
    return _picture(cv2.flip(image, 1))


def _noisy(light: float, levels: float) -> Change:
    """At this share of its light, with a cheap sensor's noise (standard deviation)."""

    def change(image: Image) -> Image:
        noise = np.random.default_rng(int(image.sum())).normal(0.0, levels, image.shape)
        return _picture(image * light + noise)

    return change


def _compressed(image: Image) -> Image:
    height, width = image.shape[:2]
    _, data = cv2.imencode(".jpg", cv2.resize(image, _SMALL_PX), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    small = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return _picture(cv2.resize(small, (width, height)))


def _colourless(image: Image) -> Image:
    return _picture(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))


CHANGES: Mapping[str, Change] = {
    "mirrored": _mirrored,
    "farther (0.7)": warped(wide=0.7, high=0.7),
    "far (0.5)": warped(wide=0.5, high=0.5),
    "nearer (1.2)": warped(wide=1.2, high=1.2),
    "turned by 5 deg": warped(5.0, 1.05, 1.05),
    "turned by -5 deg": warped(-5.0, 1.05, 1.05),
    "lower (0.8)": warped(high=0.8),
    "narrower (0.8)": warped(wide=0.8),
    "without colour": _colourless,
    "noisy": _noisy(1.0, 6.0),
    "half the light, noisy": _noisy(0.5, 5.0),
    "dim and noisy": _noisy(0.3, 4.0),  # a lamp in the evening
    "night, noisy": _noisy(0.12, 2.0),
    "320 x 240, JPEG 25": _compressed,
}
EVERY: Mapping[str, int] = {"every 2nd frame": 2, "every 4th frame": 4, "every 6th frame": 6}


def changed(frames: Iterable[Frame], name: str) -> Iterator[Frame]:
    """The frames of a clip as the variant `name` of `CHANGES` or `EVERY` shows them."""
    change, every = CHANGES.get(name), EVERY.get(name, 1)
    for number, frame in enumerate(frames):
        if number % every == 0:
            yield frame if change is None else Frame(change(frame.image), frame.at_s)
