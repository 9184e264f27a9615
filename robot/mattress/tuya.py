"""Tuya's sleep band: a list of data points, as its cloud's status messages carry them.

`sleep_status` 0 not connected, 1 out of bed, 2 awake, 3 asleep; `heart_rate`, `breath_rate`, or `avg_` and these;
`t` in milliseconds. The codes are those of the band's documentation (facts collected for this project; Tuya's standard
instruction set). Assumed: `body_movement` 0..100 and `sleep_apnea` as a count, where a band has them.

A status message carries the points that changed (developer.tuya.com, message types: "reported this time"), so presence
is said once and holds: any message of the band vouches for it, and {"bizCode": "online"} of the cloud too; "offline"
ends it. The cloud's newer messages ({"bizCode": "devicePropertyMessage", "bizData": {"properties": [...]}} with `time`,
deviceOnline, deviceOffline) say the same. Of a point that comes twice the newest counts. A band that has nothing to
tell, as above an empty bed, is still silent: let the cloud's status be asked for at least every `stale_after_s` and
passed on, or set `stale_after_s` to as much as 600.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from robot.errors import BadInput
from robot.mattress.fields import (
    BREATH_RATES,
    HEART_RATES,
    BedReading,
    count,
    json_value,
    mapping,
    moment,
    name_of,
    number,
    rate,
    share,
)

_ONLINE: Mapping[str, bool] = MappingProxyType(
    {"online": True, "deviceOnline": True, "offline": False, "deviceOffline": False}
)
# sleep_status: (connected, in bed)
_STATUS: Mapping[float, tuple[bool, bool | None]] = MappingProxyType(
    {0: (False, None), 1: (True, False), 2: (True, True), 3: (True, True)}
)


def decode(payload: bytes) -> BedReading:
    """Raises BadInput."""
    message = mapping(json_value(payload))
    newer = message.get("bizData")
    cloud = newer if isinstance(newer, dict) else message
    device = name_of(cloud.get("devId"))
    online = _ONLINE.get(str(message.get("bizCode")))
    if online is not None:
        return BedReading(connected=online, alive=online, device=device)
    status = cloud.get("properties", message.get("status"))
    if not isinstance(status, list):
        raise BadInput("no status list")
    points = sorted(map(mapping, status), key=lambda point: _at_s(point) or 0.0)
    values = {str(point.get("code")): point.get("value") for point in points}
    connected, in_bed = None, None
    sleep_status = number(values.get("sleep_status"))
    if sleep_status is not None:
        if sleep_status not in _STATUS:
            raise BadInput("a sleep_status outside 0..3")
        connected, in_bed = _STATUS[sleep_status]
    occupied = in_bed is not False and connected is not False
    times = [at_s for point in points if (at_s := _at_s(point)) is not None]
    return BedReading(
        in_bed,
        rate(values.get("heart_rate", values.get("avg_heart_rate")), HEART_RATES) if occupied else None,
        rate(values.get("breath_rate", values.get("avg_breath_rate")), BREATH_RATES) if occupied else None,
        connected,
        max(times, default=None),
        movement=share(values.get("body_movement"), 100.0) if occupied else None,
        apnoea_events=count(values.get("sleep_apnea")),
        # told as null it is unknown, and vouches for nothing
        alive="sleep_status" not in values and bool(points),
        device=device,
    )


def _at_s(point: Mapping[str, Any]) -> float | None:
    return moment(point.get("t", point.get("time")), 1000.0)


def encode(reading: BedReading) -> bytes:
    """The message of the simulated band."""
    values: dict[str, Any] = {"heart_rate": reading.heart_rate_bpm or 0, "breath_rate": reading.breath_rate_bpm or 0}
    if reading.connected is False:
        values["sleep_status"] = "0"
    elif reading.in_bed is not None:
        values["sleep_status"] = "3" if reading.in_bed else "1"
    at = {} if reading.measured_at_s is None else {"t": round(reading.measured_at_s * 1000)}
    points = [{"code": code, "value": value, **at} for code, value in values.items()]
    return json.dumps({"devId": "simulated", "status": points}, separators=(",", ":")).encode()
