"""Vendor payloads are read as meant, or refused: whatever arrives, nothing crashes and unknown stays unknown."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadConfiguration, BadInput
from robot.mattress.codecs import (
    BREATH_RATES,
    FORMATS,
    HEART_RATES,
    PAYLOAD_LIMIT_BYTES,
    BedReading,
    decode,
    decoder,
    encode,
    latency_s,
)
from robot.mattress.presence import BedPresence, PresenceSettings
from robot.messages import Presence
from robot.mqtt_link import Message

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[2] / "data" / "mattress"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
formats = st.sampled_from(sorted(FORMATS))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_golden_message(name):
    (file,) = GOLDEN.glob(f"{name}.*")
    payload = bytes.fromhex(file.read_text()) if file.suffix == ".hex" else file.read_bytes()
    reading = decode(name.split("-")[0], "bed", payload)
    expected = {**asdict(BedReading()), **EXPECTED[name]}
    assert asdict(reading) == {**expected, "about": tuple(expected["about"])}


def test_every_golden_message_has_an_expectation():
    assert {path.stem for path in GOLDEN.iterdir()} - {"README", "expected", "homeassistant"} == EXPECTED.keys()


def rates(bounds):
    return st.none() | st.floats(*bounds)


moments = st.none() | st.integers(1_500_000_000, 2_000_000_000).map(float)


def as_carried(format_name: str, reading: BedReading) -> BedReading:
    """What of a reading a format has a field for."""
    if format_name == "emfit":
        return replace(reading, connected=None)
    if format_name == "milesight":
        breath = reading.breath_rate_bpm
        breath = None if breath is None else round(breath * 100) / 100
        return replace(reading, heart_rate_bpm=None, breath_rate_bpm=breath, measured_at_s=None, fell=False)
    return reading


@given(formats, rates(HEART_RATES), rates(BREATH_RATES), moments)
def test_an_occupied_bed_survives_the_wire(format_name, heart, breath, moment):
    reading = BedReading(True, heart, breath, True, moment)
    assert decode(format_name, "bed", encode(format_name, reading)) == as_carried(format_name, reading)


@given(formats, moments)
def test_an_empty_bed_survives_the_wire_without_vitals(format_name, moment):
    sent, expected = BedReading(False, 60.0, 12.0, True, moment), BedReading(False, None, None, True, moment)
    assert decode(format_name, "bed", encode(format_name, sent)) == as_carried(format_name, expected)


@given(formats)
def test_a_sensor_that_is_off_never_vouches_for_anybody(format_name):
    reading = decode(format_name, "bed", encode(format_name, BedReading(True, 60.0, 12.0, connected=False)))
    assert reading.connected is False or reading.in_bed is None


def refused_or_sane(format_name: str, payload: bytes) -> None:
    try:
        reading = decode(format_name, "bed", payload)
    except BadInput:
        return
    assert reading.in_bed in (None, True, False)
    for rate, (least, most) in ((reading.heart_rate_bpm, HEART_RATES), (reading.breath_rate_bpm, BREATH_RATES)):
        assert rate is None or least <= rate <= most
    assert reading.measured_at_s is None or math.isfinite(reading.measured_at_s)
    for share in (reading.quality, reading.movement):
        assert share is None or 0 <= share <= 1
    if reading.in_bed is False:
        assert reading.heart_rate_bpm is None
        assert reading.breath_rate_bpm is None


@given(formats, st.binary(max_size=300))
def test_arbitrary_bytes_never_crash(format_name, payload):
    refused_or_sane(format_name, payload)


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
OUTER_KEYS = ["data", "status", "left", "right", "code", "value", "t", "timestamp", "connectionStatus"]
INNER_KEYS = ["inBed", "heartRate", "breathRate", "sleep_status", "heart_rate", "breath_rate"]
PUSHED_KEYS = ["dataKey", "timeStamp", "leftRight", "inbedStatus", "bodyMovement", "apnea", "signalQuality", "wet"]
EMFIT_KEYS = ["pres", "hr", "rr", "act", "ts", "event"]
CLOUD_KEYS = [
    "bizCode",
    "bizData",
    "properties",
    "devId",
    "deviceId",
    "uplink_message",
    "frm_payload",
    "end_device_ids",
]
KEYS = st.sampled_from([*OUTER_KEYS, *INNER_KEYS, *PUSHED_KEYS, *EMFIT_KEYS, *CLOUD_KEYS])
values = st.recursive(
    leaves | st.sampled_from(["sleep_status", "realtime", "inBedStatus", "connectionStatus", "out_of_bed", "0", "1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)


objects = st.dictionaries(KEYS, values, max_size=6)


@given(formats, objects | st.lists(objects, max_size=4))
def test_arbitrary_json_in_the_vendors_own_keys_never_crashes(format_name, message):
    refused_or_sane(format_name, json.dumps(message).encode())


CHANNELS = st.sampled_from([b"\x03\xf8", b"\x07\xb0", b"\x06\xfb", b"\x08\xb1", b"\xff\x0b", b"\x0a\xb3", b"\x20\xce"])


@given(st.lists(st.tuples(CHANNELS, st.binary(max_size=9)), max_size=5))
def test_arbitrary_radar_channels_never_crash(channels):
    data = b"".join(channel + part for channel, part in channels)
    refused_or_sane("milesight", data)
    refused_or_sane("milesight", json.dumps({"data": base64.b64encode(data).decode()}).encode())


@given(st.lists(st.tuples(st.sampled_from(["PRES", "HR", "RR", "ACT", "TS", "hr", ""]), st.text(max_size=9))))
def test_arbitrary_status_pages_never_crash(lines):
    refused_or_sane("emfit", "<br>".join(f"{key}={value}" for key, value in lines).encode())


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x03", b"\x03\xf8\x02\x00", b"\x03\xf8\x05\x00\x00\x00\x00\x00", b"\x99\x99", b'{"data": "!"}', b"{}"],
)
def test_a_radar_message_that_is_cut_off_or_unknown_is_refused(payload):
    with pytest.raises(BadInput):
        decode("milesight", "bed", payload)


def test_the_past_of_a_radar_is_no_fall_of_now():
    history = bytes.fromhex("20ce 00112233 0100 00 01 ff")
    assert decode("milesight", "bed", history).fell is None


@pytest.mark.parametrize(
    ("left", "right", "any_", "mine"),
    [(1, 0, True, True), (0, 1, True, False), (1, 1, True, True), (0, None, None, False), (None, 0, None, None)],
)
def test_a_double_bed_may_have_a_side_that_is_the_residents(left, right, any_, mine):
    data = {"left": {"inBed": left, "heartRate": 60}, "right": {"inBed": right, "heartRate": 70}}
    payload = json.dumps({"data": data}).encode()
    assert decode("sleepace", "bed", payload).in_bed is any_
    reading = decode("sleepace", "bed", payload, "left")
    assert reading.in_bed is mine
    assert reading.heart_rate_bpm == (60 if left and not right else None), "nobody knows whose heart it is"


def pushed(*items):
    """Sleepace's push: (dataKey, leftRight, data) each."""
    told = [{"timeStamp": 1764000000, "dataKey": key, "data": {**data, "leftRight": at}} for key, at, data in items]
    return json.dumps(told).encode()


