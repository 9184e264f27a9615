"""How tall people are at each depth of the room, learnt from those who walk there. Pure.

A television's people stand at a place where a real person would be twice as tall.
"""

from __future__ import annotations

BANDS = 24  # of the frame's height
TOO_SMALL = 0.5  # half as tall as an adult of the same place or further away: no adult; chosen
ENOUGH = 20  # postures before a band counts: two seconds; chosen
FORGETS = 0.02  # weight of each new posture


class RoomScale:
    """Standing heights by the height of the feet in the frame (both in pixels, the frame's height given)."""

    def __init__(self) -> None:
        self._heights: dict[int, tuple[int, float]] = {}

    def learn(self, feet_y_px: float, height_px: float, frame_height_px: int) -> None:
        """Somebody who walks in the room stands there."""
        band = _band(feet_y_px, frame_height_px)
        count, mean_px = self._heights.get(band, (0, height_px))
        weight = max(FORGETS, 1 / (count + 1))
        self._heights[band] = (count + 1, mean_px + weight * (height_px - mean_px))

    def is_too_small(self, feet_y_px: float, height_px: float, frame_height_px: int) -> bool:
        """Whether nobody in the room can be that small there; False while too little is known.

        People further away (feet higher in the frame) are smaller, so their height is a lower bound here.
        """
        band = _band(feet_y_px, frame_height_px)
        bounds = [mean_px for b, (count, mean_px) in self._heights.items() if b <= band and count >= ENOUGH]
        return bool(bounds) and height_px < TOO_SMALL * max(bounds)


def _band(y_px: float, frame_height_px: int) -> int:
    return min(BANDS, max(0, int(BANDS * y_px / frame_height_px)))
