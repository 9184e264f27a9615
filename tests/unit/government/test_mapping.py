"""The mapping is data: the example works as it is, mistakes name file, line and key, and nothing is sent by guess."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadConfiguration, BadInput
from robot.fleet.government import config
from robot.fleet.government.facts import FIELDS, Facts
from robot.fleet.government.letters import Writer
from robot.fleet.government.mapping import LookupTable, Rule, flat, nested

pytestmark = pytest.mark.unit

EXAMPLE = Path(__file__).parents[3] / "config" / "government.example.yaml"
ZONE = ZoneInfo("Asia/Shanghai")
FACTS = Facts(
    key="5f" * 16,
    event="raised",
    alarm_id="alarm-0001",
    device="hani-0001",
    region="150102",
    type="fall",
    phase="raised",
    severity="high",
    revision=2,
    test=False,
    confidence=None,
    reasons="lying",
    room=None,
    how=None,
    onset_at_s=1_700_000_000.25,
    received_at_s=1_700_000_001.0,
    at_s=1_700_000_002.0,
    by="王芳",
    detail=None,
)


def value(facts: Facts = FACTS, row: dict[str, str] | None = None, **rule: object) -> object:
    made = Rule.model_validate({"to": "x", **rule})
    tables = {"codes": {"fall": "01", "false": "N"}}
    return flat([made], facts, tables, row or {}, ZONE)["x"]


def test_the_example_says_what_it_always_said() -> None:
    letter = Writer(config.load(EXAMPLE)).write(FACTS, 0.0)
    assert letter.path == "/warning/report"
    assert json.loads(letter.body) == {
        "msgId": "5f" * 16,
        "source": "HANI",
        "areaCode": "150102",
        "data": {
            "warnNo": "alarm-0001",
            "elderId": "DEMO-ELDER-0001",
            "deviceCode": "DEMO-DEVICE-0001",
            "warnType": "01",
            "warnLevel": 1,
            "warnTime": "2023-11-15 06:13:20",
            "reportTime": 1_700_000_002_000,
            "content": "居家老人跌倒告警",
        },
    }


def test_nothing_is_said_that_the_mapping_does_not_ask_for() -> None:
    assert "王芳" not in Writer(config.load(EXAMPLE)).write(FACTS, 0.0).body.decode()
    assert not {"name", "heart_rate_bpm", "breath_rate_bpm", "label", "phone"} & set(FIELDS)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("epoch_s", 1_700_000_000),
        ("epoch_ms", 1_700_000_000_250),
        ("text", "2023-11-15 06:13:20"),
        ("compact", "20231115061320"),
        ("date", "2023-11-15"),
        ("iso", "2023-11-15T06:13:20.250+08:00"),
    ],
)
def test_times_are_written_as_the_platform_wants_them(form: str, expected: object) -> None:
    assert value(**{"from": "onset_at_s", "time": form}) == expected


def test_codes_truths_templates_and_cuts() -> None:
    assert value(**{"from": "type", "table": "codes"}) == "01"
    assert value(**{"from": "test", "table": "codes"}) == "N"
    assert value(template="{type|codes}/{room}/{device}") == "01//hani-0001"
    assert value(template="{type}", longest=2) == "fa"
    assert value(value=None) is None
    assert value(lookup="elder_id", row={"elder_id": "E1"}) == "E1"


def test_a_missing_code_or_row_is_a_dead_letter_with_its_reason_or_the_given_value() -> None:
    with pytest.raises(BadInput, match="x: table codes has no code for severity high"):
        value(**{"from": "severity", "table": "codes"})
    with pytest.raises(BadInput, match="no elder_id for hani-0001"):
        value(lookup="elder_id")
    with pytest.raises(BadInput, match="unknown, and required"):
        value(**{"from": "room", "required": True})
    assert value(**{"from": "severity", "table": "codes", "otherwise": "99"}) == "99"
    assert value(lookup="elder_id", otherwise=None) is None
    assert value(**{"from": "room"}) is None
    assert value(**{"from": "room", "required": True, "otherwise": "?"}) == "?"


@given(st.text(max_size=30))
def test_no_text_in_a_template_is_ever_more_than_text(text: str) -> None:
    """A caregiver's words that look like a template stay what they are."""
    facts = dataclasses.replace(FACTS, detail=text)
    assert value(facts, template="<{detail}>") == f"<{text}>"


@pytest.mark.parametrize("template", ["{type.__class__}", "{type!r}", "{0}", "{{type}}", "{type[0]}", "{"])
def test_a_template_holds_nothing_but_fields(template: str) -> None:
    with pytest.raises(ValueError, match="a template holds only"):
        value(template=template)


