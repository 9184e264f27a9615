"""Commands are repeated until confirmed: after 1 s, then ever more slowly, but never more than 10 s apart."""

from __future__ import annotations

import pytest

from robot.fleet import resend
from robot.reporting.contract import CommandAck, StateReport
from tests.unit.fleet.conftest import DEVICE, Home, pending

pytestmark = pytest.mark.unit


def claimed(home: Home) -> list[str]:
    return [command.id for _, command in resend.claim(home.database, home.now_s)]


def test_a_command_is_sent_at_once_and_then_with_growing_pauses(home: Home) -> None:
    home.alarm()
    begin_s, sent = home.now_s, []
    for second in range(40):
        home.now_s = begin_s + second
        if claimed(home):
            sent.append(second)
    assert sent == [0, 1, 3, 7, 15, 25, 35]


def test_a_command_that_one_worker_claimed_is_not_due_for_another(home: Home) -> None:
    home.alarm()
    assert len(claimed(home)) == 1
    assert claimed(home) == []


def test_a_robot_that_confirms_nothing_does_not_delay_the_others(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "CLAIMED_AT_ONCE", 12)
    for number in range(30):
        home.alarm(alarm_id=f"alarm-{number:04}")
    home.now_s += 1
    other = home.report(alarm_id="alarm-other").model_copy(update={"dev": "hani-0002"})
    home.send("e/alarm", other, device="hani-0002")
    devices = [device for device, _ in resend.claim(home.database, home.now_s)]
    assert devices.count("hani-0002") == 1
    assert devices.count(DEVICE) == resend.OF_A_ROBOT_AT_ONCE


def test_a_confirmed_command_is_sent_no_more(home: Home) -> None:
    home.alarm()
    [id_] = claimed(home)
    home.send("cmd/ack", CommandAck(id=id_, dev=DEVICE))
    home.now_s += 60
    assert claimed(home) == []


def test_a_robot_that_came_back_gets_its_commands_at_once(home: Home) -> None:
    home.send("state", StateReport(dev=DEVICE, online=True, ts=home.now_s))
    home.alarm()
    home.send("state", StateReport(dev=DEVICE, online=False, ts=home.now_s))
    for _ in range(20):
        claimed(home)
        home.now_s += 10
    claimed(home)
    assert claimed(home) == []
    home.send("state", StateReport(dev=DEVICE, online=True, ts=home.now_s))
    assert len(claimed(home)) == 1


def test_a_clock_that_was_ahead_delays_no_command(home: Home) -> None:
    home.alarm()
    home.now_s += 1e6
    claimed(home)
    home.now_s -= 1e6
    assert len(claimed(home)) == 1
    assert pending(home)[0].times_sent == 2
