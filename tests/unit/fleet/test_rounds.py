"""The desk's rounds: one case per event, nothing hidden by another alarm, machines' alarms apart from people's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from robot.fleet import desk, handling, intake, rounds, technical
from robot.fleet.contacts import Contacts, Site
from robot.fleet.database import Database, open_database
from robot.fleet.desk_tables import ChannelState, DeskDevice, Notification
from robot.fleet.identity.tables import Certificate
from robot.fleet.notify import outbox
from robot.fleet.tables import Alarm, AlarmLog, Chain, Command
from robot.reporting.contract import AlarmBody, AlarmReport, StateReport, Wire, topic

pytestmark = pytest.mark.unit

ONE, TWO, FAR = "hani-0001", "hani-0002", "hani-0003"
HOUR_S = 3600.0


def person(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "role": "护理员", "phone": f"1{len(name)}{ord(name[0])}", **more}


CONTACTS = Contacts.model_validate(
    {
        "duty": person("值班"),
        "technical": person("技术员"),
        "homes": [
            {"device": ONE, "label": "一号", "contacts": [person("甲", after_s=0), person("乙子", after_s=60)]},
            {"device": TWO, "label": "二号", "first": person("丙")},
            {"device": FAR, "label": "三号", "first": person("丁"), "region": "150700"},
        ],
    }
)
SITE = Site.model_validate({"channels": {"sms": {"kind": "sms", "url": "http://127.0.0.1/"}}, "language": "en"})


class Day:
    """A platform whose desk looks whenever it is told to."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now_s = 1e9
        self.listening_since_s: float | None = self.now_s - 24 * HOUR_S
        self._sent = 0

    def deliver(self, device: str, leaf: str, message: Wire) -> None:
        intake.commit(self.database, [intake.read(topic(device, leaf), message.encode(), self.now_s)])

    def alarm(
        self,
        alarm_id: str,
        device: str = ONE,
        kind: str = "fall",
        severity: str = "high",
        phase: str = "raised",
        revision: int = 1,
        test: bool = False,
    ) -> None:
        self._sent += 1
        body = AlarmBody.model_validate(
            {
                "alarm_id": alarm_id,
                "type": kind,
                "phase": phase,
                "revision": revision,
                "severity": severity,
                "confidence": None,
                "onset_ts": self.now_s,
            }
        )
        message_id = f"message-{self._sent:04}"
        report = AlarmReport(id=message_id, dev=device, seq=self._sent, ts=self.now_s, test=test, body=body)
        self.deliver(device, "e/alarm", report)

    def alive(self, device: str) -> None:
        self.deliver(device, "state", StateReport(dev=device, online=True, ts=self.now_s))

    def look(self, after_s: float = 0.0, set_back_s: float = 0.0) -> None:
        self.now_s += after_s
        desk_ = rounds.Desk(CONTACTS, SITE)
        rounds.tick(self.database, self.now_s, desk_, listening_since_s=self.listening_since_s, set_back_s=set_back_s)

    def row(self, alarm_id: str) -> Alarm:
        with self.database.read() as session:
            found = session.get(Alarm, alarm_id)
        assert found is not None
        return found

    def made(self, open_only: bool = True) -> list[Alarm]:
        with self.database.read() as session:
            query = select(Alarm).where(Alarm.made_here).order_by(Alarm.device)
            return [row for row in session.scalars(query) if row.phase in desk.OPEN or not open_only]

    def calls(self, *what: str) -> list[str]:
        with self.database.read() as session:
            query = select(AlarmLog).where(AlarmLog.what.in_(what or ("call",))).order_by(AlarmLog.id)
            return [f"{row.alarm_id} {row.detail}" for row in session.scalars(query)]

    def told(self) -> list[str]:
        """Who has been told, in order; a withdrawn message counts, a system without a name does not."""
        with self.database.read() as session:
            query = select(Notification.recipient).order_by(Notification.made_at_s, Notification.id)
            return [name for name in session.scalars(query) if name]


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    database = open_database(tmp_path)
    yield Day(database)
    database.close()


