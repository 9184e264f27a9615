"""What was written is there after a crash; what could not be written is written later; nothing is deleted."""

from __future__ import annotations

import sqlite3

import pytest

from robot.alarms import store
from robot.alarms.case import BedMemory
from robot.alarms.effects import Ask, Report
from robot.alarms.store import KEEP_ENDED_S, AlarmStore
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


def history(robot: Robot) -> list[tuple[str, int]]:
    connection = robot.store._connection
    rows = connection.execute("SELECT alarm_log.phase, count(*) FROM alarms JOIN alarm_log USING (id) GROUP BY id")
    assert connection.execute("SELECT count(DISTINCT id) FROM alarm_log").fetchone() == (len(robot.store.load()),)
    return sorted(rows.fetchall())


def ended_and_open() -> Robot:
    robot = Robot()
    for number in range(3):
        at_s = 100.0 * number
        robot.do(robot.book.on_fall(fall(f"fall-{number}", at_s=at_s), at_s))
        robot.do(robot.book.on_answer(Answer.FINE, at_s + 5.0, at_s + 6.0))
    robot.do(robot.book.on_safety_word(word(), 400.0))
    return robot


def test_the_history_of_alarms_long_ended_goes_and_of_open_ones_never():
    robot = ended_and_open()
    assert len(robot.store.load()) == 4
    robot.store.forget(KEEP_ENDED_S + 6.0)
    assert len(robot.store.load()) == 4
    robot.store.forget(KEEP_ENDED_S + 100.0)
    assert len(robot.store.load()) == 2 + 1
    robot.store.forget(1e12)
    assert [case.phase for case in robot.store.load()] == [AlarmPhase.RAISED]
    assert len(history(robot)) == 1


def test_the_history_of_ended_alarms_has_a_bound_and_the_newest_stay(monkeypatch):
    robot = ended_and_open()
    revisions = robot.store._connection.execute("SELECT count(*) FROM alarm_log").fetchone()[0]
    robot.store.forget(500.0)
    assert robot.store._connection.execute("SELECT count(*) FROM alarm_log").fetchone()[0] == revisions
    monkeypatch.setattr(store, "KEEP_REVISIONS", 6)
    robot.store.forget(500.0)
    left = robot.store.load()
    assert [case.phase for case in left if case.is_open] == [AlarmPhase.RAISED]
    assert [case.alarm.changed_at_s for case in left if not case.is_open] == [106.0, 206.0]
    monkeypatch.setattr(store, "KEEP_REVISIONS", 0)
    robot.store.forget(500.0)
    assert len(robot.store.load()) == 1
