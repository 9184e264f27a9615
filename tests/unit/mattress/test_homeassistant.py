"""A mattress announced by Home Assistant's discovery: read as meant, or refused; what is not known stays unknown."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import permutations
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


@pytest.mark.parametrize(
    ("around", "topic"),
    [
        ({"device": {"name": "Bed {}"}}, "homeassistant/binary_sensor/0x{}/occupancy/config"),
        ({"dev": {"name": "Bed {}"}}, "homeassistant/binary_sensor/0x{}/occupancy/config"),
        ({"object_id": "bed_{}"}, "homeassistant/binary_sensor/0x{}/occupancy/config"),
        ({"obj_id": "bed_{}"}, "homeassistant/binary_sensor/0x{}/occupancy/config"),
        ({"default_entity_id": "binary_sensor.bed_{}"}, "homeassistant/binary_sensor/0x{}/occupancy/config"),
        ({}, "homeassistant/binary_sensor/bed_{}/occupancy/config"),
    ],
)
def test_an_entity_without_a_name_takes_its_side_from_its_device(around, topic):
    """Its name null means its device's: the partner's half must not keep the resident in bed."""
    found = HomeAssistantDecoder("left")
    for side in ("left", "right"):
        config = {
            "name": None,
            "unique_id": f"0x{len(side)}_occupancy",
            "device_class": "occupancy",
            "stat_t": f"bed/{side}",
        }
        text = json.dumps({**config, **around}).replace("{}", side)
        found.read(message(topic.replace("{}", side), text, retained=True))
    found.read(message("bed/right", "ON"))
    assert found.read(message("bed/left", "OFF")).in_bed is False


def test_of_several_entities_without_a_side_nobody_knows_whose_they_are(caplog):
    found = HomeAssistantDecoder("left")
    for n in (1, 2):
        config = {"device_class": "occupancy", "state_topic": f"bed/{n}"}
        found.read(message(f"homeassistant/binary_sensor/bed{n}/occupancy/config", config, retained=True))
    found.read(message("bed/1", "OFF"))
    assert found.read(message("bed/2", "ON")).in_bed is None
    assert sum("names no left side" in line for line in caplog.messages) == 1


def test_an_availability_may_have_a_template_and_share_its_topic_with_the_state():
    said = {"stat_t": "bed/s", "val_tpl": "{{ value_json.occ }}", "avty_t": "bed/s", "avty_tpl": "{{ value_json.up }}"}
    found = HomeAssistantDecoder()
    found.read(message(PRESENCE, {"device_class": "occupancy", **said}, retained=True))
    assert found.read(message("bed/s", {"occ": "ON", "up": "online"})).in_bed is True
    assert found.read(message("bed/s", {"occ": "ON", "up": "offline"})).connected is False
    assert found.read(message("bed/s", {"occ": "OFF", "up": "online"})).in_bed is False


def test_each_entity_reads_a_shared_availability_by_its_own_words():
    found = HomeAssistantDecoder()
    for topic, field, off in ((PRESENCE, "occupancy", "offline"), (HEART, None, "0")):
        config = {
            "name": "Heart rate",
            "device_class": field,
            "state_topic": f"bed/{field}",
            "avty_t": "bed/lwt",
            "pl_not_avail": off,
        }
        found.read(message(topic, config, retained=True))
    assert found.read(message("bed/lwt", "offline")).connected is False
    assert found.read(message("bed/occupancy", "ON")).connected is False, "whatever is said meanwhile"


@pytest.mark.parametrize("strange", ["", "perhaps"])
def test_an_availability_that_is_neither_word_changes_nothing(strange):
    found = announced(availability_topic="bed/lwt")
    found.read(message("bed/lwt", "offline"))
    found.read(message("bed/lwt", strange))
    assert found.read(message("bed/p", "ON")).connected is False
    found.read(message("bed/lwt", "online"))
    assert found.read(message("bed/p", "ON")).in_bed is True


@pytest.mark.parametrize(
    "sensor",
    [
        {"name": "Heart rate variability", "unit_of_measurement": "ms"},
        {"name": "Heart rate variability"},
        {"name": "Average heart rate last night", "unit_of_measurement": "bpm"},
        {"name": "Heart rate", "unit_of_measurement": "%"},
        {"name": "Breathing disturbances"},
        {"name": "Heart rate", "unit_of_measurement": "bpm", "value_template": "{{ value_json.hr | multiply(0.1) }}"},
    ],
    ids=str,
)
def test_what_is_not_the_rate_of_now_is_no_rate(sensor):
    found = announced()
    try:
        found.read(message("homeassistant/sensor/bed/other/config", {"state_topic": "bed/o", **sensor}, retained=True))
        found.read(message("bed/o", "45"))
    except BadInput:
        pass
    found.read(message("bed/h", "62"))
    reading = found.read(message("bed/p", "ON"))
    assert (reading.heart_rate_bpm, reading.breath_rate_bpm) == (62.0, None)


def test_a_rate_per_minute_is_a_rate():
    found = announced()
    config = {"name": "Breaths per minute", "unit_of_measurement": "1/min", "state_topic": "bed/b"}
    found.read(message("homeassistant/sensor/bed/breath/config", config, retained=True))
    found.read(message("bed/b", "14"))
    assert found.read(message("bed/p", "ON")).breath_rate_bpm == 14.0


def test_a_device_with_many_parts_of_which_one_is_the_bed_is_read():
    parts = {f"part_{n}": {"p": "sensor", "state_topic": f"x/{n}", "name": "Temperature " * 10} for n in range(120)}
    parts["bed"] = {"p": "binary_sensor", "device_class": "occupancy", "state_topic": "bed/p"}
    found = HomeAssistantDecoder()
    found.read(message("homeassistant/device/bed/config", {"components": parts}, retained=True))
    assert found.read(message("bed/p", "ON")).in_bed is True


def test_a_withdrawn_entity_is_read_no_more():
    found = announced()
    found.read(message(PRESENCE, ""))
    assert found.read(message("bed/p", "ON")) is None


def double_bed(side, *names):
    """A bed with a presence entity of each name, as Bed Presence Mk1 has them, and what reads it for one side."""
    found = HomeAssistantDecoder(side)
    for name in names:
        topic = f"homeassistant/binary_sensor/bed/bed_occupied_{name}/config"
        config = {"device_class": "occupancy", "name": f"Bed occupied {name}", "state_topic": f"bed/{name}"}
        found.read(message(topic, config, retained=True))
    return found


def said(found, **states):
    """The reading after the last of these states."""
    return [found.read(message(f"bed/{name}", state)) for name, state in states.items()][-1]


@pytest.mark.parametrize("order", list(permutations(["left", "either", "right", "both"])), ids="-".join)
@pytest.mark.parametrize(("side", "in_bed"), [("any", True), ("left", True), ("right", False)])
def test_several_presence_entities_do_not_overwrite_each_other(order, side, in_bed):
    on = {"left": "ON", "either": "ON", "right": "OFF", "both": "OFF"}
    told = [one for one in order if one != "both"]
    assert said(double_bed(side, *order), **{name: on[name] for name in told}).in_bed is in_bed
    found = double_bed(side, *order)
    for name in order:
        reading = found.read(message(f"bed/{name}", on[name]))
    assert (reading or said(found, left="ON")).in_bed is in_bed


def test_a_bed_is_empty_only_when_all_its_entities_say_so():
    found = double_bed("any", "left", "right")
    assert said(found, left="OFF").in_bed is None
    assert said(found, right="OFF").in_bed is False
    assert said(found, left="ON").in_bed is True


def test_a_bed_that_names_the_other_side_only_tells_nothing_and_that_is_logged_once(caplog):
    found = double_bed("right", "left", "either")
    for _ in range(3):
        assert said(found, left="ON", either="ON").in_bed is None
    assert caplog.text.count("names no right side") == 1


@pytest.mark.parametrize("side", ["any", "left", "right"])
def test_a_bed_that_names_no_side_is_about_everybody(side):
    found = HomeAssistantDecoder(side)
    found.read(message(PRESENCE, {"device_class": "occupancy", "state_topic": "bed/p"}))
    found.read(message(HEART, {"name": "Heart rate", "state_topic": "bed/h"}))
    found.read(message("bed/p", "ON"))
    assert found.read(message("bed/h", "61")) == BedReading(True, 61.0)


@pytest.mark.parametrize(("side", "heart"), [("left", 61.0), ("right", 72.0), ("any", None)])
def test_a_heart_belongs_to_its_side_and_of_two_nobody_knows_whose(side, heart):
    found = double_bed(side, "left", "right")
    for half in ("left", "right"):
        topic = f"homeassistant/sensor/bed/heart_rate_{half}/config"
        found.read(message(topic, {"name": f"Heart rate {half}", "state_topic": f"bed/h/{half}"}))
    said(found, left="ON", right="ON")
    found.read(message("bed/h/left", "61"))
    assert found.read(message("bed/h/right", "72")).heart_rate_bpm == heart


def test_a_heart_without_a_side_is_not_mine_while_somebody_lies_on_the_other():
    found = double_bed("left", "left", "right")
    found.read(message(HEART, {"name": "Heart rate", "state_topic": "bed/h"}))
    said(found, left="ON", right="OFF")
    assert found.read(message("bed/h", "61")).heart_rate_bpm == 61.0
    assert said(found, right="ON").heart_rate_bpm is None


def test_the_beds_light_is_no_presence():
    found = HomeAssistantDecoder()
    found.read(
        message("homeassistant/binary_sensor/bed/bed_light/config", {"device_class": "light", "state_topic": "x"})
    )
    assert found.further() == []


def test_an_announcement_told_again_forgets_nothing_and_a_changed_one_does():
    found = announced()
    found.read(message("bed/p", "ON"))
    found.read(message(PRESENCE, {"device_class": "occupancy", "state_topic": "bed/p"}, retained=True))
    assert found.read(message("bed/h", "60")).in_bed is True
    found.read(message(PRESENCE, {"device_class": "occupancy", "state_topic": "bed/q"}, retained=True))
    assert found.read(message("bed/h", "60")).in_bed is None


def test_availability_topics_are_bounded_and_go_with_their_entity():
    found = announced()
    for n in range(500):
        found.read(message(PRESENCE, {"device_class": "occupancy", "state_topic": "p", "availability_topic": f"a/{n}"}))
    assert [topic.filter for topic in found.further()] == ["a/499", "bed/h", "p"]
    found.read(message("a/499", "offline"))
    found.read(message(PRESENCE, ""))
    assert found.read(message("bed/h", "60")).connected is None
    many = [{"topic": f"b/{n}"} for n in range(20)]
    with pytest.raises(BadInput, match="availability topics"):
        found.read(message(PRESENCE, {"device_class": "occupancy", "state_topic": "p", "availability": many}))


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
