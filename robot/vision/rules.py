"""When does a sequence of postures look like a fall? One state machine per person. Pure; time is an argument.

Every length is measured in the person's own standing height H, so that near and far people obey the same numbers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from robot.messages import FallReason
from robot.vision.posture import Posture, smoothed


@dataclass(frozen=True, slots=True)
class FallRules:
    """The numbers of the rules.

    Where no other source stands beside a number it comes from the prototype on 123 clips (UP-Fall, URFD, GMDCSA24),
    where sensitivity was 70/74 and specificity 48/49: development figures, chosen on the same clips.
    """

    window_s: float = 1.6  # a fall happens within this time
    head_speed_h_s: float = 0.55  # fastest fall of the head, H per second
    head_drop_h: float = 0.38  # how far the head came down, H
    hip_drop_h: float = 0.12  # the hips come down too (a bow moves the head only), H
    speed_over_s: tuple[float, float] = (0.18, 0.9)  # head speed is taken between frames this far apart
    confirm_s: float = 1.0  # low for so long: median delay 1.8 s after onset; 3 s delays by 3.7 s and finds no more
    confirm_share: float = 0.75  # share of frames that must be low meanwhile
    give_up_s: float = 2.0  # a drop after which nobody lay low was none
    lost_s: float = 0.7  # vanished for so long while falling: behind furniture or out of view
    long_on_floor_s: float = 25.0  # slow slides show no drop
    found_on_floor_s: float = 10.0  # the fall may have happened while the watcher was restarting (issue 2, kill tests)
    start_s: float = 3.0  # who is first seen so soon after the start was there before it
    low_gap_s: float = 1.0  # a few frames of doubt do not restart the time on the floor; chosen, not measured
    recover_s: float = 1.5  # upright for so long: on their feet again
    upright_deg: float = 35.0  # torso within this of the vertical
    lying_deg: float = 55.0  # torso beyond this is lying or bending
    inverted_deg: float = 110.0  # head below the hips
    low_height_h: float = 0.52  # the whole body lower than this
    standing_leg_h: float = 0.33  # ankles so far below the hips: bending or sitting, not lying
    min_joint_score: float = 0.25  # mean joint score to learn H from
    smooth_s: float = 0.45  # up to three postures no older than this are smoothed
    small_share: float = 0.20  # figures below this share of the frame's height are ignored: too few pixels


class State(str, Enum):
    UNKNOWN = "unknown"
    UPRIGHT = "upright"
    FALLING = "falling"
    ALARMED = "alarmed"
    IN_BED = "in_bed"


CONFIDENCE = {  # an order among the reasons by how often the prototype saw them right, not a probability
    FallReason.FAST_DROP: 0.9,
    FallReason.FOUND_ON_FLOOR: 0.7,
    FallReason.LONG_ON_FLOOR: 0.6,
    FallReason.LOST_WHILE_FALLING: 0.5,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A suspected fall, or (`recovered`) that it is over. `onset_s` is on the watcher's steady clock."""

    reason: FallReason
    onset_s: float
    confidence: float
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class _Sample:
    at_s: float
    head_y_px: float
    hip_y_px: float
    low: bool


