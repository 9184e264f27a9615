"""Zigbee2MQTT's published payloads, as events.

Topics `{base}/{friendly name}` (JSON), `{base}/{friendly name}/{key}` (one value alone: the action, or each of them,
two options of Zigbee2MQTT), `{base}/{friendly name}/availability` ({"state": "online"} or the bare word, retained) and
`{base}/bridge/state`. Keys: action (single, double, hold, emergency, panic, ...; "" follows in older versions; `click`
in the oldest), sos, alarm, alarm_1, alarm_2 (an IAS zone without a type), fall, fall_down_status (none, maybe_fall,
fall: radars TS0601), contact (false: open), occupancy, water_leak, tamper, battery (percent), battery_low, linkquality
(0..255), last_seen (ISO 8601 or Unix ms). Source: zigbee2mqtt.io, guide/usage/mqtt_topics_and_messages,
guide/configuration/mqtt (output) and device-availability, the pages of SOS buttons (TS0215A_sos, BT400B: action
emergency; HS1EB: sos) and the converters that Zigbee2MQTT publishes. Assumed: `alarm`, `emergency`, `panic`, `fall`,
`fall_detected` as names of flags.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from robot.errors import BadInput

PAYLOAD_LIMIT_BYTES = 8192
"""The largest real states are below 2 kB."""
ACTION_LIMIT = 40
"""Of a longer action so many characters are kept."""
_WORDS = {
    **dict.fromkeys(("on", "true", "1", "yes", "alarm", "sos", "fall", "detected", "triggered"), True),
    **dict.fromkeys(("off", "false", "0", "no", "none", "normal", "clear"), False),
}
CALL_FLAGS = ("sos", "emergency", "panic", "alarm", "alarm_1", "alarm_2", "fall")
FLAGS = (*CALL_FLAGS, "water_leak", "occupancy", "contact", "tamper")
_FALLS = ("fall", "fall_detected", "fall_down_status")
"""Of the names that a sensed fall goes by, the first that says something counts."""
ATTRIBUTES = frozenset({*FLAGS, *_FALLS, "action", "click", "battery", "battery_low", "linkquality"})


@dataclass(frozen=True, slots=True)
class Heard:
    """What a device's message says; None where it says nothing.

    flags: of FLAGS, those that the message holds. seen_at_s: when Zigbee2MQTT last heard the device, by its clock.
    """

    action: str | None = None
    flags: tuple[tuple[str, bool], ...] = ()
    battery_percent: float | None = None
    battery_low: bool | None = None
    link: float | None = None
    seen_at_s: float | None = None


def decode(payload: bytes) -> Heard:
    """A device's state. Raises BadInput, which never repeats the payload."""
    return _heard(_object(_json(payload)))


def decode_attribute(key: str, payload: bytes) -> Heard:
    """One of ATTRIBUTES alone, as text. Raises BadInput."""
    try:
        return _heard({key: payload.decode("utf-8-sig").strip().strip('"')})
    except UnicodeDecodeError:
        raise BadInput("a value that is no text") from None


def _heard(message: Mapping[str, Any]) -> Heard:
    said = {key: _flag(message.get(key)) for key in FLAGS}
    said["fall"] = next((value for key in _FALLS if (value := _flag(message.get(key))) is not None), None)
    flags = tuple((key, value) for key, value in said.items() if value is not None)
    action = message.get("action") or message.get("click")
    if not (flags or action is None or isinstance(action, str)):
        raise BadInput("an action that is no text")
    return Heard(
        _action(action),
        flags,
        _within(message.get("battery"), 0, 100),
        _flag(message.get("battery_low")),
        _within(message.get("linkquality"), 0, 255),
        _moment(message.get("last_seen")),
    )


def decode_online(payload: bytes) -> bool:
    """Availability of a device or of the bridge. Raises BadInput."""
    if (word := payload.strip()) in (b"online", b"offline"):
        return word == b"online"
    state = _object(_json(payload)).get("state")
    if state not in ("online", "offline"):
        raise BadInput("an availability that is neither online nor offline")
    return bool(state == "online")


def _json(payload: bytes) -> Any:
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise BadInput(f"longer than {PAYLOAD_LIMIT_BYTES} bytes")
    try:
        return json.loads(payload.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadInput("no usable JSON") from None


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadInput("no JSON object where one belongs")
    return value


def _action(value: object) -> str | None:
    """None for no action, also where it is said as "" or null, and for what is no text."""
    return value.strip().lower()[:ACTION_LIMIT] or None if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    """Converters that do not follow Zigbee2MQTT's own say it in text; anything else says nothing."""
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    return bool(value) if isinstance(value, (int, float)) and value in (0, 1) else None


def _within(value: object, least: float, most: float) -> float | None:
    """A number on its scale; anything else says nothing (a button must not be lost for a strange battery)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if least <= found <= most else None


def _moment(value: object) -> float | None:
    """Unix seconds; None where the clock was never set or the text is none."""
    found: float | None = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found = value / 1000.0 if 1e12 <= value < 1e14 else None
    elif isinstance(value, str) and len(value) <= 40:
        try:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            found = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
        except (ValueError, OverflowError):
            return None
    return found if found is not None and math.isfinite(found) and found > 1e9 else None
