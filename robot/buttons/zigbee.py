"""Zigbee2MQTT's published payloads, as events.

Topics `{base}/{friendly name}` (JSON), `{base}/{friendly name}/action` (the action alone, an option of Zigbee2MQTT),
`{base}/{friendly name}/availability` ({"state": "online"} or the bare word, retained) and `{base}/bridge/state`. Keys:
action (single, double, hold, emergency, panic, ...; "" follows in older versions), sos, alarm, fall, contact (false:
open), occupancy, water_leak, tamper, battery (percent), battery_low, linkquality (0..255), last_seen (ISO 8601 or Unix
ms). Source: zigbee2mqtt.io, guide/usage/mqtt_topics_and_messages, guide/configuration/device-availability, and the
pages of SOS buttons (TS0215A_sos, BT400B: action emergency; HS1EB: sos). Assumed: `fall` and `alarm` as names of flags.
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
_WORDS = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
FLAGS = ("sos", "alarm", "fall", "water_leak", "occupancy", "contact", "tamper")


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
    message = _object(_json(payload))
    flags = tuple((key, value) for key in FLAGS if (value := _flag(message.get(key))) is not None)
    action = message.get("action")
    if not (flags or action is None or isinstance(action, str)):
        raise BadInput("an action that is no text")
    return Heard(
        _action(action),
        flags,
        _within(message.get("battery"), 0, 100),
        message["battery_low"] if isinstance(message.get("battery_low"), bool) else None,
        _within(message.get("linkquality"), 0, 255),
        _moment(message.get("last_seen")),
    )


def decode_action(payload: bytes) -> Heard:
    """The action alone, as text. Raises BadInput."""
    try:
        return Heard(_action(payload.decode()))
    except UnicodeDecodeError:
        raise BadInput("an action that is no text") from None


def decode_online(payload: bytes) -> bool:
    """Availability of a device or of the bridge. Raises BadInput."""
    if payload in (b"online", b"offline"):
        return payload == b"online"
    state = _object(_json(payload)).get("state")
    if state not in ("online", "offline"):
        raise BadInput("an availability that is neither online nor offline")
    return bool(state == "online")


def _json(payload: bytes) -> Any:
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise BadInput(f"longer than {PAYLOAD_LIMIT_BYTES} bytes")
    try:
        return json.loads(payload.decode())
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
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if least <= value <= most else None


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
