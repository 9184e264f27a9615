"""What is seen and felt: falls and the room, the bed and its nights, and devices that call for help."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FallReason(str, Enum):
    """Why the watcher believes that somebody fell."""

    FAST_DROP = "fast_drop"
    LOST_WHILE_FALLING = "lost_while_falling"
    LONG_ON_FLOOR = "long_on_floor"
    FOUND_ON_FLOOR = "found_on_floor"
    SLID_FROM_CHAIR = "slid_from_chair"
    FELL_OUT_OF_BED = "fell_out_of_bed"


class Zone(str, Enum):
    """What the caregiver drew on a still of the room. Figures in IGNORE (mirror, television) do not count."""

    IGNORE = "ignore"
    BED = "bed"
    SOFA = "sofa"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class FallEvent:
    """The watcher suspects a fall, or (`recovered`) sees the person of that track upright again.

    `zone` is the drawn zone of the hips, None where none is drawn. `helped`: another person stood beside them in
    view. `people` is how many were in view. `suspected_at_s` is not later for an event that was held for a helper.
    """

    id: str
    reason: FallReason
    confidence: float
    track: int
    onset_at_s: float
    suspected_at_s: float
    recovered: bool = False
    zone: Zone | None = None
    helped: bool = False
    people: int = 1


@dataclass(frozen=True, slots=True)
class RoomView:
    """What the camera sees as a whole; repeated every few seconds, at once when it changes.

    Numbers of people: in view, upright of these, with their hips in the bed's zone, and low outside bed and sofa.
    All None while `sees` is False (paused, dark, camera at fault): nobody knows. `helper`: two upright people.
    `paused_until_at_s` is the end of a pause that somebody asked for, None when there is none.
    """

    at_s: float
    sees: bool
    people: int | None = None
    upright: int | None = None
    in_bed: int | None = None
    low: int | None = None
    helper: bool = False
    paused_until_at_s: float | None = None


class PausedBy(str, Enum):
    """How somebody asked the camera to look away, or to look again."""

    VOICE = "voice"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class CameraPause:
    """Somebody wants the camera to look away until a moment; a moment that has passed means look again."""

    id: str
    asked_at_s: float
    until_at_s: float
    by: PausedBy


class Presence(str, Enum):
    IN_BED = "in_bed"
    OUT_OF_BED = "out_of_bed"
    UNKNOWN = "unknown"


BED_VOUCHES_WITHIN_S = 60.0
"""A mattress that may tell later than this, as radars do, cannot say where somebody was at a moment."""


@dataclass(frozen=True, slots=True)
class BedState:
    """What the mattress says. A stale or silent feed is `UNKNOWN` with `fresh` False, never "fine".

    latency_s: so late, at most, does this kind of mattress tell that the bed was left. wet: None where it cannot tell.
    """

    presence: Presence
    fresh: bool
    since_at_s: float
    measured_at_s: float | None
    heart_rate_bpm: float | None = None
    breath_rate_bpm: float | None = None
    latency_s: float | None = None
    wet: bool | None = None

    @property
    def is_late(self) -> bool:
        """Whether it may tell later than `BED_VOUCHES_WITHIN_S` that the bed was left: it vouches for nobody now."""
        return (self.latency_s or 0.0) > BED_VOUCHES_WITHIN_S


@dataclass(frozen=True, slots=True)
class BedExit:
    """Somebody left the bed; `back_at_s` is None when they were not seen to return."""

    left_at_s: float
    back_at_s: float | None


@dataclass(frozen=True, slots=True)
class NightSummary:
    """A night in bed. What no sensor could tell is in `unknown_s` and None, never counted as rest.

    heart_rate_bpm, breath_rate_bpm: medians over the still minutes. movement: mean, 0 still .. 1 restless.
    """

    begins_at_s: float
    ends_at_s: float
    in_bed_s: float
    unknown_s: float
    exits: tuple[BedExit, ...] = ()
    heart_rate_bpm: float | None = None
    breath_rate_bpm: float | None = None
    movement: float | None = None
    apnoea_events: int | None = None
    wet: bool | None = None


class CallKind(str, Enum):
    """How a device called for help."""

    BUTTON = "button"
    CORD = "cord"
    SENSED_FALL = "sensed_fall"


@dataclass(frozen=True, slots=True)
class Call:
    """A device called for help, without a word: a pressed button or pendant, a pulled cord (`certain`), or a sensor
    that believes that somebody fell. The same `id` is the same call, however often it comes.
    """

    id: str
    kind: CallKind
    certain: bool
    called_at_s: float
