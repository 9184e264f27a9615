"""Shares: what a robot may send at once and in the long run, and that no other robot's flood counts against it."""

from __future__ import annotations

import pytest

from robot.fleet import shares
from robot.fleet.shares import Share, Shares

pytestmark = pytest.mark.unit


def test_a_robot_may_send_its_burst_and_then_its_rate() -> None:
    kept = Shares(Share(burst=5, per_s=2.0))
    assert [kept.admits("hani-0001", 10.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert sum(kept.admits("hani-0001", 10.0 + tenth / 10) for tenth in range(1, 101)) == 20
    assert sum(kept.admits("hani-0001", 1000.0) for _ in range(9)) == 5  # rest is not saved up
    assert kept.exceeded == 2 + 80 + 4


def test_one_robots_flood_takes_nothing_from_another() -> None:
    kept = Shares(Share(burst=5, per_s=2.0))
    for _ in range(100):
        kept.admits("hani-0001", 10.0)
    assert kept.admits("hani-0002", 10.0)


def test_quiet_robots_are_forgotten_and_floods_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "ROBOTS_REMEMBERED", 3)
    kept = Shares(Share(burst=2, per_s=1.0))
    for number in range(50):
        kept.admits(f"hani-{number:04}", number * 10.0)
        while kept.admits("hani-flood", number * 10.0):
            pass
        assert not kept.admits("hani-flood", number * 10.0)
        assert len(kept._buckets) <= 4