class FallMachine:
    """The fall rules for one person; `here_at_start` says that they were in view when the watcher started.

    `see` takes each posture, `miss` each moment at which the person is not seen. A fall is found once; the next one can
    only be found after `recovered`.
    """

    def __init__(self, rules: FallRules, here_at_start: bool = False) -> None:
        self.state = State.UNKNOWN
        self.height_px: float | None = None  # H, learnt while upright
        self.low = False
        self._rules = rules
        self._here_at_start = here_at_start
        self._recent: deque[tuple[float, Posture]] = deque(maxlen=3)
        self._window: deque[_Sample] = deque()
        self._seen_at_s: float | None = None
        self._low_since_s: float | None = None
        self._low_at_s = 0.0
        self._drop_at_s = 0.0
        self._landed_at_s: float | None = None
        self._upright_since_s: float | None = None
        self._onset_s = 0.0
        self._found: Finding | None = None

    def see(self, at_s: float, raw: Posture, in_bed: bool = False) -> Finding | None:
        """Take the person's posture; `in_bed` says that lying here is what the bed is for."""
        rules = self._rules
        while self._recent and at_s - self._recent[0][0] >= rules.smooth_s:
            self._recent.popleft()
        self._recent.append((at_s, raw))
        posture = smoothed([p for _, p in self._recent]) if len(self._recent) == 3 else raw
        self._seen_at_s = at_s
        self._learn_height(posture)
        height_px = self.height_px or posture.size_px
        upright = self._is_upright(posture) and posture.height_px > 0.7 * height_px
        self.low = self._is_low(posture, height_px)
        self._remember(_Sample(at_s, posture.head_y_px, posture.hip_y_px, self.low))
        self._time_low(at_s, in_bed)
        if self.state in (State.ALARMED, State.IN_BED):
            return self._wait_for_recovery(at_s, upright, in_bed)
        if self.state is not State.FALLING:
            if upright:
                self.state, self._here_at_start = State.UPRIGHT, False
            if self._dropped(height_px):
                self.state, self._drop_at_s, self._landed_at_s = State.FALLING, at_s, None
                self._onset_s = self._drop_began_s()
        found = self._confirm(at_s, upright, in_bed) if self.state is State.FALLING else None
        return found or self._judge_time_on_floor(at_s)

    def miss(self, at_s: float, in_bed: bool = False) -> Finding | None:
        """The person is not seen now."""
        if self.state is not State.FALLING or self._seen_at_s is None or at_s - self._seen_at_s < self._rules.lost_s:
            return None
        if in_bed:
            self.state = State.IN_BED
            return None
        return self._alarm(FallReason.LOST_WHILE_FALLING, self._onset_s)

    def _learn_height(self, posture: Posture) -> None:
        """H follows the standing height: quickly upwards, slowly down (a bow must not shrink the person)."""
        if not self._is_upright(posture) or posture.aspect >= 0.75 or posture.score <= self._rules.min_joint_score:
            return
        if self.height_px is None:
            self.height_px = posture.height_px
            return
        weight = 0.3 if posture.height_px > 0.8 * self.height_px else 0.015
        self.height_px += weight * (posture.height_px - self.height_px)

    def _is_upright(self, posture: Posture) -> bool:
        if posture.torso_deg is None:
            return posture.aspect < 0.7
        return posture.torso_deg < self._rules.upright_deg

    def _is_low(self, posture: Posture, height_px: float) -> bool:
        rules = self._rules
        height_h = posture.height_px / height_px
        inverted = posture.torso_deg is not None and posture.torso_deg > rules.inverted_deg
        lying = posture.torso_deg is not None and posture.torso_deg > rules.lying_deg
        on_legs = posture.leg_px is not None and posture.leg_px / height_px > rules.standing_leg_h
        flat = (lying and (height_h < 0.75 or posture.aspect > 0.9)) or (posture.aspect > 1.1 and height_h < 0.7)
        return inverted or ((flat or height_h < rules.low_height_h) and not on_legs)

    def _remember(self, sample: _Sample) -> None:
        self._window.append(sample)
        while sample.at_s - self._window[0].at_s > self._rules.window_s:
            self._window.popleft()

    def _dropped(self, height_px: float) -> bool:
        """Head fast and far down, and the rest of the body with it, within the window."""
        rules, window = self._rules, self._window
        now = window[-1]
        head_drop_h = (now.head_y_px - min(s.head_y_px for s in window)) / height_px
        hip_drop_h = (now.hip_y_px - min(s.hip_y_px for s in window)) / height_px
        if head_drop_h <= rules.head_drop_h or not (now.low or hip_drop_h > rules.hip_drop_h):
            return False
        shortest_s, longest_s = rules.speed_over_s
        samples = list(window)
        return any(
            (later.head_y_px - earlier.head_y_px) / height_px > rules.head_speed_h_s * (later.at_s - earlier.at_s)
            for n, earlier in enumerate(samples)
            for later in samples[n + 1 :]
            if shortest_s <= later.at_s - earlier.at_s <= longest_s
        )

    def _drop_began_s(self) -> float:
        """The last moment at which the head was still as high as it had been in the window."""
        top_px = min(s.head_y_px for s in self._window)
        return max(s.at_s for s in self._window if s.head_y_px <= top_px)

    def _confirm(self, at_s: float, upright: bool, in_bed: bool) -> Finding | None:
        rules = self._rules
        span_s = max(rules.confirm_s, 0.6)
        after = [s.low for s in self._window if s.at_s >= self._drop_at_s and at_s - s.at_s <= span_s]
        share = sum(after) / len(after)
        if self.low:
            self._landed_at_s = at_s if self._landed_at_s is None else self._landed_at_s
        elif share < 0.5:
            self._landed_at_s = None
            if at_s - self._drop_at_s > rules.give_up_s:
                self.state = State.UPRIGHT if upright else State.UNKNOWN
        if self._landed_at_s is None or at_s - self._landed_at_s < rules.confirm_s or share < rules.confirm_share:
            return None
        if in_bed:
            self.state = State.IN_BED
            return None
        return self._alarm(FallReason.FAST_DROP, self._onset_s, share)

    def _time_low(self, at_s: float, in_bed: bool) -> None:
        if in_bed:
            self._low_since_s = None
        elif self.low:
            self._low_since_s = at_s if self._low_since_s is None else self._low_since_s
            self._low_at_s = at_s
        elif at_s - self._low_at_s > self._rules.low_gap_s:
            self._low_since_s = None

    def _judge_time_on_floor(self, at_s: float) -> Finding | None:
        if self._low_since_s is None or not self.low or self.state is State.ALARMED:
            return None
        low_s = at_s - self._low_since_s
        if self._here_at_start and low_s >= self._rules.found_on_floor_s:
            return self._alarm(FallReason.FOUND_ON_FLOOR, self._low_since_s)
        if low_s >= self._rules.long_on_floor_s:
            return self._alarm(FallReason.LONG_ON_FLOOR, self._low_since_s)
        return None

    def _alarm(self, reason: FallReason, onset_s: float, share: float = 1.0) -> Finding:
        self.state, self._upright_since_s = State.ALARMED, None
        self._found = Finding(reason, onset_s, round(CONFIDENCE[reason] * share, 2))
        return self._found

    def _wait_for_recovery(self, at_s: float, upright: bool, in_bed: bool) -> Finding | None:
        if self.state is State.IN_BED and not in_bed and self.low:
            self.state = State.UNKNOWN  # rolled out of bed, or the mattress no longer feels them: time the floor
            return None
        if not upright:
            self._upright_since_s = None
            return None
        self._upright_since_s = at_s if self._upright_since_s is None else self._upright_since_s
        if at_s - self._upright_since_s < self._rules.recover_s:
            return None
        was, self._found = self._found, None
        self.state, self._upright_since_s, self._here_at_start = State.UPRIGHT, None, False
        self._window.clear()
        return Finding(was.reason, was.onset_s, was.confidence, recovered=True) if was else None
