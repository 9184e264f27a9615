"""People and the desk's clock: the first acknowledgement counts, nothing waits unseen."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from robot.fleet import desk, handling, rounds
from robot.fleet.people import ALL
from robot.fleet.tables import Alarm, AlarmLog
from tests.unit.fleet.conftest import ALARM, DEVICE, Home, alarm, pending

pytestmark = pytest.mark.unit


def tick(home: Home, now_s: float) -> None:
    rounds.tick(home.database, now_s, rounds.Desk(home.platform.contacts, home.platform.site))


def log(home: Home) -> list[str]:
    with home.database.read() as session:
        return [f"{row.what} {row.detail or ''}".strip() for row in session.scalars(select(AlarmLog))]


def test_the_first_to_acknowledge_counts(home: Home) -> None:
    home.alarm()
    assert handling.acknowledge(home.database, ALARM, "王芳", home.now_s)
    assert not handling.acknowledge(home.database, ALARM, "巴特尔", home.now_s + 1)
    assert alarm(home).acknowledged_by == "王芳"
    assert [command.by for command in pending(home)] == [None, "王芳"]


def test_a_closed_alarm_stays_closed_with_its_reason(home: Home) -> None:
    home.alarm()
    assert handling.close(home.database, ALARM, "王芳", "误报", home.now_s)
    assert not handling.close(home.database, ALARM, "巴特尔", "别的", home.now_s)
    assert not handling.acknowledge(home.database, ALARM, "巴特尔", home.now_s)
    home.alarm("raised", 9)
    found = alarm(home)
    assert (found.phase, found.closed_by, found.close_reason) == ("closed", "王芳", "误报")


def test_an_unknown_alarm_cannot_be_handled(home: Home) -> None:
    assert not handling.acknowledge(home.database, "nothing", "王芳", 1.0)
    assert not handling.close(home.database, "nothing", "王芳", "误报", 1.0)


def test_calls_are_logged_once_each_and_a_gap_is_not_filled(home: Home) -> None:
    home.alarm()
    for waited_s in (0, 1, 30, 61, 62, 400, 401):
        tick(home, home.now_s + waited_s)
    assert log(home) == ["reported raised", "call 1: rung 1", "call 2: rung 2", "call 7: rung 3"]


def test_an_alarm_that_nobody_closes_is_opened_again_and_called_from_the_start(home: Home) -> None:
    home.alarm()
    tick(home, home.now_s + 200)
    handling.acknowledge(home.database, ALARM, "王芳", home.now_s + 210)
    tick(home, home.now_s + 809)
    assert alarm(home).phase == "acknowledged"
    tick(home, home.now_s + 811)
    assert (alarm(home).phase, alarm(home).reopened_at_s) == ("raised", home.now_s + 811)
    assert log(home)[-2:] == ["reopened", "call 1: rung 1"]
    assert handling.acknowledge(home.database, ALARM, "巴特尔", home.now_s + 820)
    assert alarm(home).acknowledged_by == "巴特尔"


def test_a_tick_with_nothing_due_writes_nothing(home: Home) -> None:
    home.alarm("checking")
    before = home.platform.newest_change()
    tick(home, home.now_s + 10)
    assert home.platform.newest_change() == before


def test_old_changes_are_dropped_but_ids_go_on(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "CHANGES_KEPT", 5)
    for number in range(20):
        home.alarm("raised", number + 1)
    newest = home.platform.newest_change()
    tick(home, home.now_s)
    assert home.platform.changes(newest - 5) is not None
    assert home.platform.changes(0) is None
    home.alarm("raised", 99)
    assert home.platform.newest_change() > newest


def test_labels_come_from_the_contacts_and_stay_when_the_robot_speaks(home: Home) -> None:
    handling.label_devices(home.database, {DEVICE: "幸福家园 201"}, home.now_s)
    home.alarm()
    [robot] = home.platform.robots(home.platform.lens("zh"), ALL)
    assert robot.label == "幸福家园 201"


actions = st.one_of(
    st.tuples(st.just("report"), st.sampled_from((*desk.RISING, *sorted(desk.ENDED))), st.integers(1, 12)),
    st.tuples(st.just("acknowledge"), st.just(""), st.just(0)),
    st.tuples(st.just("close"), st.just(""), st.just(0)),
    st.tuples(st.just("wait"), st.just(""), st.integers(1, 700)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(actions, max_size=12), st.uuids())
def test_whatever_happens_revisions_and_ends_only_move_forward(
    home: Home, steps: list[tuple[str, str, int]], alarm_id: object
) -> None:
    name, now_s, before = str(alarm_id), home.now_s, None
    for what, phase, number in steps:
        if what == "report":
            home.alarm(phase, number, alarm_id=name)
        elif what == "acknowledge":
            handling.acknowledge(home.database, name, "王芳", now_s)
        elif what == "close":
            handling.close(home.database, name, "王芳", "误报", now_s)
        else:
            now_s += number
            tick(home, now_s)
        with home.database.read() as session:
            after = session.get(Alarm, name)
        if before is not None:
            assert after is not None
            assert after.revision >= before.revision
            assert before.phase != "closed" or after.phase == "closed"
            assert before.acknowledged_by is None or after.acknowledged_by is not None
        before = after
