"""A worker's lanes: a poisonous message goes alone, a broken database ends the worker, an end ends all of it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session

from robot.errors import LinkFault
from robot.fleet import ingest, intake, readings
from robot.fleet.link import Broker, Received
from robot.reporting.contract import StateReport, topic
from tests.unit.fleet.conftest import DEVICE, Home

pytestmark = pytest.mark.unit

NOBODY = Broker("127.0.0.1", 1)


class Bench:
    """A lane without a broker; `faults` are raised by its next commits, one after the other."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.faults: list[Exception] = []
        self.done: list[int] = []
        self.acknowledged = 0
        self.lane = ingest.Lane(ingest.ALARMS, home.database, NOBODY, threading.Event())
        monkeypatch.setattr(self.lane.link, "done", lambda received: self.done.append(received.packet_id))
        monkeypatch.setattr(self.lane.link, "acknowledge", lambda *_: self._count())
        monkeypatch.setattr(ingest, "RETRY_S", 0.0)
        self._take_reports = intake._take_reports
        monkeypatch.setattr(intake, "_take_reports", self._broken)

    def _count(self) -> None:
        self.acknowledged += 1

    def _broken(self, session: Session, arrivals: Sequence[Any]) -> Any:
        if arrivals and self.faults:
            raise self.faults.pop(0)
        return self._take_reports(session, arrivals)

    def batch(self, size: int) -> list[Received]:
        items = [
            intake.read(topic(DEVICE, "e/alarm"), self.home.report(alarm_id=f"alarm-{n:04}").encode(), 1.0)
            for n in range(size)
        ]
        return [Received(item, number, 1, 0) for number, item in enumerate(items)]


@pytest.fixture
def bench(home: Home, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(home, monkeypatch)


@pytest.mark.parametrize("kind", [OperationalError, InternalError, InterfaceError, ProgrammingError])
def test_a_fault_of_the_database_puts_no_message_aside(bench: Bench, kind: type[Exception]) -> None:
    bench.faults = [kind("insert", {}, sqlite3.Error("relation is missing")) for _ in range(3)]
    bench.lane.settle(bench.batch(4))
    assert (bench.done, bench.acknowledged) == ([0, 1, 2, 3], 1)


def test_a_pool_that_is_used_up_puts_no_message_aside(bench: Bench) -> None:
    bench.faults = [NoConnection("QueuePool limit")]
    bench.lane.settle(bench.batch(4))
    assert bench.acknowledged == 1


def test_a_poisonous_message_goes_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = bench.batch(8)
    poison = batch[5].item

    def taken(session: Session, arrivals: Sequence[Any]) -> Any:
        if poison in arrivals:
            raise ValueError("cannot hold it")
        return bench._take_reports(session, arrivals)

    monkeypatch.setattr(intake, "_take_reports", taken)
    for _ in range(ingest.IN_VAIN + 1):  # the others are successes: it may come as often as it likes
        bench.lane.settle(batch)
    assert len(bench.done) == 8 * (ingest.IN_VAIN + 1)


@pytest.mark.parametrize("fault", [ValueError("any"), ProgrammingError("insert", {}, sqlite3.Error("no right"))])
def test_a_database_that_takes_nothing_ends_the_worker(bench: Bench, fault: Exception) -> None:
    bench.faults = [fault] * 1000
    batch = bench.batch(ingest.IN_VAIN * 2)
    with pytest.raises(LinkFault, match="takes nothing"):
        bench.lane.settle(batch)
    assert len(bench.done) < ingest.IN_VAIN
    assert bench.acknowledged == 0


def test_a_database_that_is_away_is_waited_for(bench: Bench) -> None:
    bench.faults = [OperationalError("insert", {}, sqlite3.Error("locked")) for _ in range(ingest.IN_VAIN * 3)]
    bench.lane.settle(bench.batch(2))
    assert bench.acknowledged == 1


def test_whatever_ends_the_workers_loop_ends_its_lanes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = ingest.Ingest(home.database, NOBODY)

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "_keep_time", fail)
    with pytest.raises(ZeroDivisionError):
        worker.run()
    assert not any(lane.thread.is_alive() for lane in (worker._alarms, worker._ordinary))


def test_a_lane_that_ends_by_itself_ends_the_worker(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(readings, "take_states", fail)
    monkeypatch.setattr(ingest, "IN_VAIN", 1)
    worker = ingest.Ingest(home.database, NOBODY)
    item = intake.read(topic(DEVICE, "state"), StateReport(dev=DEVICE, online=True, ts=1.0).encode(), 1.0)
    worker._ordinary._take(Received(item, 1, 1, 0))
    with pytest.raises(LinkFault):
        worker.run()
