"""Clips as other cameras would have shown them."""

from __future__ import annotations

import numpy as np
import pytest

from robot.vision.camera import Frame
from robot.vision.variants import CHANGES, EVERY, changed

pytestmark = pytest.mark.unit

IMAGE = np.random.default_rng(3).integers(0, 256, (48, 64, 3)).astype(np.uint8)
FRAMES = [Frame(IMAGE, n / 30) for n in range(7)]


@pytest.mark.parametrize("name", CHANGES)
def test_another_camera_shows_another_picture_of_the_same_size_and_time(name: str) -> None:
    shown = list(changed(FRAMES, name))
    assert [frame.at_s for frame in shown] == [frame.at_s for frame in FRAMES]
    assert all(frame.image.shape == IMAGE.shape and frame.image.dtype == np.uint8 for frame in shown)
    assert not np.array_equal(shown[0].image, IMAGE)


def test_a_slow_camera_leaves_frames_out_and_the_unnamed_none() -> None:
    assert [frame.at_s for frame in changed(FRAMES, "every 4th frame")] == [FRAMES[0].at_s, FRAMES[4].at_s]
    assert list(changed(FRAMES, "")) == FRAMES
    assert min(EVERY.values()) > 1


def test_twice_mirrored_is_as_it_was() -> None:
    twice = list(changed(changed(FRAMES, "mirrored"), "mirrored"))
    assert np.array_equal(twice[2].image, IMAGE)


def test_farther_away_the_middle_stays_and_the_rest_is_smaller() -> None:
    image = np.full((100, 100, 3), 200, np.uint8)
    image[45:55, 45:55] = 10
    (shown,) = changed([Frame(image, 0.0)], "far (0.5)")
    dark = (shown.image[:, :, 0] < 60).nonzero()
    assert np.ptp(dark[0]) == pytest.approx(4, abs=2)
    assert dark[0].mean() == pytest.approx(50, abs=1.5)
    assert shown.image[2, 2, 0] == 90
