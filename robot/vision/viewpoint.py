"""Does the camera still look from where the zones were drawn? Landmarks of the room, compared now and then.

Who dusts a robot turns it. Then the bed's zone lies on the floor, and a fall into an "ignored" mirror is told nobody.
So corners of the still room (ORB) are remembered, and found again in later pictures: where most are where they were,
the camera stands; where most have moved alike, it was moved, and the zones move with them until they are drawn anew.
Where too few are found (the dark, another light, another room) nothing is said.

A landmark is a place and 256 comparisons of brightness around it, not a picture. All places are in shares of the
picture's width, on the picture on which the zones were drawn. Figures: models/vision/README.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.vision.pose import Image
from robot.vision.zones import Polygon, Zones

LOOK_EVERY_S = 20.0  # some 10 ms each; chosen
SURE_AFTER = 3  # looks in a row that agree: a minute, in which a hand before the lens is gone
ELSEWHERE_AFTER_S = 24 * 3600.0  # a day brings every light in which the room was known; chosen

_WIDTH_PX = 640  # to which pictures are brought
_MOST_LANDMARKS, _LEAST_LANDMARKS = 500, 60
_ALIKE_BITS, _CLEARLY = 64, 0.8  # of 256, and of the second best: usual with ORB
_STANDS = 0.01  # of the width: as far as noise and a breath on the table move a landmark
_MOVED = 0.03  # of the width, 19 of 640 pixels: less than zones are drawn to
_SURE_STANDS, _SURE_MOVED = 12, 20  # landmarks, of which people in the picture have fewer
_SPREAD = (0.3, 0.25)  # of width and height that moved landmarks cover: not a chair, not one person
_AGREE = 0.02  # of the width: two looks at one place
_LIGHTS = 4  # day, dusk, lamp, television
_ANOTHER_LIGHT = 60  # landmarks found again: fewer, and this light is worth remembering, too

Places = NDArray[np.floating[Any]]
Matrix = tuple[tuple[float, ...], ...]
_NOTHING: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_ALL_OVER = np.array([(x, y) for x in (0.2, 0.5, 0.8) for y in (0.12, 0.35, 0.6)])  # of a picture 4:3 or 16:9


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """`places` (N x 2, shares of the width) and `looks` (N x 32, uint8) of one picture, `high` its height by width."""

    places: NDArray[np.float32]
    looks: NDArray[np.uint8]
    high: float

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class Shift:
    """How the room has moved in the picture: `matrix` (3 x 3, a homography) takes a place to where it is now."""

    matrix: Matrix

    def agrees(self, other: Shift) -> bool:
        return _apart(_taken(self.matrix, _ALL_OVER), _taken(other.matrix, _ALL_OVER)) <= _AGREE

    def of(self, zones: Zones, high: float) -> Zones:
        """The zones where they belong now; parts of them may lie outside the picture."""

        def moved(polygon: Polygon) -> Polygon:
            places = _taken(self.matrix, np.array(polygon) * (1.0, high))
            return tuple((float(x), float(y / high)) for x, y in places)

        bed, sofa, floor, ignore = (
            tuple(map(moved, kind)) for kind in (zones.bed, zones.sofa, zones.floor, zones.ignore)
        )
        return replace(zones, bed=bed, sofa=sofa, floor=floor, ignore=ignore)


def landmarks(image: Image) -> Landmarks:
    """Of a picture (H x W x 3, BGR, uint8)."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    size = (_WIDTH_PX, max(1, round(height * _WIDTH_PX / width)))
    even = cv2.createCLAHE(2.0, (8, 8)).apply(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
    found, looks = cv2.ORB.create(_MOST_LANDMARKS, fastThreshold=10).detectAndCompute(even, None)
    places = np.array([corner.pt for corner in found], np.float32).reshape(-1, 2) / np.float32(_WIDTH_PX)
    described = np.zeros((0, 32), np.uint8) if looks is None else np.asarray(looks, np.uint8)
    return Landmarks(places, described, size[1] / size[0])


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture says: the camera stands, or has moved by `shift`; `landmarks` is how many say so."""

    landmarks: int
    shift: Shift | None


def compare(before: Landmarks, now: Landmarks) -> Look | None:
    """None when too few landmarks are found again, or they contradict each other."""
    if min(len(before), len(now)) < _LEAST_LANDMARKS or abs(before.high / now.high - 1) > _STANDS:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(before.looks, now.looks, k=2)
    alike = [best for best, second in pairs if best.distance < min(_ALIKE_BITS, _CLEARLY * second.distance)]
    old = before.places[[pair.queryIdx for pair in alike]]
    new = now.places[[pair.trainIdx for pair in alike]]
    stand = int((np.abs(old - new).max(axis=1, initial=0.0) < _STANDS).sum())
    if len(alike) < _SURE_STANDS:
        return None
    turned, pushed = _fitted(cv2.findHomography, old, new), _fitted(cv2.estimateAffinePartial2D, old, new)
    if stand >= max(_SURE_STANDS, 0.5 * max(len(turned[1]), len(pushed[1]))):
        return Look(stand, None)
    # fewer numbers are surer, unless they explain much less
    ways = (pushed, turned) if len(pushed[1]) >= 0.8 * len(turned[1]) else (turned, pushed)
    for matrix, moved in ways:
        # a few that stand are chance, or turned about; many are the room, in which something large was moved
        if len(moved) < _SURE_MOVED or stand >= 0.3 * len(moved):
            continue
        wide, high = moved.max(axis=0) - moved.min(axis=0)
        if wide >= _SPREAD[0] and high >= _SPREAD[1] * before.high and _is_a_cameras(matrix, before.high):
            return Look(len(moved), Shift(matrix)) if _apart(_taken(matrix, _ALL_OVER), _ALL_OVER) > _MOVED else None
    return None


def _fitted(fit: Callable[..., Any], old: Places, new: Places) -> tuple[Matrix, Places]:
    """How most of these have moved, and those places of before; none if nothing fits."""
    found, inliers = fit(old, new, method=cv2.RANSAC, ransacReprojThreshold=0.8 * _STANDS)
    if found is None:
        return _NOTHING, old[:0]
    matrix = np.eye(3)
    matrix[: len(found)] = found
    return tuple(map(tuple, matrix.tolist())), old[inliers.ravel().astype(bool)]


def _taken(matrix: Matrix, places: Places) -> Places:
    found = np.column_stack([places, np.ones(len(places))]) @ np.array(matrix).T
    return np.asarray(found[:, :2] / found[:, 2:])


def _apart(places: Places, others: Places) -> float:
    return float(np.linalg.norm(places - others, axis=1).max())


def _is_a_cameras(matrix: Matrix, high: float) -> bool:
    """Whether a camera that turns in its place does that: nothing in the picture comes from behind it, or mirrored."""
    corners = np.array([(0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (1.0, high, 1.0), (0.0, high, 1.0)])
    depths = corners @ np.array(matrix)[2]
    return bool(depths.min() > 0.3 and depths.max() < 3.0 and np.linalg.det(np.array(matrix)) > 0)


class Viewpoint:
    """Where the camera looks from. `lights` are the room's landmarks in different lights, as of when it stood.

    `shift` is None while it stands, as far as anybody knows.
    """

    def __init__(self, lights: Iterable[Landmarks] = ()) -> None:
        self.lights: tuple[Landmarks, ...] = tuple(lights)
        self.shift: Shift | None = None
        self._first: Landmarks | None = None
        self._lately: list[Shift | None] = []
        self._looked_at_s: float | None = None
        self._unknown_since_s: float | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether for a day nothing of the room was found again, though there was enough to be found."""
        since_s, at_s = self._unknown_since_s, self._looked_at_s
        return since_s is not None and at_s is not None and at_s - since_s >= ELSEWHERE_AFTER_S

    def is_due(self, at_s: float) -> bool:
        """Times are on a steady clock."""
        return self._looked_at_s is None or at_s - self._looked_at_s >= LOOK_EVERY_S

    def look(self, image: Image, at_s: float, *, empty: bool) -> None:
        """Look at a picture; only one of an `empty` room is remembered, so that nobody is among the landmarks."""
        self._looked_at_s = at_s
        now = landmarks(image)
        if not self.lights:
            self._begin(now if empty else None)
            return
        looks = [look for light in self.lights if (look := compare(light, now)) is not None]
        if not looks:
            if self._unknown_since_s is None and len(now) >= _LEAST_LANDMARKS:
                self._unknown_since_s = at_s
            return
        self._unknown_since_s = None
        best = max(looks, key=lambda look: look.landmarks)
        self._believe(best.shift)
        if best.shift is None and empty and best.landmarks < _ANOTHER_LIGHT <= len(now):
            self.lights = (self.lights[0], *self.lights[1:][-(_LIGHTS - 2) :], now)

    def _begin(self, now: Landmarks | None) -> None:
        """With landmarks that were found twice: those of a dark picture are its noise."""
        first, self._first = self._first, now
        if now is not None and first is not None:
            again = compare(first, now)
            if again is not None and again.shift is None:
                self.lights = (now,)

    def _believe(self, shift: Shift | None) -> None:
        """Once it was seen several times in a row."""
        self._lately = [*self._lately, shift][-SURE_AFTER:]
        alike = all(_are_alike(other, shift) for other in self._lately)
        if len(self._lately) == SURE_AFTER and alike and not _are_alike(self.shift, shift):
            self.shift = shift


def _are_alike(one: Shift | None, other: Shift | None) -> bool:
    return one is other or (one is not None and other is not None and one.agrees(other))
