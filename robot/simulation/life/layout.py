"""The simulated room: walls, furniture, places to be, ways between them, and where its camera hangs. Pure.

One plan (metres), varied by seed: stretched, the camera in either near corner, 1.2 to 2.4 m high.

    y=4   cupboard      bed (head at the right)
          chair
          wardrobe       free                  sofa
          table
    y=0   camera                    door       camera
          x=0                                  x=4.4
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from robot.simulation.life.camera import Box, Camera

BED_HEIGHT_M, SOFA_HEIGHT_M = 0.48, 0.42
BODY_M = 0.22  # so far from furniture a walker's middle stays
Place = tuple[float, float]
Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Room:
    """Built by `room`. Places are (x, y) in metres; `figures` are flat pictures of people: name to wall rectangle."""

    seed: int
    width_m: float
    depth_m: float
    camera: Camera
    boxes: tuple[Box, ...]
    spots: dict[str, Place] = field(hash=False)
    figures: dict[str, Box] = field(hash=False)

    def way(self, start: Place, end: Place) -> list[Place]:
        """Corners of a way around the furniture, without the start."""
        if self._free(start, end):
            return [end]
        corners = [self.spots[name] for name in ("hub", "hub_left", "hub_right", "hub_back")]
        ways = [[c, end] for c in corners if self._free(start, c) and self._free(c, end)]
        ways += [
            [c, d, end]
            for c in corners
            for d in corners
            if self._free(start, c) and self._free(c, d) and self._free(d, end)
        ]
        return min(ways or [[self.spots["hub"], end]], key=lambda way: _length([start, *way]))

    def is_floor(self, place: Place, room_m: float = BODY_M) -> bool:
        """Whether somebody could stand (or lie, with more room) there."""
        x, y = place
        if not (room_m < x < self.width_m - room_m and room_m < y < self.depth_m - room_m):
            return False
        return not any(
            box.low[0] - room_m < x < box.high[0] + room_m and box.low[1] - room_m < y < box.high[1] + room_m
            for box in self.boxes
            if box.low[2] < 1.0
        )

    def zone(self, name: str) -> Polygon:
        """What a caregiver would draw around the bed, the sofa or a figure: corners as fractions of the frame.

        For furniture the top at sitting height; empty when it is not in the picture.
        """
        if name in self.figures:
            box = self.figures[name]
            corners = [
                (x, y, z)
                for x, y in ((box.low[0], box.low[1]), (box.high[0], box.high[1]))
                for z in (box.low[2], box.high[2])
            ]
            corners = [corners[0], corners[1], corners[3], corners[2]]
        else:
            box = next(b for b in self.boxes if b.name == name)
            z = SOFA_HEIGHT_M if name == "sofa" else box.high[2]
            corners = [
                (box.low[0], box.low[1], z),
                (box.high[0], box.low[1], z),
                (box.high[0], box.high[1], z),
                (box.low[0], box.high[1], z),
            ]
        return self._drawn(np.array(corners, float))

    @cached_property
    def zones(self) -> dict[str, tuple[Polygon, ...]]:
        """The zones of a room whose caregiver took care: bed, sofa, ignore."""
        ignored = tuple(polygon for name in self.figures if (polygon := self.zone(name)))
        return {
            "bed": tuple(filter(None, (self.zone("bed"),))),
            "sofa": tuple(filter(None, (self.zone("sofa"),))),
            "ignore": ignored,
        }

    def _drawn(self, corners: np.ndarray) -> Polygon:  # type: ignore[type-arg]  # n x 3 metres
        around = corners.mean(axis=0)
        pixels, depth = self.camera.project(around + (corners - around) * 1.12)  # a hand draws a little outside
        if (depth <= 0.3).any():
            return ()
        fractions = pixels / (self.camera.width_px, self.camera.height_px)
        clipped = np.clip(fractions, 0, 1)
        if np.ptp(clipped[:, 0]) < 0.02 or np.ptp(clipped[:, 1]) < 0.02:
            return ()
        return tuple((float(x), float(y)) for x, y in clipped)

    def _free(self, start: Place, end: Place) -> bool:
        return all(
            self._is_free((start[0] + (end[0] - start[0]) * u, start[1] + (end[1] - start[1]) * u))
            for u in np.linspace(0.12, 0.88, 12)
        )

    def _is_free(self, place: Place) -> bool:
        return not any(
            box.low[0] - BODY_M < place[0] < box.high[0] + BODY_M
            and box.low[1] - BODY_M < place[1] < box.high[1] + BODY_M
            for box in self.boxes
        )


def room(seed: int) -> Room:
    """The room of a seed."""
    random = np.random.default_rng([seed, 1])
    sx, sy = random.uniform(0.92, 1.2, 2)

    def at(x: float, y: float) -> Place:
        return float(x * sx), float(y * sy)

    def box(name: str, x: Place, y: Place, z: Place) -> Box:
        return Box(name, (x[0] * sx, y[0] * sy, z[0]), (x[1] * sx, y[1] * sy, z[1]))

    width, depth = 4.4 * sx, 4.0 * sy
    boxes = (
        box("bed", (2.4, 4.38), (3.0, 3.98), (0.0, BED_HEIGHT_M)),
        box("sofa", (3.55, 4.38), (0.9, 2.4), (0.0, SOFA_HEIGHT_M)),
        box("sofa_back", (4.18, 4.38), (0.9, 2.4), (0.0, 0.82)),
        box("chair_seat", (0.35, 0.85), (2.95, 3.4), (0.36, 0.44)),
        box("chair_back", (0.35, 0.85), (3.4, 3.46), (0.0, 0.9)),
        box("table", (1.15, 2.05), (0.75, 1.25), (0.66, 0.74)),
        box("table_side", (1.15, 2.05), (1.2, 1.25), (0.0, 0.74)),
        box("cupboard", (1.15, 1.95), (3.62, 3.98), (0.0, 0.75)),
        box("wardrobe", (0.02, 0.5), (1.75, 2.55), (0.0, 1.95)),
    )
    spots = {
        "outside": (3.0 * sx, -1.3), "doorstep": (3.0 * sx, -0.3), "door": at(3.0, 0.35),
        "hub": at(2.6, 1.9), "hub_left": at(0.85, 1.45), "hub_right": at(2.9, 0.9), "hub_back": at(1.6, 2.75),
        "mat": at(2.3, 2.0), "bedside": at(3.0, 2.68), "bed_edge": at(3.0, 3.12), "bed_lie": at(3.35, 3.45),
        "sofa_front": at(3.2, 1.6), "sofa_seat": at(3.86, 1.6), "sofa_lie": at(3.85, 1.55),
        "chair_front": at(0.62, 2.72), "chair_seat": at(0.62, 3.16), "cupboard_front": at(1.55, 3.25),
        "wardrobe_front": at(0.9, 2.2), "table_far": at(1.6, 1.6), "window": at(2.1, 2.9),
        "visitor_seat": at(2.55, 1.35),
    }  # fmt: skip
    figures = {
        "television": box("television", (1.2, 1.9), (3.99, 3.99), (0.95, 1.4)),
        "poster": box("poster", (0.35, 0.75), (3.99, 3.99), (1.05, 1.9)),
        "mirror": box("mirror", (4.39, 4.39), (2.45, 2.9), (0.5, 1.9)),
    }
    left = bool(random.random() < 0.5)
    x, y = (0.08, 0.08) if left else (width - 0.08, 0.08)
    height = float(random.uniform(1.2, 2.4))
    aim_x, aim_y = width * random.uniform(0.45, 0.62), depth * random.uniform(0.55, 0.7)
    heading = np.degrees(np.arctan2(aim_y - y, aim_x - x))
    down = np.degrees(np.arctan2(height - 0.75, np.hypot(aim_x - x, aim_y - y)))
    camera = Camera(x, y, height, float(heading), float(down), float(random.uniform(72, 98)))
    shown = {name: figure for name, figure in figures.items() if random.random() < 0.6}
    return Room(seed, float(width), float(depth), camera, boxes, spots, shown)


def _length(way: list[Place]) -> float:
    return sum(float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in pairwise(way))
