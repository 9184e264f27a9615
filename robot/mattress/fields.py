"""What a mattress's message says, and how its fields are read: plausible, or unknown, or refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from robot.errors import BadInput

# The largest real status messages are below 1 kB.
PAYLOAD_LIMIT_BYTES = 8192
# What a body can do; a sensor that says otherwise has measured nothing. Per minute.
HEART_RATES = (20.0, 250.0)
BREATH_RATES = (3.0, 60.0)
# More apnoea events in one message than anybody can have in its time: a counter that has gone wrong.
APNOEA_MOST = 100

HalfOfBed = Literal["left", "right"]
Side = Literal["any", "left", "right"]
"""Which side of a double bed is the resident's; "any" takes the bed as one."""


@dataclass(frozen=True, slots=True)
class BedReading:
    """What one message says; None where it says nothing. Rates are per minute.

    connected: False when the mattress reports that its sensor is off: nothing it said before counts any more.
    measured_at_s: Unix time by the mattress's own clock, which may be wrong.
    left, right: presence on each side of a double bed, where the message tells.
    about: the sides that the message speaks of, where it tells them apart; () is the bed as a whole.
    quality: of heart and breath, 0..1.
    movement: 0 still .. 1 as restless as the sensor can tell.
    at_edge: in bed, but sitting up or at its edge: about to leave.
    apnoea_events: pauses of breath since the message before.
    fell: a radar by the bed believes that somebody fell.
    alive: the message says nothing about presence, and vouches that what was said about it still holds.
    device: which mattress it is, as its messages name it.
    """

    in_bed: bool | None = None
    heart_rate_bpm: float | None = None
    breath_rate_bpm: float | None = None
    connected: bool | None = None
    measured_at_s: float | None = None
    left: bool | None = None
    right: bool | None = None
    quality: float | None = None
    movement: float | None = None
    at_edge: bool | None = None
    apnoea_events: int | None = None
    wet: bool | None = None
    fell: bool | None = None
    alive: bool = False
    about: tuple[HalfOfBed, ...] = ()
    device: str | None = field(default=None, compare=False)


def json_value(payload: bytes, most_bytes: int = PAYLOAD_LIMIT_BYTES) -> Any:
    """The JSON value of a payload. Raises BadInput for anything else, or a key that comes twice."""
    if len(payload) > most_bytes:
        raise BadInput(f"longer than {most_bytes} bytes")
    try:
        return json.loads(payload.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # from None everywhere: the cause would carry the payload into the log
        raise BadInput("no usable JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise BadInput("a key comes twice")
    return unique


def _no_constant(name: str) -> None:
    raise BadInput(f"{name} is no number")


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object. Raises BadInput."""
    if not isinstance(value, dict):
        raise BadInput("no JSON object where one belongs")
    return value


def number(value: object) -> float | None:
    """A finite number, also as a string of digits (Tuya sends both); None stays None. Raises BadInput."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or (isinstance(value, str) and "_" in value):
        raise BadInput("no number where one belongs")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise BadInput("no number where one belongs") from None
    if not math.isfinite(found):
        raise BadInput("a number without bounds")
    return found


def rate(value: object, bounds: tuple[float, float]) -> float | None:
    """A plausible rate. 0, and whatever a body cannot do, means that nothing was measured. Raises BadInput."""
    found = number(value)
    return found if found is not None and bounds[0] <= found <= bounds[1] else None


def share(value: object, full: float) -> float | None:
    """A number on a scale from 0 to `full` as 0..1; outside the scale it says nothing. Raises BadInput."""
    found = number(value)
    return found / full if found is not None and 0.0 <= found <= full else None


def count(value: object, most: int = APNOEA_MOST) -> int | None:
    """A whole number of things that happened; an absurd one says nothing. Raises BadInput."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= most and found == int(found) else None


def name_of(value: object) -> str | None:
    """What a device is called, a text or a number; anything else names none."""
    return str(value)[:100] if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "" else None


def flag(value: object) -> bool | None:
    """0, 1, false, true or null. Raises BadInput."""
    if value is None or isinstance(value, bool):
        return value
    found = number(value)
    if found not in (0, 1):
        raise BadInput("a flag that is neither 0 nor 1")
    return bool(found)


def moment(value: object, units_per_s: float) -> float | None:
    """Unix seconds from a device's clock; None when that clock was never set. Raises BadInput."""
    found = number(value)
    return found / units_per_s if found is not None and 1e9 * units_per_s <= found < 1e11 * units_per_s else None
