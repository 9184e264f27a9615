"""When does a sequence of postures look like a fall? One state machine per person. Pure; time is an argument.

Every length is measured in the person's own standing height H, so that near and far people obey the same numbers.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from robot.messages import FallReason, Zone
from robot.vision import drop
from robot.vision.before import Before, Spell
from robot.vision.drop import Sample
from robot.vision.findings import ANYWHERE, CONFIDENCE, Finding, Place, State
from robot.vision.lying import OnFloor
from robot.vision.numbers import FallRules
from robot.vision.posture import Posture, smoothed
from robot.vision.stature import Stature, is_upright, stands


class FallMachine:
    """The fall rules for one person; `here_at_start` says that they were in view when the watcher started.

    `see` takes each posture, `miss` each moment at which the person is not seen. A fall is found once; the next one
    only after they rose (after a while, `recovered`), or left the floor for a while, as who now sits in a wheelchair.
    `rested` counts the drops that ended where lying is normal.
    """

    def __init__(self, rules: FallRules, here_at_start: bool = False, height_px: float | None = None) -> None:
        self.state = State.UNKNOWN
        self.sinking = False
        self._short = False
        self.low = False
        self.reclines = False
        self.upright = False
        self.on_feet = False
        self.stood_at_s = -math.inf
        self.rested = 0
        self._rules = rules
        self._stature = Stature(rules, height_px)
        self.here_at_start = here_at_start
        self._recent: deque[tuple[float, Posture]] = deque(maxlen=3)
        self._window: deque[Sample] = deque()
        self._before = Before(rules)
        self._began_at_s = 0.0
        self._seen_at_s: float | None = None
        self._gap: tuple[float, float] = (-math.inf, -math.inf)  # when they were last not seen
        self._left = False  # at the frame's edge before that
        self._is_doubted = False  # it may be another who appeared where somebody vanished
        self.edge_at_s = -math.inf
        self._trunk_up = False
        self._lying = False
        self._low = Spell()
        self._lay = Spell()
        self._on_floor = OnFloor(rules)
        self._sat_told_at_s = -math.inf
        self._drop_at_s = -math.inf
        self._drop_reason = FallReason.FAST_DROP
        self._above_px = -math.inf  # who rolled out of bed has the hips below this ever after
        self._landed_at_s: float | None = None
        self._upright_since_s: float | None = None
        self._rests_since_s: float | None = None
        self._rose = False
        self._off_floor_since_s: float | None = None
        self._is_rearmed = self._told_below_bed = False
        self._onset_s = 0.0
        self._stood: Sample | None = None  # before the drop from upright
        self._fell_at_edge = False
        self._head_y_px = self._lay_head_y_px = math.inf
        self._found: Finding | None = None

    @property
    def height_px(self) -> float | None:
        """H, how tall they stand; None until they were seen upright."""
        return self._stature.px

    @property
    def lies_as_in_bed(self) -> bool:
        """Whether they were in the bed's zone, have not stood since, and their hips are no lower now."""
        return self.low and self._before.in_bed_at_s is not None and not self._before.below_bed()

    @property
    def sits(self) -> bool:
        """Whether the trunk is upright and in its full length."""
        return bool(self._window) and self._window[-1].sits

    @property
    def lies_as_on_sofa(self) -> bool:
        """Whether they were on the sofa, have not stood since, and their hips are still about there."""
        return self.low and self._before.still_on_sofa()

    @property
    def stood_hip_px(self) -> tuple[float, float] | None:
        """Where the hips were before the last drop from upright."""
        return (self._stood.hip_x_px, self._stood.hip_y_px) if self._stood is not None else None

    @property
    def slid(self) -> bool:
        """Whether they are beside the seat on which they sat, and have not risen from it."""
        return self._before.slides

    @property
    def is_glimpse(self) -> bool:
        """Whether they were hardly seen: this may be a ghost of the model."""
        return self._seen_at_s is None or self._seen_at_s - self._began_at_s < self._rules.glimpse_s

    @property
    def sank(self) -> bool:
        """Whether a drop began shortly before they were last seen, whatever it seemed to be."""
        return self._seen_at_s is not None and self._seen_at_s - self._drop_at_s <= self._rules.stood_s

    @property
    def lies_below_bed(self) -> bool:
        """Whether they were in the bed's zone, have not stood since, and are clearly below it."""
        return self.low and self._before.in_bed_at_s is not None and self._before.below_bed()

    @property
    def is_timed(self) -> bool:
        """Whether the time on the floor is running, and was not told: a wrong look would restart it."""
        return self._low.since_s is not None and (self._is_rearmed or self.state not in (State.ALARMED, State.IN_BED))

    def see(self, at_s: float, raw: Posture, place: Place = ANYWHERE) -> Finding | None:
        """Take the person's posture, and where it is."""
        height_px = self._take(at_s, raw, place)
        if self.state in (State.ALARMED, State.IN_BED):
            finding = self._wait_for_recovery(at_s, place.rests)
            if self.state is State.ALARMED and (self._rose or self._is_rearmed):
                self._look_for_drop(at_s, height_px)
            return finding or self._judge_again(at_s, place)
        if self.state is not State.FALLING:
            if self.upright:
                self.state, self.here_at_start = State.UPRIGHT, False
            self._look_for_drop(at_s, height_px)
        found = self._confirm(at_s, height_px, place) if self.state is State.FALLING else None
        return found or self._judge_time_on_floor(at_s, place)

    def miss(self, at_s: float, place: Place = ANYWHERE) -> Finding | None:
        """The person is not seen now; `place` is where they were last."""
        if self._seen_at_s is None or at_s - self._seen_at_s < self._rules.lost_s:
            return None
        if self.state is not State.FALLING:
            return self._judge_slide(at_s, place, self._rules.watched_s)
        if place.rests:
            self._rest()
            return None
        if place.will_feel and at_s - self._drop_at_s < self._rules.bed_feels_s:
            return None  # under the blanket?
        if self._is_doubted and self.is_glimpse:
            return None  # one low glimpse where somebody vanished may be a ghost: they are looked for
        stood, last = self._stood, self._window[-1]  # a pet, a blanket, who rolls out of bed unseen never stood
        sat, bows = self._trunk_up and not last.low, self._before.bows(self._drop_at_s)
        nearer, at_edge = not self.low and drop.comes_nearer(last, self._rules), self._is_at_edge(self._seen_at_s)
        left = at_edge and stood is not None and (self._fell_at_edge or drop.went_aside(stood, last, self._rules))
        if stood is None or sat or bows or nearer or left:
            self._give_up()  # they sat down, bow where they sat, or walk past the camera and sank in the picture
            return None
        return self._alarm(FallReason.LOST_WHILE_FALLING, self._onset_s)

    def _is_at_edge(self, at_s: float) -> bool:
        return at_s - self.edge_at_s <= self._rules.lost_s

    def follow_on(self, gone: FallMachine, at_s: float) -> None:
        """Who stood there vanished, and now this appears: if it lies, they fell while they were not seen."""
        if gone._window:
            self._is_doubted = not gone.sank
            self._window.append(gone._window[-1])
            self._gap = (gone._window[-1].at_s, at_s)

    def dismiss(self) -> None:
        """What was found last was nothing: go on as before it."""
        self._found = None
        self._give_up()

    def _take(self, at_s: float, raw: Posture, place: Place) -> float:
        """Remember what is seen; returns H."""
        posture = self._smooth(at_s, raw)
        if self._seen_at_s is not None and at_s - self._seen_at_s >= self._rules.lost_s:
            self._gap = (self._seen_at_s, at_s)
            self._left = self._is_at_edge(self._seen_at_s)
        self._began_at_s = at_s if self._seen_at_s is None else self._began_at_s
        self._seen_at_s, self._trunk_up = at_s, is_upright(raw, self._rules)
        self.edge_at_s = at_s if place.edge else self.edge_at_s
        if self.state is not State.FALLING:
            self._learn_height(at_s, posture, place.stands_px)
        height_px = self.height_px or place.stands_px or posture.size_px
        self._judge_posture(at_s, posture, height_px)
        # who sits down fast may look as short as who lies along the line of sight: beside somebody only who is low lies
        before = self._stood if self.state is State.FALLING and not place.watched else None
        down = self.low or (before is not None and drop.came_down(before, posture, place, self._rules))
        self._head_y_px = posture.head_y_px
        self._remember(Sample.of(at_s, posture, height_px, low=down, sits=drop.sits(posture, height_px, self._rules)))
        lately = [s for s in self._window if at_s - s.at_s <= self._rules.window_s]
        stood = at_s - self.stood_at_s <= self._rules.window_s
        self.sinking = stood and drop.sinks(lately, raw, height_px, self._rules)
        self._before.see(
            at_s,
            posture,
            height_px,
            place.zone,
            low=self.low,
            lying=self._lying,
            on_feet=self.on_feet,
            unsure=place.edge or place.company,
            stands_px=place.stands_px,
        )
        self._time_low(at_s, place.rests)
        self._on_floor.see(at_s, posture, height_px, self._lay.since_s)
        if self._lying and self.state is State.UNKNOWN and at_s - self._began_at_s <= self._rules.start_s:
            self.here_at_start = True  # nobody comes in lying: they fell unseen
        return height_px

    def _smooth(self, at_s: float, raw: Posture) -> Posture:
        while self._recent and at_s - self._recent[0][0] >= self._rules.smooth_s:
            self._recent.popleft()
        self._recent.append((at_s, raw))
        return smoothed([p for _, p in self._recent]) if len(self._recent) == 3 else raw

    def _judge_posture(self, at_s: float, posture: Posture, height_px: float) -> None:
        rules = self._rules
        self.upright = is_upright(posture, rules) and posture.height_px > 0.7 * height_px
        on_legs = posture.leg_px is not None and posture.leg_px / height_px > rules.standing_leg_h
        self.on_feet = self.upright and stands(posture, rules)
        self.stood_at_s = at_s if self.on_feet else self.stood_at_s
        height_h = posture.height_px / height_px
        inverted = posture.torso_deg is not None and posture.torso_deg > rules.inverted_deg
        lying = posture.torso_deg is not None and posture.torso_deg > rules.lying_deg
        self._short = posture.hip_y_px - posture.head_y_px < rules.short_trunk_h * height_px  # along the line of sight
        flat = (lying and (height_h < 0.75 or posture.aspect > 0.9)) or (posture.aspect > 1.1 and height_h < 0.7)
        flat = flat or (self._short and height_h < 0.75)  # along the line of sight, or askew to it
        self.reclines = lying
        self.low = inverted or ((flat or height_h < rules.low_height_h) and not on_legs)
        trunk_up = posture.torso_deg is not None and posture.torso_deg < rules.upright_deg
        self._lying = self.low and not (trunk_up and not self._short and height_h >= rules.sitting_height_h)

    def _learn_height(self, at_s: float, posture: Posture, stands_px: float | None) -> None:
        heads = [s.head_y_px for s in self._window if at_s - s.at_s <= self._rules.speed_over_s[1]]
        head_y_px = min(heads, default=posture.head_y_px)
        self._stature.learn(posture, stands_px, low=self.low, head_y_px=head_y_px)

    def _remember(self, sample: Sample) -> None:
        before = self._window[-1] if self._window else sample
        passed_s = max(sample.at_s - before.at_s, self._rules.frame_s)
        fell_h = (sample.head_y_px - before.head_y_px) / min(before.height_px, sample.height_px)
        if passed_s <= self._rules.smooth_s and fell_h > self._rules.fastest_h_s * passed_s:
            self._window.clear()  # nothing falls so fast: another figure was taken for them
        self._window.append(sample)
        fresh = sample.at_s - self._gap[1] <= self._rules.window_s  # how they stood before they were not seen counts
        since_s = min(sample.at_s, self._gap[0] if fresh else sample.at_s) - self._rules.hip_window_s
        while self._window[0].at_s < since_s:
            self._window.popleft()

    def _look_for_drop(self, at_s: float, height_px: float) -> None:
        """Within the window, head and hips far down: fast from upright, or as a whole from lying above the floor."""
        rules, now = self._rules, self._window[-1]
        down = now.low or (self._short and not self.on_feet)
        # it happened while they were not seen; who was at the frame's edge before that has left
        unseen = down and at_s - self._gap[1] <= rules.window_s and not self._left and self._sank_unseen(now, height_px)
        since_s = min(at_s, self._gap[0] if unseen else at_s) - rules.window_s
        window = [s for s in self._window if s.at_s >= since_s]
        head_drop_h = (now.head_y_px - min(s.head_y_px for s in window)) / height_px
        if head_drop_h > rules.head_drop_h:
            hip_drop_h = (now.hip_y_px - min(s.hip_y_px for s in self._window)) / height_px
            fell = hip_drop_h > rules.hip_drop_h or drop.legs_gave_way(window, rules)
            if fell and (unseen or drop.head_was_fast(window, height_px, rules.head_speed_h_s, rules)):
                reason = self._before.explains(at_s) or FallReason.FAST_DROP
                onset_s = drop.began_s([(s.at_s, s.head_y_px) for s in window])
                stood = next(s for s in window if s.at_s == onset_s)
                hip_y_px = min(s.hip_y_px for s in self._window if s.at_s <= onset_s)
                self._fall(at_s, onset_s, reason, replace(stood, hip_y_px=hip_y_px))
        elif now.low and head_drop_h > rules.roll_head_h:
            lately_s = min(at_s - rules.window_s, self._gap[0] if unseen else at_s)
            lay = [s for s in window if s.low and s.at_s >= lately_s]  # a sleeper's hips are guessed here and there
            if (now.hip_y_px - min(s.hip_y_px for s in lay)) / height_px > rules.roll_hip_h:
                self._fall(at_s, drop.began_s([(s.at_s, s.hip_y_px) for s in lay]), FallReason.FELL_OUT_OF_BED)
                self._above_px = min(s.hip_y_px for s in lay) + rules.rolled_hip_h * height_px

    def _sank_unseen(self, now: Sample, height_px: float) -> bool:
        """Whether the head came down while they were not seen: who lay down slowly was seen to do it."""
        before = next((s for s in reversed(self._window) if s.at_s <= self._gap[0]), None)
        return before is not None and now.head_y_px - before.head_y_px > self._rules.roll_head_h * height_px

    def _fall(self, at_s: float, onset_s: float, reason: FallReason, stood: Sample | None = None) -> None:
        self._stood, self._fell_at_edge, self._above_px = stood, self._is_at_edge(at_s), -math.inf
        self.state, self._drop_at_s, self._landed_at_s = State.FALLING, at_s, None
        self._onset_s, self._drop_reason = onset_s, reason

    def _confirm(self, at_s: float, height_px: float, place: Place) -> Finding | None:
        rules = self._rules
        span_s = max(rules.confirm_s, 0.6)
        after = [s for s in self._window if s.at_s >= self._drop_at_s and at_s - s.at_s <= span_s]
        if not after:
            return None  # a frame from before the drop
        lies = [s.low and s.hip_y_px > self._above_px for s in after]
        share = sum(lies) / len(lies)
        sat_down = sum(s.sits for s in after) > len(after) / 2
        confirm_s = rules.child_lies_s if place.child else rules.sat_down_s if sat_down else rules.confirm_s
        if lies[-1]:
            self._landed_at_s = at_s if self._landed_at_s is None else self._landed_at_s
        elif share < 0.5:
            self._landed_at_s = None
            if at_s - self._drop_at_s > rules.give_up_s:
                self._give_up()
        if self._landed_at_s is None or at_s - self._landed_at_s < confirm_s or share < rules.confirm_share:
            return None
        if drop.moves_on([s for s in after if at_s - s.at_s <= rules.landed_over_s], height_px, rules):
            return None
        if place.rests:
            self._rest()
            return None
        if place.will_feel and at_s - self._landed_at_s < rules.bed_feels_s:
            return None
        return self._alarm(self._drop_reason, self._onset_s, share)

    def _give_up(self) -> None:
        calm = State.UPRIGHT if self.upright else State.UNKNOWN
        self.state = State.ALARMED if self._found is not None else calm

    def _rest(self) -> None:
        self.state = State.IN_BED
        self.rested += 1

    def _time_low(self, at_s: float, rests: bool) -> None:
        for spell, holds in ((self._low, self.low), (self._lay, self._lying)):
            spell.see(at_s, holds and not rests, 0.0 if rests else self._rules.low_gap_s, self._rules.look_s)

    def _judge_time_on_floor(self, at_s: float, place: Place) -> Finding | None:
        rules, low_since_s = self._rules, self._low.since_s
        if slid := self._judge_slide(at_s, place):
            return slid
        if low_since_s is None or not self.is_timed or not self.low:
            return None
        low_s = at_s - low_since_s
        if place.child and low_s < rules.child_lies_s:
            return None
        lay_since_s = at_s if self._lay.since_s is None else self._lay.since_s
        if rolled := self._judge_roll(at_s, place, low_since_s):
            return rolled
        if place.will_feel and (self.state is State.FALLING or at_s - lay_since_s < rules.bed_feels_s):
            return None
        watched = self._lay.seen_s >= rules.watched_s
        found = self.here_at_start and not self._on_floor.travelled and self._on_floor.rests(at_s)
        if watched and found and at_s - lay_since_s >= rules.found_on_floor_s:
            return self._alarm(FallReason.FOUND_ON_FLOOR, lay_since_s)
        if watched and self._on_floor.is_long(at_s, bows=self._before.bows(lay_since_s)):
            return self._alarm(FallReason.LONG_ON_FLOOR, lay_since_s)
        if low_s >= rules.sits_on_floor_s and at_s - self._sat_told_at_s >= rules.sits_again_s:
            self._sat_told_at_s = at_s
            return self._alarm(FallReason.LONG_ON_FLOOR, low_since_s)
        return None

    def _judge_roll(self, at_s: float, place: Place, low_since_s: float) -> Finding | None:
        """Whether they have lain below the bed in which they were for some seconds, and did not stand between."""
        explained = self._before.explains(low_since_s) is FallReason.FELL_OUT_OF_BED
        left_at_s = max(low_since_s, self._before.in_bed_at_s or 0.0)
        if not explained or place.zone is Zone.BED or not self.lies_below_bed:
            return None
        lasts = at_s - left_at_s >= self._rules.left_bed_s
        return self._alarm(FallReason.FELL_OUT_OF_BED, left_at_s) if lasts else None

    def _judge_again(self, at_s: float, place: Place) -> Finding | None:
        """Of somebody who was told: what is new. Who was told lying in bed may yet roll out of it."""
        if self._is_rearmed:
            return self._judge_time_on_floor(at_s, place)
        if self.state is not State.ALARMED or self._told_below_bed or self._low.since_s is None:
            return None
        return self._judge_roll(at_s, place, self._low.since_s)

    def _judge_slide(self, at_s: float, place: Place, seen_s: float = 0.0) -> Finding | None:
        since_s = self._before.slid_since_s(at_s, seen_s)
        in_bed = place.zone is Zone.BED or place.will_feel or place.rests
        told = self.state is State.ALARMED and not self._is_rearmed
        return None if since_s is None or in_bed or told else self._alarm(FallReason.SLID_FROM_CHAIR, since_s)

    def _alarm(self, reason: FallReason, onset_s: float, share: float = 1.0) -> Finding:
        self.state, self._upright_since_s, self._rose = State.ALARMED, None, False
        self._off_floor_since_s, self._is_rearmed = None, False
        self._told_below_bed = self.lies_below_bed
        self._lay_head_y_px = self._head_y_px
        self._found = Finding(reason, onset_s, round(CONFIDENCE[reason] * share, 2))
        return self._found

    def _wait_for_recovery(self, at_s: float, rests: bool) -> Finding | None:
        if self.state is State.IN_BED and not rests and self.low:
            self.state = State.UNKNOWN  # rolled out of bed, or the mattress no longer feels them: time the floor
            return None
        self._rests_since_s = (at_s if self._rests_since_s is None else self._rests_since_s) if rests else None
        if self._rests_since_s is not None and at_s - self._rests_since_s >= self._rules.rest_s:
            self.state = State.IN_BED  # brought back, or never out of it: the next fall is a new one
        self._rearm(at_s)
        if not self.upright or not self._has_risen():
            self._upright_since_s = None
            return None
        self._rose = True
        self._upright_since_s = at_s if self._upright_since_s is None else self._upright_since_s
        if at_s - self._upright_since_s < self._rules.recover_s:
            return None
        was, self._found = self._found, None
        self.state, self._upright_since_s, self.here_at_start = State.UPRIGHT, None, False
        self._is_rearmed = False
        self._window.clear()
        return Finding(was.reason, was.onset_s, was.confidence, recovered=True) if was else None

    def _has_risen(self) -> bool:
        """Who lies along the line of sight may look upright."""
        now = self._window[-1]
        return self._lay_head_y_px - now.head_y_px > self._rules.rose_h * now.height_px

    def _rearm(self, at_s: float) -> None:
        """Off the floor for a while, all of it seen: what happens next is new. This tells nothing."""
        if self.low:
            self._off_floor_since_s = None
            return
        since_s = at_s if self._off_floor_since_s is None else self._off_floor_since_s
        self._off_floor_since_s = max(since_s, self._gap[1])
        if self.state is State.ALARMED and at_s - self._off_floor_since_s >= self._rules.rearm_s:
            self._is_rearmed, self.here_at_start = True, False
