"""Seats that the camera cannot see: who sits down there vanishes as if they fell, and stands up again. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from robot.vision.numbers import FallRules
from robot.vision.rules import State
from robot.vision.tracker import GONE_REACH_H, Track

REMEMBERED = 10  # a room has fewer; chosen


@dataclass(frozen=True, slots=True)
class _Place:
    at_s: float
    x_px: float
    y_px: float
    height_px: float

    def is_near(self, track: Track, reach_h: float) -> bool:
        away_px = math.hypot(track.posture.hip_x_px - self.x_px, track.posture.hip_y_px - self.y_px)
        return away_px < reach_h * self.height_px


class HiddenSeats:
    """Learns them: whoever sank out of sight, was not seen on their feet for minutes, and stood up there again."""

    def __init__(self, rules: FallRules) -> None:
        self._rules = rules
        self._sank: _Place | None = None
        self._seats: deque[_Place] = deque(maxlen=REMEMBERED)

    def sank(self, track: Track) -> None:
        """Who is not seen any more was sinking when last seen."""
        height_px = track.machine.height_px or track.posture.size_px
        self._sank = _Place(track.seen_at_s, track.posture.hip_x_px, track.posture.hip_y_px, height_px)

    def see(self, at_s: float, people: Sequence[Track]) -> None:
        """Everybody in view: the first who is on their feet is the one who sank, or somebody else who came in."""
        if any(track.machine.state is State.ALARMED for track in people):
            self._sank = None  # they had fallen
        place, up = self._sank, [track for track in people if track.machine.on_feet]
        if place is None or not up:
            return
        self._sank = None
        if at_s - place.at_s >= self._rules.hidden_seat_s and place.is_near(up[0], GONE_REACH_H):
            self._seats.append(place)

    def knows(self, track: Track) -> bool:
        """Whether somebody was last seen within half a metre of such a seat."""
        return any(seat.is_near(track, self._rules.off_seat_h) for seat in self._seats)
