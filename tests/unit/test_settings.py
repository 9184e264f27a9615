"""Configuration: every value knows its layer, and a wrong key is named with its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from robot import cli, paths
from robot.errors import BadConfiguration
from robot.settings import load

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
    assert (paths.ROOT / "robot" / "messages.py").is_file()
