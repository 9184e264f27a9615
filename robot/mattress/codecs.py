"""Vendor payloads of smart mattresses, to and from `BedReading`. One module a vendor; here, what they share.

A codec reads one message by itself (`decode`). Home Assistant's discovery spreads a mattress over several topics and
needs memory: `decoder` gives what the link uses, for any format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

from robot.errors import BadConfiguration, BadInput
from robot.mattress import emfit, milesight, sleepace, tuya
from robot.mattress.fields import BREATH_RATES, HEART_RATES, PAYLOAD_LIMIT_BYTES, BedReading, Side
from robot.mattress.homeassistant import HomeAssistantDecoder
from robot.mqtt_link import Message, Topic

__all__ = ["BREATH_RATES", "FORMATS", "HEART_RATES", "PAYLOAD_LIMIT_BYTES", "BedReading", "Codec", "decode", "encode"]


@dataclass(frozen=True, slots=True)
class Codec:
    """decode: payload to reading, raises BadInput. encode: what such a mattress would send, for the simulated one.

    latency_s: so late may it tell that the bed was left; None where nothing is published about it.
    """

    decode: Callable[[bytes], BedReading]
    encode: Callable[[BedReading], bytes]
    latency_s: float | None = None


class Decoder(Protocol):
    """Reads the messages of one mattress, in the order in which they come."""

    def topics(self, topic: str) -> Sequence[Topic]:
        """What to subscribe to at first, from the configured topic."""
        ...

    def read(self, message: Message) -> BedReading | None:
        """The reading after this message; None when it brings none. Raises BadInput, never repeating the payload."""
        ...

    def further(self) -> Sequence[Topic]:
        """What else to subscribe to, by what was read so far."""
        ...


FORMATS: Mapping[str, Codec] = MappingProxyType(
    {
        "sleepace": Codec(sleepace.decode, sleepace.encode),
        "tuya": Codec(tuya.decode, tuya.encode),
        "emfit": Codec(emfit.decode, emfit.encode, emfit.LATENCY_S),
        "milesight": Codec(milesight.decode, milesight.encode, milesight.LATENCY_S),
    }
)
HOME_ASSISTANT = "homeassistant"


def decode(format_name: str, topic: str, payload: bytes, side: Side = "any") -> BedReading:
    """Read one message of a mattress. `format_name` is a key of FORMATS.

    Raises BadInput for a payload that cannot be used; the error names the topic and never repeats the payload.
    """
    codec = codec_of(format_name)
    try:
        reading = codec.decode(payload)
        return replace(of_side(reading, side), device=reading.device)
    except BadInput as error:
        raise BadInput(f"mattress message on {topic[:100]!r} is not {format_name}: {error}") from None


def encode(format_name: str, reading: BedReading) -> bytes:
    """The message a mattress of that format would send: for the simulated mattress."""
    return codec_of(format_name).encode(reading)


def codec_of(format_name: str) -> Codec:
    """The codec of a format that needs no memory. Raises BadConfiguration for an unknown one."""
    try:
        return FORMATS[format_name]
    except KeyError:
        raise BadConfiguration(
            f"mattress.format {format_name!r} is unknown; choose one of {', '.join((*FORMATS, HOME_ASSISTANT))}"
        ) from None


def latency_s(format_name: str) -> float | None:
    """So late may a mattress of that format tell that the bed was left, in seconds; None where nobody says.

    Home Assistant passes on pads and radars alike. Raises BadConfiguration for an unknown format.
    """
    return None if format_name == HOME_ASSISTANT else codec_of(format_name).latency_s


def decoder(format_name: str, side: Side = "any", device: str = "") -> Decoder:
    """What reads the messages of a mattress of that format. `device`: the only one that counts of those that speak on
    the topic, as its messages name it ("": there is one). Raises BadConfiguration for an unknown format.
    """
    if format_name == HOME_ASSISTANT:
        return HomeAssistantDecoder(side)
    codec_of(format_name)
    return _OneTopic(format_name, side, device)


def of_side(reading: BedReading, side: Side) -> BedReading:
    """The reading of one side of a double bed. A message that does not tell the sides apart is about everybody."""
    if side == "any" or not reading.about:
        return reading
    if side not in reading.about:
        # the other's message, however alive, vouches for nobody but the other
        return BedReading(connected=reading.connected, measured_at_s=reading.measured_at_s)
    mine, other = (reading.left, reading.right) if side == "left" else (reading.right, reading.left)
    # of a message about both, body and bed are those of the only side that is occupied
    all_mine = reading.about == (side,) or (mine and not other)
    if all_mine:
        return replace(reading, in_bed=mine, left=None, right=None, about=())
    return BedReading(mine, connected=reading.connected, measured_at_s=reading.measured_at_s, alive=reading.alive)


class _OneTopic:
    def __init__(self, format_name: str, side: Side, device: str) -> None:
        self._format_name, self._side, self._device = format_name, side, device
        self._heard: set[str] = set()

    def topics(self, topic: str) -> Sequence[Topic]:
        return (Topic(topic),)

    def read(self, message: Message) -> BedReading | None:
        if message.retained:
            return None
        reading = decode(self._format_name, message.topic, message.payload, self._side)
        if self._device:
            return reading if reading.device in (None, self._device) else None
        if reading.device is not None and len(self._heard) < 2:
            self._heard.add(reading.device)
        if len(self._heard) > 1:
            # whose bed is it? Unknown, which is a fault, is better than the neighbour's
            raise BadInput("several mattresses speak on this topic: name the resident's in `mattress_id`")
        return reading

    def further(self) -> Sequence[Topic]:
        return ()