PARTNERS = {
    "heartRate": 70,
    "breathRate": 15,
    "sitUp": 1,
    "wet": 1,
    "apnea": 2,
    "bodyMovement": 40,
    "signalQuality": 90,
}


def test_the_other_sides_message_vouches_for_nobody_and_tells_nothing_of_mine():
    """A partner who sleeps on must not keep the resident in bed who got up."""
    payload = pushed(("realtime", 0, PARTNERS))
    assert decode("sleepace", "bed", payload, "right") == BedReading(measured_at_s=1764000000.0)
    mine = decode("sleepace", "bed", payload, "left")
    assert (mine.alive, mine.heart_rate_bpm, mine.wet, mine.at_edge) == (True, 70.0, True, True)

    presence = BedPresence(PresenceSettings(stale_after_s=60.0))
    presence.update(decode("sleepace", "bed", pushed(("inBedStatus", 1, {"inbedStatus": 1})), "right"), 0.0)
    assert presence.tick(2.0).presence is Presence.IN_BED
    for now_s in range(10, 100, 10):
        presence.update(decode("sleepace", "bed", payload, "right"), float(now_s))
    presence.tick(100.0)
    state = presence.tick(120.0)
    assert (state.presence, state.heart_rate_bpm) == (Presence.UNKNOWN, None)


