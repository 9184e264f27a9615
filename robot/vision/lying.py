"""For how long somebody has lain on one spot: who works on hands and knees moves on, who fell does not. Pure."""

from __future__ import annotations

import math

from robot.vision.numbers import FallRules
from robot.vision.posture import Posture

FIRST_LOOKS = 3  # one of them may be wild; chosen


class OnFloor:
    """Since when somebody lies, and since when with the hips in one place; `travelled`: further than one turns over,
    as a pet does that was taken for somebody who lies.
    """

    def __init__(self, rules: FallRules) -> None:
        self._rules = rules
        self._since_s: float | None = None
        self._still_since_s = 0.0
        self._away_since_s: float | None = None
        self._x_px = self._y_px = 0.0
        self._first_px: list[tuple[float, float]] = []
        self.travelled = False

    def see(self, at_s: float, posture: Posture, height_px: float, since_s: float | None) -> None:
        """Take a posture of somebody who lies since then (None: not) and whose standing height is `height_px`."""
        x_px, y_px = posture.hip_x_px, posture.hip_y_px
        begins, self._since_s = since_s != self._since_s, since_s
        first = [] if begins else self._first_px
        self._first_px = [*first, (x_px, y_px)] if len(first) < FIRST_LOOKS else first
        self.travelled = min(math.dist((x_px, y_px), px) for px in self._first_px) > self._rules.rest_turn_h * height_px
        away = math.hypot(x_px - self._x_px, y_px - self._y_px) > self._rules.moves_on_h * height_px
        if begins or not away:
            self._away_since_s = None
        elif self._away_since_s is None:
            self._away_since_s = at_s
        moved = self._away_since_s is not None and at_s - self._away_since_s >= self._rules.low_gap_s
        if begins or moved:  # a look or two elsewhere is no move
            self._x_px, self._y_px, self._still_since_s, self._away_since_s = x_px, y_px, at_s, None

    def rests(self, at_s: float) -> bool:
        """Whether the hips are now where they have been for a while: a pet that comes by for a look or two goes on."""
        return self._away_since_s is None and at_s - self._still_since_s >= self._rules.found_still_s

    def is_long(self, at_s: float, *, bows: bool) -> bool:
        """Whether it lasts too long for work or prayer; `bows`: the hips are where they sat before."""
        if self._since_s is None:
            return False
        still = at_s - self._still_since_s >= self._rules.long_on_floor_s
        return (still and not bows) or at_s - self._since_s >= self._rules.busy_on_floor_s
