"""A mattress that Home Assistant's MQTT discovery announces (ESPHome, Zigbee2MQTT and many others speak it), both ways.

Each value of the device is an entity: a retained message on `homeassistant/<component>/[<node>/]<object>/config` says
on which topic its state comes, and how to read it; one on `homeassistant/device/<object>/config` lists several. Source:
Home Assistant's documentation of MQTT discovery, binary sensor and sensor (home-assistant.io/integrations/mqtt,
binary_sensor.mqtt, sensor.mqtt), with its abbreviations. Of value templates, paths into JSON are understood
(`{{ value_json.a.b }}`, `{{ value_json['a'] | float }}`); an entity with another one is refused, and the rest is read.
Which entity is which is decided by device class and name: assumed, see `_field_of`.

An entity speaks when it changes, and need not repeat itself: presence holds as long as anything live comes from the
same device, until its availability topic says offline or `expire_after` is over. Kept (retained) states are taken in,
but are no sign of life.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from robot.errors import BadInput
from robot.mattress.fields import (
    BREATH_RATES,
    HEART_RATES,
    PAYLOAD_LIMIT_BYTES,
    BedReading,
    json_value,
    mapping,
    number,
    rate,
    share,
)
from robot.mqtt_link import Message, Topic

ENTITIES_MOST = 50
VITALS_HOLD_S = 120.0
"""A heart or breath rate that nobody repeats is unknown after so long, whatever the entity says of itself."""

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
_NOTHING = frozenset({"", "none", "null", "unknown", "unavailable", "nan"})
_TEMPLATE = re.compile(r"\{\{\s*value_json((?:\.\w+|\[['\"][^'\"\]]+['\"]\])+)\s*(?:\|\s*\w+(?:\([^()]*\))?\s*)*\}\}")
_STEP = re.compile(r"\.(\w+)|\[['\"]([^'\"\]]+)['\"]\]")
_PLAIN = re.compile(r"\{\{\s*value\s*(?:\|\s*\w+(?:\([^()]*\))?\s*)*\}\}")
_FLAGS = frozenset({"in_bed", "wet", "at_edge"})


@dataclass(frozen=True, slots=True)
class _Entity:
    field: str
    topic: str
    path: tuple[str, ...]
    on: str
    off: str
    hold_s: float | None


@dataclass(frozen=True, slots=True)
class _Availability:
    topic: str
    path: tuple[str, ...]
    online: str
    offline: str


class HomeAssistantDecoder:
    """Puts one mattress together from its entities. The configured topic is a filter of its discovery messages."""

    def __init__(self) -> None:
        self._entities: dict[str, _Entity] = {}
        self._availability: dict[str, _Availability] = {}
        self._values: dict[str, tuple[Any, float]] = {}
        self._offline: set[str] = set()

    def topics(self, topic: str) -> Sequence[Topic]:
        """Announcements are kept by the broker: they are the one thing that is wanted retained."""
        return (Topic(topic, retained=True),)

    def further(self) -> Sequence[Topic]:
        """The topics of the entities known so far."""
        found = {entity.topic for entity in self._entities.values()} | {
            one.topic for one in self._availability.values()
        }
        return [Topic(topic, retained=True) for topic in sorted(found)]

    def read(self, message: Message) -> BedReading | None:
        """None for an announcement and for what the broker had kept. Raises BadInput."""
        try:
            if len(message.payload) > PAYLOAD_LIMIT_BYTES:
                raise BadInput(f"longer than {PAYLOAD_LIMIT_BYTES} bytes")
            if message.topic.endswith("/config"):
                self._announce(message.topic, message.payload)
                return None
            return self._state(message)
        except BadInput as error:
            raise BadInput(f"mattress message on {message.topic[:100]!r} is not homeassistant: {error}") from None

    def _announce(self, topic: str, payload: bytes) -> None:
        known = [key for key in self._entities if key.partition("#")[0] == topic]
        for key in known:
            del self._entities[key]
        if not payload.strip():
            return  # the entity is gone
        config = _long(mapping(json_value(payload)))
        parts = topic.split("/")
        component = parts[-4] if len(parts) >= 5 else parts[-3] if len(parts) >= 4 else ""
        shared = {key: value for key, value in config.items() if key != "components"}
        several = mapping(config["components"]) if "components" in config else {parts[-2]: {}}
        if len(self._entities) + len(several) > ENTITIES_MOST:
            raise BadInput(f"more than {ENTITIES_MOST} entities")
        refused = None
        for name, own in several.items():
            one = {**shared, **_long(mapping(own))}
            try:
                self._add(f"{topic}#{name}", str(one.get("platform", component)), str(name), one)
            except BadInput as error:
                refused = error
        if refused is not None:
            raise refused

    def _add(self, key: str, platform: str, name: str, config: Mapping[str, Any]) -> None:
        field = _field_of(platform, name, config)
        if field is None:
            return  # an entity that says nothing about the bed
        hold = number(config.get("expire_after"))
        base = config.get("~", "")
        self._entities[key] = _Entity(
            field,
            _topic(config.get("state_topic"), base),
            _path(config.get("value_template")),
            str(config.get("payload_on", "ON")),
            str(config.get("payload_off", "OFF")),
            hold if hold else None,
        )
        for one in _availabilities(config, base):
            self._availability[one.topic] = one

    def _state(self, message: Message) -> BedReading | None:
        availability = self._availability.get(message.topic)
        if availability is not None:
            said = str(_value(message.payload, availability.path))
            if said == availability.offline:
                # what changes meanwhile, nobody will tell
                self._offline.add(message.topic)
                self._values.clear()
                return BedReading(connected=False)
            self._offline.discard(message.topic)
            return None
        entities = [entity for entity in self._entities.values() if entity.topic == message.topic]
        if not entities:
            return None
        before = dict(self._values)
        for entity in entities:
            self._values[entity.field] = (_read(entity, message.payload), message.at_s)
        if message.retained:
            return None
        return self._reading(message.at_s, before)

    def _reading(self, now_s: float, before: Mapping[str, tuple[Any, float]]) -> BedReading:
        holds = {entity.field: entity.hold_s for entity in self._entities.values()}

        def held(field: str, most_s: float | None = None) -> Any:
            value, at_s = self._values.get(field, (None, now_s))
            limits = [limit for limit in (holds.get(field), most_s) if limit is not None]
            return value if all(abs(now_s - at_s) <= limit for limit in limits) else None

        in_bed = held("in_bed")
        vitals = in_bed is True
        total, earlier = held("apnoea"), before.get("apnoea", (None, 0.0))[0]
        return BedReading(
            in_bed,
            held("heart", VITALS_HOLD_S) if vitals else None,
            held("breath", VITALS_HOLD_S) if vitals else None,
            False if self._offline else None,
            movement=held("movement", VITALS_HOLD_S) if vitals else None,
            at_edge=held("at_edge"),
            apnoea_events=None if total is None or earlier is None or total < earlier else int(total - earlier),
            wet=held("wet"),
        )


def announcement(node: str, title: str = "Hani bed") -> tuple[tuple[str, bytes], ...]:
    """Discovery messages (topic, payload; send them retained) that show a bed of Hani's in a Home Assistant."""
    device = {"identifiers": [node], "name": title, "manufacturer": "Hani"}
    base: dict[str, Any] = {"state_topic": f"hani/{node}/bed", "device": device, "expire_after": 90}
    entities: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("binary_sensor", "in_bed", {"device_class": "occupancy", "payload_on": "True", "payload_off": "False"}),
        ("sensor", "heart_rate", {"unit_of_measurement": "bpm"}),
        ("sensor", "breath_rate", {"unit_of_measurement": "bpm"}),
    )
    return tuple(
        (
            f"homeassistant/{component}/{node}/{name}/config",
            json.dumps(
                {
                    **base,
                    "name": name.replace("_", " "),
                    "unique_id": f"{node}_{name}",
                    "value_template": f"{{{{ value_json.{name} }}}}",
                    **extra,
                },
                separators=(",", ":"),
            ).encode(),
        )
        for component, name, extra in entities
    )


