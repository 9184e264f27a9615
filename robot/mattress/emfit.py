"""Emfit QS: a film under the mattress. Whatever receives its HTTP POST passes the body on to the broker.

Two layouts are read: a JSON object, and the lines KEY=VALUE (separated by line ends or <br>) of the sensor's own status
page. Source: Emfit's overview of its push service (emfit.com/sleep-research/emfit-qs-cloud-api: heart rate, breath rate
and movement every 30 s, events such as bed return and out of bed at once, JSON over HTTP POST) and public integrations
of the status page (SER, PRES, HR, RR, ACT, TS). Assumed: the JSON keys, taken to be the page's in any letters, with
`event` in any spelling, and 0 for no measurement. A message without `pres` (another event, rates that were measured)
says that the sensor lives, and presence holds; one that measured nothing, or an event of the bed that nobody knows,
vouches for nothing, and is refused; `pres` null says that it is unknown. The push comes every 30 s: set `stale_after_s`
to at least 90.
"""

from __future__ import annotations

import codecs
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
    name_of,
    number,
    rate,
    share,
)

LATENCY_S = 30.0
"""An exit is an event and pushed at once; where that is lost, the next push tells (every 30 s: see above)."""
_EVENTS = {
    **dict.fromkeys(("bed_return", "return_to_bed", "in_bed", "bed_enter"), True),
    **dict.fromkeys(("out_of_bed", "bed_exit", "exit_bed", "left_bed", "bed_left", "leave_bed"), False),
}
_ACTIVITY_FULL = 1000.0  # assumed; activity has no unit in what is published


def decode(payload: bytes) -> BedReading:
    """Raises BadInput."""
    data = _fields(payload)
    event = data.get("event")
    if event is not None and not isinstance(event, str):
        raise BadInput("an event that is no text")
    name = re.sub(r"\W+", "_", event or "").strip("_").lower().replace("bedexit", "bed_exit")
    in_bed = _EVENTS.get(name, flag(data.get("pres")))
    if in_bed is None and "pres" not in data and "bed" in name.split("_"):
        raise BadInput("an event of the bed that nobody knows")
    measured = any(_measured(data.get(key)) for key in ("hr", "rr", "act"))
    alive = "pres" not in data and in_bed is None and (bool(name) or measured)
    if "pres" not in data and in_bed is None and not alive:
        raise BadInput("nothing that a sensor says of a bed")
    return BedReading(
        in_bed,
        rate(_measured(data.get("hr")), HEART_RATES) if in_bed or alive else None,
        rate(_measured(data.get("rr")), BREATH_RATES) if in_bed or alive else None,
        measured_at_s=moment(data.get("ts"), 1.0),
        movement=share(_measured(data.get("act")), _ACTIVITY_FULL) if in_bed or alive else None,
        alive=alive,
        device=name_of(data.get("sn", data.get("ser"))),
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


def _measured(value: object) -> float | None:
    """A number; None for what stands where nothing was measured ("--"), which costs no presence."""
    try:
        return number(value)
    except BadInput:
        return None


def _fields(payload: bytes) -> Mapping[str, Any]:
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise BadInput(f"longer than {PAYLOAD_LIMIT_BYTES} bytes")
    if payload.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"["):
        message = mapping(json_value(payload))
        if len({key.lower() for key in message}) < len(message):
            raise BadInput("a key comes twice")
        return {key.lower(): value for key, value in message.items()}
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
