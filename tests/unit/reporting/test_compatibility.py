"""A newer robot with this platform, and this robot with an older platform: in both, the alarm gets through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # no stubs installed

from robot.reporting.contract import DOWN, UP, AlarmBody, AlarmReport, StateReport, decode, schema

pytestmark = pytest.mark.unit

DATA = Path(__file__).parents[2] / "data" / "contract"
LEAVES = {**UP, **DOWN}
FIRST_LEAVES = {path.name.split(".")[0].replace("-", "/") for path in (DATA / "first").glob("*.json")}

WET_BED = {
    "alarm_id": "alarm-0001",
    "phase": "raised",
    "revision": 2,
    "severity": "low",
    "confidence": 1.0,
    "onset_ts": 1.0,
    "reasons": ["bed_wet"],
}


def leaf_of(path: Path) -> str:
    return path.name.split(".")[0].replace("-", "/")


def files(folder: str) -> list[Path]:
    return sorted((DATA / folder).glob("*.json"))


def first_schema(leaf: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "first" / f"{leaf.replace('/', '-')}.schema.json").read_bytes())
    return found


@pytest.mark.parametrize("path", files("older"), ids=lambda path: path.name)
def test_what_an_older_robot_or_platform_sends_is_read_and_what_it_lacks_is_unknown(path: Path) -> None:
    document = json.loads(path.read_bytes())
    read = json.loads(decode(leaf_of(path), path.read_bytes()).encode())
    if isinstance(document.get("body"), dict) and document["body"].get("room"):
        document["body"]["room"] = None  # no slug: unknown, but the alarm is there
    if leaf_of(path) == "t/bed":
        assert read["body"].pop("wet") is None, "unknown"
    added = set(read) - set(document)
    assert added <= {"ts_mono", "prev", "boot", "thinned", "test_ok_ts", "revision", "reasons"}
    assert not any(read[name] for name in added)
    assert {name: read[name] for name in document} == document


@pytest.mark.parametrize("path", files("newer"), ids=lambda path: path.name)
def test_what_a_newer_robot_or_platform_sends_is_read_as_if_it_were_of_today(path: Path) -> None:
    leaf = leaf_of(path)
    message = decode(leaf, path.read_bytes())
    assert type(message) is LEAVES[leaf]
    assert decode(leaf, message.encode()) == message
    Draft202012Validator(json.loads(schema.documents()[f"{leaf.replace('/', '-')}.schema.json"])).validate(
        json.loads(message.encode())
    )


def test_every_leaf_has_a_message_of_a_newer_side() -> None:
    assert {leaf_of(path) for path in files("newer")} == set(LEAVES)


def test_an_alarm_of_unknown_kind_and_words_gets_through_as_an_urgent_one() -> None:
    report = decode("e/alarm", (DATA / "newer" / "e-alarm.unknown_words.json").read_bytes())
    assert isinstance(report, AlarmReport)
    body = report.body
    assert (body.type, body.phase, body.severity) == ("other", "raised", "high")
    assert (body.reasons, body.room, body.how) == (("apnea_60s", "other"), None, "other")


def test_a_wet_bed_gets_through_to_a_platform_that_does_not_know_of_it() -> None:
    """Its list of types is that of the first release, and what is not on it is read as "other"."""
    assert "wet" not in json.dumps(first_schema("e/alarm"))
    assert AlarmBody.model_validate({**WET_BED, "type": "wet"}).type == "wet"
    assert AlarmBody.model_validate({**WET_BED, "type": "soaked"}).type == "other"


def test_an_odd_word_in_its_state_does_not_make_a_robot_look_silent() -> None:
    state = decode("state", (DATA / "newer" / "state.unknown_fields.json").read_bytes())
    assert isinstance(state, StateReport)
    assert state.online
    assert (state.nodes, state.software) == ({"alarm_manager": 0, "new_node": 2, "other": 1}, "")


@pytest.mark.parametrize(
    "path", [path for path in files(".") if leaf_of(path) in FIRST_LEAVES], ids=lambda path: path.name
)
def test_what_is_sent_today_satisfies_the_first_release_of_the_other_side(path: Path) -> None:
    Draft202012Validator(first_schema(leaf_of(path))).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("leaf", sorted(FIRST_LEAVES))
def test_no_field_of_the_first_release_has_gone_and_none_is_newly_required(leaf: str) -> None:
    now, first = LEAVES[leaf].model_json_schema(), first_schema(leaf)
    pairs = [(now, first)] + [(now["$defs"][name], part) for name, part in first.get("$defs", {}).items()]
    for new, old in pairs:
        assert set(old["properties"]) <= set(new["properties"])
        assert set(new.get("required", ())) <= set(old.get("required", ()))


def test_the_caregivers_words_cannot_go_up_again() -> None:
    """The platform's reason for closing comes back as the alarm's `how`."""
    body = AlarmBody(
        alarm_id="alarm-0001",
        type="fall",
        phase="closed",
        revision=4,
        severity="high",
        confidence=None,
        onset_ts=1.0,
        how="王护理员已到现场",
    )
    assert body.how == "other"
