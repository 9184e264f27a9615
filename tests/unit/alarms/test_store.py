"""What was written is there after a crash; what could not be written is written later; nothing is deleted."""

from __future__ import annotations

import sqlite3

import pytest

from robot.alarms.case import BedMemory
from robot.alarms.effects import Ask, Report
from robot.alarms.store import AlarmStore
from robot.database import open_database
from robot.errors import BadInput
from robot.messages import AlarmPhase, Answer, Presence

from .helpers import Robot, fall, word

pytestmark = pytest.mark.unit


def test_cases_come_back_equal_from_another_connection(tmp_path):
    effects = Robot().book.on_fall(fall(), 1.0)
    first = open_database(tmp_path / "robot.db")
    AlarmStore(first).commit(effects, lambda report: None)
    second = open_database(tmp_path / "robot.db")
    (case,) = AlarmStore(second).load()
    stored = [effect.case for effect in effects if hasattr(effect, "case")]
    assert case == stored[-1]
    log = second.execute("SELECT revision, phase FROM alarm_log ORDER BY revision").fetchall()
    assert log == [(1, "suspected"), (2, "checking")]
    first.close()
    second.close()


def test_commit_hands_back_what_is_not_durable_in_order():
    robot = Robot()
    effects = robot.book.on_fall(fall(), 1.0)
    rest = robot.store.commit(effects, robot.reports.append)
    assert rest == tuple(effect for effect in effects if type(effect).__name__ in ("Publish", "Ask"))
    assert isinstance(rest[-1], Ask)


def test_store_and_report_are_one_transaction(tmp_path):
    """A report that fails on the disk takes the alarm's row with it, and both are written at the next tick."""
    connection = open_database(tmp_path / "robot.db")
    connection.execute("CREATE TABLE outbox(id TEXT)")
    store, other = AlarmStore(connection), sqlite3.connect(tmp_path / "robot.db")

    def refuse(report: Report) -> None:
        raise sqlite3.OperationalError("disk full")

    rest = store.commit(Robot().book.on_fall(fall(), 1.0), refuse)
    assert [type(effect) for effect in rest][-1] is Ask
    assert store.unwritten == 3
    assert AlarmStore(connection).load() == ()

    store.commit((), lambda report: connection.execute("INSERT INTO outbox VALUES (?)", (report.alarm.id,)))
    assert store.unwritten == 0
    rows = other.execute("SELECT alarms.phase FROM alarms JOIN outbox USING (id)").fetchall()
    assert rows == [("checking",)]
    connection.close()
    other.close()


@pytest.mark.parametrize(
    "refusal", [BadInput("does not fit the contract"), sqlite3.IntegrityError("known id")], ids=repr
)
def test_one_refused_report_does_not_keep_others_from_the_disk(caplog, refusal):
    robot = Robot()

    def refuse(report: Report) -> None:
        raise refusal

    robot.store.commit(robot.book.on_fall(fall(), 1.0), refuse)
    assert robot.phases == [AlarmPhase.CHECKING]
    assert "report refused" in caplog.text


def test_open_cases_always_load_and_ended_ones_from_a_time_on():
    robot = Robot()
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_answer(Answer.FINE, 5.0, 6.0))
    robot.do(robot.book.on_safety_word(word(), 7.0))
    assert [case.phase for case in robot.store.load(7.0)] == [AlarmPhase.RAISED]
    assert len(robot.store.load(6.0)) == 2


def test_an_unreadable_row_hides_no_other(caplog):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    store = AlarmStore(connection)
    store.commit(Robot().book.on_fall(fall(), 1.0), lambda report: None)
    connection.execute("INSERT INTO alarms VALUES ('broken', 'raised', 1, 0, '{}')")
    connection.execute('INSERT INTO bed_memory VALUES (1, \'{"presence": "asleep"}\')')
    assert len(store.load()) == 1
    assert store.load_bed() == BedMemory()
    assert "stored alarm unreadable: broken" in caplog.text
    assert connection.execute("SELECT count(*) FROM alarms").fetchone() == (2,)


def test_bed_memory_round_trips():
    store = AlarmStore(sqlite3.connect(":memory:", isolation_level=None))
    assert store.load_bed() == BedMemory()
    for memory in (BedMemory(Presence.OUT_OF_BED, 12.5), BedMemory(Presence.IN_BED)):
        store.save_bed(memory)
        assert store.load_bed() == memory
