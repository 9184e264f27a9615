"""Who got out of bed, stood in the middle of the picture, and is not seen any more. Pure; time is an argument."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from robot.vision.numbers import FallRules
from robot.vision.tracker import Track


@dataclass(slots=True)
class _Last:
    track: Track
    at_s: float
    brightness: float


class Unseen:
    """`see` takes each moment and gives a track that vanished on its feet, once.

    Only in dim light, after the mattress felt somebody leave the bed: by day people often sit down where a camera
    cannot see them; on the way to the toilet at night they do not. Whoever goes out walks, or passes the frame's edge,
    whoever went back to bed is felt there by then, and whoever switched the lamp off is not missed.
    """

    def __init__(self, rules: FallRules) -> None:
        self._rules = rules
        self._last: _Last | None = None
        self._bed: bool | None = None
        self._left_bed_at_s: float | None = None

    @property
    def track(self) -> Track | None:
        """Whoever is missed, or was told last."""
        return self._last.track if self._last is not None else None

    def see(
        self, at_s: float, people: Sequence[Track], may_leave: bool, bed: bool | None, brightness: float | None
    ) -> Track | None:
        """`people` in view now; `may_leave`: the first of them is where one vanishes (the frame's edge, a sofa)."""
        if self._bed is True and bed is False:
            self._left_bed_at_s = at_s
        self._bed = bed
        if people or bed is not False:
            if people:
                self._last = self._standing(at_s, people, may_leave, brightness)
            return None
        last, rules = self._last, self._rules
        if last is None or self._left_bed_at_s is None or at_s - last.at_s < rules.unseen_s:
            return None
        out_for_s = last.at_s - self._left_bed_at_s
        lit = brightness is not None and brightness > last.brightness / 2
        self._left_bed_at_s = None
        return last.track if lit and -rules.bed_feels_s <= out_for_s <= rules.night_walk_s else None

    def _standing(
        self, at_s: float, people: Sequence[Track], may_leave: bool, brightness: float | None
    ) -> _Last | None:
        rules, alone = self._rules, people[0]
        if brightness is None or brightness >= rules.dim_level:
            return None
        if len(people) > 1 or may_leave or not alone.moved or at_s - alone.machine.stood_at_s > rules.stood_s:
            return None
        height_px = alone.machine.height_px or alone.posture.size_px
        if not alone.machine.low and math.hypot(*alone.velocity_px_s) > rules.walking_h_s * height_px:
            return None
        return _Last(alone, at_s, brightness)
