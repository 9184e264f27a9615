"""What the tests of the fleet wait with: nothing waits for ever, and what gets on is waited for."""

from __future__ import annotations

import threading
from itertools import count

import pytest

from tests.fleet import conftest
from tests.fleet.conftest import free_port, together, until

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "PATIENCE_S", 0.25)


def test_an_act_that_waits_for_a_peer_that_failed_hangs_nothing() -> None:
    """A run hung for 70 minutes by a reader that waited for writers that had failed."""
    never = threading.Event()

    def fail() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        together(never.wait, fail)
    with pytest.raises(AssertionError, match="does not end"):
        together(never.wait)
    never.set()


def test_what_does_not_happen_is_shown_and_what_gets_on_is_waited_for() -> None:
    with pytest.raises(AssertionError, match="lambda: 1 > 2"):
        until(lambda: 1 > 2)
    looks, steps = count(), count()
    assert until(lambda: next(looks) >= 5, grows=lambda: next(steps))


def test_ports_are_none_that_an_outgoing_connection_may_be_given() -> None:
    assert all(1024 < free_port() < 32_768 for _ in range(20))
