"""The robot's launch file: safety starts without Rasa, and what is not given as an argument is left to the files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from robot import paths

pytestmark = pytest.mark.unit

SAFETY = {"platform_reporter", "alarm_manager", "mattress_bridge", "fall_detector", "speech_synthesizer"}
READ = """
import json, sys
from pathlib import Path
from robot.supervisor import shim
shim.install()
from robot.supervisor.service import Service
service = Service()
service.read(Path(sys.argv[1]), dict(word.split(":=") for word in sys.argv[2:]))
started = {}
for one in service._supervised:
    words = one.command.arguments
    files = [words[place + 1] for place, word in enumerate(words) if word == "--params-file"]
    started[one.command.name] = [Path(file).read_text(encoding="utf-8") for file in files]
print("READ " + json.dumps(started))
service.close()
"""


def read(*arguments: str, **environment: str) -> tuple[dict[str, list[dict[str, dict[str, dict[str, object]]]]], str]:
    """Each process's parameter files, and what was told; nothing is started."""
    command = [sys.executable, "-c", READ, str(paths.ROOT / "launch" / "robot.launch.py"), *arguments]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, encoding="utf-8", check=True, cwd=paths.ROOT
    )
    told, _, found = done.stdout.partition("READ ")
    return {name: [yaml.safe_load(text) for text in texts] for name, texts in json.loads(found).items()}, told


def test_without_rasa_everything_else_starts(tmp_path: Path) -> None:
    """It may be missing or half installed: the rules answer in its place."""
    started, told = read(HANI_RASA_PYTHON=str(tmp_path / "nowhere" / "python"))
    assert set(started) > SAFETY
    assert "rasa" not in started
    assert "rasa is not started" in told


def test_an_argument_that_is_not_given_overrides_no_file(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("/**:\n  ros__parameters: {home: /data}\n", encoding="utf-8")
    started, _ = read(f"site:={site}", "rasa:=false")
    for files in started.values():
        homes = [
            values["home"]
            for file in files
            for section in file.values()
            if "home" in (values := section["ros__parameters"])
        ]
        assert homes == ["/data"]
    assert not any("broker_port" in str(file) for file in started["platform_reporter"])
    assert not any("rasa_url" in str(file) for file in started["dialogue_manager"])


def test_an_argument_that_is_given_reaches_its_nodes(tmp_path: Path) -> None:
    started, _ = read(f"home:={tmp_path}", "broker_port:=1999", "rasa_port:=5999", "rasa:=false")
    last = {name: files[-1]["/**"]["ros__parameters"] for name, files in started.items()}
    assert all(values["home"] == str(tmp_path) for values in last.values())
    assert [name for name, values in last.items() if values.get("broker_port") == 1999] == [
        "platform_reporter",
        "mattress_bridge",
    ]
    assert last["dialogue_manager"]["rasa_url"] == "http://127.0.0.1:5999"