def test_of_a_message_about_both_sides_only_presence_is_told_where_the_body_may_be_the_others():
    payload = pushed(
        ("inBedStatus", 1, {"inbedStatus": 0}), ("inBedStatus", 0, {"inbedStatus": 1}), ("realtime", 0, PARTNERS)
    )
    reading = decode("sleepace", "bed", payload, "right")
    assert replace(reading, alive=False) == BedReading(False, measured_at_s=1764000000.0)


@pytest.mark.parametrize("item", [("inBedStatus", 1, {}), ("connectionStatus", 1, {"connectionStatus": 1})], ids=str)
def test_what_says_nothing_about_my_side_does_not_make_the_partners_message_mine(item):
    assert not decode("sleepace", "bed", pushed(("realtime", 0, PARTNERS), item), "right").alive


IN_BED = {"status": [{"code": "sleep_status", "value": "3"}]}


@pytest.mark.parametrize(
    ("format_name", "first", "then", "alive"),
    [
        ("tuya", IN_BED, {"status": [{"code": "heart_rate", "value": 61}]}, True),
        ("tuya", {"status": [{"code": "sleep_status", "value": "1"}]}, {"bizCode": "online"}, True),
        ("tuya", IN_BED, {"bizCode": "offline"}, False),
        ("tuya", IN_BED, {"status": []}, False),
        ("emfit", {"pres": 1}, {"hr": 61, "rr": 14}, True),
        ("emfit", {"event": "out_of_bed"}, {"event": "calibrated"}, True),
        ("emfit", {"pres": 1}, {"pres": None, "hr": 0}, False),
        ("tuya", IN_BED, {"status": [{"code": "sleep_status", "value": None}]}, False),
        ("tuya", IN_BED, {"bizCode": "deviceOffline", "bizData": {"devId": "a"}}, False),
        ("tuya", IN_BED, {"bizCode": "deviceOnline", "bizData": {"devId": "a"}}, True),
    ],
)  # fmt: skip
def test_a_sensor_that_tells_changes_only_is_no_silent_one(format_name, first, then, alive):
    """Whatever else it says, it lives, and what it said about presence holds; unless it says that it is off."""
    presence = BedPresence(PresenceSettings(stale_after_s=60.0))
    reading = decode(format_name, "bed", json.dumps(first).encode())
    presence.update(reading, 0.0)
    presence.tick(10.0)
    for now_s in range(30, 330, 30):
        presence.update(decode(format_name, "bed", json.dumps(then).encode()), float(now_s))
    state = presence.tick(340.0)
    wanted = Presence.IN_BED if reading.in_bed else Presence.OUT_OF_BED
    assert state.presence is (wanted if alive else Presence.UNKNOWN)


@pytest.mark.parametrize("event", ["Out of bed", "OUT_OF_BED", "out-of-bed", "bed exit", "bedexit", "left_bed"])
def test_an_event_of_emfit_is_known_however_it_is_spelt(event):
    assert decode("emfit", "bed", json.dumps({"event": event}).encode()).in_bed is False


@pytest.mark.parametrize("message", [{"hr": 0, "rr": 0, "act": 0}, {"event": "bed wobbles"}, {"hr": "--"}], ids=str)
def test_what_measured_nothing_or_nobody_knows_does_not_vouch_for_who_was_in_bed(message):
    """An empty bed has no pulse: such messages must not keep the resident in it."""
    with pytest.raises(BadInput):
        decode("emfit", "bed", json.dumps(message).encode())


@pytest.mark.parametrize("key", ["inBedStatus", "inbedStatus", "INBEDSTATUS"])
@pytest.mark.parametrize("in_a_list", [True, False])
def test_an_exit_of_sleepace_is_read_however_its_key_is_spelt_and_alone(key, in_a_list):
    item = {"timeStamp": 1764000000, "dataKey": key, "deviceId": "a", "data": {"inbedStatus": 0}}
    assert decode("sleepace", "bed", json.dumps([item] if in_a_list else item).encode()).in_bed is False


