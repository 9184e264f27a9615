"""Milesight VS373: a radar on the ceiling that watches bed and floor, over LoRaWAN.

The uplink is a chain of (channel, type, data). Read are the bytes themselves, or a LoRaWAN server's JSON that carries
them as base64 (ChirpStack 4, field `data`; The Things Stack, `uplink_message.frm_payload`). Source: the vendor's public
decoders, channel by channel (github.com/Milesight-IoT/SensorDecoders, vs-series/vs373: firmware 1.0.1 and 1.0.2). A
channel that those do not list ends the reading, as it does there; of an uplink that is cut off counts what came before.
Assumed: that a room without anybody (vacant) has nobody in bed, and that `normal` says nothing about the bed. That
somebody lies down (alarm 8) is no fall: on a bed they do.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from types import MappingProxyType

from robot.errors import BadInput
from robot.mattress.fields import BREATH_RATES, PAYLOAD_LIMIT_BYTES, BedReading, json_value, mapping, name_of

LATENCY_S = 300.0
"""A radar notices a bed exit only after 1-5 minutes (facts collected for this project): never the only source."""

# (channel, type): bytes of data
_LENGTHS: Mapping[tuple[int, int], int] = MappingProxyType(
    {
        (0xFF, 0x01): 1,  # protocol version
        (0xFF, 0x09): 2,  # hardware version
        (0xFF, 0x0A): 2,  # firmware version
        (0xFF, 0x0B): 1,  # device on or off
        (0xFF, 0x0F): 1,  # LoRaWAN class
        (0xFF, 0x16): 8,  # serial number
        (0xFF, 0xFE): 1,  # reset
        (0xFF, 0xFF): 2,  # version of the thing description
        (0x03, 0xF8): 6,  # detection and target status, use times (1.0.1)
        (0x07, 0xB0): 8,  # the same (1.0.2)
        (0x04, 0xF9): 4,  # region occupancy (1.0.1)
        (0x09, 0xB2): 6,  # region types
        (0x0A, 0xB3): 5,  # region occupancy (1.0.2)
        (0x05, 0xFA): 8,  # seconds out of bed (1.0.1)
        (0x0B, 0xB4): 9,  # the same, regions 1-3 (1.0.2)
        (0x0C, 0xB4): 9,  # regions 4-6
        (0x06, 0xFB): 5,  # alarm
        (0x08, 0xB1): 3,  # breath
        (0x20, 0xCE): 9,  # history: of the past, not read
    }
)
# replies to settings, by type: bytes of data; passed over, since a status may follow
_REPLIES: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys((0x04, 0x10, 0x28, 0x2F, 0x3E, 0x40, 0x42, 0x64, 0x69, 0x84), 1),
        0x11: 4,
        0x35: 8,
        0x6A: 3,
        0x8E: 3,
        0x96: 8,
    }
)
_LONG_REPLIES: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys((0x48, 0x4D, 0x4E), 1),
        0x49: 9,
        0x4A: 5,
        0x4B: 9,
        0x4C: 5,
        0x4F: 12,
        0x50: 2,
        0x51: 6,
        0x52: 3,
        0x53: 3,
        0x56: 2,
    }
)
_DETECTION = {0: None, 1: False, 2: True, 3: False, 4: None}  # normal, vacant, in bed, out of bed, fall
_FALL, _ALARM_FALL, _ALARM_OUT_OF_BED, _TRIGGERED = 4, 0, 3, 1
_NO_BREATH = (1, 5)  # status of the breath: no data, undetectable


def decode(payload: bytes) -> BedReading:
    """Raises BadInput."""
    data, device = _uplink(payload)
    in_bed: bool | None = None
    breath: float | None = None
    connected: bool | None = None
    fell: bool | None = None
    for channel, part in _channels(data):
        if channel in ((0x03, 0xF8), (0x07, 0xB0)):
            if part[0] not in _DETECTION:
                raise BadInput("a detection status outside 0..4")
            in_bed, fell = _DETECTION[part[0]], part[0] == _FALL or bool(fell)
        elif channel == (0x06, 0xFB) and part[3] == _TRIGGERED:
            fell = True if part[2] == _ALARM_FALL else fell
            in_bed = False if part[2] == _ALARM_OUT_OF_BED else in_bed
        elif channel == (0x08, 0xB1) and part[0] not in _NO_BREATH:
            (hundredths,) = struct.unpack_from("<H", part, 1)
            breath = hundredths / 100.0
        elif channel == (0xFF, 0x0B):
            connected = part[0] != 0
    if breath is not None and not (in_bed is True and BREATH_RATES[0] <= breath <= BREATH_RATES[1]):
        breath = None
    return BedReading(in_bed, breath_rate_bpm=breath, connected=connected, fell=fell, device=device)


def encode(reading: BedReading) -> bytes:
    """The uplink of a simulated radar (firmware 1.0.2): bytes, without heart rate and time, which it has not."""
    if reading.connected is False:
        return bytes((0xFF, 0x0B, 0x00))
    status = _FALL if reading.fell else {None: 0, True: 2, False: 3}[reading.in_bed]
    data = b"\xff\x0b\x01" if reading.connected else b""
    data += bytes((0x07, 0xB0, status, 0)) + bytes(6)
    if reading.breath_rate_bpm is not None:
        data += bytes((0x08, 0xB1, 0)) + struct.pack("<H", round(reading.breath_rate_bpm * 100))
    return data


def _uplink(payload: bytes) -> tuple[bytes, str | None]:
    """The radar's bytes, and which radar the server says it is."""
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise BadInput(f"longer than {PAYLOAD_LIMIT_BYTES} bytes")
    if payload.lstrip()[:1] != b"{":
        return payload, None
    message = mapping(json_value(payload))
    things = message.get("uplink_message")
    ids = message.get("end_device_ids" if things else "deviceInfo")
    names = ids if isinstance(ids, dict) else {}
    text = mapping(things).get("frm_payload") if things else message.get("data")
    if not isinstance(text, str):
        raise BadInput("no data in base64")
    try:
        return base64.b64decode(text, validate=True), name_of(names.get("dev_eui", names.get("devEui")))
    except (binascii.Error, ValueError):
        raise BadInput("no data in base64") from None


def _channels(data: bytes) -> list[tuple[tuple[int, int], bytes]]:
    found: list[tuple[tuple[int, int], bytes]] = []
    at = 0
    while at + 2 <= len(data):
        channel = (data[at], data[at + 1])
        length = _length(channel)
        if length is None or at + 2 + length > len(data):
            break
        found.append((channel, data[at + 2 : at + 2 + length]))
        at += 2 + length
    if not any(channel in _LENGTHS for channel, _ in found):
        raise BadInput("no channel of a VS373, or cut off before the first")
    return found


def _length(channel: tuple[int, int]) -> int | None:
    number, kind = channel
    if number in (0xF8, 0xF9) and kind in _LONG_REPLIES:
        return _LONG_REPLIES[kind] + (number == 0xF8)  # with the result
    replies = _REPLIES.get(kind) if number in (0xFE, 0xFF) else None
    return _LENGTHS.get(channel, replies)