def test_a_cry_after_a_fall_joins_it_and_rings_nobody_twice(day: Day) -> None:
    day.alarm("alarm-fall")
    day.look(1)
    day.alarm("alarm-sos0", kind="sos")
    for _ in range(70):
        day.look(1)
    assert day.row("alarm-sos0").case_id == "alarm-fall"
    assert day.calls() == ["alarm-fall 1: rung 1", "alarm-fall 2: rung 2"]
    with day.database.read() as session:
        names = [row.alarm_id for row in handling.members(session, day.row("alarm-sos0"))]
    assert names == ["alarm-fall", "alarm-sos0"]


def test_two_senses_that_agree_make_an_event_graver_and_whoever_waits_is_told(day: Day) -> None:
    day.alarm("alarm-bed0", kind="bed_exit", severity="medium")
    day.look(1)
    day.alarm("alarm-fall", severity="medium")
    day.look(1)
    assert (day.row("alarm-bed0").severity, day.row("alarm-fall").severity) == ("high", "high")
    assert day.calls() == ["alarm-bed0 1: rung 1", "alarm-bed0 1: rung 1"]


def test_what_joins_an_answered_event_is_told_to_who_answered(day: Day) -> None:
    day.alarm("alarm-fall")
    day.look(61)
    handling.acknowledge(day.database, "alarm-fall", "乙子", day.now_s)
    day.alarm("alarm-sos0", kind="sos")
    day.look(1)
    assert day.row("alarm-sos0").phase == "raised"
    assert set(day.told()[-2:]) == {"甲", "乙子"}
    assert day.row("alarm-fall").phase == "acknowledged"


def test_an_alarm_that_came_with_the_click_is_not_taken_on_unseen(day: Day) -> None:
    day.alarm("alarm-fall")
    day.look(1)
    day.look(10)
    day.alarm("alarm-sos0", kind="sos")
    day.look()
    handling.acknowledge(day.database, "alarm-fall", "甲", day.now_s)
    assert day.row("alarm-sos0").phase == "raised"


def test_one_answer_and_one_reason_do_for_a_whole_event(day: Day) -> None:
    day.alarm("alarm-fall")
    day.alarm("alarm-sos0", kind="sos")
    day.look(1)
    day.look(10)
    assert handling.acknowledge(day.database, "alarm-sos0", "甲", day.now_s)
    assert day.row("alarm-fall").phase == "acknowledged"
    assert handling.close(day.database, "alarm-fall", "甲", "扶起来了", day.now_s)
    assert day.row("alarm-sos0").close_reason == "扶起来了"


def test_when_the_first_alarm_ends_the_second_goes_on_calling(day: Day) -> None:
    day.alarm("alarm-fall")
    day.look(1)
    day.alarm("alarm-sos0", kind="sos")
    day.look(1)
    day.alarm("alarm-fall", phase="cancelled", revision=2)
    day.look(1)
    assert day.calls()[-1] == "alarm-sos0 1: rung 1"


def test_alarms_far_apart_or_of_two_homes_are_two_events(day: Day) -> None:
    day.alarm("alarm-one0")
    day.alarm("alarm-two0", device=TWO)
    day.look(301)
    day.alarm("alarm-late", kind="sos")
    day.look(1)
    assert {day.row(name).case_id for name in ("alarm-one0", "alarm-two0", "alarm-late")} == {
        "alarm-one0",
        "alarm-two0",
        "alarm-late",
    }


def test_a_wet_bed_calls_slowly_hides_no_fall_and_is_made_no_graver_by_one(day: Day) -> None:
    day.alarm("alarm-wet0", kind="wet", severity="low")
    day.look(1)
    day.alarm("alarm-fall")
    day.look(1)
    assert day.row("alarm-fall").case_id == "alarm-fall"
    assert day.row("alarm-wet0").severity == "low"
    handling.acknowledge(day.database, "alarm-wet0", "甲", day.now_s)
    assert day.row("alarm-fall").phase == "raised"
    handling.close(day.database, "alarm-fall", "甲", "没事", day.now_s)
    day.alarm("alarm-wet1", device=TWO, kind="wet", severity="low")
    for _ in range(190):
        day.look(60)
    calls = [call for call in day.calls() if "wet1" in call]
    assert calls[:4] == [f"alarm-wet1 {number}: rung {rung}" for number, rung in ((1, 1), (2, 1), (3, 1), (4, 2))]
    assert day.row("alarm-wet1").severity == "low"


