"""Messages into the database: once, in any order, and nothing that does not fit."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from robot.fleet import handling, intake, quarantine, readings, resend
from robot.fleet.database import open_database
from robot.fleet.tables import Alarm, AlarmLog, Bed, Command, Device, DeviceState, Message, Refusal
from robot.reporting.contract import (
    AlarmCommand,
    BedBody,
    CommandAck,
    EventBody,
    EventReport,
    StateReport,
    TelemetryReport,
    topic,
)
from tests.unit.fleet.conftest import ALARM, DEVICE, Home, alarm, pending

pytestmark = pytest.mark.unit


def test_a_repeated_message_is_written_once_and_acknowledged_every_time(home: Home) -> None:
    report = home.report()
    first, second = home.send("e/alarm", report), home.send("e/alarm", report)
    assert first == second == {DEVICE: [report.id]}
    with home.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1
        assert session.scalar(select(func.count()).select_from(AlarmLog)) == 1


def test_a_repeat_within_one_batch_is_written_once(home: Home) -> None:
    item = intake.read(topic(DEVICE, "e/alarm"), home.report().encode(), 1.0)
    assert intake.commit(home.database, [item, item]) == {DEVICE: ["message-0001", "message-0001"]}
    with home.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


@pytest.mark.parametrize("order", list(permutations([("suspected", 1), ("checking", 2), ("raised", 3)])))
def test_any_order_of_arrival_ends_in_the_newest_revision(home: Home, order: tuple[tuple[str, int], ...]) -> None:
    for phase, revision in order:
        home.alarm(phase, revision, confidence=revision / 10)
    found = alarm(home)
    assert (found.phase, found.revision, found.confidence) == ("raised", 3, 0.3)


def test_an_old_report_does_not_undo_an_acknowledgement(home: Home) -> None:
    home.alarm("raised", 3)
    handling.acknowledge(home.database, ALARM, "王芳", home.now_s)
    home.alarm("suspected", 1)
    home.alarm("raised", 4)
    assert (alarm(home).phase, alarm(home).acknowledged_by) == ("acknowledged", "王芳")


def test_a_robots_cancellation_is_shown_and_keeps_who_acknowledged(home: Home) -> None:
    home.alarm("raised", 1)
    handling.acknowledge(home.database, ALARM, "王芳", home.now_s)
    home.alarm("cancelled", 2, how="voice")
    assert (alarm(home).phase, alarm(home).how, alarm(home).acknowledged_by) == ("cancelled", "voice", "王芳")


def test_received_is_commanded_once_when_the_alarm_is_raised(home: Home) -> None:
    home.alarm("checking", 1)
    assert pending(home) == []
    home.alarm("raised", 2)
    home.alarm("cancelled", 3)
    home.alarm("raised", 4)
    [command] = pending(home)
    assert (command.device, command.alarm_id, command.status) == (DEVICE, ALARM, "received")


def test_a_command_says_which_revision_was_known(home: Home) -> None:
    """What joined the alarm later is not closed by it: the robot must be able to tell."""
    home.alarm("raised", 2)
    home.alarm("raised", 3)
    handling.close(home.database, ALARM, "王芳", "已到现场", home.now_s)
    home.alarm("raised", 4)
    sent = [command for _, command in resend.claim(home.database, home.now_s)]
    assert [(command.status, command.revision) for command in sent if isinstance(command, AlarmCommand)] == [
        ("received", 2),
        ("closed", 3),
    ]


def test_only_the_right_robot_confirms_a_command(home: Home) -> None:
    home.alarm()
    [command] = pending(home)
    home.send("cmd/ack", CommandAck(id=command.command_id, dev="hani-0002"), device="hani-0002")
    assert pending(home) != []
    home.send("cmd/ack", CommandAck(id=command.command_id, dev=DEVICE))
    assert pending(home) == []
    with home.database.read() as session:
        kept = session.get(Command, command.command_id)
        assert kept is not None
        assert kept.confirmed_at_s == home.now_s


def test_another_robot_cannot_speak_for_an_alarm(home: Home) -> None:
    home.alarm("raised", 1)
    stranger = home.report("cancelled", 9).model_copy(update={"dev": "hani-0002"})
    assert home.send("e/alarm", stranger, device="hani-0002") == {}
    assert alarm(home).phase == "raised"


def test_another_robots_word_is_not_acknowledged_however_often_it_comes(home: Home) -> None:
    home.alarm("raised", 1)
    stranger = home.report("cancelled", 9).model_copy(update={"dev": "hani-0002"})
    batch = [intake.read(topic("hani-0002", "e/alarm"), stranger.encode(), now_s) for now_s in (1.0, 2.0)]
    assert intake.commit(home.database, batch) == {}
    with home.database.read() as session:
        assert [row.count for row in session.scalars(select(Refusal))] == [2]


@pytest.mark.parametrize(
    ("topic_name", "payload"),
    [
        ("hani/v1/hani-0001/e/alarm", b"not json"),
        ("hani/v1/hani-0001/e/alarm", b"{}"),
        ("hani/v2/hani-0001/e/alarm", b"{}"),
        ("hani/v1/hani-0001/e/other", b"{}"),
        ("hani/v1/hani-0002/cmd/ack", CommandAck(id="command-1", dev=DEVICE).encode()),
        ("hani/v1/hani-0001/ack", b'{"ids":["message-1"]}'),
        (
            "hani/v1/hani-0001/e/event",
            EventReport(id="message-1", dev=DEVICE, seq=1, ts=1, body=EventBody(name="boot"))
            .encode()
            .replace(b'"seq":1,', b'"seq":1%s,' % (b"0" * 30)),
        ),
    ],
)
def test_what_does_not_fit_the_contract_is_counted_and_never_acknowledged(
    home: Home, topic_name: str, payload: bytes
) -> None:
    item = intake.read(topic_name, payload, home.now_s)
    assert isinstance(item, intake.Refused)
    assert intake.commit(home.database, [item, item]) == {}
    with home.database.read() as session:
        assert [row.count for row in session.scalars(select(Refusal))] == [2]


def test_refusals_are_bounded_and_the_newest_stay(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "REFUSALS_KEPT", 3)
    batch = [intake.Refused("t", f"{number}".encode(), "bad", float(number)) for number in range(7)]
    intake.commit(home.database, batch)
    with home.database.read() as session:
        kept = {row.payload: row.count for row in session.scalars(select(Refusal))}
        assert kept == {b"4": 1, b"5": 1, b"6": 1, b"": 4}  # the others are only counted


def test_a_batch_is_written_whole_or_not_at_all(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [intake.read(topic(DEVICE, "e/alarm"), home.report(revision=n).encode(), 1.0) for n in (1, 2)]

    def fail(*_: object) -> None:
        raise ValueError("disk")

    monkeypatch.setattr(readings, "take_states", fail)
    state = intake.Arrival(DEVICE, StateReport(dev=DEVICE, online=True, ts=1), 1.0)
    with pytest.raises(ValueError, match="disk"):
        intake.commit(home.database, [*items, state])
    with home.database.read() as session:
        assert session.get(Alarm, ALARM) is None


def test_a_last_will_counts_though_it_was_written_long_ago(home: Home) -> None:
    home.send("state", StateReport(dev=DEVICE, online=True, ts=home.now_s, outbox=3, nodes={"fall_detector": 1}))
    seen_at_s = home.now_s
    home.now_s += 60
    home.send("state", StateReport(dev=DEVICE, online=False, ts=seen_at_s - 500))
    with home.database.read() as session:
        state, device = session.get(DeviceState, DEVICE), session.get(Device, DEVICE)
        assert state is not None
        assert device is not None
        assert (state.online, state.outbox, device.last_seen_at_s) == (False, 3, seen_at_s)


def test_a_clock_that_was_ahead_hides_no_robot_for_long(home: Home) -> None:
    def heard() -> tuple[float | None, bool]:
        with home.database.read() as session:
            device, state = session.get_one(Device, DEVICE), session.get_one(DeviceState, DEVICE)
            return device.last_seen_at_s, state.online

    begin_s = home.now_s
    home.now_s += 365 * 86_400
    home.send("state", StateReport(dev=DEVICE, online=True, ts=begin_s))
    home.now_s = begin_s + 30
    home.send("state", StateReport(dev=DEVICE, online=False, ts=begin_s - 500))
    assert heard() == (begin_s + 365 * 86_400, False)  # a last will's time is of long ago: it says nothing of now
    home.send("state", StateReport(dev=DEVICE, online=True, ts=begin_s + 30))
    assert heard() == (begin_s + 30, True)


def test_only_the_newest_bed_counts(home: Home) -> None:
    def bed(ts: float, in_bed: bool) -> TelemetryReport:
        return TelemetryReport(id="message-bed", dev=DEVICE, seq=0, ts=ts, body=BedBody(in_bed=in_bed, fresh=True))

    home.send("t/bed", bed(20, False))
    home.send("t/bed", bed(10, True))
    with home.database.read() as session:
        row = session.get(Bed, DEVICE)
        assert row is not None
        assert (row.in_bed, row.measured_at_s) == (False, 20)


def test_the_log_refuses_changes(home: Home) -> None:
    home.alarm()
    for statement in ("DELETE FROM alarm_log", "UPDATE alarm_log SET phase = 'closed'"):
        with pytest.raises(IntegrityError, match="append-only"), home.database.write() as session:
            session.execute(text(statement))


def test_a_database_is_durable_and_opens_again_with_its_content(home: Home, tmp_path: Path) -> None:
    home.alarm()
    again = open_database(tmp_path)
    with again.read() as session:
        assert session.get(Alarm, ALARM) is not None
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2
    again.close()
