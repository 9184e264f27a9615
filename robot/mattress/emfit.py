"""Emfit QS: a film under the mattress. Whatever receives its HTTP POST passes the body on to the broker.

Two layouts are read: a JSON object, and the lines KEY=VALUE (separated by line ends or <br>) of the sensor's own status
page. Source: Emfit's overview of its push service (emfit.com/sleep-research/emfit-qs-cloud-api: heart rate, breath rate
and movement every 30 s, events such as bed return and out of bed at once, JSON over HTTP POST) and public integrations
of the status page (SER, PRES, HR, RR, ACT, TS). Assumed: the JSON keys, taken to be the page's in small letters, with
`event`, and 0 for no measurement. A message without `pres` (another event, rates alone) says that the sensor lives, and
presence holds; `pres` null says that it is unknown. The push comes every 30 s: set `stale_after_s` to at least 90.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from robot.errors import BadInput
from robot.mattress.fields import (
    BREATH_RATES,
    HEART_RATES,
    PAYLOAD_LIMIT_BYTES,
    BedReading,
    flag,
    json_value,
    mapping,
    moment,
    rate,
    share,
)

LATENCY_S = 30.0
"""An exit is an event and pushed at once; where that is lost, the next push tells (every 30 s: see above)."""
_EVENTS = {"bed_return": True, "in_bed": True, "out_of_bed": False, "bed_exit": False}
_ACTIVITY_FULL = 1000.0  # assumed; activity has no unit in what is published


def decode(payload: bytes) -> BedReading:
    """Raises BadInput."""
    data = _fields(payload)
    event = data.get("event")
    if event is not None and not isinstance(event, str):
        raise BadInput("an event that is no text")
    in_bed = _EVENTS.get(event or "", flag(data.get("pres")))
    alive = "pres" not in data and in_bed is None and bool(event or data.keys() & {"hr", "rr", "act"})
    if "pres" not in data and in_bed is None and not alive:
        raise BadInput("none of the fields of a sensor")
    return BedReading(
        in_bed,
        rate(data.get("hr"), HEART_RATES) if in_bed or alive else None,
        rate(data.get("rr"), BREATH_RATES) if in_bed or alive else None,
        measured_at_s=moment(data.get("ts"), 1.0),
        movement=share(data.get("act"), _ACTIVITY_FULL) if in_bed or alive else None,
        alive=alive,
    )


def encode(reading: BedReading) -> bytes:
    """The message of a simulated sensor. A sensor that is off sends none: its link is silent."""
    data = {
        "sn": "simulated",
        "ts": reading.measured_at_s,
        "pres": None if reading.in_bed is None or reading.connected is False else int(reading.in_bed),
        "hr": reading.heart_rate_bpm or 0,
        "rr": reading.breath_rate_bpm or 0,
    }
    return json.dumps(data, separators=(",", ":")).encode()


def _fields(payload: bytes) -> Mapping[str, Any]:
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise BadInput(f"longer than {PAYLOAD_LIMIT_BYTES} bytes")
    if payload.lstrip()[:1] in (b"{", b"["):
        return mapping(json_value(payload))
    try:
        text = payload.decode("ascii")
    except UnicodeDecodeError:
        raise BadInput("neither JSON nor lines KEY=VALUE") from None
    lines = [line.partition("=") for line in re.split(r"<br */?>|[\r\n]+", text) if line.strip()]
    if not lines or not all(equals for _, equals, _ in lines):
        raise BadInput("neither JSON nor lines KEY=VALUE")
    keys = [key.strip().lower() for key, _, _ in lines]
    if len(set(keys)) != len(keys):
        raise BadInput("a key comes twice")
    return {key: value.strip() or None for key, (_, _, value) in zip(keys, lines, strict=True)}
