"""Is a moved camera noticed, and does a light move it? Prints a table, then one line of JSON.

    python -m robot.vision.evaluate_viewpoint FOLDER

The first picture of each video in the folder is remembered; one from its middle and one from near its end, with people
in other places, are shown as a camera that was moved would show them, and in other lights. Both are drawn: no camera
was moved and no lamp was lit. Each cell counts: stands / moved / not known.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.errors import BadInput, HaniError
from robot.vision.camera import FileCamera
from robot.vision.pose import Image
from robot.vision.variants import CHANGES, GREY, Change, warped
from robot.vision.viewpoint import Landmarks, compare, landmarks

_Numbers = NDArray[np.float64]
_AT = (0.0, 0.5, 0.97)  # of a clip


def _turned(aside_deg: float, down_deg: float = 0.0) -> Change:
    """About its own place, as whoever dusts it does; a camera that sees 70 degrees."""

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        focal = width / 2 / np.tan(np.radians(70 / 2))
        camera = np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
        aside, _ = cv2.Rodrigues(np.array([0.0, np.radians(aside_deg), 0.0]))
        down, _ = cv2.Rodrigues(np.array([np.radians(down_deg), 0.0, 0.0]))
        matrix = camera @ aside @ down @ np.linalg.inv(camera)
        return np.asarray(cv2.warpPerspective(image, matrix, (width, height), borderValue=GREY), np.uint8)

    return change


def _lit(seed: int, share: Callable[[_Numbers, _Numbers, np.random.Generator], _Numbers]) -> Change:
    """Each place of the picture with a share of its light."""

    def change(image: Image) -> Image:
        random = np.random.default_rng(seed + int(image.sum()))
        height, width = image.shape[:2]
        y, x = np.mgrid[0:height, 0:width] / width
        noise = random.normal(0.0, 3.0, image.shape)
        lit = np.clip(image * share(x, y, random)[..., None] + noise, 0, 255)
        return np.asarray(lit, np.uint8)

    return change


def _lamp(x: _Numbers, y: _Numbers, random: np.random.Generator) -> _Numbers:
    to_x, to_y = random.uniform(0.1, 0.9), random.uniform(0.1, 0.5)
    return np.asarray(0.15 + 1.1 * np.exp(-((x - to_x) ** 2 + (y - to_y) ** 2) / (2 * 0.3**2)))


def _sun(x: _Numbers, y: _Numbers, random: np.random.Generator) -> _Numbers:
    return np.where(np.abs(x - random.uniform(0.0, 1.0) - 0.5 * y) < 0.12, 1.9, 0.8)


LIGHTS: Mapping[str, Change] = {
    "same": lambda image: image,
    "dim": CHANGES["dim and noisy"],
    "night": CHANGES["night, noisy"],
    "one lamp": _lit(1, _lamp),
    "a ray of sun": _lit(2, _sun),
    "320 x 240, JPEG 25": CHANGES["320 x 240, JPEG 25"],
}
MOVES: Mapping[str, Change] = {
    "stands": lambda image: image,
    "pushed right by 5 %": warped(right=0.05),
    "pushed right by 10 %": warped(right=0.1, down=0.02),
    "raised by 8 %": warped(down=0.08),
    "nearer by 15 %": warped(wide=1.15, high=1.15),
    "tilted by 10 deg": warped(10.0),
    "turned aside by 5 deg": _turned(5.0),
    "turned aside by 10 deg": _turned(10.0, 3.0),
    "turned aside by 20 deg": _turned(20.0),
    "turned up by 8 deg": _turned(0.0, -8.0),
}


def pictures(path: Path) -> tuple[Image, ...]:
    """A video's first picture, its middle one and one near its end. Raises HaniError."""
    frames = [frame.image for frame in FileCamera(path).frames()]
    return tuple(frames[int(share * (len(frames) - 1))] for share in _AT)


def judged(before: Landmarks, image: Image) -> str:
    look = compare(before, landmarks(image))
    return "not known" if look is None else "stands" if look.shift is None else "moved"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="evaluate_viewpoint", description="is a moved camera noticed?")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args(argv)
    try:
        paths = sorted(path for path in arguments.folder.glob("*") if path.suffix in (".mp4", ".avi"))
        if not paths:
            raise BadInput(f"{arguments.folder} holds no .mp4 or .avi: give a folder of videos of still cameras")
        rooms = [pictures(path) for path in paths]
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"| {len(rooms)} videos, {2 * len(rooms)} pictures | {' | '.join(LIGHTS)} |\n")
    sys.stdout.write(f"| --- {'| --- ' * len(LIGHTS)}|\n")
    counts = {}
    known = [(landmarks(first), later) for first, *later in rooms]
    for move_name, move in MOVES.items():
        cells = []
        for light_name, light in LIGHTS.items():
            cell = Counter(judged(before, light(move(image))) for before, later in known for image in later)
            counts[f"{move_name}, {light_name}"] = dict(cell)
            cells.append(f"{cell['stands']} / {cell['moved']} / {cell['not known']}")
        sys.stdout.write(f"| {move_name} | {' | '.join(cells)} |\n")
        sys.stdout.flush()
    sys.stdout.write(json.dumps(counts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
