"""A pinhole camera in the room: which joint falls on which pixel, and which furniture stands before it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.simulation.life.skeleton import Array

NEAR_M = 0.25  # nearer than this nothing is projected
TOUCHING_M = 0.12  # a joint on or in a piece of furniture is not hidden by it: one sits in a chair


@dataclass(frozen=True, slots=True)
class Box:
    """A piece of furniture, upright and along the walls; corners in metres."""

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Camera:
    """Place in metres, direction in degrees (0 looks along x, 90 along y; `down_deg` below the horizon)."""

    x_m: float
    y_m: float
    z_m: float
    heading_deg: float
    down_deg: float
    field_deg: float
    width_px: int = 640
    height_px: int = 480

    @property
    def place(self) -> Array:
        return np.array([self.x_m, self.y_m, self.z_m])

    @property
    def focal_px(self) -> float:
        return float(self.width_px / 2 / np.tan(np.radians(self.field_deg / 2)))

    def axes(self) -> Array:
        """Rows: right, down, ahead."""
        heading, down = np.radians(self.heading_deg), np.radians(self.down_deg)
        ahead = np.array([np.cos(heading) * np.cos(down), np.sin(heading) * np.cos(down), -np.sin(down)])
        right = np.array([np.sin(heading), -np.cos(heading), 0.0])
        return np.stack([right, np.cross(ahead, right), ahead])

    def project(self, points: Array) -> tuple[Array, Array]:
        """Points (... x 3, metres) to pixels (... x 2) and depth (..., metres; not positive is behind the camera)."""
        seen = (points - self.place) @ self.axes().T
        depth: Array = seen[..., 2]
        pixels = seen[..., :2] * (self.focal_px / np.maximum(depth, NEAR_M))[..., None]
        return pixels + np.array([self.width_px / 2, self.height_px / 2]), depth

    def inside(self, pixels: Array, depth: Array) -> NDArray[np.bool_]:
        """Which of the pixels lie within the frame and before the camera (bool)."""
        x, y = pixels[..., 0], pixels[..., 1]
        within = (x >= 0) & (x < self.width_px) & (y >= 0) & (y < self.height_px) & (depth > NEAR_M)
        return np.asarray(within)

    def hidden(self, points: Array, boxes: tuple[Box, ...]) -> NDArray[np.bool_]:
        """Which points (T x J x 3) some box hides from the camera (bool, T x J)."""
        away = points - self.place
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / np.where(np.abs(away) < 1e-9, 1e-9, away)
        result = np.zeros(points.shape[:-1], bool)
        for box in boxes:
            low, high = np.array(box.low), np.array(box.high)
            first, second = (low - self.place) * inverse, (high - self.place) * inverse
            enters = np.minimum(first, second).max(axis=-1)
            leaves = np.maximum(first, second).min(axis=-1)
            touching = ((points > low - TOUCHING_M) & (points < high + TOUCHING_M)).all(axis=-1)
            result |= (enters < leaves) & (leaves > 0) & (enters < 1) & ~touching
        return np.asarray(result)
