"""Places in the picture where lying is normal: the bed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]
Polygon = tuple[Point, ...]
"""Corners as fractions of the frame's width and height, so that a zone survives another resolution."""


def contains(polygon: Sequence[Point], x: float, y: float) -> bool:
    """Whether a point lies inside a polygon (even-odd rule)."""
    inside = False
    for n, (x1, y1) in enumerate(polygon):
        x0, y0 = polygon[n - 1]
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
    return inside
