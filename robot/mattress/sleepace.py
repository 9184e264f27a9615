"""Sleepace mattresses and sensor belts.

Two layouts are read:
- as Sleepace's servers push over MQTT: a list of {timeStamp in s, dataKey, deviceId, data}, or one such item, dataKey
  being connectionStatus, realtime or inBedStatus (written in several ways in public code); `leftRight` 0 left, 1 right
  on a double bed. Source: Sleepace's integration guide (geekdaxue.co/read/sleepace@kb/be9x6g and km53bw: keys, what
  they are for, leftRight) and a message recorded in public code
  ([{"timeStamp":..,"dataKey":"inBedStatus","data":{"inbedStatus":1},"deviceId":".."}]). Assumed: the names inside
  `data` of realtime, that inbedStatus 1 is in bed, and connectionStatus 0 is offline;
- one object {timestamp, data}, all fields together and on a double bed for each side: assumed, for gateways that
  collect; also what the simulated mattress sends.
inBedStatus comes when it changes: realtime messages of the same side vouch for it meanwhile; a connectionStatus is of
the whole device. 0 for a rate means no measurement. A message that says nothing of this is refused, and so is one about
several devices: a topic is to bring one bed. The vendor gives the exact layout with the contract.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from robot.errors import BadInput
from robot.mattress.fields import (
    BREATH_RATES,
    HEART_RATES,
    BedReading,
    HalfOfBed,
    count,
    flag,
    json_value,
    mapping,
    moment,
    name_of,
    rate,
    share,
)

_ITEMS_MOST = 50
_SIDES: tuple[HalfOfBed, HalfOfBed] = ("left", "right")
_COLLECTED = frozenset(
    {"connectionStatus", "inBed", "heartRate", "breathRate", "bodyMovement", "sitUp", "apnea", "wet", *_SIDES}
)


def decode(payload: bytes) -> BedReading:
    """Raises BadInput."""
    value = json_value(payload)
    if isinstance(value, list):
        return _pushed(value)
    message = mapping(value)
    if "dataKey" in message:
        return _pushed([message])
    data = mapping(message.get("data"))
    if not data.keys() & _COLLECTED:
        raise BadInput("nothing that a mattress says")
    sides: dict[str, Mapping[str, Any]] = {side: mapping(data[side]) for side in _SIDES if data.get(side) is not None}
    reading = _reading(
        sides or {"": data}, flag(data.get("connectionStatus")), moment(message.get("timestamp"), 1.0), data
    )
    return replace(reading, device=name_of(message.get("deviceId")))


def encode(reading: BedReading) -> bytes:
    """The message of the simulated mattress: one object, without sides."""
    data: dict[str, Any] = {
        "connectionStatus": None if reading.connected is None else int(reading.connected),
        "inBed": None if reading.in_bed is None else int(reading.in_bed),
        "heartRate": reading.heart_rate_bpm or 0,
        "breathRate": reading.breath_rate_bpm or 0,
    }
    if reading.wet is not None:
        data["wet"] = int(reading.wet)
    message = {"deviceId": "simulated", "timestamp": reading.measured_at_s, "data": data}
    return json.dumps(message, separators=(",", ":")).encode()


def _pushed(items: list[Any]) -> BedReading:
    """Several items of one message are one reading; a later one counts more."""
    if not 0 < len(items) <= _ITEMS_MOST:
        raise BadInput(f"not 1 to {_ITEMS_MOST} items")
    pushed = [mapping(item) for item in items]
    if len({str(item.get("deviceId")) for item in pushed}) > 1:
        raise BadInput("several devices: give each bed a topic of its own")
    sides: dict[str, dict[str, Any]] = {}
    about: set[str] = set()
    connected, measured_at_s, alive = None, None, False
    for item in pushed:
        data = mapping(item.get("data"))
        left_right = data.get("leftRight", item.get("leftRight"))
        side = "" if left_right is None else _SIDES[flag(left_right) is True]
        found = sides.setdefault(side, {})
        key = str(item.get("dataKey")).lower()
        if key == "connectionstatus":
            connected = flag(data.get("connectionStatus", data.get("status")))
        elif key == "inbedstatus":
            found["inBed"] = data.get("inbedStatus", data.get("inBedStatus"))
            about |= {side} if found["inBed"] is not None else set()
        elif key == "realtime":
            found.update(data)
            about.add(side)
            alive = True
        measured_at_s = moment(item.get("timeStamp"), 1.0) or measured_at_s
    if connected is None and not about:
        raise BadInput("nothing that a mattress says")
    only = next(iter(sides.values())) if len(sides) == 1 else {}
    reading = _reading(sides, connected, measured_at_s, only)
    of_sides = () if "" in about else tuple(side for side in _SIDES if side in about)
    device = name_of(pushed[0].get("deviceId"))
    return replace(reading, alive=alive and connected is not False, about=of_sides, device=device)


def _reading(
    sides: Mapping[str, Mapping[str, Any]],
    connected: bool | None,
    measured_at_s: float | None,
    whole: Mapping[str, Any],
) -> BedReading:
    flags = {side: flag(data.get("inBed")) for side, data in sides.items()}
    occupied = [sides[side] for side, in_bed in flags.items() if in_bed]
    # whose heart is it, when both sides are taken? One that nobody said is empty has one
    vital = occupied[0] if len(occupied) == 1 else whole if set(flags.values()) == {None} else {}
    one = vital or whole
    return BedReading(
        together(*(flags.values() if "" in flags else (flags.get("left"), flags.get("right")))),
        rate(vital.get("heartRate"), HEART_RATES),
        rate(vital.get("breathRate"), BREATH_RATES),
        connected,
        measured_at_s,
        flags.get("left"),
        flags.get("right"),
        quality=share(vital.get("signalQuality"), 100.0),
        movement=share(vital.get("bodyMovement"), 100.0),
        at_edge=flag(one.get("sitUp")),
        apnoea_events=count(vital.get("apnea")),
        wet=flag(one.get("wet")),
        about=tuple(side for side in _SIDES if side in flags),
    )


def together(*sides: bool | None) -> bool | None:
    """One resident: in bed on either side is in bed, and only a bed empty on all its sides is empty."""
    return True if True in sides else None if None in sides else False
