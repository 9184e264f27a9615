"""The real model: both engines agree, and find people where people are."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest

from models import fetch_movenet
from robot.errors import BadConfiguration, MissingPart
from robot.vision import movenet
from robot.vision.camera import FileCamera
from robot.vision.movenet import load_engine
from robot.vision.room import empty_room

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def opencv(engine):
    return load_engine("opencv")


def frames_of(path, every=15):
    return [frame.image for frame in islice(FileCamera(path).frames(), 0, None, every)]


@pytest.mark.parametrize("clip", ["fall.mp4", "fall_2.mp4", "everyday.mp4"])
def test_both_engines_see_the_same_people(engine, opencv, clips, clip):
    """Parity to a hundredth of a pixel: an engine may be wrong without any error, so numbers are compared."""
    compared = 0
    for image in frames_of(clips / clip):
        first, second = engine.detect(image), opencv.detect(image)
        assert len(first) == len(second)
        compared += len(first)
        for one, other in zip(first, second, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-3)
            np.testing.assert_allclose(np.array(one.keypoints), np.array(other.keypoints), atol=0.01)
            np.testing.assert_allclose(np.array(one.box), np.array(other.box), atol=0.01)
    assert compared >= 5


def test_nobody_is_seen_in_an_empty_room(engine):
    assert engine.detect(empty_room()) == ()


@pytest.mark.parametrize("shape", [(360, 640), (640, 360), (480, 640), (240, 320)])
def test_people_are_where_they_are_in_any_shape_of_frame(engine, clips, shape):
    """The frame's shape is kept and the way back is right: black around the picture moves nobody."""
    image = frames_of(clips / "fall.mp4")[0]
    whole = engine.detect(image)[0]
    scale = min(shape[0] / 480, shape[1] / 640)
    small = cv2.resize(image, (int(640 * scale), int(480 * scale)))
    padded = np.zeros((*shape, 3), np.uint8)
    padded[: small.shape[0], : small.shape[1]] = small
    found = engine.detect(padded)[0]
    middle = [np.mean([(j.x_px, j.y_px) for j in p.keypoints if j.score > 0.3], axis=0) for p in (whole, found)]
    np.testing.assert_allclose(middle[1], middle[0] * scale, atol=25 * scale)


def test_a_missing_model_says_how_to_bring_it(tmp_path):
    for name in ("litert", "opencv"):
        with pytest.raises(MissingPart, match=r"python -m models\.fetch_movenet"):
            load_engine(name, tmp_path / "movenet.tflite")


def test_a_broken_model_says_how_to_bring_a_whole_one(tmp_path):
    path = tmp_path / "movenet.tflite"
    path.write_bytes(b"half a model")
    for name in ("litert", "opencv"):
        with pytest.raises(MissingPart, match=r"python -m models\.fetch_movenet"):
            load_engine(name, path)


def test_the_fetched_model_is_the_expected_one():
    assert movenet.MODEL_SHA256 == fetch_movenet.MODEL_SHA256


def test_an_unknown_engine_is_named():
    with pytest.raises(BadConfiguration, match="tensorrt"):
        load_engine("tensorrt")
