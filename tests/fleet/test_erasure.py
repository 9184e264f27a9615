"""What goes with a home or an old alarm, also from the region's outbox; what a bridge will need stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from robot.fleet import handling, quarantine, retention
from robot.fleet.contacts import Retention
from robot.fleet.database import Database, open_database
from robot.fleet.government import outbox
from robot.fleet.government.tables import DEAD, DELIVERED, WAITING, WORKER, GovernmentItem, GovernmentPending
from robot.fleet.quarantine import Refused
from robot.fleet.tables import AlarmLog, Base, Refusal
from tests.fleet.government_alarms import DEVICE, change
from tests.unit.fleet.conftest import Home

pytestmark = pytest.mark.fleet

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0
TOLD = outbox.Choice(events=frozenset({"raised", "closed"}))


@pytest.fixture
def database(store_url: str, tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path, store_url)
    yield database
    database.close()


def count(database: Database, table: type[Base]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def told(database: Database, alarm_id: str, device: str = DEVICE) -> None:
    """An ended alarm with a dead, a delivered and a waiting letter, and a line that no bridge has looked at."""
    with database.write() as session:
        for phase in ("raised", "acknowledged", "closed"):
            change(session, alarm_id, phase, NOW_S, device=device)
        outbox.collect(session, TOLD, NOW_S)
        items = session.scalars(select(GovernmentItem).where(GovernmentItem.alarm_id == alarm_id)).all()
        for item, state in zip(items, (DEAD, DELIVERED), strict=True):
            item.state, item.settled_at_s, item.reason = state, NOW_S, "status 422: 张奶奶 has moved"
        line = session.scalars(select(AlarmLog.id).where(AlarmLog.alarm_id == alarm_id)).first() or 0
        session.add(outbox._item(line, alarm_id, "closed", "closed", "high", 2, NOW_S))
        change(session, alarm_id, "closed", NOW_S)


def test_an_erased_home_is_told_to_the_region_no_more_and_leaves_no_words_there(database: Database) -> None:
    Home(database).alarm("cancelled")  # makes the device known
    told(database, "alarm-0002")
    told(database, "alarm-0003", "hani-0009")
    retention.erase(database, DEVICE, "李娜", "moved away", NOW_S + 1)
    with database.read() as session:
        left = session.scalars(select(GovernmentItem.alarm_id).distinct()).all()
        assert left == ["alarm-0003"]
        assert [item.alarm_id for item in outbox.heads(session, NOW_S + 5, 4, 60)] == ["alarm-0003"]
        noted = select(AlarmLog.alarm_id).join(GovernmentPending, GovernmentPending.log_id == AlarmLog.id)
        assert session.scalars(noted.distinct()).all() == ["alarm-0003"]


@pytest.mark.parametrize("topic", [f"hani/v1/{DEVICE}/e/alarm", DEVICE])
def test_an_erased_homes_refused_messages_go_however_their_topic_was_written_down(
    database: Database, topic: str
) -> None:
    Home(database).alarm("cancelled")
    with database.write() as session:
        refused = [Refused(topic, b'{"room": "bath"}', "no", NOW_S), Refused("hani-00011", b"", "no", NOW_S)]
        quarantine.keep(session, refused)
    retention.erase(database, DEVICE, "李娜", "moved away", NOW_S + 1)
    with database.read() as session:
        assert session.scalars(select(Refusal.topic)).all() == ["hani-00011"]


def test_letters_go_with_their_alarm_and_those_of_a_lost_alarm_in_time(database: Database) -> None:
    told(database, "alarm-0001")
    retention.run(database, Retention(alarms_days=30), NOW_S + 31 * DAY_S)
    assert (count(database, GovernmentItem), count(database, GovernmentPending)) == (0, 0)
    with database.write() as session:
        gone = outbox._item(99, "alarm-gone", "closed", "closed", "high", 1, NOW_S)
        gone.state, gone.settled_at_s = DELIVERED, NOW_S
        session.add(gone)
    with database.write() as session:
        assert outbox.prune(session, NOW_S + DAY_S) == 1


@pytest.mark.parametrize("bridge_ran", [False, True])
def test_lines_for_a_bridge_that_nobody_runs_go_with_the_daily_round_and_open_alarms_wait_for_it(
    database: Database, bridge_ran: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    with database.write() as session:
        change(session, "alarm-open", "raised", NOW_S)
        for number in range(3):
            change(session, f"alarm-000{number}", "raised", NOW_S)
            change(session, f"alarm-000{number}", "closed", NOW_S)
        session.add(GovernmentPending(log_id=10_000))  # its alarm went long ago
    if bridge_ran:
        handling.beat(database, WORKER, True, NOW_S)
    retention.run(database, Retention(), NOW_S + DAY_S)
    assert count(database, GovernmentPending) == (7 if bridge_ran else 1)
    with database.write() as session:
        outbox.collect(session, TOLD, NOW_S + DAY_S, first_start=not bridge_ran)
        waiting = session.scalars(select(GovernmentItem.alarm_id).where(GovernmentItem.state == WAITING)).all()
    assert "alarm-open" in waiting
