"""Who sank, or got out of bed and stood, in the middle of the picture, and is not seen any more. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from robot.vision.hidden_seat import HiddenSeats
from robot.vision.numbers import FallRules
from robot.vision.tracker import Track


@dataclass(slots=True)
class _Last:
    track: Track
    at_s: float
    brightness: float
    sank: bool


class Unseen:
    """`see` takes each moment and gives a track that vanished on its feet or out of them, once.

    Whoever vanished while head and hips came down, and nobody is seen since, may lie where the model sees nobody: most
    falls that it loses are lost in mid-fall. Whoever stood is missed only in dim light, after the mattress felt
    somebody leave the bed: by day people often sit down where a camera cannot see them; on the way to the toilet at
    night they do not. Whoever goes out walks, or passes the frame's edge, whoever went back to bed is felt there by
    then, and whoever switched the lamp off is not missed. Nor is whoever had company: that one sees them; nor who sinks
    where they did before, and stood up minutes later: they sit there.
    """

    def __init__(self, rules: FallRules) -> None:
        self._rules = rules
        self._last: _Last | None = None
        self._seats = HiddenSeats(rules)
        self._bed: bool | None = None
        self._left_bed_at_s: float | None = None
        self._company_at_s = self._told_at_s = -math.inf

    @property
    def track(self) -> Track | None:
        """Whoever is missed, or was told last."""
        return self._last.track if self._last is not None else None

    def had_company(self, at_s: float) -> bool:
        """Whether several people were in view lately."""
        return at_s - self._company_at_s < self._rules.company_s

    def see(
        self, at_s: float, people: Sequence[Track], may_leave: bool, bed: bool | None, brightness: float | None
    ) -> Track | None:
        """`people` in view now; `may_leave`: the first of them is where one vanishes (the frame's edge, a sofa)."""
        if self._bed is True and bed is False:
            self._left_bed_at_s = at_s
        self._bed = bed
        if sum(track.moved for track in people) > 1:
            self._company_at_s = at_s
        if people:
            self._seats.see(at_s, people)
            self._last = self._standing(at_s, people, may_leave, brightness)
            return None
        last, rules = self._last, self._rules
        if last is None or last.at_s < self._told_at_s or bed is True:
            return None
        lit = brightness is not None and brightness > last.brightness / 2
        sunk_s = rules.sunk_s if bed is None else rules.unseen_s  # a mattress would soon feel who lay down on it
        alone = last.at_s - self._company_at_s >= rules.company_s
        again = at_s - self._told_at_s < rules.sunk_again_s
        known = self._seats.knows(last.track)
        if last.sank:
            self._seats.sank(last.track)
        if last.sank and lit and alone and not again and not known and at_s - last.at_s >= sunk_s:
            self._told_at_s = at_s
            return last.track
        if bed is None or self._left_bed_at_s is None or at_s - last.at_s < rules.unseen_s:
            return None
        if last.brightness >= rules.dim_level:
            return None
        out_for_s = last.at_s - self._left_bed_at_s
        self._left_bed_at_s = None
        return last.track if lit and -rules.bed_feels_s <= out_for_s <= rules.night_walk_s else None

    def _standing(
        self, at_s: float, people: Sequence[Track], may_leave: bool, brightness: float | None
    ) -> _Last | None:
        rules, alone = self._rules, people[0]
        if brightness is None or len(people) > 1 or may_leave or not alone.moved:
            return None
        if alone.machine.sinking:
            return _Last(alone, at_s, brightness, sank=True)
        if brightness >= rules.dim_level or at_s - alone.machine.stood_at_s > rules.stood_s:
            return None
        height_px = alone.machine.height_px or alone.posture.size_px
        if not alone.machine.low and math.hypot(*alone.velocity_px_s) > rules.walking_h_s * height_px:
            return None
        return _Last(alone, at_s, brightness, sank=False)
