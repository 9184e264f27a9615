"""How tall somebody stands in the picture (H), learnt while they are upright. Pure."""

from __future__ import annotations

from robot.vision.numbers import FallRules
from robot.vision.posture import Posture


class Stature:
    """H follows the standing height: quickly upwards, slowly down, never down because somebody sits or sinks.

    `px` is None until somebody was seen upright.
    """

    def __init__(self, rules: FallRules, px: float | None = None) -> None:
        self._rules = rules
        self.px = px

    def learn(self, posture: Posture, stands_px: float | None, *, low: bool, head_y_px: float) -> None:
        """Take a posture; `stands_px`: how tall people stand there; `low`: it lay a moment ago; `head_y_px`: how high
        the head was within the last second.
        """
        if not is_upright(posture, self._rules) or posture.aspect >= 0.75:
            return
        if posture.score <= self._rules.min_joint_score or posture.height_px < self._rules.small_h * (stands_px or 0.0):
            return  # who lies along the line of sight looks like a small figure that stands
        if self.px is None:
            self.px = posture.height_px
        elif posture.height_px > self.px:
            self.px += 0.3 * (posture.height_px - self.px)
        elif not low and stands(posture, self._rules) and not self._sinks(posture, head_y_px):
            weight = 0.3 if stands_px is not None or posture.height_px > 0.8 * self.px else 0.015
            self.px += weight * (posture.height_px - self.px)

    def _sinks(self, posture: Posture, head_y_px: float) -> bool:
        """Whoever falls gets shorter too: their height is the one of before."""
        return posture.head_y_px - head_y_px > self._rules.roll_head_h * (self.px or 0.0)


def is_upright(posture: Posture, rules: FallRules) -> bool:
    """Whether the trunk is about vertical, or, where it is hidden, the body is taller than wide."""
    if posture.torso_deg is None:
        return posture.aspect < 0.7
    return posture.torso_deg < rules.upright_deg


def stands(posture: Posture, rules: FallRules) -> bool:
    """Whether the legs carry this posture, whatever the person's height: hips well above the ankles."""
    return posture.leg_px is not None and posture.leg_px >= rules.standing_leg_share * posture.height_px
