"""The desk among robots gone wild and clocks that jump: nobody else waits, and nobody is forgotten."""

from __future__ import annotations

import pytest

from robot.fleet import rounds, technical
from robot.fleet.tables import Device
from tests.unit.fleet.test_rounds import HOUR_S, ONE, TWO, Day, day

__all__ = ["day"]

pytestmark = pytest.mark.unit


def test_a_robot_last_heard_by_a_clock_that_was_ahead_is_missed_all_the_same(day: Day) -> None:
    day.now_s += 24 * HOUR_S
    day.alive(ONE)
    day.now_s -= 24 * HOUR_S
    day.look(set_back_s=24 * HOUR_S)
    with day.database.read() as session:
        assert session.get_one(Device, ONE).last_seen_at_s == day.now_s
    day.look(301)
    assert [row.reasons for row in day.made()] == [[technical.ROBOT_SILENT]]


def test_a_robot_that_floods_the_desk_delays_nobody_and_is_one_event(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "NEW_A_ROUND", 5)
    monkeypatch.setattr(rounds, "OPEN_A_ROBOT", 3)
    for number in range(20):
        day.alarm(f"alarm-a{number:03}")
    day.alarm("alarm-two0", device=TWO)
    day.look(1)
    assert set(day.calls()) == {"alarm-a000 1: rung 1", "alarm-two0 1: rung 1"}
    for _ in range(4):
        day.look(1)
    assert {day.row(f"alarm-a{number:03}").case_id for number in range(20)} == {"alarm-a000"}
    day.now_s += 280
    day.alarm("alarm-late")
    day.look(1)
    day.now_s += 280
    day.alarm("alarm-last")  # near enough to the newest of the event
    day.look(1)
    assert day.row("alarm-last").case_id == "alarm-a000"
