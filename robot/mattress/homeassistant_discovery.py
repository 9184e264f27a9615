"""What Home Assistant's MQTT discovery announces of a mattress: its entities, each a topic and how to read it.

A retained message on `homeassistant/<component>/[<node>/]<object>/config` announces one entity; one on
`homeassistant/device/<object>/config` lists several. Source: Home Assistant's documentation of MQTT discovery, binary
sensor and sensor (home-assistant.io/integrations/mqtt, binary_sensor.mqtt, sensor.mqtt), with its abbreviations. Of
value templates, paths into JSON are understood (`{{ value_json.a.b }}`, `{{ value_json['a'] | float }}`); an entity
with another one is refused, and the rest is read. Which entity is which is decided by device class and name: assumed,
see `_field_of`. A double bed has an entity a side, with `left` or `right` in its name, and may have one for either
side; one for both at once adds nothing and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from robot.errors import BadInput
from robot.mattress.fields import HalfOfBed, json_value, mapping, number

ENTITIES_MOST = 50
AVAILABILITIES_MOST = 5
"""Of one entity."""

_LONG = MappingProxyType(
    {
        "stat_t": "state_topic",
        "val_tpl": "value_template",
        "pl_on": "payload_on",
        "pl_off": "payload_off",
        "dev_cla": "device_class",
        "uniq_id": "unique_id",
        "unit_of_meas": "unit_of_measurement",
        "exp_aft": "expire_after",
        "avty": "availability",
        "avty_t": "availability_topic",
        "pl_avail": "payload_available",
        "pl_not_avail": "payload_not_available",
        "cmps": "components",
        "p": "platform",
        "t": "topic",
    }
)
_TEMPLATE = re.compile(r"\{\{\s*value_json((?:\.\w+|\[['\"][^'\"\]]+['\"]\])+)\s*(?:\|\s*\w+(?:\([^()]*\))?\s*)*\}\}")
_STEP = re.compile(r"\.(\w+)|\[['\"]([^'\"\]]+)['\"]\]")
_PLAIN = re.compile(r"\{\{\s*value\s*(?:\|\s*\w+(?:\([^()]*\))?\s*)*\}\}")
_HALVES: tuple[HalfOfBed, HalfOfBed] = ("left", "right")


@dataclass(frozen=True, slots=True)
class Entity:
    """One value of the device. `path` leads to it in JSON, () takes the payload; `hold_s` is how long a state holds."""

    field: str
    side: HalfOfBed | None
    topic: str
    path: tuple[str, ...]
    on: str
    off: str
    hold_s: float | None
    availability: tuple[Availability, ...]


@dataclass(frozen=True, slots=True)
class Availability:
    """A topic that says whether what an entity said still counts."""

    topic: str
    path: tuple[str, ...]
    online: str
    offline: str


def announced(topic: str, payload: bytes, most: int) -> tuple[dict[str, Entity], BadInput | None]:
    """The entities of one announcement that concern a bed, by a key `topic#name`, and the last refusal among them.

    Raises BadInput for an announcement that cannot be read at all, or lists more than `most`.
    """
    config = _long(mapping(json_value(payload)))
    parts = topic.split("/")
    component = parts[-4] if len(parts) >= 5 else parts[-3] if len(parts) >= 4 else ""
    shared = {key: value for key, value in config.items() if key != "components"}
    several = mapping(config["components"]) if "components" in config else {parts[-2]: {}}
    if len(several) > most:
        raise BadInput(f"more than {ENTITIES_MOST} entities")
    found: dict[str, Entity] = {}
    refused = None
    for name, own in several.items():
        one = {**shared, **_long(mapping(own))}
        try:
            entity = _entity(str(one.get("platform", component)), str(name), one)
        except BadInput as error:
            refused = error
        else:
            if entity is not None:
                found[f"{topic}#{name}"] = entity
    return found, refused


def _entity(platform: str, name: str, config: Mapping[str, Any]) -> Entity | None:
    """None for one that says nothing about the bed."""
    words = f"{name} {config.get('unique_id', '')} {config.get('name', '')}".lower()
    field = _field_of(platform, words, config.get("device_class"))
    side = _sides_of(words)
    if field is None or side == "both":
        return None
    hold = number(config.get("expire_after"))
    base = config.get("~", "")
    return Entity(
        field,
        side,
        _topic(config.get("state_topic"), base),
        _path(config.get("value_template")),
        str(config.get("payload_on", "ON")),
        str(config.get("payload_off", "OFF")),
        hold if hold else None,
        _availabilities(config, base),
    )


def _field_of(platform: str, words: str, device_class: object) -> str | None:
    if platform == "binary_sensor":
        if device_class == "moisture" or "wet" in words:
            return "wet"
        if "edge" in words or "sit_up" in words:
            return "at_edge"
        # a name alone counts only where no class says otherwise: the bed's light is no presence
        named = device_class is None and ("bed" in words or "target" in words)
        return "in_bed" if device_class in ("occupancy", "presence") or named else None
    if platform != "sensor":
        return None
    for field, signs in (
        ("apnoea", ("apnea", "apnoea")),
        ("heart", ("heart", "pulse")),
        ("breath", ("breath", "respirat")),
        ("movement", ("movement", "restless")),
    ):
        if any(sign in words for sign in signs):
            return field
    return None


def _sides_of(words: str) -> HalfOfBed | Literal["both"] | None:
    """Which side an entity names; one that names left and right is about either."""
    found = set(re.findall(r"[a-z]+", words))
    named = [side for side in _HALVES if side in found]
    return "both" if "both" in found else named[0] if len(named) == 1 else None


def _path(template: object) -> tuple[str, ...]:
    """The way into JSON that a value template describes; () takes the payload as it is."""
    if template is None:
        return ()
    text = str(template).strip()
    if len(text) <= 200 and _PLAIN.fullmatch(text):
        return ()
    found = _TEMPLATE.fullmatch(text) if len(text) <= 200 else None
    if found is None:
        raise BadInput("a value template that is not a path into JSON")
    return tuple(dotted or quoted for dotted, quoted in _STEP.findall(found.group(1)))


def _availabilities(config: Mapping[str, Any], base: object) -> tuple[Availability, ...]:
    listed = config.get("availability") or []
    if not isinstance(listed, list):
        listed = [listed]
    several = [_long(mapping(one)) for one in listed]
    if config.get("availability_topic"):
        several.append({**config, "topic": config["availability_topic"], "value_template": None})
    if len(several) > AVAILABILITIES_MOST:
        raise BadInput(f"more than {AVAILABILITIES_MOST} availability topics of one entity")
    return tuple(
        Availability(
            _topic(one.get("topic"), base),
            _path(one.get("value_template")),
            str(one.get("payload_available", "online")),
            str(one.get("payload_not_available", "offline")),
        )
        for one in several
    )


def _topic(value: object, base: object) -> str:
    if not isinstance(value, str) or not isinstance(base, str):
        raise BadInput("no topic where one belongs")
    topic = base + value[1:] if value.startswith("~") else value[:-1] + base if value.endswith("~") else value
    impossible = any(sign in "+#" or not sign.isprintable() for sign in topic)  # surrogates are not printable either
    if not topic or len(topic) > 500 or impossible or topic.endswith("/config"):
        raise BadInput("a topic that cannot be a state's")
    return topic


def _long(config: Mapping[str, Any]) -> dict[str, Any]:
    return {_LONG.get(key, key): value for key, value in config.items()}
