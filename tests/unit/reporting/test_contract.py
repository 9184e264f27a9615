"""The wire: golden files hold version 1 still, and nothing that arrives can do more than be refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robot.errors import BadInput
from robot.reporting.contract import (
    ACK_IDS,
    DEPTH,
    DOWN,
    PAYLOAD_BYTES,
    UP,
    Ack,
    AlarmReport,
    StateReport,
    Wire,
    codec,
    decode,
    device_of,
    digest,
    digest_of,
    schema,
    topic,
)

pytestmark = pytest.mark.unit

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
GOLDEN = Path(__file__).parents[2] / "data" / "contract"
LEAVES = {**UP, **DOWN}
FILES = sorted(GOLDEN.glob("*.json"))


def leaf_of(path: Path) -> str:
    """`e-alarm.raised.json` belongs to the leaf `e/alarm`."""
    return path.name.split(".")[0].replace("-", "/")


def golden(path: Path) -> Wire:
    return decode(leaf_of(path), path.read_bytes())


def test_every_leaf_has_a_golden_file() -> None:
    assert {leaf_of(path) for path in FILES} == set(LEAVES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_golden_message_is_read_whole_and_written_unchanged(path: Path) -> None:
    message = golden(path)
    assert type(message) is LEAVES[leaf_of(path)]
    assert json.loads(message.encode()) == json.loads(path.read_bytes())
    assert decode(leaf_of(path), message.encode()) == message


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_newer_robots_fields_are_ignored(path: Path) -> None:
    document = json.loads(path.read_bytes())
    assert decode(leaf_of(path), json.dumps({**document, "later": {"deep": [1]}}).encode()) == golden(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_another_version_is_refused(path: Path) -> None:
    document = json.loads(path.read_bytes())
    with pytest.raises(BadInput):
        decode(leaf_of(path), json.dumps({**document, "v": 2}).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def refused_or_stable(leaf: str, payload: bytes) -> None:
    try:
        message = decode(leaf, payload)
    except BadInput:
        return
    once = message.encode()
    assert decode(leaf, once).encode() == once


@UNHURRIED
@given(st.sampled_from(sorted(LEAVES)) | st.text(max_size=12), st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_with_bad_input_only(leaf: str, payload: bytes) -> None:
    refused_or_stable(leaf, payload)


@UNHURRIED
@given(st.sampled_from(FILES), st.data())
def test_a_damaged_message_is_refused_or_read_to_something_stable(path: Path, data: st.DataObject) -> None:
    document = json.loads(path.read_bytes())
    part = document["body"] if "body" in document and data.draw(st.booleans()) else document
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(JSON)
    refused_or_stable(leaf_of(path), json.dumps(document).encode())


@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"", b"nul", b'"\\ud800"'])
def test_hostile_payloads_are_refused_without_repeating_them(payload: bytes) -> None:
    with pytest.raises(BadInput, match="payload does not fit"):
        decode("e/alarm", payload)


def changed(file: str, /, **body: object) -> bytes:
    document = json.loads((GOLDEN / file).read_bytes())
    return json.dumps({**document, "body": {**document["body"], **body}}).encode()


@pytest.mark.parametrize(
    ("leaf", "payload"),
    [
        ("e/alarm", changed("e-alarm.raised.json", confidence=float("nan"))),
        ("e/alarm", changed("e-alarm.raised.json", onset_ts=float("inf"))),
        ("e/alarm", changed("e-alarm.raised.json", revision=2**63)),
        ("e/alarm", changed("e-alarm.raised.json", revision=10**400)),
        ("e/alarm", changed("e-alarm.raised.json", later="x" * PAYLOAD_BYTES)),
        ("e/alarm", changed("e-alarm.raised.json", later=json.loads("[" * DEPTH + "]" * DEPTH))),
        ("e/event", changed("e-event.json", detail={f"key_{n}": n for n in range(17)})),
        ("e/event", changed("e-event.json", detail={"note": "the resident said that"})),
        ("e/event", changed("e-event.json", name="Сарнай")),
        ("e/event", changed("e-event.json", detail={"size": float("-inf")})),
    ],
)
def test_what_no_database_can_hold_and_no_contract_allows_is_refused(leaf: str, payload: bytes) -> None:
    with pytest.raises(BadInput):
        decode(leaf, payload)


def test_brackets_in_a_text_are_no_depth() -> None:
    payload = changed("e-alarm.raised.json", later='\\"[[[[[[[[[[{{{{{{{')
    assert decode("e/alarm", payload) == golden(GOLDEN / "e-alarm.raised.json")


def test_the_longest_acknowledgement_fits() -> None:
    assert len(Ack(ids=tuple("0" * 64 for _ in range(ACK_IDS))).encode()) <= PAYLOAD_BYTES


def test_an_alarm_keeps_no_more_reasons_than_it_may() -> None:
    report = decode("e/alarm", changed("e-alarm.raised.json", reasons=["fast_drop", *["x" * 99] * 100]))
    assert isinstance(report, AlarmReport)
    assert report.body.reasons[:2] == ("fast_drop", "other")
    assert len(report.body.reasons) == 32


def test_the_digest_covers_what_is_chained_and_what_the_reader_does_not_know() -> None:
    payload = (GOLDEN / "e-alarm.raised.json").read_bytes()
    document = json.loads(payload)
    assert digest_of(payload) == digest(document)
    assert digest_of(changed("e-alarm.raised.json", later=1)) != digest(document)
    assert digest({**document, "seq": 42}) != digest(document)
    assert digest({**document, "prev": None}) != digest(document)
    assert digest({**document, "dev": "hani-0002", "added_later": 1}) == digest(document), "not covered in version 1"
    shuffled = json.dumps(dict(reversed(document.items())), indent=2).encode()
    assert digest_of(shuffled) == digest(document)


@UNHURRIED
@given(st.binary(max_size=60))
def test_the_digest_of_arbitrary_bytes_raises_bad_input_only(payload: bytes) -> None:
    try:
        digest_of(payload)
    except BadInput:
        return
    assert isinstance(json.loads(payload), dict)


def test_the_schemas_are_current() -> None:
    assert schema.stale() == []


def test_topics_are_split_as_they_are_built() -> None:
    assert device_of(topic("hani-0001", "cmd/alarm")) == ("hani-0001", "cmd/alarm")


@UNHURRIED
@given(st.text(max_size=40))
def test_a_topic_outside_the_contract_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        device_of(name)


@given(st.lists(st.sampled_from([b'"', b"\\", b"[", b"a", b"\n", b"\xff"]), max_size=60).map(b"".join))
def test_the_scan_for_brackets_reads_each_byte_once(payload: bytes) -> None:
    """No quotation mark is left: each begins a match, and none is tried in vain up to the end."""
    assert b'"' not in codec._TEXT.sub(b"", payload)


def test_an_unclosed_text_of_the_largest_size_is_refused() -> None:
    payload = (b"[" * 9 + b'"' + b'\\"' * PAYLOAD_BYTES)[:PAYLOAD_BYTES]
    assert codec._TEXT.subn(b"", payload) == (b"[" * 9, 1)
    with pytest.raises(BadInput):
        decode("e/alarm", payload)


def test_brackets_in_a_text_are_not_counted() -> None:
    assert not codec._deeper_than(b'[[[["' + b"[" * 50 + b'\\"[[["]]]]', 8)
    assert codec._deeper_than(b'"a"[[[["b"[[[["c"[', 8)


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({"fall_detector": "camera_dark", "Камер": "x", "n": "two words", "m": 3}, {"fall_detector": "camera_dark"}),
        ({f"n{n}": "word" for n in range(1000)}, None),
        (["camera_dark"], {}),
        (None, {}),
    ],
    ids=["odd words", "too many", "a list", "null"],
)
def test_an_odd_word_of_a_part_makes_no_robot_look_silent(told: object, read: dict[str, str] | None) -> None:
    state = decode(
        "state", json.dumps({"v": 1, "dev": "hani-0001", "online": True, "ts": 1.0, "reasons": told}).encode()
    )
    assert isinstance(state, StateReport)
    if read is None:
        assert 0 < len(state.reasons) < 1000
    else:
        assert state.reasons == read
