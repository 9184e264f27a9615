"""A mattress announced by Home Assistant's discovery: read as meant, or refused; what is not known stays unknown."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadInput
from robot.mattress.codecs import decoder
from robot.mattress.fields import BREATH_RATES, HEART_RATES, BedReading
from robot.mattress.homeassistant import HomeAssistantDecoder, announcement, state
from robot.mqtt_link import Message

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[2] / "data" / "mattress" / "homeassistant"
PRESENCE, HEART = "homeassistant/binary_sensor/bed/presence/config", "homeassistant/sensor/bed/heart_rate/config"


def message(topic: str, payload: object, at_s: float = 0.0, retained: bool = False) -> Message:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return Message(topic, text.encode(), retained, at_s)


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.jsonl")), ids=lambda file: file.stem)
def test_golden_conversation(file):
    decoder_ = decoder("homeassistant")
    for at_s, line in enumerate(file.read_text().splitlines()):
        one = json.loads(line)
        reading = decoder_.read(message(one["topic"], one["payload"], at_s, one.get("retained", False)))
        expected = one.get("reading")
        assert (None if reading is None else asdict(reading)) == (
            None if expected is None else {**asdict(BedReading()), **expected}
        ), one["topic"]


def announced(**presence: object) -> HomeAssistantDecoder:
    found = HomeAssistantDecoder()
    found.read(message(PRESENCE, {"device_class": "occupancy", "state_topic": "bed/p", **presence}, retained=True))
    found.read(message(HEART, {"name": "Heart rate", "state_topic": "bed/h"}, retained=True))
    return found


def test_the_topics_of_the_entities_are_asked_for():
    assert [topic.filter for topic in announced(availability_topic="bed/a").further()] == ["bed/a", "bed/h", "bed/p"]


def test_what_the_broker_had_kept_is_no_sign_of_life():
    found = announced()
    assert found.read(message("bed/p", "ON", retained=True)) is None
    assert found.read(message("bed/h", "60", retained=True)) is None
    assert found.read(message("bed/h", "61")).in_bed is True


def test_presence_holds_no_longer_than_it_says():
    found = announced(expire_after=30)
    found.read(message("bed/p", "ON", 0.0))
    assert found.read(message("bed/h", "60", 30.0)).in_bed is True
    assert found.read(message("bed/h", "60", 30.1)).in_bed is None


def test_a_heart_rate_that_nobody_repeats_is_unknown():
    found = announced()
    found.read(message("bed/h", "60", 0.0))
    assert found.read(message("bed/p", "ON", 120.0)).heart_rate_bpm == 60.0
    assert found.read(message("bed/p", "ON", 121.0)).heart_rate_bpm is None


def test_while_offline_nothing_is_known_and_before_is_forgotten():
    found = announced(availability_topic="bed/a")
    found.read(message("bed/p", "ON"))
    assert found.read(message("bed/a", "offline")).connected is False
    assert found.read(message("bed/h", "60")).connected is False
    found.read(message("bed/a", "online"))
    assert found.read(message("bed/h", "60")).in_bed is None


def test_a_withdrawn_entity_is_read_no_more():
    found = announced()
    found.read(message(PRESENCE, ""))
    assert found.read(message("bed/p", "ON")) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"value_template": "{{ states('sensor.secret') }}"},
        {"value_template": "{{ value_json.a if value_json.b else 1 }}"},
        {"state_topic": "bed/#"},
        {"state_topic": "bed/\ud800"},
        {"state_topic": None},
        {"state_topic": "homeassistant/sensor/x/config"},
        {"expire_after": "soon"},
        {"availability": 3},
    ],
    ids=str,
)
def test_an_entity_that_cannot_be_read_is_refused_and_the_rest_is_read(wrong):
    found = HomeAssistantDecoder()
    with pytest.raises(BadInput, match="is not homeassistant") as caught:
        found.read(message(PRESENCE, {"device_class": "occupancy", "state_topic": "bed/p", **wrong}))
    assert "secret" not in str(caught.value)
    found.read(message(HEART, {"name": "Heart rate", "state_topic": "bed/h"}))
    assert found.read(message("bed/h", "60")) == BedReading()


@pytest.mark.parametrize("said", ["on", "1", "true", "[]", "\x00"])
def test_a_state_that_was_not_announced_is_refused(said):
    with pytest.raises(BadInput):
        announced().read(message("bed/p", said))


@pytest.mark.parametrize("said", ["unknown", "unavailable", "None", ""])
def test_an_unknown_state_is_unknown(said):
    found = announced()
    found.read(message("bed/p", "ON"))
    assert found.read(message("bed/p", said)).in_bed is None


@given(st.none() | st.booleans(), st.none() | st.floats(*HEART_RATES), st.none() | st.floats(*BREATH_RATES))
def test_what_hani_announces_itself_is_read_back(in_bed, heart, breath):
    reading = BedReading(in_bed, heart if in_bed else None, breath if in_bed else None)
    found = HomeAssistantDecoder()
    for topic, payload in announcement("hani-0001"):
        assert found.read(Message(topic, payload, True, 0.0)) is None
    topic, payload = state("hani-0001", reading)
    assert [one.filter for one in found.further()] == [topic]
    assert found.read(Message(topic, payload, False, 0.0)) == reading


KEYS = st.sampled_from(
    [
        "state_topic",
        "stat_t",
        "val_tpl",
        "availability",
        "avty_t",
        "dev_cla",
        "cmps",
        "p",
        "t",
        "~",
        "expire_after",
        "name",
    ]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
words = st.sampled_from(["bed/p", "~/p", "occupancy", "binary_sensor", "sensor", "heart", "{{ value_json.a.b }}", "ON"])
values = st.recursive(
    leaves | words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=12
)
TOPICS = st.sampled_from([PRESENCE, HEART, "homeassistant/device/m/config", "x/config", "bed/p", "bed/h", "bed/a"])
payloads = (
    st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()) | st.sampled_from([b"ON", b"60"])
)


@given(st.lists(st.tuples(TOPICS, payloads, st.booleans(), st.floats(0, 1e9)), max_size=12))
def test_whatever_arrives_is_a_reading_or_refused(messages):
    found = announced(availability_topic="bed/a")
    for topic, payload, retained, at_s in messages:
        try:
            reading = found.read(Message(topic, payload, retained, at_s))
        except BadInput:
            continue
        if reading is not None:
            assert reading.in_bed in (None, True, False)
            assert reading.heart_rate_bpm is None or HEART_RATES[0] <= reading.heart_rate_bpm <= HEART_RATES[1]
        assert all(len(topic.filter) <= 500 and topic.filter.isprintable() for topic in found.further())
