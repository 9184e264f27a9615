"""The scenario: readable, strict, and it says where it got stuck."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from robot.errors import BadInput
from robot.simulation.runner import Runner
from robot.simulation.scenario import Caregiver, Mattress, Scenario
from robot.simulation.timeline import Event, Timeline

pytestmark = pytest.mark.unit


class FakeHome:
    """Stands in for the ROS home; remembers what was asked of it."""

    def __init__(self) -> None:
        self.did: list[object] = []

    def set_clock(self, hour: int, minute: int, second: int) -> None:
        self.did.append(("clock", hour, minute, second))

    def show(self, clip: Path | None) -> None:
        self.did.append(("show", clip and clip.name))

    def play(self, clip: Path) -> None:
        self.did.append(("play", clip.name))

    def set_mattress(self, mattress: Mattress) -> None:
        self.did.append(("mattress", mattress.in_bed))

    def caregiver(self, visit: Caregiver, stopping: threading.Event) -> bool:
        self.did.append(("caregiver", visit.does))
        return True


def scenario(tmp_path: Path, steps: str) -> Path:
    (tmp_path / "clip.flac").write_bytes(b"")
    path = tmp_path / "scenario.yaml"
    path.write_text(f"name: test\nmedia: .\nsteps:\n{steps}", encoding="utf-8")
    return path


def play(path: Path, timeline: Timeline) -> tuple[bool, FakeHome]:
    home = FakeHome()
    done = Runner(Scenario.load(path), path.parent, home, timeline, now=lambda: 1.0).run(threading.Event())
    return done, home


def test_steps_happen_in_order(tmp_path: Path) -> None:
    path = scenario(
        tmp_path,
        "- clock: '07:30'\n- resident_says: clip.flac\n- mattress: {in_bed: false}\n- camera: empty\n",
    )
    done, home = play(path, Timeline())
    assert done
    assert home.did == [("clock", 7, 30, 0), ("play", "clip.flac"), ("mattress", False), ("show", None)]


def test_an_event_that_came_before_the_wait_still_counts_once(tmp_path: Path) -> None:
    wait = "- wait_for: {kind: alarm, within_s: 0.2, where: {phase: raised}}\n"
    timeline = Timeline(tmp_path / "timeline.jsonl")
    timeline.add(Event(1.0, "alarm", {"phase": "raised"}, 2.0))
    assert play(scenario(tmp_path, wait), timeline)[0]
    timeline = Timeline()
    timeline.add(Event(1.0, "alarm", {"phase": "raised"}))
    assert not play(scenario(tmp_path, wait + wait), timeline)[0]
    assert timeline.events[-1].fields["result"] == "failed"
    assert "raised" in str(timeline.events[-1].fields["verb"])


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ("- {pause_s: 1, camera: empty}\n", "exactly one verb"),
        ("- jump: high\n", "jump"),
        ("- resident_says: missing.flac\n", "missing.flac"),
        ("- resident_says: empty\n", "empty"),  # only a room can be empty
        ("- camera: ''\n", "clip"),
        ("- clock: '25:00'\n", "clock"),
    ],
)
def test_a_wrong_step_is_named(tmp_path: Path, steps: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        Scenario.load(scenario(tmp_path, steps))


def test_the_timeline_is_json_lines_and_keeps_every_script(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path / "timeline.jsonl")
    timeline.add(Event(1.25, "heard", {"text": "одоо хэдэн цаг бэ", "language": "mn"}, 0.4))
    line = (tmp_path / "timeline.jsonl").read_text(encoding="utf-8")
    assert line == '{"at_s": 1.25, "kind": "heard", "text": "одоо хэдэн цаг бэ", "language": "mn", "took_s": 0.4}\n'