def state(node: str, reading: BedReading) -> tuple[str, bytes]:
    """The state message (topic, payload) of an announced bed; null is unknown. Send it live, never retained."""
    values = {
        "in_bed": None if reading.in_bed is None else str(reading.in_bed),
        "heart_rate": reading.heart_rate_bpm,
        "breath_rate": reading.breath_rate_bpm,
    }
    return f"hani/{node}/bed", json.dumps(values, separators=(",", ":")).encode()


def _field_of(platform: str, name: str, config: Mapping[str, Any]) -> str | None:
    device_class = config.get("device_class")
    words = f"{name} {config.get('unique_id', '')} {config.get('name', '')}".lower()
    if platform == "binary_sensor":
        if device_class == "moisture" or "wet" in words:
            return "wet"
        if "edge" in words or "sit_up" in words:
            return "at_edge"
        return "in_bed" if device_class in ("occupancy", "presence") or "bed" in words or "target" in words else None
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


def _read(entity: _Entity, payload: bytes) -> Any:
    value = _value(payload, entity.path)
    text = str(value).strip()
    if value is None or text.lower() in _NOTHING:
        return None
    if entity.field in _FLAGS:
        if text not in (entity.on, entity.off):
            raise BadInput("a state that is neither on nor off")
        return text == entity.on
    if entity.field == "heart":
        return rate(value, HEART_RATES)
    if entity.field == "breath":
        return rate(value, BREATH_RATES)
    if entity.field == "movement":
        return share(value, 100.0)
    total = number(value)
    return total if total is not None and 0 <= total < 1e6 else None


def _value(payload: bytes, path: tuple[str, ...]) -> Any:
    if not path:
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise BadInput("no text") from None
    value: Any = json_value(payload)
    for step in path:
        if not isinstance(value, dict):
            raise BadInput("no JSON object where one belongs")
        value = value.get(step)
        if value is None:
            return None
    return value


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


def _availabilities(config: Mapping[str, Any], base: object) -> list[_Availability]:
    listed = config.get("availability") or []
    if not isinstance(listed, list):
        listed = [listed]
    several = [_long(mapping(one)) for one in listed]
    if config.get("availability_topic"):
        several.append({**config, "topic": config["availability_topic"], "value_template": None})
    return [
        _Availability(
            _topic(one.get("topic"), base),
            _path(one.get("value_template")),
            str(one.get("payload_available", "online")),
            str(one.get("payload_not_available", "offline")),
        )
        for one in several
    ]


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
