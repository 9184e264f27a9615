"""Every process is SIGKILLed once while a fall is under way; the alarm still reaches the page, exactly once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from robot import paths
from tests.e2e.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(840)]

DURING_THE_DROP_S = 2.8  # the clip's fall begins at 2.3 s and is confirmed at 4.0 s
WHILE_FALLING = (
    "fall_detector",
    "lifecycle_manager",
    "health_monitor",
    "mattress_bridge",
    "speech_recognizer",
    "dialogue_manager",
)
WHILE_ASKING = ("alarm_manager", "speech_synthesizer", "platform_reporter", "rasa", "broker", "ingest", "dashboard")
VICTIMS = (*WHILE_FALLING, *WHILE_ASKING)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("kills")
    scenario = folder / "falls.yaml"
    scenario.write_text(yaml.safe_dump(falls(len(VICTIMS)), allow_unicode=True), encoding="utf-8")
    # a short check-in keeps the rounds short; nobody answers in any of them
    with House(folder / "house", scenario, site={"alarm_manager": {"check_in_s": 6.0}}) as house:
        house.wait_for("scenario", 180, result="started")
        yield house


def falls(rounds: int) -> dict[str, Any]:
    one: list[dict[str, Any]] = [
        {"camera": "vision/fall.mp4"},
        {"wait_for": {"kind": "alarm", "where": {"phase": "closed"}, "within_s": 200}},
        {"camera": "empty"},
        {"pause_s": 6.0},
    ]
    return {"name": "falls", "media": str(paths.ROOT / "tests" / "data"), "steps": one * rounds}


@pytest.mark.parametrize("victim", VICTIMS)
def test_the_alarm_arrives_exactly_once(house: House, victim: str) -> None:
    number = VICTIMS.index(victim)
    scene = house.until(lambda: nth_fall_scene(house, number), 60, f"no fall {number + 1} in the room")
    if victim in WHILE_FALLING:
        time.sleep(max(0.0, scene["at_s"] + DURING_THE_DROP_S - time.time()))
    else:
        since = house.events().index(scene)
        house.wait_for("alarm", 60, since=since, type="fall", phase="checking")
    old = house.kill(victim)

    def raised() -> dict[str, Any] | None:
        rows = [row for row in of_this_fall(house, scene) if row["phase"] == "raised"]
        return rows[0] if rows else None

    row = house.until(raised, 100, f"{victim} was killed and the alarm is not on the page")
    house.until(lambda: house.pids().get(victim) not in (None, old) or None, 40, f"{victim} did not come back")
    close(house, row["alarm_id"])
    house.wait_for("alarm", 60, since=house.events().index(scene), phase="closed", id=row["alarm_id"])
    assert [one["alarm_id"] for one in of_this_fall(house, scene)] == [row["alarm_id"]], "one fall, one alarm"


def nth_fall_scene(house: House, number: int) -> dict[str, Any] | None:
    scenes = [event for event in house.events() if event.get("clip") == "vision/fall.mp4"]
    return scenes[number] if len(scenes) > number else None


def of_this_fall(house: House, scene: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in house.alarms() if row["type"] == "fall" and row["onset_at_s"] >= scene["at_s"] - 1]


def close(house: House, alarm_id: str) -> None:
    """As a person would, again if the page happens to be away."""

    def done() -> bool | None:
        with contextlib.suppress(httpx.HTTPError):
            house.client.post(f"/alarms/{alarm_id}/acknowledge")
            house.client.post(f"/alarms/{alarm_id}/close", data={"reason": "测试"})
        return True if any(row["alarm_id"] == alarm_id and row["phase"] == "closed" for row in house.alarms()) else None

    house.until(done, 30, "the alarm could not be closed")
