"""How tall people are at each depth of the room, learnt from those who walk there. Pure.

A television's people stand at a place where a real person would be twice as tall.
"""

from __future__ import annotations

BANDS = 24  # of the frame's height
TOO_SMALL = 0.5  # half as tall as an adult of the same place or further away: no adult; chosen
ENOUGH = 20  # postures before a band counts: two seconds; chosen
NEAR_BANDS = 2  # beyond the nearest and furthest place known: a tenth of the frame; chosen
FORGETS = 0.002  # weight of each new posture: of what a band knew, a minute there at ten looks a second leaves 30 %
CHILD_H = 0.8  # of who stands there: a child, or a small guest (adults differ by 0.8: 1.45 and 1.82 m); chosen
CHILD_TEACHES = 0.1  # a visiting child, or who stoops, hardly changes how tall people are there; chosen


class RoomScale:
    """Standing heights by the height of the feet in the frame (both in pixels, the frame's height given)."""

    def __init__(self) -> None:
        self._heights: dict[int, tuple[int, float]] = {}

    def learn(self, feet_y_px: float, height_px: float, frame_height_px: int) -> None:
        """Somebody who walks in the room stands there."""
        band = _band(feet_y_px, frame_height_px)
        count, mean_px = self._heights.get(band, (0, height_px))
        weight = max(FORGETS, 1 / (count + 1))
        if count >= ENOUGH and height_px < CHILD_H * mean_px:
            weight = min(weight, CHILD_TEACHES * FORGETS)
        self._heights[band] = (count + 1, mean_px + weight * (height_px - mean_px))

    def standing_px(self, bottom_y_px: float, frame_height_px: int) -> float | None:
        """How tall people stand there, or halfway between the nearest places where they did; None if it is unknown."""
        band = _band(bottom_y_px, frame_height_px)
        known = {b: mean_px for b, (count, mean_px) in self._heights.items() if count >= ENOUGH}
        above, below = (
            max((b for b in known if b <= band), default=None),
            min((b for b in known if b >= band), default=None),
        )
        if above is None or below is None:
            near = above if below is None else below
            return known[near] if near is not None and abs(near - band) <= NEAR_BANDS else None
        share = 0.0 if above == below else (band - above) / (below - above)
        return known[above] + share * (known[below] - known[above])

    def is_too_small(self, feet_y_px: float, height_px: float, frame_height_px: int) -> bool:
        """Whether nobody in the room can be that small there; False while too little is known.

        People further away (feet higher in the frame) are smaller, so their height is a lower bound here.
        """
        band = _band(feet_y_px, frame_height_px)
        bounds = [mean_px for b, (count, mean_px) in self._heights.items() if b <= band and count >= ENOUGH]
        return bool(bounds) and height_px < TOO_SMALL * max(bounds)


def _band(y_px: float, frame_height_px: int) -> int:
    return min(BANDS, max(0, int(BANDS * y_px / frame_height_px)))
