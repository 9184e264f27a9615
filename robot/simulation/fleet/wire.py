"""The few MQTT 5 packets that a robot needs, as bytes. Pure.

Only for load. Robots and the platform use paho; here its 60 microseconds a message (a third of a core at 6,000 a
second, of the two on which everything is measured) would be taken from the platform under test.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP, DISCONNECTED = 2, 3, 4, 9, 13, 14
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"

_LARGEST_LENGTH = 268_435_455  # MQTT 5, 1.5.5
_WILL, _WILL_QOS1, _WILL_RETAIN, _CLEAN_START = 0x04, 0x08, 0x20, 0x02


class Packet(NamedTuple):
    """One packet as it came: its type, the four flags, and the bytes after the fixed header."""

    type: int
    flags: int
    body: bytes


class Publication(NamedTuple):
    """A PUBLISH as it came; `packet_id` is None at QoS 0."""

    topic: str
    payload: bytes
    packet_id: int | None


def connect(client_id: str, keepalive_s: int, will_topic: str, will: bytes) -> bytes:
    """A CONNECT with a clean start and a retained last will at QoS 1."""
    flags = _WILL | _WILL_QOS1 | _WILL_RETAIN | _CLEAN_START
    head = _text("MQTT") + struct.pack("!BBH", 5, flags, keepalive_s) + b"\x00"
    return _packet(0x10, head + _text(client_id) + b"\x00" + _text(will_topic) + _binary(will))


def subscribe(packet_id: int, topics: Iterable[str]) -> bytes:
    """A SUBSCRIBE at QoS 1."""
    return _packet(0x82, struct.pack("!HB", packet_id, 0) + b"".join(_text(name) + b"\x01" for name in topics))


def publish(topic: str, payload: bytes, packet_id: int | None = None, *, retain: bool = False) -> bytes:
    """A PUBLISH: QoS 1 with a packet id, QoS 0 without."""
    name = topic.encode()
    number = b"" if packet_id is None else packet_id.to_bytes(2, "big")
    first = 0x30 | (0 if packet_id is None else 0x02) | (0x01 if retain else 0)
    return _packet(first, b"".join((len(name).to_bytes(2, "big"), name, number, b"\x00", payload)))


def puback(packet_id: int) -> bytes:
    """A PUBACK: success."""
    return struct.pack("!BBH", 0x40, 2, packet_id)


def split(data: bytes) -> tuple[list[Packet], bytes]:
    """All whole packets of `data`, and the rest. Raises ValueError for a length that MQTT does not know."""
    packets: list[Packet] = []
    begin, end = 0, len(data)
    while begin < end:
        length, shift, at = 0, 0, begin + 1
        while at < end:
            byte = data[at]
            length |= (byte & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if byte < 0x80:
                break
            if shift > 21:
                raise ValueError("a packet's length has more than four bytes")
        else:
            break
        if at + length > end:
            break
        packets.append(Packet(data[begin] >> 4, data[begin] & 0x0F, data[at : at + length]))
        begin = at + length
    return packets, data[begin:]


def whole(packet: Packet) -> bytes:
    """The bytes of a packet, as they came."""
    return _packet(packet.type << 4 | packet.flags, packet.body)


def read_publish(packet: Packet) -> Publication:
    """Topic, payload and packet id of a PUBLISH; its properties are passed over."""
    body = packet.body
    at = 2 + int.from_bytes(body[:2], "big")
    name = body[2:at].decode()
    packet_id = None
    if packet.flags & 0x06:
        packet_id = int.from_bytes(body[at : at + 2], "big")
        at += 2
    length, shift = 0, 0
    while True:
        byte = body[at]
        length |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            break
    return Publication(name, body[at + length :], packet_id)


def _text(text: str) -> bytes:
    return _binary(text.encode())


def _binary(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _packet(first: int, body: bytes) -> bytes:
    length = len(body)
    if length > _LARGEST_LENGTH:
        raise ValueError("too long for an MQTT packet")
    head = bytearray((first,))
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body
