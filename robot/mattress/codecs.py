"""Vendor payloads of smart mattresses, to and from `BedReading`.

sleepace: `inBed` 0 or 1, on a double bed for each side; `heartRate` and `breathRate` per minute, 0 for no measurement.
tuya: `sleep_status` 0 not connected, 1 out of bed, 2 awake, 3 asleep; `heart_rate`, `breath_rate`, or `avg_` and these.

The Tuya codes are those of its sleep band's documentation. The Sleepace layout follows its published list of fields;
the vendor gives the exact one with the contract, so a new layout is one more pair of functions here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from robot.errors import BadConfiguration, BadInput

# The largest real status messages are below 1 kB.
PAYLOAD_LIMIT_BYTES = 8192
# What a body can do; a sensor that says otherwise has measured nothing. Per minute.
HEART_RATES = (20.0, 250.0)
BREATH_RATES = (3.0, 60.0)


@dataclass(frozen=True, slots=True)
class BedReading:
    """What one message says; None where it says nothing. Rates are per minute.

    connected: False when the mattress reports that its sensor is off: nothing it said before counts any more.
    measured_at_s: Unix time by the mattress's own clock, which may be wrong.
    """

    in_bed: bool | None = None
    heart_rate_bpm: float | None = None
    breath_rate_bpm: float | None = None
    connected: bool | None = None
    measured_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Codec:
    decode: Callable[[Mapping[str, Any]], BedReading]
    encode: Callable[[BedReading], dict[str, Any]]


def decode(format_name: str, topic: str, payload: bytes) -> BedReading:
    """Read one message of a mattress. `format_name` is a key of FORMATS.

    Raises BadInput for a payload that cannot be used; the error names the topic and never repeats the payload.
    """
    codec = codec_of(format_name)
    try:
        return codec.decode(_json_object(payload))
    except BadInput as error:
        raise BadInput(f"mattress message on {topic[:100]!r} is not {format_name}: {error}") from None


def encode(format_name: str, reading: BedReading) -> bytes:
    """The message a mattress of that format would send: for the simulated mattress."""
    return json.dumps(codec_of(format_name).encode(reading), separators=(",", ":")).encode()


def codec_of(format_name: str) -> Codec:
    """The codec of a format. Raises BadConfiguration for an unknown one."""
    try:
        return FORMATS[format_name]
    except KeyError:
        raise BadConfiguration(
            f"mattress.format {format_name!r} is unknown; choose one of {', '.join(FORMATS)}"
        ) from None


def _json_object(payload: bytes) -> Mapping[str, Any]:
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise BadInput(f"longer than {PAYLOAD_LIMIT_BYTES} bytes")
    try:
        value = json.loads(payload.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # from None everywhere: the cause would carry the payload into the log
        raise BadInput("no usable JSON") from None
    return _object(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise BadInput("a key comes twice")
    return unique


def _no_constant(name: str) -> None:
    raise BadInput(f"{name} is no number")


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadInput("no JSON object where one belongs")
    return value


def _number(value: object) -> float | None:
    """A finite number, also as a string of digits (Tuya sends both); None stays None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BadInput("no number where one belongs")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise BadInput("no number where one belongs") from None
    if not math.isfinite(number):
        raise BadInput("a number without bounds")
    return number


def _rate(value: object, bounds: tuple[float, float]) -> float | None:
    """A plausible rate. 0, and whatever a body cannot do, means that nothing was measured."""
    number = _number(value)
    return number if number is not None and bounds[0] <= number <= bounds[1] else None


def _flag(value: object) -> bool | None:
    """0, 1, false, true or null."""
    if value is None or isinstance(value, bool):
        return value
    number = _number(value)
    if number not in (0, 1):
        raise BadInput("a flag that is neither 0 nor 1")
    return bool(number)


def _moment(value: object, units_per_s: float) -> float | None:
    """Unix seconds from a device's clock; None when that clock was never set."""
    number = _number(value)
    return number / units_per_s if number is not None and 1e9 * units_per_s <= number < 1e11 * units_per_s else None


def _decode_sleepace(message: Mapping[str, Any]) -> BedReading:
    data = _object(message.get("data"))
    sides = [_object(data[side]) for side in ("left", "right") if data.get(side) is not None] or [data]
    flags = [_flag(side.get("inBed")) for side in sides]
    # one resident: in bed on either side is in bed, and only a bed empty on all its sides is empty
    in_bed = True if True in flags else None if None in flags else False
    occupied = [side for side, flag in zip(sides, flags, strict=True) if flag]
    vital = occupied[0] if len(occupied) == 1 else {}
    return BedReading(
        in_bed,
        _rate(vital.get("heartRate"), HEART_RATES),
        _rate(vital.get("breathRate"), BREATH_RATES),
        _flag(data.get("connectionStatus")),
        _moment(message.get("timestamp"), 1.0),
    )


def _encode_sleepace(reading: BedReading) -> dict[str, Any]:
    data = {
        "connectionStatus": None if reading.connected is None else int(reading.connected),
        "inBed": None if reading.in_bed is None else int(reading.in_bed),
        "heartRate": reading.heart_rate_bpm or 0,
        "breathRate": reading.breath_rate_bpm or 0,
    }
    return {"deviceId": "simulated", "timestamp": reading.measured_at_s, "data": data}


# sleep_status: (connected, in bed)
_TUYA_STATUS: Mapping[float, tuple[bool, bool | None]] = MappingProxyType(
    {0: (False, None), 1: (True, False), 2: (True, True), 3: (True, True)}
)


def _decode_tuya(message: Mapping[str, Any]) -> BedReading:
    status = message.get("status")
    if not isinstance(status, list):
        raise BadInput("no status list")
    points = [_object(point) for point in status]
    values = {str(point.get("code")): point.get("value") for point in points}
    connected, in_bed = None, None
    sleep_status = _number(values.get("sleep_status"))
    if sleep_status is not None:
        if sleep_status not in _TUYA_STATUS:
            raise BadInput("a sleep_status outside 0..3")
        connected, in_bed = _TUYA_STATUS[sleep_status]
    times = [moment for point in points if (moment := _moment(point.get("t"), 1000.0)) is not None]
    return BedReading(
        in_bed,
        _rate(values.get("heart_rate", values.get("avg_heart_rate")), HEART_RATES) if in_bed else None,
        _rate(values.get("breath_rate", values.get("avg_breath_rate")), BREATH_RATES) if in_bed else None,
        connected,
        max(times, default=None),
    )


def _encode_tuya(reading: BedReading) -> dict[str, Any]:
    values: dict[str, Any] = {"heart_rate": reading.heart_rate_bpm or 0, "breath_rate": reading.breath_rate_bpm or 0}
    if reading.connected is False:
        values["sleep_status"] = "0"
    elif reading.in_bed is not None:
        values["sleep_status"] = "3" if reading.in_bed else "1"
    moment = {} if reading.measured_at_s is None else {"t": round(reading.measured_at_s * 1000)}
    return {
        "devId": "simulated",
        "status": [{"code": code, "value": value, **moment} for code, value in values.items()],
    }


FORMATS: Mapping[str, Codec] = MappingProxyType(
    {"sleepace": Codec(_decode_sleepace, _encode_sleepace), "tuya": Codec(_decode_tuya, _encode_tuya)}
)
