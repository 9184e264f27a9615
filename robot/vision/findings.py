"""What the fall rules say and ask: a person's state, a finding, and where the person is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from robot.messages import FallReason, Zone


class State(str, Enum):
    UNKNOWN = "unknown"
    UPRIGHT = "upright"
    FALLING = "falling"
    ALARMED = "alarmed"
    IN_BED = "in_bed"


CONFIDENCE = {  # an order among the reasons by how often the prototype saw them right, not a probability
    FallReason.FAST_DROP: 0.9,
    FallReason.FELL_OUT_OF_BED: 0.8,
    FallReason.SLID_FROM_CHAIR: 0.7,
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
class Place:
    """Where the hips are: the drawn zone; whether lying is what this place is for (a felt bed, a sofa); whether it is a
    bed that would soon feel them; whether the frame's side or lower edge cuts the body; how tall people stand there;
    whether others were about lately, for whom they may be taken; whether this is a child, who plays on the floor;
    whether somebody else is there who sees them.
    """

    zone: Zone | None = None
    rests: bool = False
    will_feel: bool = False
    edge: bool = False
    stands_px: float | None = None
    company: bool = False
    child: bool = False
    watched: bool = False


ANYWHERE = Place()
