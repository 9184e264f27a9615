"""Vendor payloads are read as meant, or refused: whatever arrives, nothing crashes and unknown stays unknown."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadConfiguration, BadInput
from robot.mattress.codecs import BREATH_RATES, FORMATS, HEART_RATES, PAYLOAD_LIMIT_BYTES, BedReading, decode, encode

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[2] / "data" / "mattress"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
formats = st.sampled_from(sorted(FORMATS))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_golden_message(name):
    reading = decode(name.split("-")[0], "bed", (GOLDEN / f"{name}.json").read_bytes())
    assert asdict(reading) == EXPECTED[name]


def test_every_golden_message_has_an_expectation():
    assert {path.stem for path in GOLDEN.glob("*.json")} == {*EXPECTED, "expected"}


def rates(bounds):
    return st.none() | st.floats(*bounds)


moments = st.none() | st.integers(1_500_000_000, 2_000_000_000).map(float)


@given(formats, st.booleans(), rates(HEART_RATES), rates(BREATH_RATES), moments)
def test_an_occupied_bed_survives_the_wire(format_name, connected, heart, breath, moment):
    reading = BedReading(True, heart, breath, True, moment)
    assert decode(format_name, "bed", encode(format_name, reading)) == reading


@given(formats, moments)
def test_an_empty_bed_survives_the_wire_without_vitals(format_name, moment):
    sent = BedReading(False, 60.0, 12.0, True, moment)
    assert decode(format_name, "bed", encode(format_name, sent)) == BedReading(False, None, None, True, moment)


@given(formats)
def test_a_sensor_that_is_off_survives_the_wire(format_name):
    assert decode(format_name, "bed", encode(format_name, BedReading(connected=False))).connected is False


def refused_or_sane(format_name: str, payload: bytes) -> None:
    try:
        reading = decode(format_name, "bed", payload)
    except BadInput:
        return
    assert reading.in_bed in (None, True, False)
    for rate, (least, most) in ((reading.heart_rate_bpm, HEART_RATES), (reading.breath_rate_bpm, BREATH_RATES)):
        assert rate is None or least <= rate <= most
    assert reading.measured_at_s is None or math.isfinite(reading.measured_at_s)


@given(formats, st.binary(max_size=300))
def test_arbitrary_bytes_never_crash(format_name, payload):
    refused_or_sane(format_name, payload)


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
OUTER_KEYS = ["data", "status", "left", "right", "code", "value", "t", "timestamp", "connectionStatus"]
INNER_KEYS = ["inBed", "heartRate", "breathRate", "sleep_status", "heart_rate", "breath_rate"]
KEYS = st.sampled_from([*OUTER_KEYS, *INNER_KEYS])
values = st.recursive(
    leaves | st.just("sleep_status"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)


@given(formats, st.dictionaries(KEYS, values, max_size=6))
def test_arbitrary_json_in_the_vendors_own_keys_never_crashes(format_name, message):
    refused_or_sane(format_name, json.dumps(message).encode())


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


@pytest.mark.parametrize("rate", [0, 3, 251, -60])
def test_a_rate_that_no_body_has_is_unknown_not_zero(rate):
    message = {"data": {"inBed": 1, "heartRate": rate}}
    reading = decode("sleepace", "bed", json.dumps(message).encode())
    assert (reading.in_bed, reading.heart_rate_bpm) == (True, None)


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(BadConfiguration, match=r"mattress\.format 'emfit' is unknown; choose one of sleepace, tuya"):
        decode("emfit", "bed", b"{}")
