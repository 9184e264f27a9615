"""MoveNet MultiPose Lightning on OpenCV's own network runner: the watcher's second engine, and a check on the first.

OpenCV cannot read the whole model (it computes with shapes), so the network is cut at its six heads, its size fixed
to 256 x 192, and the rest, which turns heads into people, is written out here in numpy. The classic engine is asked
for by name: OpenCV 5.0's new one offers one head of six, and gave wrong numbers for a converted whole model without any
error. tests/unit/vision/test_movenet.py compares both engines on real frames.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.errors import MissingPart
from robot.vision.movenet import INPUT_HEIGHT_PX, INPUT_WIDTH_PX, Letterbox, read_model
from robot.vision.pose import KEYPOINT_COUNT, Image, Person

Floats = NDArray[np.float32]

PIXELS_PER_CELL = 4
ROWS, COLUMNS = INPUT_HEIGHT_PX // PIXELS_PER_CELL, INPUT_WIDTH_PX // PIXELS_PER_CELL
MAX_PEOPLE = 6
# tensor numbers in the model file, which is always the same (its sha256 is fixed in models/fetch_movenet.py)
NORMALISED = 198  # the picture as the first convolution takes it
HEADS = {"centre": 299, "offset": 288, "size": 291, "heat": 372, "joint_offset": 404, "joint_guess": 408}
UPSAMPLED = {267: (12, 16), 274: (24, 32), 281: (48, 64)}  # sizes that the model computes, for 256 x 192
# the model's own constants, read from the file
BRIGHTNESS = 127.5  # normalised is value / this - 1
PEAK_CELLS = 5  # a centre is the hottest cell of 5 x 5
PEAK_TOLERANCE = 1e-6
MIN_JOINT_SCORE = 0.127
REACH = 0.3  # how far a joint may be from its guess, in grid sides


class OpenCvEngine:
    """MoveNet on OpenCV; raises MissingPart when the model or the means to cut it are not there."""

    name = "opencv"

    def __init__(self, model: Path) -> None:
        heads = cut_at_heads(read_model(model))
        with tempfile.NamedTemporaryFile(suffix=".tflite") as file:  # from a buffer OpenCV ignores `engine`
            file.write(heads)
            file.flush()
            self._net = cv2.dnn.readNetFromTFLite(file.name, engine=cv2.dnn.ENGINE_CLASSIC)
        cv2.setNumThreads(1)

    def detect(self, frame_bgr: Image) -> tuple[Person, ...]:
        picture = Letterbox(frame_bgr)
        self._net.setInput(cv2.dnn.blobFromImage(picture.rgb, 1 / BRIGHTNESS, mean=(BRIGHTNESS,) * 3))
        outputs: Any = self._net.forward(list(HEADS))
        return picture.people(people_rows(dict(zip(HEADS, outputs, strict=True))))


def cut_at_heads(model: bytes) -> bytes:
    """The model up to its heads, for an input of 192 x 256 x 3; raises MissingPart."""
    try:
        import flatbuffers  # type: ignore[import-untyped]  # ships no types; one call
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise MissingPart(f"the model cannot be cut for OpenCV ({error}): install ai-edge-litert") from None
    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    graph = whole.subgraphs[0]
    for tensor, size in UPSAMPLED.items():
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.array(size, "<i4").tobytes(), np.uint8)
        whole.buffers.append(buffer)
        graph.tensors[tensor].buffer = len(whole.buffers) - 1
    for name, tensor in HEADS.items():
        graph.tensors[tensor].name = name.encode()
    graph.operators = _needed(graph.operators)
    graph.tensors[NORMALISED].shape = [1, INPUT_HEIGHT_PX, INPUT_WIDTH_PX, 3]
    graph.inputs, graph.outputs = [NORMALISED], list(HEADS.values())
    whole.signatureDefs = []
    builder = flatbuffers.Builder(len(model))
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _needed(operators: list[Any]) -> list[Any]:
    """The operators between the normalised picture and the heads, in their order."""
    wanted, given = set(HEADS.values()), {NORMALISED, *UPSAMPLED}
    kept = []
    for operator in reversed(operators):
        made = {int(tensor) for tensor in operator.outputs}
        if made & wanted and not made & given:
            kept.append(operator)
            wanted = wanted | {int(tensor) for tensor in operator.inputs}
    return kept[::-1]


def people_rows(heads: dict[str, Floats]) -> Floats:
    """What the model does behind its heads: 6 rows of 56 numbers, as `Letterbox.people` reads them."""
    maps = {name: _rows_columns_channels(head) for name, head in heads.items()}
    centre = _sigmoid(maps["centre"][:, :, 0])
    hottest_near = cv2.dilate(centre, np.ones((PEAK_CELLS, PEAK_CELLS), np.uint8))
    peaks = np.where(hottest_near - centre < PEAK_TOLERANCE, centre, 0).ravel()
    best = np.argsort(-peaks, kind="stable")[:MAX_PEOPLE]
    rows, columns = best // COLUMNS, best % COLUMNS
    at = np.stack([rows, columns], 1).astype(np.float32)
    middles = at + maps["offset"][rows, columns]
    halves = np.maximum(maps["size"][rows, columns], 0) / 2
    limits = np.array([ROWS, COLUMNS], np.float32)
    low, high = (np.clip(edge, 0, limits).astype(np.float32) for edge in (middles - halves, middles + halves))
    guesses = at[:, None] + maps["joint_guess"][rows, columns].reshape(-1, KEYPOINT_COUNT, 2)
    places, scores = _joints(_sigmoid(maps["heat"]), maps["joint_offset"], low, high, guesses)
    sure = scores > MIN_JOINT_SCORE
    person = peaks[best] * (scores * sure).sum(1) / np.maximum(sure.sum(1), 1)
    joints = np.concatenate([places / limits, scores[:, :, None]], 2).reshape(len(best), -1)
    found: Floats = np.concatenate([joints, low / limits, high / limits, person[:, None]], 1).astype(np.float32)
    return found


def _joints(heat: Floats, offset: Floats, low: Floats, high: Floats, guesses: Floats) -> tuple[Floats, Floats]:
    """Each person's joints: the hottest cell within their box, near where their centre guessed it.

    `low`, `high`: people x 2 (row, column); `guesses`: people x 17 x 2. Returns places (people x 17 x 2) and scores.
    """
    grid = np.moveaxis(np.indices((ROWS, COLUMNS), np.float32), 0, 2)
    far = ((grid[:, :, None, None] - guesses) ** 2).sum(4)
    inside = np.all((grid[:, :, None] >= low) & (grid[:, :, None] < high), axis=3, keepdims=True)
    weighed = heat[:, :, None] * np.exp(-far / (REACH * min(ROWS, COLUMNS))) * inside
    hottest = weighed.reshape(ROWS * COLUMNS, -1, KEYPOINT_COUNT).argmax(0)
    rows, columns = hottest // COLUMNS, hottest % COLUMNS
    kinds = np.arange(KEYPOINT_COUNT)
    fine = offset.reshape(ROWS, COLUMNS, KEYPOINT_COUNT, 2)[rows, columns, kinds]
    # the model takes the score of the hottest person at that cell, be it somebody else's
    scores = weighed.max(2)[rows, columns, kinds]
    return (np.stack([rows, columns], 2) + fine).astype(np.float32), scores.astype(np.float32)


def _rows_columns_channels(head: Floats) -> Floats:
    """A head (1 x channels x rows x columns) as rows x columns x channels."""
    turned: Floats = head[0].transpose(1, 2, 0)
    return turned


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)), np.float32)
