"""What somebody did before they were low, and for how long: stood, sat on something, lay in bed. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from robot.messages import FallReason, Zone
from robot.vision.numbers import FallRules
from robot.vision.posture import Posture
from robot.vision.stature import is_upright


@dataclass(slots=True)
class Spell:
    """Since when something lasts, short gaps aside; `seen_s` is how long of that it was seen."""

    since_s: float | None = None
    seen_s: float = 0.0
    _at_s: float = 0.0

    def see(self, at_s: float, holds: bool, gap_s: float, look_s: float) -> None:
        if holds:
            self.seen_s += look_s if self.since_s is None else min(look_s, at_s - self._at_s)
            self.since_s, self._at_s = at_s if self.since_s is None else self.since_s, at_s
        elif at_s - self._at_s > gap_s:
            self.since_s, self.seen_s = None, 0.0


class _Rested:
    """Until when and where somebody was in a lying place, for at least `after_s`."""

    def __init__(self, rules: FallRules, after_s: float) -> None:
        self._rules, self._after_s = rules, after_s
        self._since_s: float | None = None
        self.x_px = self.y_px = 0.0
        self.at_s: float | None = None

    def see(self, at_s: float, passed_s: float, posture: Posture, inside: bool) -> None:
        if not inside:  # whoever falls in front of it passes its zone in the picture for a moment
            self._since_s = None
            return
        if self._since_s is None:
            self._since_s, self.x_px, self.y_px = at_s, posture.hip_x_px, posture.hip_y_px
        # so slowly that sliding out does not take the place with it
        share = min(1.0, passed_s / self._rules.came_from_s)
        self.x_px += share * (posture.hip_x_px - self.x_px)
        self.y_px += share * (posture.hip_y_px - self.y_px)
        if at_s - self._since_s >= self._after_s:
            self.at_s = at_s

    def forget(self) -> None:
        self._since_s = self.at_s = None


class _Seat:
    """Where somebody sat for a while, and whether they have left it downwards: who gets up rises first."""

    def __init__(self, rules: FallRules) -> None:
        self._rules = rules
        self._since_s: float | None = None
        self._last_s = 0.0
        self._sits_x_px = self._sits_y_px = self._sits_lowest_y_px = self._sits_head_y_px = 0.0
        self.at_s: float | None = None
        self.x_px = self.y_px = self._head_y_px = 0.0
        self.slid = Spell()

    def see(
        self, at_s: float, posture: Posture, height_px: float, *, sits: bool, low: bool, on_sofa: bool, unsure: bool
    ) -> None:
        """Somebody who is not on their feet; `on_sofa`: their hips are in its zone; `unsure`: only lying counts."""
        away = (low or not unsure) and self._is_away(posture, height_px, low=low, on_sofa=on_sofa)
        # hidden hips are guessed on the seat again: who lies, and whose head is down, has not risen to it
        was_away = self.slid.seen_s >= self._rules.seated_s
        away = away or (was_away and low and self._is_below(posture, height_px))
        recent = self.at_s is not None and at_s - self.at_s <= self._rules.slides_for_s
        self.slid.see(
            at_s, away and (recent or self.slid.since_s is not None), self._rules.low_gap_s, self._rules.look_s
        )
        if sits and self.slid.since_s is None:
            self._sit(at_s, posture, height_px)
        elif at_s - self._last_s > self._rules.seated_s:
            self._since_s = None

    def has_risen(self, posture: Posture, height_px: float) -> bool:
        """Whether who seems to be on their feet has left the seat: sitting may look like standing."""
        if self.at_s is None:
            return True
        up_px = self._head_y_px - posture.head_y_px
        away_px = math.hypot(posture.hip_x_px - self.x_px, posture.hip_y_px - self.y_px)
        return up_px > self._rules.roll_head_h * height_px or away_px > self._rules.off_seat_h * height_px

    def forget(self) -> None:
        self._since_s = self.at_s = None
        self.slid = Spell()

    def _sit(self, at_s: float, posture: Posture, height_px: float) -> None:
        lowest_y_px = max(self._sits_lowest_y_px, posture.hip_y_px)
        another = lowest_y_px - min(self._sits_y_px, posture.hip_y_px) > self._rules.lower_seat_h * height_px
        if self._since_s is None or another:  # who kneels, then sits on the heels: a lower seat; who rises: none
            self._since_s = self._last_s = at_s
            self._sits_lowest_y_px = posture.hip_y_px
            self._sits_x_px, self._sits_y_px = posture.hip_x_px, posture.hip_y_px
            self._sits_head_y_px = posture.head_y_px
        # a slow slide must not take the seat with it
        share = min(1.0, (at_s - self._last_s) / self._rules.came_from_s)
        self._sits_x_px += share * (posture.hip_x_px - self._sits_x_px)
        self._sits_y_px = min(self._sits_y_px, posture.hip_y_px)
        self._sits_head_y_px = min(self._sits_head_y_px, posture.head_y_px)
        self._sits_lowest_y_px = max(self._sits_lowest_y_px, posture.hip_y_px)
        self._last_s = at_s
        if at_s - self._since_s >= self._rules.seat_stay_s:
            self.at_s, self.x_px, self.y_px = at_s, self._sits_x_px, self._sits_y_px
            self._head_y_px = self._sits_head_y_px
        elif self._is_there(at_s, posture, height_px):
            self.at_s = at_s

    def _is_there(self, at_s: float, posture: Posture, height_px: float) -> bool:
        """Whether who sits now does so where they sat a while before: a wrong look made no other seat of it."""
        away_px = math.hypot(posture.hip_x_px - self.x_px, posture.hip_y_px - self.y_px)
        recent = self.at_s is not None and at_s - self.at_s <= self._rules.slides_for_s
        return recent and away_px <= self._rules.lower_seat_h * height_px

    def _is_below(self, posture: Posture, height_px: float) -> bool:
        """Whether the head is lower than of who sits there, and the body no further away than it slides."""
        away_px = math.hypot(posture.hip_x_px - self.x_px, posture.hip_y_px - self.y_px)
        head_down = posture.head_y_px - self._head_y_px > self._rules.roll_head_h * height_px
        return self.at_s is not None and head_down and away_px <= self._rules.slid_reach_h * height_px

    def _is_away(self, posture: Posture, height_px: float, *, low: bool, on_sofa: bool) -> bool:
        """Head and hips lower than on any seat, or, lying, somewhat lower or half a metre beside it; not further away
        than a body slides.
        """
        x_px, y_px = posture.hip_x_px - self.x_px, posture.hip_y_px - self.y_px
        away_h, down_h = math.hypot(x_px, y_px) / height_px, y_px / height_px
        if not self._is_below(posture, height_px):
            return False
        if low and not on_sofa and down_h > self._rules.hip_drop_h:
            return True
        return down_h > self._rules.off_seat_hip_h or (low and away_h > self._rules.off_seat_h)


class Before:
    """One person's recent past: standing erases it, and after `came_from_s` it explains nothing any more."""

    def __init__(self, rules: FallRules) -> None:
        self._rules = rules
        self._seat = _Seat(rules)
        self._tall = Spell()
        self._at_s = self._seen_at_s = 0.0
        self._hip_x_px = self._hip_y_px = 0.0
        self._height_px = self._size_px = 1.0
        self._bed, self._sofa = _Rested(rules, rules.seated_s), _Rested(rules, rules.rest_s)

    @property
    def in_bed_at_s(self) -> float | None:
        """When they were last in bed, if they have not stood since."""
        return self._bed.at_s

    def see(
        self,
        at_s: float,
        posture: Posture,
        height_px: float,
        zone: Zone | None,
        *,
        low: bool,
        lying: bool,
        on_feet: bool,
        unsure: bool,
        stands_px: float | None = None,
    ) -> None:
        """Take a smoothed posture of somebody whose standing height is `height_px`; `lying`: low, the trunk not up;
        `unsure`: the frame's edge may cut them, or others may be taken for them; `stands_px`: how tall people stand
        there.
        """
        step_h = math.hypot(posture.hip_x_px - self._hip_x_px, posture.hip_y_px - self._hip_y_px) / height_px
        self._hip_x_px, self._hip_y_px, self._height_px = posture.hip_x_px, posture.hip_y_px, height_px
        self._size_px = posture.size_px
        if step_h > self._rules.slide_step_h and step_h > self._rules.slide_h_s * (at_s - self._seen_at_s):
            self._seat.forget()  # nobody slides so fast: another figure was taken for them, or they fall
        self._seen_at_s = at_s
        tall = on_feet and self._is_tall(posture, stands_px)
        self._tall.see(at_s, tall, self._rules.low_gap_s, self._rules.look_s)
        if on_feet:
            if self._stands_long(at_s) or self._seat.has_risen(posture, height_px):
                self._seat.forget()
            else:
                self._seat.at_s = at_s
            self._bed.forget()
            self._sofa.forget()
            return
        passed_s, self._at_s = at_s - self._at_s, at_s
        self._bed.see(at_s, passed_s, posture, zone is Zone.BED)
        self._sofa.see(at_s, passed_s, posture, zone is Zone.SOFA and lying)  # who sits may slide
        on_sofa = zone is Zone.SOFA
        sits = not low and (self._is_seated(posture) or (on_sofa and is_upright(posture, self._rules)))
        self._seat.see(at_s, posture, height_px, sits=sits, low=low, on_sofa=on_sofa, unsure=unsure)

    def explains(self, at_s: float) -> FallReason | None:
        """Why somebody fell who is low since `at_s`: the bed before the seat, whichever was not long ago."""
        if self._recent(self._bed.at_s, at_s):
            return FallReason.FELL_OUT_OF_BED
        return FallReason.SLID_FROM_CHAIR if self._recent(self._seat.at_s, at_s) else None

    @property
    def slides(self) -> bool:
        """Whether they are beside the seat on which they sat, and have not risen from it."""
        return self._seat.slid.since_s is not None

    def slid_since_s(self, at_s: float, seen_s: float = 0.0) -> float | None:
        """Since when they have been beside that seat, if for long enough, and `seen_s` of it were seen."""
        slid = self._seat.slid
        lasts = slid.since_s is not None and at_s - slid.since_s >= self._rules.slide_s
        return slid.since_s if lasts and slid.seen_s >= seen_s else None

    def bows(self, since_s: float) -> bool:
        """Whether who is low since then keeps the hips where they had just been sitting, if only on their heels."""
        seat, hip_px = self._seat, (self._hip_x_px, self._hip_y_px)
        near = math.dist(hip_px, (seat.x_px, seat.y_px)) < self._rules.hip_drop_h * self._height_px
        return near and self._size_px < self._rules.bow_h * self._height_px and self._recent(seat.at_s, since_s)

    def still_on_sofa(self) -> bool:
        """Whether the hips are about where they rested on the sofa, or above: who lies on their side is higher."""
        away_px, down_px = abs(self._hip_x_px - self._sofa.x_px), self._hip_y_px - self._sofa.y_px
        near = away_px < self._rules.rest_turn_h * self._height_px
        return self._sofa.at_s is not None and near and down_px < self._rules.hip_drop_h * self._height_px

    def below_bed(self) -> bool:
        """Whether the hips are now clearly below where they lay in bed: its edge is only a line in the picture."""
        return self._hip_y_px - self._bed.y_px > self._rules.roll_hip_h * self._height_px

    def _recent(self, then_s: float | None, at_s: float) -> bool:
        return then_s is not None and at_s - then_s <= self._rules.came_from_s

    def _stands_long(self, at_s: float) -> bool:
        """Whether they stand for so long that they do not just try to get up, and sink back before the seat."""
        return self._tall.since_s is not None and at_s - self._tall.since_s >= self._rules.seat_stay_s

    def _is_tall(self, posture: Posture, stands_px: float | None) -> bool:
        """Whether body and legs are as long as of whoever walks there: nobody who sits is, whatever they look like."""
        if stands_px is None or posture.leg_px is None or posture.height_px < self._rules.tall_h * stands_px:
            return False
        return posture.leg_px >= self._rules.tall_leg_h * stands_px

    def _is_seated(self, posture: Posture) -> bool:
        rules = self._rules
        if posture.leg_px is None or posture.torso_deg is None or posture.torso_deg >= rules.upright_deg:
            return False
        shortest_px, longest_px = (h * posture.height_px for h in (rules.seated_leg_share, rules.standing_leg_share))
        return shortest_px <= posture.leg_px < longest_px
