"""The desk on both databases: one click answers one event; stuck channels, silent bridges, dead letters are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from robot.fleet import desk, handling, rounds
from robot.fleet.contacts import Contacts, Site
from robot.fleet.database import Database, open_database
from robot.fleet.desk_tables import Notification
from robot.fleet.government import outbox as letters
from robot.fleet.government.tables import DEAD, DELIVERED, WORKER, GovernmentItem
from robot.fleet.looking import Platform
from robot.fleet.notify import outbox
from robot.fleet.render import render
from robot.fleet.tables import Alarm
from tests.fleet.government_alarms import DEVICE, change

pytestmark = pytest.mark.fleet

NOW_S = 1_800_000_000.0
SITE = Site.model_validate({"channels": {"sms": {"kind": "sms", "url": "http://127.0.0.1/"}}})
PERSON = {"name": "王芳", "role": "护理员", "phone": "13800000001"}
CONTACTS = Contacts.model_validate({"homes": [{"device": DEVICE, "label": "一号", "first": PERSON}], "duty": PERSON})


class Watch:
    """A desk that looks every second; everybody else does nothing unless told to."""

    def __init__(self, database: Database) -> None:
        self.database, self.now_s = database, NOW_S
        self.listening_since_s: float | None = NOW_S - 86_400

    def look(self, seconds: int = 1, step_s: float = 1.0, *, bridge: bool = False) -> None:
        for _ in range(seconds):
            self.now_s += step_s
            if bridge:
                handling.beat(self.database, WORKER, True, self.now_s)
            desk_ = rounds.Desk(CONTACTS, SITE)
            rounds.tick(self.database, self.now_s, desk_, listening_since_s=self.listening_since_s)

    def made(self) -> list[list[str]]:
        with self.database.read() as session:
            mine = select(Alarm.reasons).where(Alarm.made_here, Alarm.phase.in_(sorted(desk.OPEN)))
            return list(session.scalars(mine.order_by(Alarm.received_at_s)))

    def letter(self, state: str, **fields: object) -> None:
        """A letter about an alarm of its own in this state."""
        with self.database.write() as session:
            number = len(session.scalars(select(GovernmentItem.position)).all())
            item = letters._item(number, f"alarm-{number}", "raised", "raised", "high", 1, self.now_s)
            for name, value in {"state": state, **fields}.items():
                setattr(item, name, value)
            session.add(item)

    def troubles(self) -> set[str]:
        """What is wrong on the way to the region, each with its sentence on the page."""
        platform = Platform(self.database, CONTACTS, SITE, lambda: self.now_s)
        lens, health = platform.lens("en"), platform.health()
        page = render("_health.html", lens, health=health, offline=[], ends=None)
        assert page.count("The region has") == len(health.region)
        return set(health.region)


@pytest.fixture
def watch(store_url: str, tmp_path: Path) -> Iterator[Watch]:
    database = open_database(tmp_path, store_url)
    yield Watch(database)
    database.close()


def test_a_channel_stuck_in_a_message_is_a_fault_however_often_newer_calls_take_its_place(watch: Watch) -> None:
    with watch.database.write() as session:
        change(session, "alarm-0001", "raised", NOW_S, raised_at_s=NOW_S)
    watch.look()
    with watch.database.write() as session:
        assert outbox.claim(session, "sms", watch.now_s, 45.0), "and there the sender hangs"
    watch.look(70, 5.0)
    with watch.database.read() as session:
        assert len(session.scalars(select(Notification.id)).all()) > 3
    assert watch.made() == [["channel_failing", "sms"]]
    watch.look(10)
    assert watch.made() == [["channel_failing", "sms"]], "that nothing was heard of it does not end it"
    with watch.database.write() as session:
        message = outbox.claim(session, "sms", watch.now_s, 45.0)
        assert message is not None
        outbox.settle(session, "sms", message.id, None, watch.now_s)
    watch.look()
    assert watch.made() == []


@pytest.mark.parametrize("channel_works", [True, False])
def test_an_address_that_fails_while_its_channel_works_is_told_once_and_waits_for_a_person(
    watch: Watch, channel_works: bool
) -> None:
    with watch.database.write() as session:
        change(session, "alarm-0001", "raised", NOW_S, raised_at_s=NOW_S)
    watch.look()
    for _ in range(200):
        watch.look()
        with watch.database.write() as session:
            if channel_works and watch.now_s % 10 < 1:
                outbox.settle(session, "sms", "another", None, watch.now_s)
            message = outbox.claim(session, "sms", watch.now_s, 45.0)
            if message is not None:
                outbox.settle(session, "sms", message.id, "answered 550", watch.now_s)
    assert watch.made() == ([["contact_unreached", "sms"]] if channel_works else [])
    if channel_works:
        with watch.database.read() as session:
            alarm_id = session.scalars(select(Alarm.alarm_id).where(Alarm.made_here)).one()
        handling.close(watch.database, alarm_id, "技术员", "number corrected", watch.now_s)
        watch.look(3)
        assert watch.made() == []


def test_a_platform_without_a_bridge_misses_none(watch: Watch) -> None:
    watch.look(10, 100.0)
    assert (watch.made(), watch.troubles()) == ([], set())


def test_a_bridge_that_falls_silent_is_told_once_and_ends_by_its_return(watch: Watch) -> None:
    watch.look(10, 100.0, bridge=True)
    assert (watch.made(), watch.troubles()) == ([], set())
    watch.look(5, 59.0)
    assert watch.made() == []
    watch.look(2, 59.0)
    assert (watch.made(), watch.troubles()) == ([["region_untold"]], {"region_untold"})
    watch.look(1, bridge=True)
    assert (watch.made(), watch.troubles()) == ([], set())


def test_after_an_outage_of_everything_the_bridge_has_time_to_come_back(watch: Watch) -> None:
    watch.look(bridge=True)
    watch.now_s += 3600
    watch.listening_since_s = watch.now_s
    watch.look(4, 60.0)
    assert watch.made() == []
    watch.look(2, 60.0)
    assert watch.made() == [["region_untold"]]


def test_a_region_that_takes_nothing_for_five_minutes_is_told_until_it_takes_something(watch: Watch) -> None:
    watch.letter(DELIVERED, settled_at_s=watch.now_s)
    watch.look(10, bridge=True)
    watch.letter("waiting", failing_since_s=watch.now_s - 60)  # since before the last was taken: the letter's own fault
    failing_since_s = watch.now_s
    watch.letter("waiting", failing_since_s=failing_since_s)
    watch.look(29, 10.0, bridge=True)
    assert watch.made() == []
    watch.look(1, 10.0, bridge=True)
    assert (watch.made(), watch.troubles()) == ([["region_untold"]], {"region_untold"})
    watch.look(3, bridge=True)  # a bridge that was started again says that it is linked
    assert watch.made() == [["region_untold"]]
    watch.letter(DELIVERED, settled_at_s=watch.now_s)
    watch.look(1, bridge=True)
    assert watch.made() == []


def test_a_dead_letter_is_told_until_none_is_left_and_a_later_one_anew(watch: Watch) -> None:
    watch.letter(DEAD, settled_at_s=watch.now_s)
    watch.look(2, bridge=True)
    assert (watch.made(), watch.troubles()) == ([["letters_dead"]], {"letters_dead"})
    with watch.database.read() as session:
        alarm_id = session.scalars(select(Alarm.alarm_id).where(Alarm.made_here)).one()
    handling.close(watch.database, alarm_id, "技术员", "known", watch.now_s)
    watch.look(2, bridge=True)
    assert watch.made() == [], "closing it counts as knowing"
    watch.letter(DEAD, settled_at_s=watch.now_s)
    watch.look(2, bridge=True)
    assert watch.made() == [["letters_dead"]]
    with watch.database.write() as session:
        for item in letters.dead_letters(session):
            letters.drop(session, item, "operator", "given up", watch.now_s)
    watch.look(1, bridge=True)
    assert watch.made() == []


def test_one_click_answers_one_home_although_the_desk_has_not_looked_yet(watch: Watch) -> None:
    database = watch.database
    homes = {"alarm-0001": DEVICE, "alarm-0002": "hani-0002", "alarm-0003": "hani-0003"}
    with database.write() as session:
        for alarm_id, device in homes.items():
            change(session, alarm_id, "raised", NOW_S, device=device)
    assert handling.acknowledge(database, "alarm-0001", "王芳", NOW_S + 6)
    assert phases(database) == ["acknowledged", "raised", "raised"]
    assert handling.acknowledge(database, "alarm-0002", "王芳", NOW_S + 7)
    assert handling.close(database, "alarm-0001", "王芳", "phoned", NOW_S + 8)
    assert phases(database) == ["closed", "acknowledged", "raised"]


def phases(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Alarm.phase).order_by(Alarm.alarm_id)))