def test_an_unanswered_medium_alarm_rises_and_calls_again(day: Day) -> None:
    day.alarm("alarm-bed0", kind="bed_exit", severity="medium")
    day.look(1)
    day.look(290)
    assert day.row("alarm-bed0").severity == "medium"
    day.look(10)
    assert day.row("alarm-bed0").severity == "high"
    assert [call for call in day.calls() if "bed0" in call][1:] == ["alarm-bed0 5: rung 3", "alarm-bed0 6: rung 3"]


def test_a_graver_report_reaches_who_has_taken_the_alarm_on(day: Day) -> None:
    day.alarm("alarm-fall", severity="medium")
    day.look(1)
    handling.acknowledge(day.database, "alarm-fall", "乙子", day.now_s)
    day.alarm("alarm-fall", severity="high", revision=2)
    day.look(1)
    assert day.told()[-1] == "乙子"
    assert day.calls() == ["alarm-fall 1: rung 1"]


def test_maintenance_silences_machines_never_people_and_ends_by_itself(day: Day) -> None:
    until_s = handling.maintenance(day.database, ONE, day.now_s + 99 * HOUR_S, "技术员", "换电池", day.now_s)
    assert until_s == day.now_s + 24 * HOUR_S
    day.alarm("alarm-dev0", kind="device")
    day.look(1)
    assert day.calls() == []
    day.alarm("alarm-fall")
    day.look(1)
    assert day.calls() == ["alarm-fall 1: rung 1"]
    assert day.row("alarm-fall").maintenance
    assert day.row("alarm-fall").case_id == "alarm-fall"
    handling.close(day.database, "alarm-fall", "甲", "没事", day.now_s)
    day.look(24 * HOUR_S)
    assert any(call.startswith("alarm-dev0") for call in day.calls())


def test_a_test_alarm_is_counted_and_closed_with_word_to_its_robot(day: Day) -> None:
    day.alarm("alarm-test", test=True)
    day.look(1)
    assert (day.row("alarm-test").phase, day.row("alarm-test").close_reason) == ("closed", "the test alarm arrived")
    assert day.told() == []
    with day.database.read() as session:
        found = session.get(DeskDevice, ONE)
        commands = session.scalars(select(Command.status).order_by(Command.made_at_s)).all()
    assert found is not None
    assert found.tests == 1
    assert sorted(commands) == ["closed", "received"]


def test_a_test_that_is_missing_is_a_technical_alarm_once_and_ends_when_one_comes(day: Day) -> None:
    for _ in range(27):
        day.alive(ONE)
        day.look(HOUR_S - 60)
        day.alive(ONE)
        day.look(60)
    assert [row.reasons for row in day.made()] == [[technical.TEST_MISSING]]
    assert day.told()[0] == "技术员"
    day.alarm("alarm-test", test=True)
    day.look(1)
    day.look(1)
    assert day.made() == []


def test_silent_robots_of_a_region_are_one_case_and_hide_no_fall(day: Day) -> None:
    for device in (ONE, TWO, FAR):
        day.alive(device)
    day.look(299)
    assert day.made() == []
    day.look(2)
    one, two, far = day.made()
    assert one.case_id == two.case_id != far.case_id
    assert len(day.calls()) == 2
    day.alarm("alarm-fall", device=TWO)
    day.look(1)
    assert day.row("alarm-fall").case_id == "alarm-fall"
    assert day.calls()[-1] == "alarm-fall 1: rung 1"


def test_a_robot_that_is_back_closes_its_technical_alarm_with_a_reason(day: Day) -> None:
    day.alive(ONE)
    day.look(301)
    assert len(day.made()) == 1
    day.alive(ONE)
    day.look(1)
    [row] = day.made(open_only=False)
    assert (row.phase, row.closed_by, row.close_reason) == ("closed", "alarm desk", "the robot is back")
    with day.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Command)) == 0  # no robot knows such an alarm


