"""A mattress that Home Assistant's MQTT discovery announces (ESPHome, Zigbee2MQTT and many others speak it), both ways.

Each value of the device is an entity (`homeassistant_discovery`). For a double bed as one, anybody on any side is in
bed, and only a bed empty on all of them is empty. For one side its own entities count; a bed that names no sides is
about everybody, and one that names the other side only tells nothing.

Where several entities name no side, nobody knows which of them is about one side of the bed.

An entity speaks when it changes, and need not repeat itself: presence holds as long as anything live comes from the
same device, until its availability topic says offline or `expire_after` is over. Kept (retained) states are taken in,
but are no sign of life.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from robot.errors import BadInput
from robot.mattress.fields import (
    BREATH_RATES,
    HEART_RATES,
    PAYLOAD_LIMIT_BYTES,
    BedReading,
    HalfOfBed,
    Side,
    json_value,
    number,
    rate,
    share,
)
from robot.mattress.homeassistant_discovery import ENTITIES_MOST, Availability, Entity, announced
from robot.mqtt_link import Message, Topic

log = logging.getLogger(__name__)

VITALS_HOLD_S = 120.0
"""A heart or breath rate that nobody repeats is unknown after so long, whatever the entity says of itself."""

_NOTHING = frozenset({"", "none", "null", "unknown", "unavailable", "nan"})
_HALVES: tuple[HalfOfBed, HalfOfBed] = ("left", "right")
_FLAGS = frozenset({"in_bed", "wet", "at_edge"})


@dataclass(frozen=True, slots=True)
class _Held:
    """The last value of an entity, how much an apnoea counter rose with it, and when it came."""

    value: Any
    rise: int | None
    at_s: float


class HomeAssistantDecoder:
    """Puts one mattress together from its entities. The configured topic is a filter of its discovery messages."""

    def __init__(self, side: Side = "any") -> None:
        self._side = side
        self._entities: dict[str, Entity] = {}
        self._held: dict[str, _Held] = {}
        self._offline: set[Availability] = set()
        self._told_no_side = False

    def topics(self, topic: str) -> Sequence[Topic]:
        """Announcements are kept by the broker: they are the one thing that is wanted retained."""
        return (Topic(topic, retained=True),)

    def further(self) -> Sequence[Topic]:
        """The topics of the entities known so far."""
        found = {entity.topic for entity in self._entities.values()} | {one.topic for one in self._availability()}
        return [Topic(topic, retained=True) for topic in sorted(found)]

    def read(self, message: Message) -> BedReading | None:
        """None for an announcement and for what the broker had kept. Raises BadInput."""
        try:
            if message.topic.endswith("/config"):
                self._announce(message.topic, message.payload)
                return None
            if len(message.payload) > PAYLOAD_LIMIT_BYTES:
                raise BadInput(f"longer than {PAYLOAD_LIMIT_BYTES} bytes")
            return self._state(message)
        except BadInput as error:
            raise BadInput(f"mattress message on {message.topic[:100]!r} is not homeassistant: {error}") from None

    def _announce(self, topic: str, payload: bytes) -> None:
        before = {key: one for key, one in self._entities.items() if key.partition("#")[0] == topic}
        for key in before:
            del self._entities[key]
        try:
            if payload.strip():  # else the entity is gone
                found, refused = announced(topic, payload, ENTITIES_MOST - len(self._entities))
                self._entities.update(found)
                if refused is not None:
                    raise refused
        finally:
            # an announcement is repeated whenever its broker or Home Assistant starts: what was said still holds
            for key, entity in before.items():
                if self._entities.get(key) != entity:
                    self._held.pop(key, None)
            self._offline &= self._availability()

    def _availability(self) -> set[Availability]:
        return {one for entity in self._entities.values() for one in entity.availability}

    def _state(self, message: Message) -> BedReading | None:
        about = {one for one in self._availability() if one.topic == message.topic}
        for one in about:
            said = str(_value(message.payload, one.path))
            if said == one.offline:
                self._offline.add(one)
            elif said == one.online:  # anything else changes nothing
                self._offline.discard(one)
        if about & self._offline:
            # what changes meanwhile, nobody will tell
            self._held.clear()
            return BedReading(connected=False)
        speaking = [key for key, entity in self._entities.items() if entity.topic == message.topic]
        if not speaking:
            return None
        held = {key: held for key, held in self._held.items() if key not in speaking}
        for key in speaking:
            entity = self._entities[key]
            value, earlier = _read(entity, message.payload), self._held.get(key)
            total = earlier.value if earlier and entity.field == "apnoea" else None
            rise = None if total is None or value is None or value < total else int(value - total)
            held[key] = _Held(value, rise, message.at_s)
        self._held = held
        return None if message.retained else self._reading(message.at_s, frozenset(speaking))

    def _reading(self, now_s: float, speaking: frozenset[str]) -> BedReading:
        in_bed = self._flag("in_bed", now_s)
        occupied = tuple(side for side in _HALVES if True in self._values("in_bed", (side,), now_s))
        mine = occupied if self._side == "any" else (self._side,)
        # what names no side may be the other's, where somebody lies on the other side
        sides = (*mine, None) if set(occupied) <= set(mine) else mine

        def only(field: str) -> Any:
            """Of the body in this bed; nothing where several are told."""
            found = [value for value in self._values(field, sides, now_s, VITALS_HOLD_S) if value is not None]
            return found[0] if in_bed is True and len(found) == 1 else None

        told = [
            self._held[key].rise
            for key in speaking
            if (entity := self._entities[key]).side in sides and entity.field == "apnoea"
        ]
        rises = [rise for rise in told if rise is not None]
        return BedReading(
            in_bed,
            only("heart"),
            only("breath"),
            False if self._offline else None,
            movement=only("movement"),
            at_edge=self._flag("at_edge", now_s),
            apnoea_events=sum(rises) if rises else None,
            wet=self._flag("wet", now_s),
        )

    def _flag(self, field: str, now_s: float) -> bool | None:
        """Of the entities that speak for the resident's side (see the module), any and all."""
        sides = [entity.side for entity in self._entities.values() if entity.field == field]
        wanted: tuple[HalfOfBed | None, ...] = (*_HALVES, None)
        if self._side != "any":
            wanted = (self._side,) if any(sides) else (None,)
            is_mine = self._side in sides if any(sides) else len(sides) <= 1
            if field == "in_bed" and not is_mine:
                self._tell_no_side()
                return None
        values = self._values(field, wanted, now_s)
        return True if True in values else None if None in values or not values else False

    def _tell_no_side(self) -> None:
        if not self._told_no_side:
            self._told_no_side = True
            log.warning("the mattress names no %s side: nobody knows whether its resident is in bed", self._side)

    def _values(
        self, field: str, sides: Sequence[HalfOfBed | None], now_s: float, most_s: float | None = None
    ) -> list[Any]:
        """What each entity of a field still says; None of one that said nothing, or too long ago."""
        found: list[Any] = []
        for key, entity in self._entities.items():
            if entity.field != field or entity.side not in sides:
                continue
            held = self._held.get(key)
            limits = [limit for limit in (entity.hold_s, most_s) if limit is not None]
            good = held is not None and all(abs(now_s - held.at_s) <= limit for limit in limits)
            found.append(held.value if held is not None and good else None)
        return found


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


def _read(entity: Entity, payload: bytes) -> Any:
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
