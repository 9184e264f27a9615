"""What somebody did before they were low: stood, sat on something, lay in bed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robot.messages import FallReason, Zone
from robot.vision.posture import Posture

if TYPE_CHECKING:
    from robot.vision.rules import FallRules


class Before:
    """One person's recent past: standing erases it, and after `came_from_s` it explains nothing any more."""

    def __init__(self, rules: FallRules) -> None:
        self._rules = rules
        self._seated_since_s: float | None = None
        self._seated_at_s: float | None = None
        self._seated_last_s = 0.0
        self._seat_y_px = 0.0
        self._at_s = 0.0
        self._hip_y_px = 0.0
        self._height_px = 1.0
        self._bed_y_px = 0.0
        self._in_bed_since_s: float | None = None
        self.in_bed_at_s: float | None = None

    def see(self, at_s: float, posture: Posture, height_px: float, zone: Zone | None, low: bool, on_feet: bool) -> None:
        """Take a smoothed posture of somebody whose standing height is `height_px`."""
        self._hip_y_px, self._height_px = posture.hip_y_px, height_px
        if on_feet:
            self._seated_since_s = self._seated_at_s = self._in_bed_since_s = self.in_bed_at_s = None
            return
        passed_s, self._at_s = at_s - self._at_s, at_s
        if zone is Zone.BED:  # whoever falls in front of the bed passes its zone in the picture for a moment
            if self._in_bed_since_s is None:
                self._in_bed_since_s, self._bed_y_px = at_s, posture.hip_y_px
            # so slowly that sliding out does not take the bed with it
            self._bed_y_px += min(1.0, passed_s / self._rules.came_from_s) * (posture.hip_y_px - self._bed_y_px)
            if at_s - self._in_bed_since_s >= self._rules.seated_s:
                self.in_bed_at_s = at_s
        else:
            self._in_bed_since_s = None
        if not low and self._is_seated(posture):
            if self._seated_since_s is None:
                self._seated_since_s, self._seat_y_px = at_s, posture.hip_y_px
            self._seat_y_px = min(self._seat_y_px, posture.hip_y_px)  # a slow slide must not take the seat with it
            self._seated_last_s = at_s
            if at_s - self._seated_since_s >= self._rules.seat_stay_s:
                self._seated_at_s = at_s
        elif at_s - self._seated_last_s > self._rules.seated_s:
            self._seated_since_s = None

    def explains(self, at_s: float) -> FallReason | None:
        """Why somebody fell who is low since `at_s`: the bed before the seat, whichever was not long ago."""
        if self._recent(self.in_bed_at_s, at_s):
            return FallReason.FELL_OUT_OF_BED
        return FallReason.SLID_FROM_CHAIR if self._recent(self._seated_at_s, at_s) else None

    def below_seat(self) -> bool:
        """Whether the hips are now below where they sat: lying down on a sofa leaves them there."""
        return self._hip_y_px - self._seat_y_px > self._rules.hip_drop_h * self._height_px

    def below_bed(self) -> bool:
        """Whether the hips are now clearly below where they lay in bed: its edge is only a line in the picture."""
        return self._hip_y_px - self._bed_y_px > self._rules.roll_hip_h * self._height_px

    def _recent(self, then_s: float | None, at_s: float) -> bool:
        return then_s is not None and at_s - then_s <= self._rules.came_from_s

    def _is_seated(self, posture: Posture) -> bool:
        rules = self._rules
        if posture.leg_px is None or posture.torso_deg is None or posture.torso_deg >= rules.upright_deg:
            return False
        shortest_px, longest_px = (h * posture.height_px for h in (rules.seated_leg_share, rules.standing_leg_share))
        return shortest_px <= posture.leg_px < longest_px
