"""Whatever comes over the wire is either a message of the contract or counted; nothing raises.

HANI_FUZZ=100000 python -m pytest tests/unit/fleet/test_read.py    takes half a minute
"""

from __future__ import annotations

import json
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.fleet import intake
from robot.fleet.quarantine import Refused
from robot.reporting.contract import (
    UP,
    AlarmBody,
    AlarmReport,
    BedBody,
    CommandAck,
    EventBody,
    EventReport,
    StateReport,
    TelemetryReport,
    topic,
)
from tests.unit.fleet.conftest import DEVICE, Home, alarm

pytestmark = pytest.mark.unit

MUTATED = int(os.environ.get("HANI_FUZZ", "3000"))
GOOD = [
    (
        "e/alarm",
        AlarmReport(
            id="fuzzed-0001",
            dev=DEVICE,
            seq=1,
            ts=1.0,
            prev="0" * 64,
            body=AlarmBody(
                alarm_id="alarm-fuzz",
                type="fall",
                phase="raised",
                revision=1,
                severity="high",
                confidence=0.5,
                onset_ts=1.0,
                reasons=("fast_drop",),
                room="bedroom",
            ),
        ).encode(),
    ),
    ("e/event", EventReport(id="fuzzed-0002", dev=DEVICE, seq=2, ts=1.0, body=EventBody(name="boot")).encode()),
    ("t/bed", TelemetryReport(id="fuzzed-0003", dev=DEVICE, seq=3, ts=1.0, body=BedBody(in_bed=None)).encode()),
    ("state", StateReport(dev=DEVICE, online=True, ts=1.0, nodes={"fall_detector": 1}).encode()),
    ("cmd/ack", CommandAck(id="command-0001", dev=DEVICE).encode()),
]
ODD = [
    *(None, True, -1, 0, 10**30, -(10**30), 2**63, 1e308, 5e-324, "", "\0", "\ud800", "a" * 100_000, "王芳", [], {}),
    *([[]] * 3, {"a": {"b": {"c": {}}}}, float("nan"), float("inf"), "1e400", [None] * 1000, {"__class__": 1}),
]
RAW = [
    b"",
    b"\0",
    b"\xff\xfe",
    b"[" * 20_000,
    b'{"a":' * 5000,
    b"1e999",
    b'"\\ud800"',
    b"NaN",
    b"{}",
    b"null",
    b"\x89PNG",
]


def mutated(luck: random.Random, leaf: str, payload: bytes) -> tuple[str, bytes]:
    """A message of the contract with one thing wrong, or two."""
    kind = luck.randrange(6)
    if kind == 0:
        place = luck.randrange(len(payload))
        return leaf, payload[:place] + bytes(luck.randrange(256) for _ in range(luck.randrange(4))) + payload[
            place + 1 :
        ]
    if kind == 1:
        return leaf, payload[: luck.randrange(len(payload))]
    if kind == 2:
        return leaf, luck.choice(RAW) + luck.choice((b"", payload))
    if kind == 3:
        return luck.choice((*UP, "", "/", "ack", "cmd/alarm", "e/alarm/", "\0", "+", "#", "e/\ud800")), payload
    document = json.loads(payload)
    part = document.get("body", document) if kind == 4 else document
    key = luck.choice((*part, "other"))
    if luck.random() < 0.2:
        part.pop(key, None)
    else:
        part[key] = luck.choice(ODD)
    return leaf, json.dumps(document, ensure_ascii=luck.random() < 0.5).encode(errors="surrogatepass")


def test_mutated_messages_are_read_or_refused_and_what_was_read_can_be_written(home: Home) -> None:
    luck = random.Random(5)
    items = []
    for _ in range(MUTATED):
        leaf, payload = mutated(luck, *luck.choice(GOOD))
        items.append(intake.read(topic(DEVICE, leaf), payload, home.now_s))
    assert len(items) == MUTATED
    refused = [item for item in items if isinstance(item, Refused)]
    assert 0.3 * MUTATED < len(refused) < MUTATED
    for begin in range(0, MUTATED, 1000):
        intake.commit(home.database, items[begin : begin + 1000])
    with home.database.read() as session:
        counted = session.connection().exec_driver_sql("SELECT sum(count) FROM refusals").scalar()
    assert counted is not None
    assert counted >= len(refused)  # some of what was read speaks for an alarm of another robot
    home.alarm("raised", 9)
    assert alarm(home).revision == 9


@settings(max_examples=300)
@given(st.text(), st.binary())
def test_arbitrary_topics_and_payloads_are_refused(name: str, payload: bytes) -> None:
    assert isinstance(intake.read(name, payload, 1.0), Refused)


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["v", "id", "dev", "seq", "ts", "body"]), inner),
)


@settings(max_examples=300)
@given(st.sampled_from(sorted(UP)), VALUES)
def test_arbitrary_json_is_refused(leaf: str, document: object) -> None:
    assert isinstance(intake.read(topic(DEVICE, leaf), json.dumps(document).encode(), 1.0), Refused)