@pytest.mark.parametrize(
    "message",
    [
        {"data": {}},
        {"data": {"colour": 1}},
        [{"dataKey": "report", "data": {}}],
        [{"dataKey": "inBedStatus", "deviceId": device, "data": {"inbedStatus": 1}} for device in ("a", "b")],
    ],
    ids=str,
)
def test_what_says_nothing_of_one_bed_is_refused(message):
    with pytest.raises(BadInput):
        decode("sleepace", "bed", json.dumps(message).encode())


def of_device(format_name: str, device: str, in_bed: bool) -> Message:
    item = {"dataKey": "inBedStatus", "deviceId": device, "data": {"inbedStatus": int(in_bed)}}
    points = {"devId": device, "status": [{"code": "sleep_status", "value": "3" if in_bed else "1"}]}
    said = {"sleepace": [item], "tuya": points, "emfit": {"sn": device, "pres": int(in_bed)}}[format_name]
    return Message("bed", json.dumps(said).encode(), False, 0.0)


@pytest.mark.parametrize("format_name", ["sleepace", "tuya", "emfit"])
def test_the_neighbours_mattress_never_speaks_for_the_residents(format_name):
    mine, other = decoder(format_name, device="mine"), of_device(format_name, "neighbour", True)
    assert mine.read(of_device(format_name, "mine", False)).in_bed is False
    assert mine.read(other) is None
    anybodys = decoder(format_name)
    assert anybodys.read(of_device(format_name, "mine", False)).in_bed is False
    for message in (other, of_device(format_name, "mine", False)):
        with pytest.raises(
            BadInput, match="several mattresses speak on this topic: name the resident's in `mattress_id`"
        ):
            anybodys.read(message)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"1",
        b'{"data": {"inBed": 1}, "data": {"inBed": 0}}',
        b'{"data": {"inBed": 2}}',
        b'{"data": {"inBed": 1, "heartRate": NaN}}',
        b'{"data": {"inBed": 1, "heartRate": 1e999}}',
        b'{"data": {"inBed": 1, "heartRate": "secret"}}',
        b'{"data": {"inBed": 1, "heartRate": [60]}}',
        b'{"data": {"inBed": 1, "heartRate": true}}',
        b'{"data": {"inBed": 1, "heartRate": ' + b"9" * 400 + b"}}",
        b'{"data": {"inBed": 1, "heartRate": ' + b"9" * 5000 + b"}}",
        b'{"data": ' + b"[" * 8000,
        b'{"data": ' + b'{"a":' * 1500 + b"1" + b"}" * 1500 + b"}",
        b'{"data": {}}' + b" " * PAYLOAD_LIMIT_BYTES,
    ],
    ids=range(16),
)
def test_what_cannot_be_used_is_refused_without_repeating_it(payload):
    with pytest.raises(BadInput, match="mattress message on 'bed/1' is not sleepace") as caught:
        decode("sleepace", "bed/1", payload)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("status", ["4", -1, "asleep", 2.5, True])
def test_an_unknown_tuya_status_is_refused_not_guessed(status):
    message = {"status": [{"code": "sleep_status", "value": status}]}
    with pytest.raises(BadInput):
        decode("tuya", "bed", json.dumps(message).encode())


@pytest.mark.parametrize("code", [["online"], {"online": 1}, None, 1], ids=str)
def test_a_business_code_that_is_no_text_is_refused(code):
    with pytest.raises(BadInput):
        decode("tuya", "bed", json.dumps({"bizCode": code}).encode())


@pytest.mark.parametrize("rate", [0, 3, 251, -60])
def test_a_rate_that_no_body_has_is_unknown_not_zero(rate):
    message = {"data": {"inBed": 1, "heartRate": rate}}
    reading = decode("sleepace", "bed", json.dumps(message).encode())
    assert (reading.in_bed, reading.heart_rate_bpm) == (True, None)


@pytest.mark.parametrize(
    ("format_name", "late_s"),
    [("milesight", 300.0), ("emfit", 30.0), ("sleepace", None), ("tuya", None), ("homeassistant", None)],
)
def test_a_format_says_how_late_it_is_only_where_that_is_published(format_name, late_s):
    """Unknown is not 0: who weighs the bed then takes what is usual."""
    assert latency_s(format_name) == late_s


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(BadConfiguration, match=r"mattress\.format 'acme' is unknown; choose one of sleepace, tuya"):
        decode("acme", "bed", b"{}")
