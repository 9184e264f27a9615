"""MoveNet MultiPose Lightning on LiteRT: the watcher's first engine.

The model takes a picture with sides in steps of 32 and returns six people as rows of 56 numbers: 17 times (y, x,
score), a box (top, left, bottom, right), and a score, places in fractions of the picture. 256 x 192 px (a 4:3 camera)
costs 11-21 ms of one core (models/vision/README.md).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.errors import BadConfiguration, MissingPart
from robot.quiet import quiet_stderr
from robot.vision.pose import KEYPOINT_COUNT, Box, Image, Keypoint, Person, PoseEngine

INPUT_WIDTH_PX = 256
INPUT_HEIGHT_PX = 192
MIN_PERSON_SCORE = 0.18  # below it MoveNet sees people in curtains; development figure of the prototype
ENGINES = ("litert", "opencv")
MODEL_SHA256 = "d4489f89e6bd6777a8b9a1a16189832131f84ff90d82fae729e670b84d7948dd"  # as models/fetch_movenet.py has it


def default_model_path() -> Path:
    """Where set-up puts the model: `HANI_HOME` or the checkout's `.hani`."""
    home = os.environ.get("HANI_HOME") or Path(__file__).resolve().parents[2] / ".hani"
    return Path(home) / "models" / "movenet" / "movenet.tflite"


def load_engine(name: str = "litert", model: Path | None = None) -> PoseEngine:
    """The engine of that name ("litert" or "opencv"); raises MissingPart, BadConfiguration."""
    path = model or default_model_path()
    if name == "litert":
        return LiteRtEngine(path)
    if name == "opencv":
        from robot.vision.movenet_opencv import OpenCvEngine

        return OpenCvEngine(path)
    raise BadConfiguration(f"pose engine {name!r} is not known: choose one of {', '.join(ENGINES)}")


def read_model(path: Path) -> bytes:
    """The model file, the very one that the rules and the OpenCV engine were made for; raises MissingPart."""
    try:
        content = path.read_bytes()
    except OSError:
        raise MissingPart(f"the pose model {path} is missing: run `python -m models.fetch_movenet`") from None
    if hashlib.sha256(content).hexdigest() != MODEL_SHA256:
        raise MissingPart(f"{path} is not the expected pose model: run `python -m models.fetch_movenet`")
    return content


class Letterbox:
    """The frame as the model wants it (192 x 256 x 3, RGB, uint8), its shape kept, the rest black; and the way back."""

    def __init__(self, frame_bgr: Image) -> None:
        height, width = frame_bgr.shape[:2]
        scale = min(INPUT_WIDTH_PX / width, INPUT_HEIGHT_PX / height)
        inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(frame_bgr, (inner_width, inner_height), interpolation=cv2.INTER_LINEAR)
        self.rgb: Image = np.zeros((INPUT_HEIGHT_PX, INPUT_WIDTH_PX, 3), np.uint8)
        self.rgb[:inner_height, :inner_width] = small[:, :, ::-1]
        self._x_px = INPUT_WIDTH_PX * width / inner_width
        self._y_px = INPUT_HEIGHT_PX * height / inner_height

    def people(self, rows: NDArray[np.float32]) -> tuple[Person, ...]:
        """Rows of the model (n x 56) as people in the frame's pixels, the surest first."""
        sure = sorted((row for row in rows if row[55] >= MIN_PERSON_SCORE), key=lambda row: -float(row[55]))
        return tuple(self._person(row) for row in sure)

    def _person(self, row: NDArray[np.float32]) -> Person:
        joints = row[: 3 * KEYPOINT_COUNT].reshape(KEYPOINT_COUNT, 3).tolist()
        top, left, bottom, right = row[51:55].tolist()
        return Person(
            keypoints=tuple(Keypoint(x * self._x_px, y * self._y_px, score) for y, x, score in joints),
            box=Box(left * self._x_px, top * self._y_px, right * self._x_px, bottom * self._y_px),
            score=float(row[55]),
        )


class LiteRtEngine:
    """MoveNet on one thread of LiteRT; raises MissingPart when the model or LiteRT is not there."""

    name = "litert"

    def __init__(self, model: Path) -> None:
        content = read_model(model)
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise MissingPart(f"LiteRT cannot be loaded ({error}): install ai-edge-litert, or choose opencv") from None
        with quiet_stderr():  # LiteRT greets
            self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
            self._input = self._interpreter.get_input_details()[0]["index"]
            self._output = self._interpreter.get_output_details()[0]["index"]
            self._interpreter.resize_tensor_input(self._input, [1, INPUT_HEIGHT_PX, INPUT_WIDTH_PX, 3])
            self._interpreter.allocate_tensors()
        cv2.setNumThreads(1)  # resizing one picture is not worth waking the other cores

    def detect(self, frame_bgr: Image) -> tuple[Person, ...]:
        picture = Letterbox(frame_bgr)
        self._interpreter.set_tensor(self._input, picture.rgb[np.newaxis])
        self._interpreter.invoke()
        return picture.people(self._interpreter.get_tensor(self._output)[0])