def test_silence_that_somebody_has_dealt_with_is_not_told_again_until_the_robot_was_back(day: Day) -> None:
    day.alive(ONE)
    day.look(301)
    [row] = day.made()
    handling.close(day.database, row.alarm_id, "技术员", "送修", day.now_s)
    day.look(HOUR_S)
    assert day.made() == []
    day.alive(ONE)
    day.look(301)
    assert len(day.made()) == 1


def test_no_robot_is_called_silent_while_the_platform_itself_does_not_listen(day: Day) -> None:
    day.alive(ONE)
    day.listening_since_s = None
    day.look(HOUR_S)
    assert day.made() == []
    day.listening_since_s = day.now_s
    day.look(299)
    assert day.made() == []
    day.look(2)
    assert len(day.made()) == 1


def test_a_chain_that_breaks_is_told_once_and_waits_for_a_person(day: Day) -> None:
    day.alive(ONE)
    day.look(1)
    with day.database.write() as session:
        session.add(
            Chain(device=ONE, seq=9, digest="", sent_at_s=1.0, missing=0, broken=1, restarts=0, changed_at_s=1.0)
        )
    day.look(1)
    [row] = day.made()
    assert row.reasons == [technical.CHAIN_BROKEN]
    day.look(60)
    assert len(day.made()) == 1
    handling.close(day.database, row.alarm_id, "技术员", "查过了", day.now_s)
    day.look(1)
    assert day.made() == []


def test_a_channel_that_fails_for_five_minutes_is_a_fault_and_an_alarm_that_ends_with_it(day: Day) -> None:
    with day.database.write() as session:
        session.add(ChannelState(channel="sms", failing_since_s=day.now_s, fault="answered 500", sent=0))
    day.look(299)
    assert handling.notification_faults(day.database, day.now_s) == []
    day.look(2)
    [fault] = handling.notification_faults(day.database, day.now_s)
    assert (fault.channel, fault.fault) == ("sms", "answered 500")
    assert [row.reasons for row in day.made()] == [["channel_failing", "sms"]]
    with day.database.write() as session:
        outbox.settle(session, "sms", "none", None, day.now_s)
    day.look(1)
    assert day.made() == []


def test_a_certificate_of_the_platform_that_ends_within_thirty_days_is_an_alarm_once_until_it_is_renewed(
    day: Day,
) -> None:
    def certificate(serial: str, life_s: float) -> None:
        with day.database.write() as session:
            session.add(
                Certificate(
                    serial=serial,
                    kind="service",
                    name="service.ingest",
                    key_hash=serial,
                    pem="",
                    issued_at_s=day.now_s,
                    not_after_s=day.now_s + life_s,
                )
            )

    certificate("1", 30 * 24 * HOUR_S + 10)
    day.look(5)
    assert day.made() == []
    day.look(10)
    [row] = day.made()
    assert row.reasons == ["certificate_ending", "service.ingest"]
    handling.close(day.database, row.alarm_id, "技术员", "知道了", day.now_s)
    day.look(1)
    assert day.made() == []
    certificate("2", 20 * 24 * HOUR_S)  # ends too soon as well, and is another one
    day.look(1)
    certificate("3", 900 * 24 * HOUR_S)
    day.look(1)
    assert day.made() == []


def test_a_clock_that_is_set_back_does_not_stop_the_calls(day: Day) -> None:
    day.alarm("alarm-fall")
    day.look(65)
    day.now_s -= HOUR_S
    day.look(set_back_s=HOUR_S)
    day.look(60)
    assert day.calls() == ["alarm-fall 2: rung 2", "alarm-fall 3: rung 2"]


def test_what_a_person_is_told_names_home_and_time_and_nothing_of_health(day: Day) -> None:
    handling.label_devices(day.database, {ONE: "一号"}, day.now_s)
    day.alarm("alarm-fall")
    day.look(1)
    with day.database.read() as session:
        [text] = session.scalars(select(Notification.text)).all()
    assert text == "Hani: 一号: Fall (Urgent), raised 09:46, answer on the alarm page"
