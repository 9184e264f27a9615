"""The daily call: a week without the platform is no fault, a refusal is one at once, and nothing ends the thread."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from robot.errors import LinkFault
from robot.reporting.enrol import Refused
from robot.reporting.enrolment import Refusal
from robot.reporting.renewal import EVERY_S, PATIENCE_S, RETRY_S, Renewals

pytestmark = pytest.mark.unit


class Platform:
    """Answers with what is set; the time is its own."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.now_s = 1000.0
        self.asked = threading.Event()

    def renew(self, _folder: Path, _now_s: float) -> bool:
        self.asked.set()
        if self.error is not None:
            raise self.error
        return True


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def renewals(platform: Platform) -> Renewals:
    return Renewals(Path("identity"), platform.renew, lambda: platform.now_s, first_s=0.0)


def test_it_asks_once_a_day_and_sooner_after_a_failure(platform: Platform, renewals: Renewals) -> None:
    assert renewals.turn() == EVERY_S
    platform.error = LinkFault("away")
    assert renewals.turn() == RETRY_S


def test_an_absent_platform_is_a_fault_only_after_a_week(platform: Platform, renewals: Renewals) -> None:
    platform.error = LinkFault("away")
    renewals.turn()
    platform.now_s += PATIENCE_S - 1
    renewals.turn()
    assert renewals.fault == ""
    platform.now_s += 1
    renewals.turn()
    assert "away" in renewals.fault
    platform.error = None
    renewals.turn()
    assert renewals.fault == ""


def test_a_refusal_is_a_fault_at_once(platform: Platform, renewals: Renewals) -> None:
    platform.error = Refused(Refusal(code="revoked", message="this certificate was revoked"))
    renewals.turn()
    assert "revoked" in renewals.fault


def test_no_error_ends_the_thread(platform: Platform, renewals: Renewals) -> None:
    platform.error = RuntimeError("unforeseen")
    assert renewals.turn() == RETRY_S
    assert renewals.fault
    platform.error = None
    renewals.start()
    assert platform.asked.wait(60)
    renewals.stop()
