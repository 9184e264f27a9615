"""What Home Assistant's MQTT discovery announces of a mattress: its entities, each a topic and how to read it.

A retained message on `homeassistant/<component>/[<node>/]<object>/config` announces one entity; one on
`homeassistant/device/<object>/config` lists several. Source: Home Assistant's documentation of MQTT discovery, binary
sensor and sensor (home-assistant.io/integrations/mqtt, binary_sensor.mqtt, sensor.mqtt), with its abbreviations. Of
value templates, paths into JSON are understood (`{{ value_json.a.b }}`, `{{ value_json['a'] | float }}`), with filters
that leave a value as it is; an entity with another one is refused, and the rest is read. Which entity is which is
decided by device class, unit and name: assumed, see `_field_of`. A double bed has an entity a side, with `left` or
`right` in its name, or where that names no side in its device's name or ids, and may have one for either side; one for
both at once adds nothing and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from robot.errors import BadInput
from robot.mattress.fields import HalfOfBed, json_value, mapping, number

CONFIG_LIMIT_BYTES = 65_536
"""A device with fifty entities announces some 20 kB at once."""
COMPONENTS_MOST = 300
"""Of one device, of whatever kind."""
ENTITIES_MOST = 50
"""That concern the bed."""
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
        "avty_tpl": "availability_template",
        "dev": "device",
        "obj_id": "object_id",
        "def_ent_id": "default_entity_id",
        "pl_avail": "payload_available",
        "pl_not_avail": "payload_not_available",
        "cmps": "components",
        "p": "platform",
        "t": "topic",
    }
)
_FILTERS = r"(?:\|\s*(?:int|float|round|default|d|is_defined|trim|string)\b(?:\([^()]*\))?\s*)*"
_TEMPLATE = re.compile(r"\{\{\s*value_json((?:\.\w+|\[['\"][^'\"\]]+['\"]\])+)\s*" + _FILTERS + r"\}\}")
_STEP = re.compile(r"\.(\w+)|\[['\"]([^'\"\]]+)['\"]\]")
_PLAIN = re.compile(r"\{\{\s*value\s*" + _FILTERS + r"\}\}")
_HALVES: tuple[HalfOfBed, HalfOfBed] = ("left", "right")
_PER_MINUTE = frozenset({"bpm", "brpm", "rpm", "1/min", "/min", "min⁻¹", "beats/min", "br/min", "breaths/min"})
_NOT_NOW = frozenset(
    {"variability", "hrv", "average", "avg", "mean", "min", "max", "quality", "disturbance", "disturbances"}
)
"""Of a rate's name: another thing, or of another time."""


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
    config = _long(mapping(json_value(payload, CONFIG_LIMIT_BYTES)))
    parts = topic.split("/")
    component = parts[-4] if len(parts) >= 5 else parts[-3] if len(parts) >= 4 else ""
    shared = {key: value for key, value in config.items() if key != "components"}
    several = mapping(config["components"]) if "components" in config else {parts[-2]: {}}
    if len(several) > COMPONENTS_MOST:
        raise BadInput(f"more than {COMPONENTS_MOST} components")
    found: dict[str, Entity] = {}
    refused = None
    for name, own in several.items():
        one = {**shared, **_long(mapping(own))}
        try:
            entity = _entity(str(one.get("platform", component)), str(name), one, parts[-3:-1])
        except BadInput as error:
            refused = error
        else:
            if entity is not None:
                found[f"{topic}#{name}"] = entity
    if len(found) > most:
        raise BadInput(f"more than {ENTITIES_MOST} entities of a bed")
    return found, refused


def _entity(platform: str, name: str, config: Mapping[str, Any], ids: Sequence[str]) -> Entity | None:
    """None for one that says nothing about the bed. `ids`: what its announcement's topic calls it."""
    words = f"{name} {config.get('unique_id', '')} {config.get('name', '')}".lower()
    field = _field_of(platform, words, config)
    device = config.get("device")
    device_name = device.get("name") if isinstance(device, dict) else None
    # an entity without a name of its own (null) goes by its device's
    around = (device_name, config.get("object_id"), config.get("default_entity_id"), *ids)
    side = _sides_of(words) or _sides_of(" ".join(str(one) for one in around).lower())
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


def _field_of(platform: str, text: str, config: Mapping[str, Any]) -> str | None:
    device_class = config.get("device_class")
    words = set(re.findall(r"[a-z]+", re.sub(r"per[ _]min", "", text)))  # "min" is also the least of a night
    if platform == "binary_sensor":
        if device_class == "moisture" or any(word.startswith("wet") for word in words):
            return "wet"
        if "edge" in words or "sit_up" in text:
            return "at_edge"
        # a name alone counts only where no class says otherwise: the bed's light is no presence
        named = device_class is None and ("bed" in text or "target" in text)
        return "in_bed" if device_class in ("occupancy", "presence") or named else None
    if platform != "sensor":
        return None
    if "apnea" in text or "apnoea" in text:
        return "apnoea"
    unit = config.get("unit_of_measurement")
    if not words & _NOT_NOW and (unit is None or str(unit).strip().lower() in _PER_MINUTE):
        if "heart" in text or "pulse" in text:
            return "heart"
        if "breath" in text or "respirat" in text:
            return "breath"
    return "movement" if "movement" in text or "restless" in text else None


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
        alone = {"topic": config["availability_topic"], "value_template": config.get("availability_template")}
        several.append({**config, **alone})
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