def test_paths_build_trees_and_lists() -> None:
    assert nested({"a.0.b": 1, "a.0.c": 2, "a.1.b": 3, "d": None}) == {"a": [{"b": 1, "c": 2}, {"b": 3}], "d": None}


SMALL = """\
target: {kind: file, folder: out}
tables: {codes: {fall: "01"}}
messages:
  - events: [raised]
    fields:
      - {to: a, from: key}
      - {to: b, from: type, table: codes}
"""


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda s: s + "colour: red\n", 8, "colour: is not a known key"),
        (lambda s: s.replace("from: key", "form: key"), 6, "messages.0.fields.0.form: is not a known key"),
        (lambda s: s.replace("from: key", "from: heart_rate"), 6, "no field heart_rate"),
        (lambda s: s.replace("table: codes", "table: code"), 7, "no table code"),
        (lambda s: s.replace("{to: b,", "{to: a.b,"), 7, "this place is taken"),
        (lambda s: s.replace("{to: b,", "{to: a,"), 7, "this place is taken"),
        (lambda s: s.replace('"01"', "01"), 2, "put it in quotes"),
        (lambda s: s.replace("[raised]", "[fallen]"), 4, "messages.0.events.0"),
        (lambda s: s.replace("[raised]", "[raised, raised]"), 4, "two messages"),
        (lambda s: s.replace("from: key}", "lookup: elder_id}"), 6, "lookup needs the file"),
        (lambda s: s.replace("from: key}", "from: type, time: text}"), 6, "time needs one of"),
        (lambda s: s.replace("from: key}", "from: type, value: 3}"), 6, "exactly one of"),
        (lambda s: s.replace("folder: out", "folder: out, folder: out"), 1, "stands here twice"),
        (lambda s: s.replace("kind: file", "kind: fax"), 1, "target"),
        (lambda s: s.replace("folder: out", "colour: out"), 1, "target"),
        (lambda s: s + "signature: {algorithm: hmac-sm3, key_file: k}\n", 1, "need kind http or mqtt"),
        (lambda s: s + "timezone: Mars/Olympus\n", 8, "no such time zone"),
        (lambda s: s.replace("[raised]", "[raised"), 5, "is not YAML"),
        (lambda s: s + "retry: {lanes: 0}\n", 8, "retry.lanes"),
    ],
)
def test_mistakes_name_file_line_and_key(tmp_path: Path, change: Callable[[str], str], line: int, words: str) -> None:
    path = tmp_path / "government.yaml"
    path.write_text(SMALL)
    assert config.load(path).told == {"raised"}
    path.write_text(change(SMALL))
    with pytest.raises(BadConfiguration) as caught:
        config.load(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("{kind: http, url: 'http://platform.example.invalid/'}", "https"),
        ("{kind: http, url: 'ftp://platform.example.invalid/'}", "https"),
        ("{kind: mqtt, host: broker.example.invalid, topic: t, tls: null}", "without tls"),
        ("{kind: http, url: 'https://h.invalid/', tls: {key_file: k}}", "belong together"),
    ],
)
def test_health_matters_do_not_travel_in_the_clear_by_accident(tmp_path: Path, target: str, words: str) -> None:
    path = tmp_path / "government.yaml"
    path.write_text(SMALL.replace("{kind: file, folder: out}", target))
    with pytest.raises(BadConfiguration, match=words):
        config.load(path)


def test_files_are_found_from_the_settings_files_folder(tmp_path: Path) -> None:
    path = tmp_path / "government.yaml"
    path.write_text(SMALL)
    target = config.load(path).target
    assert isinstance(target, config.FileTarget)
    assert target.folder == tmp_path / "out"


def test_the_lookup_file_is_read_again_when_it_changes_and_its_mistakes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "devices.csv"
    path.write_text("﻿device,elder_id\nhani-0001,E1\n", encoding="utf-8")
    table = LookupTable(path)
    assert table.row("hani-0001") == {"device": "hani-0001", "elder_id": "E1"}
    assert table.row("hani-0002") == {}
    path.write_text("device,elder_id\nhani-0001,E1\nhani-0002,E2222\n")
    assert table.row("hani-0002")["elder_id"] == "E2222"
    for content, words in [
        ("robot,elder_id\nhani-0001,E1\n", "no column device"),
        ("device,elder_id\nhani-0001\n", "line 2: not as many values"),
        ("device,elder_id\nhani-0001,E1\nhani-0001,E22\n", "line 3: hani-0001 stands here twice"),
    ]:
        path.write_text(content)
        with pytest.raises(BadConfiguration, match=words):
            table.row("hani-0001")
    path.unlink()
    with pytest.raises(BadConfiguration, match="cannot be read"):
        table.row("hani-0001")
