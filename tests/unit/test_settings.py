"""Configuration: every value knows its layer, and a wrong key is named with its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from robot import cli, paths
from robot.alarms.settings import AlarmSettings
from robot.errors import BadConfiguration
from robot.mattress.presence import PresenceSettings
from robot.settings import SETTINGS, load, validate
from robot.speech.synthesis import VoiceSettings

pytestmark = pytest.mark.unit


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_later_files_win_and_say_so(tmp_path: Path) -> None:
    first = write(tmp_path / "a.yaml", "/**:\n  ros__parameters: {robot_id: hani-7}\n")
    second = write(tmp_path / "b.yaml", "/**/alarm_manager:\n  ros__parameters: {check_in_s: 5.0}\n")
    settings = load([first, second])
    assert settings["alarm_manager"]["check_in_s"].value == 5.0
    assert settings["alarm_manager"]["check_in_s"].layer == str(second)
    assert settings["fall_detector"]["robot_id"].value == "hani-7"
    assert settings["fall_detector"]["source"].layer == "default"


def test_a_section_for_one_node_counts_more_than_one_for_all_of_a_later_file(tmp_path: Path) -> None:
    """As in ROS 2 (tests/graph/test_parameters.py compares): what is shown is what the nodes get."""
    first = write(
        tmp_path / "a.yaml",
        "/**:\n  ros__parameters: {robot_id: hani-1}\n/**/alarm_manager:\n  ros__parameters: {robot_id: hani-2}\n",
    )
    second = write(tmp_path / "b.yaml", "/**:\n  ros__parameters: {robot_id: hani-3}\n")
    settings = load([first, second])
    assert settings["alarm_manager"]["robot_id"].value == "hani-2"
    assert settings["fall_detector"]["robot_id"].value == "hani-3"


@pytest.mark.parametrize(
    ("node", "key", "core"),
    [
        ("alarm_manager", "check_in_s", lambda value: AlarmSettings("hani-1", check_in_s=value)),
        ("alarm_manager", "cancel_window_s", lambda value: AlarmSettings("hani-1", cancel_window_s=value)),
        ("alarm_manager", "bed_exit_tolerance_s", lambda value: AlarmSettings("hani-1", bed_exit_tolerance_s=value)),
        ("alarm_manager", "bed_fresh_s", lambda value: AlarmSettings("hani-1", bed_fresh_s=value)),
        ("alarm_manager", "bed_latency_s", lambda value: AlarmSettings("hani-1", bed_latency_s=value)),
        ("mattress_bridge", "stale_after_s", lambda value: PresenceSettings(stale_after_s=value)),
        ("speech_synthesizer", "rate_wpm", lambda value: VoiceSettings(rate_wpm=int(value))),
        ("speech_synthesizer", "volume", lambda value: VoiceSettings(volume=value)),
    ],
)
def test_what_a_node_accepts_its_core_accepts(node: str, key: str, core: Callable[[float], object]) -> None:
    """A value that only the core refuses would keep the node from ever working, with a line in a log nobody reads."""
    bounds = {type(bound).__name__: bound for bound in SETTINGS[node].model_fields[key].metadata}
    least, most = bounds["Ge"].ge, bounds["Le"].le
    for value in (least, most):
        validate(node, {key: value}, "test")
        core(value)
    for value in (least - 1, most + 1, float("nan"), float("inf")):
        with pytest.raises(BadConfiguration):
            validate(node, {key: value}, "test")


@pytest.mark.parametrize(
    ("node", "key", "value"),
    [
        ("dialogue_manager", "rasa_url", "http://rasa.example:5005"),  # would take what is said out of the house
        ("dialogue_manager", "rasa_url", "http://127.0.0.1.example:5005"),
        ("dialogue_manager", "rasa_url", "http://127.0.0.1@rasa.example"),
        ("dialogue_manager", "rasa_url", "127.0.0.1:5005"),
        ("dialogue_manager", "rasa_url", "http://[::1"),
        ("fall_detector", "bed_zone", [0.1, 0.2, 0.3]),
        ("fall_detector", "bed_zone", [0.1, 0.2, 0.3, 0.4]),
        ("fall_detector", "bed_zone", [0, 0, 1, 0, 640, 480]),
        ("fall_detector", "long_on_floor_s", 1e9),  # would switch the rule off
        ("lifecycle_manager", "hung_after_s", 0.5),  # would end every node, every time
        ("platform_reporter", "robot_id", "hani/#"),  # would be a topic of others
        ("alarm_manager", "robot_id", ""),
    ],
)
def test_a_value_that_would_do_harm_is_refused_by_name(node: str, key: str, value: object) -> None:
    with pytest.raises(BadConfiguration, match=key):
        validate(node, {key: value}, "site.yaml")


@pytest.mark.parametrize("url", ["http://127.0.0.1:5005", "http://localhost:5006", "http://[::1]:5005"])
def test_rasa_may_be_anywhere_on_this_machine(url: str) -> None:
    validate("dialogue_manager", {"rasa_url": url}, "test")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("/**/alarm_manager:\n  ros__parameters: {chek_in_s: 5.0}\n", "chek_in_s"),
        ("/**/alarm_manager:\n  ros__parameters: {check_in_s: soon}\n", "check_in_s"),
        ("/**/alarm_manger:\n  ros__parameters: {check_in_s: 5.0}\n", "alarm_manger"),
        ("/**/alarm_manager: {check_in_s: 5.0}\n", "ros__parameters"),
        ("[1, 2", "YAML"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(tmp_path: Path, text: str, named: str) -> None:
    path = write(tmp_path / "site.yaml", text)
    with pytest.raises(BadConfiguration) as error:
        load([path])
    assert named in str(error.value)
    assert "site.yaml" in str(error.value)


@pytest.mark.parametrize("profile", ["robot", "simulation"])
def test_config_show_prints_every_value_of_the_shipped_profiles(
    profile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["config", "show", "--profile", profile]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {(line["node"], line["key"]): line for line in lines}
    source = found["speech_recognizer", "source"]
    assert source["value"] == ("room" if profile == "simulation" else "microphone")
    assert source["layer"] == ("config/simulation.yaml" if profile == "simulation" else "default")


def test_a_missing_file_ends_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "show", "--file", str(tmp_path / "none.yaml")]) == 2
    message = capsys.readouterr().err
    assert "none.yaml" in message
    assert message.count("\n") == 1


def test_an_unknown_language_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["say", "--lang", "fr", "--out", "x.wav", "bonjour"]) == 2
    assert "unknown language fr" in capsys.readouterr().err


def test_the_checkout_is_found() -> None:
    assert (paths.ROOT / "robot" / "errors.py").is_file()
