"""The daily test alarm: once in each period, at the robot's own moment, and only a closed one counts."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robot.messages import Receipt, ReceiptKind
from robot.reporting.contract import AlarmReport, decode
from robot.reporting.drill import PATIENCE_S, Drill
from robot.reporting.outbox import DAY_S, Outbox

pytestmark = pytest.mark.unit

UNHURRIED = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
NOW_S = 1_790_000_000.0


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "robot.db")


def begun(outbox: Outbox) -> list[str]:
    return [json.loads(row.body)["alarm_id"] for row in outbox.pending(100)]


def answer(outbox: Outbox, alarm_id: str, kind: ReceiptKind, at_s: float) -> None:
    outbox.record_receipt(Receipt(f"{alarm_id}-{kind.value}", alarm_id, kind, at_s))


def test_a_new_robot_tests_once_in_each_period_and_a_restart_adds_none(outbox: Outbox) -> None:
    times: list[float] = []
    for hour in range(24 * 5 * 4):
        at_s = NOW_S + hour * 900
        before = len(begun(outbox))
        Drill(outbox, "hani-0001", DAY_S).tick(at_s)
        if len(begun(outbox)) > before:
            times.append(at_s)
    assert len(times) == 5
    assert times[0] <= NOW_S + DAY_S
    assert {later - earlier for earlier, later in pairwise(times)} == {DAY_S}


def test_robots_do_not_test_at_the_same_moment() -> None:
    moments = {Drill(None, f"hani-{number:04}", DAY_S)._offset_s // 3600 for number in range(500)}  # type: ignore[arg-type]
    assert moments == set(range(24))


@UNHURRIED
@given(jumps=st.lists(st.floats(-1.7e9, 1e9), max_size=6))
def test_however_the_clock_jumps_tests_neither_stop_nor_flood(
    tmp_path_factory: pytest.TempPathFactory, jumps: list[float]
) -> None:
    outbox = Outbox(tmp_path_factory.mktemp("home") / "robot.db")
    drill = Drill(outbox, "hani-0001", DAY_S)
    now_s = NOW_S
    for jump_s in (0.0, *jumps):
        now_s = max(0.0, now_s + jump_s)
        for _ in range(3):
            drill.tick(now_s)
    assert len(begun(outbox)) <= len(jumps)
    before = len(begun(outbox))
    drill.tick(now_s + DAY_S)
    assert len(begun(outbox)) == before + 1


def test_the_message_is_a_test_alarm_of_the_contract(outbox: Outbox) -> None:
    Drill(outbox, "hani-0001", DAY_S).begin("command-0001", NOW_S)
    [row] = outbox.pending(10)
    report = decode("e/alarm", row.encode("hani-0001"))
    assert isinstance(report, AlarmReport)
    assert report.test
    assert (report.body.type, report.body.phase, report.body.alarm_id) == ("device", "raised", "command-0001")


def test_only_the_platforms_closing_counts_and_it_is_remembered(outbox: Outbox) -> None:
    drill = Drill(outbox, "hani-0001", DAY_S)
    drill.begin("test-alarm-1", NOW_S)
    answer(outbox, "test-alarm-1", ReceiptKind.RECEIVED, NOW_S + 1)
    drill.tick(NOW_S + 2)
    assert drill.ok_at_s() is None
    assert not drill.is_missing(NOW_S + PATIENCE_S - 1)
    assert drill.is_missing(NOW_S + PATIENCE_S)
    answer(outbox, "test-alarm-1", ReceiptKind.CLOSED, NOW_S + 700)
    drill.tick(NOW_S + 701)
    assert drill.ok_at_s() == NOW_S + 700
    assert not drill.is_missing(NOW_S + DAY_S)
    outbox.mark_receipts_delivered(["test-alarm-1-closed", "test-alarm-1-received"])
    outbox.purge(NOW_S + 100 * DAY_S)
    drill.begin("test-alarm-2", NOW_S + 100 * DAY_S)
    again = Drill(outbox, "hani-0001", DAY_S)
    assert again.ok_at_s() == NOW_S + 700
    assert again.is_missing(NOW_S + 101 * DAY_S)


def test_a_request_that_comes_twice_makes_one_test(outbox: Outbox) -> None:
    drill = Drill(outbox, "hani-0001", 0.0)
    for _ in range(3):
        drill.begin("command-0001", NOW_S)
        drill.tick(NOW_S + DAY_S)
    assert begun(outbox) == ["command-0001"]


def test_what_is_remembered_of_tests_is_bounded(outbox: Outbox) -> None:
    drill = Drill(outbox, "hani-0001", 0.0)
    for number in range(130):
        drill.begin(f"command-{number:04}", NOW_S + number)
    answer(outbox, "command-0129", ReceiptKind.CLOSED, NOW_S + 200)
    drill.tick(NOW_S + 201)
    assert outbox._connection.execute("select count(*) from drills").fetchone() == (100,)
    assert drill.ok_at_s() == NOW_S + 200
