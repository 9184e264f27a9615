"""What tells a drop from walking, bowing and sitting down, in shares of the person's height H. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from robot.vision.findings import Place
from robot.vision.numbers import FallRules
from robot.vision.posture import Posture


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of a person: places in pixels (y down), `height_px` is H, `leg_px` how far the feet are below the
    hips (None: hidden).
    """

    at_s: float
    head_y_px: float
    hip_x_px: float
    hip_y_px: float
    height_px: float
    leg_px: float | None
    low: bool
    sits: bool

    @classmethod
    def of(cls, at_s: float, posture: Posture, height_px: float, *, low: bool, sits: bool) -> Sample:
        head_y_px, hip_x_px, hip_y_px = posture.head_y_px, posture.hip_x_px, posture.hip_y_px
        return cls(at_s, head_y_px, hip_x_px, hip_y_px, height_px, posture.leg_px, low, sits)


def head_was_fast(samples: Sequence[Sample], height_px: float, speed_h_s: float, rules: FallRules) -> bool:
    """Whether the head came down by more than `speed_h_s` H per second."""
    shortest_s, longest_s = rules.speed_over_s
    return any(
        (later.head_y_px - earlier.head_y_px) / height_px > speed_h_s * (later.at_s - earlier.at_s)
        for n, earlier in enumerate(samples)
        for later in samples[n + 1 :]
        if shortest_s <= later.at_s - earlier.at_s <= longest_s
    )


def sits(now: Posture, height_px: float, rules: FallRules) -> bool:
    """Whether the trunk is upright and in its full length: who sits down or crouches, and few who have fallen."""
    trunk_up = now.torso_deg is not None and now.torso_deg < rules.upright_deg
    return trunk_up and now.hip_y_px - now.head_y_px > rules.sitting_trunk_h * height_px


def legs_gave_way(samples: Sequence[Sample], rules: FallRules) -> bool:
    """Whether the hips were above the feet and now are not: towards the camera they need not come down in it."""
    if not samples[-1].low or samples[-1].leg_px is None:
        return False
    legs_h = [sample.leg_px / sample.height_px for sample in samples if sample.leg_px is not None]
    return legs_h[-1] < rules.seated_leg_share and max(legs_h) > rules.short_leg_h


def comes_nearer(sample: Sample, rules: FallRules) -> bool:
    """Whether the legs are longer than when they stood: who walks towards the camera comes down in the picture too."""
    return sample.leg_px is not None and sample.leg_px > rules.nearer_leg_h * sample.height_px


def sinks(samples: Sequence[Sample], now: Posture, height_px: float, rules: FallRules) -> bool:
    """Whether head and hips come down, faster than of who sits; body or legs are shorter than of who comes nearer."""
    on_legs = now.leg_px is not None and now.leg_px > rules.standing_leg_share * height_px
    if on_legs or now.height_px > rules.sinking_size_h * height_px:
        return False
    head_px = now.head_y_px - min(sample.head_y_px for sample in samples)
    hip_px = now.hip_y_px - min(sample.hip_y_px for sample in samples)
    far = head_px > rules.sinking_h * height_px and hip_px > rules.sinking_hip_h * height_px
    return far and head_was_fast(samples, height_px, rules.sinking_h_s, rules)


def came_down(stood: Sample, now: Posture, place: Place, rules: FallRules) -> bool:
    """After a drop: lying along the line of sight, or the hips lower than any seat; who comes nearer still stands, on
    legs as long as those of people who stand there: who falls towards the camera looks larger, too. Nobody who comes
    nearer becomes smaller, unless the frame's edge cuts the feet off.
    Whose hips come down further than those of a body that topples towards the camera walks there.
    """
    leg_px = rules.short_leg_h * max(stood.height_px, place.stands_px or 0.0)
    fell_h = (now.hip_y_px - stood.hip_y_px) / stood.height_px
    if fell_h > rules.farthest_hip_h:
        return False
    leaning = now.torso_deg is not None and now.torso_deg >= rules.lying_deg
    small = now.height_px < rules.small_h * stood.height_px and not place.edge
    stands = now.leg_px is not None and now.leg_px > leg_px and not leaning and not small
    return (fell_h > rules.floor_hip_h and not stands) or _lies_along_sight(stood, now, leg_px, rules)


def moves_on(samples: Sequence[Sample], height_px: float, rules: FallRules) -> bool:
    """Whether the hips are still on their way, as of who walks towards a camera and past it: who fell has landed."""
    first, last = samples[0], samples[-1]
    away_px = hypot(last.hip_x_px - first.hip_x_px, last.hip_y_px - first.hip_y_px)
    passed_s = last.at_s - first.at_s
    return passed_s >= rules.speed_over_s[0] and away_px > rules.landed_h_s * height_px * passed_s


def went_aside(stood: Sample, now: Sample, rules: FallRules) -> bool:
    """Whether the hips went along sideways: who walks out of the picture; who topples turns over the feet."""
    return abs(now.hip_x_px - stood.hip_x_px) > rules.aside_h * stood.height_px


def began_s(heights: Sequence[tuple[float, float]]) -> float:
    """The last moment at which (time, y) was still as high as it had been."""
    top_px = min(y for _, y in heights)
    return max(at_s for at_s, y in heights if y <= top_px)


def _lies_along_sight(stood: Sample, now: Posture, leg_px: float, rules: FallRules) -> bool:
    """The hips came down, and the trunk, however upright it looks, has become short."""
    if now.torso_deg is None or now.torso_deg > rules.lying_deg:
        return False
    bent = now.leg_px is not None and now.leg_px < leg_px
    hip_h = rules.sinking_hip_h if bent else rules.short_hip_h
    down = now.hip_y_px - stood.hip_y_px > hip_h * stood.height_px
    return down and abs(now.hip_y_px - now.head_y_px) < rules.short_trunk_h * stood.height_px
