"""Without Rasa and without anybody at the platform's broker the house still listens, answers and raises."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from robot import paths
from tests.e2e.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(840)]

STEPS: list[dict[str, Any]] = [
    {"resident_says": "speech/mn/L8-K1_B.flac"},
    {"wait_for": {"kind": "said", "within_s": 30, "where": {"language": "mn"}}},
    {"resident_says": "speech/zh/BAC009S0150W0044.ogg"},
    {"wait_for": {"kind": "said", "within_s": 30, "where": {"language": "zh"}}},
    {"note": "fall"},
    {"pause_s": 3.0},
    {"camera": "vision/fall.mp4"},
    {"wait_for": {"kind": "alarm", "where": {"phase": "raised"}, "within_s": 60}},
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("degraded")
    scenario = folder / "scenario.yaml"
    media = str(paths.ROOT / "tests" / "data")
    document = {"name": "degraded", "media": media, "steps": STEPS}
    scenario.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with House(folder / "house", scenario, site={"alarm_manager": {"check_in_s": 6.0}}, rasa=False) as house:
        house.wait_for("scenario", 120, result="started")
        yield house


def test_without_rasa_the_rules_answer_in_both_languages(house: House) -> None:
    _, mongolian = house.wait_for("understood", 60, language="mn")
    _, mandarin = house.wait_for("understood", 60, language="zh")
    assert (mongolian["intent"], mongolian["engine"]) == ("ask_time", "rules")
    assert (mandarin["intent"], mandarin["engine"]) == ("play_music", "rules")


def test_without_the_broker_the_alarm_waits_and_arrives_once(house: House) -> None:
    """The broker is killed again and again while the alarm is raised; then it may stay, and the alarm comes."""
    house.wait_for("note", 90)
    index, _ = house.wait_for("room", 30, what="camera", clip="vision/fall.mp4")

    def raised() -> bool | None:
        house.kill("broker") if "broker" in house.running() else None
        events = house.events()[index:]
        return any(event["kind"] == "alarm" and event["phase"] == "raised" for event in events) or None

    house.until(raised, 60, "the alarm was not raised at home")
    assert not [row for row in house.alarms() if row["phase"] == "raised"]

    def arrived() -> list[dict[str, Any]] | None:
        return [row for row in house.alarms() if row["phase"] == "raised"] or None

    assert len(house.until(arrived, 60, "the alarm did not arrive")) == 1
    time.sleep(3.0)
    assert len([row for row in house.alarms() if row["type"] == "fall"]) == 1
