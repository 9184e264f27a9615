"""One store, two databases: what several writers do at once ends right, once, and in an order readers can follow."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from robot.fleet import intake, partitions
from robot.fleet.chain import YOUNG
from robot.fleet.database import Database, note_change, open_database
from robot.fleet.tables import Alarm, AlarmLog, BedMinute, Chain, Change, Command, Message, Refusal, SeenMessage
from robot.reporting.contract import (
    AlarmBody,
    AlarmReport,
    BedBody,
    EventBody,
    EventReport,
    TelemetryReport,
    Wire,
    digest_of,
    topic,
)
from tests.fleet.conftest import ROOT, end, first_line, together
from tests.unit.fleet.test_read import GOOD, mutated

pytestmark = pytest.mark.fleet

DEVICE = "hani-0001"
NOON_S = 1_793_448_000.0  # 2026-10-31 12:00 UTC
NEXT_MONTH_S = NOON_S + 86_400


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path, store_url)
    yield database
    database.close()


def arrival(leaf: str, message: Wire, now_s: float = NOON_S) -> intake.Arrival[Wire]:
    item = intake.read(topic(DEVICE, leaf), message.encode(), now_s)
    assert isinstance(item, intake.Arrival)
    return item


def alarm_report(
    number: int, phase: str, revision: int, alarm: str = "alarm-0001", prev: str | None = None
) -> AlarmReport:
    body = {
        "alarm_id": alarm,
        "type": "fall",
        "phase": phase,
        "revision": revision,
        "severity": "high",
        "confidence": revision / 100,
        "onset_ts": NOON_S,
    }
    body_ = AlarmBody.model_validate(body)
    return AlarmReport(id=f"message-{number:04}", dev=DEVICE, seq=number, ts=NOON_S, prev=prev, body=body_)


def count(store: Database, table: type[object]) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# an alarm's life as a robot reports it: rising, perhaps ended, perhaps raised again after it was cancelled
LIVES = st.lists(st.sampled_from(["suspected", "checking", "raised"]), min_size=1, max_size=4).flatmap(
    lambda rising: st.sampled_from([[], ["cancelled"], ["closed"], ["cancelled", "raised"]]).map(
        lambda end: [*sorted(rising, key=["suspected", "checking", "raised"].index), *end]
    )
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LIVES, st.randoms(use_true_random=False))
def test_workers_with_revisions_of_one_alarm_end_in_the_newest_in_any_order(
    store: Database, life: list[str], luck: object
) -> None:
    number = count(store, Message)
    alarm = f"alarm-{number:05}"
    reports = [alarm_report(number + n, phase, n, alarm) for n, phase in enumerate(life, 1)]
    shares: list[list[intake.Arrival[Wire]]] = [[], []]
    for report in [*reports, *reports]:  # every one comes twice
        luck.choice(shares).append(arrival("e/alarm", report))  # type: ignore[attr-defined]  # hypothesis's Random
    for share in shares:
        luck.shuffle(share)  # type: ignore[attr-defined]  # the same
    together(*(lambda share=share: [intake.commit(store, [item]) for item in share] for share in shares))
    with store.read() as session:
        row = session.get(Alarm, alarm)
        assert row is not None
        assert (row.revision, row.phase, row.confidence) == (len(life), life[-1], len(life) / 100)
        lines = session.scalars(select(AlarmLog.what).where(AlarmLog.alarm_id == alarm)).all()
        assert len(lines) == len(life)
        told = session.scalars(select(Command.status).where(Command.alarm_id == alarm)).all()
        assert told == (["received"] if row.raised_at_s is not None else [])
    assert count(store, Message) == count(store, SeenMessage) == number + len(life)


def test_one_batch_given_to_several_workers_is_written_once(store: Database) -> None:
    batch = [arrival("e/alarm", alarm_report(n, "raised", 1, f"alarm-{n:04}")) for n in range(1, 101)]
    together(*(lambda batch=batch: intake.commit(store, batch) for _ in range(3)))
    assert count(store, Message) == count(store, Alarm) == count(store, AlarmLog) == count(store, Command) == 100


def test_a_message_repeated_after_the_end_of_the_month_is_not_shown_twice(store: Database) -> None:
    report = EventReport(id="message-0001", dev=DEVICE, seq=1, ts=NOON_S, body=EventBody(name="boot"))
    assert intake.commit(store, [arrival("e/event", report, NOON_S)]) == {DEVICE: [report.id]}
    assert intake.commit(store, [arrival("e/event", report, NEXT_MONTH_S)]) == {DEVICE: [report.id]}
    assert count(store, Message) == 1


def test_a_repeated_telemetry_report_is_kept_once_and_acknowledged_every_time(store: Database) -> None:
    report = TelemetryReport(id="message-0001", dev=DEVICE, seq=1, ts=NOON_S, body=BedBody(in_bed=True, fresh=True))
    for at_s in (NOON_S, NEXT_MONTH_S):
        assert intake.commit(store, [arrival("t/bed", report, at_s)] * 2) == {DEVICE: [report.id] * 2}
    assert count(store, BedMinute) == 1


def test_the_log_refuses_changes(store: Database) -> None:
    intake.commit(store, [arrival("e/alarm", alarm_report(1, "raised", 1))])
    for statement in ("DELETE FROM alarm_log", "UPDATE alarm_log SET phase = 'closed'"):
        with pytest.raises(IntegrityError, match="append-only"), store.write() as session:
            session.execute(text(statement))


def test_readers_that_follow_the_newest_id_see_every_change(store: Database) -> None:
    """PostgreSQL hands out ids before the commit; a reader must not pass one that appears later."""
    writers, each = 4, 10
    seen: list[str] = []
    written = threading.Event()

    def write(name: int) -> None:
        for number in range(each):
            with store.write() as session:
                note_change(session, f"hani-{name}-{number}", NOON_S)

    def write_all() -> None:
        try:
            together(*(lambda name=name: write(name) for name in range(writers)))
        finally:
            written.set()

    def follow() -> None:
        newest, last = 0, False
        while not last:
            last = written.wait(0.001)  # and then one look more
            with store.read() as session:
                for id_, device in session.execute(
                    select(Change.id, Change.device).where(Change.id > newest).order_by(Change.id)
                ):
                    newest = id_
                    seen.append(device)

    together(follow, write_all)
    assert len(seen) == len(set(seen)) == writers * each


def test_who_reads_an_alarm_to_write_it_is_not_overtaken(store: Database) -> None:
    intake.commit(store, [arrival("e/alarm", alarm_report(1, "raised", 1))])

    def call_once_more() -> None:
        for _ in range(25):
            with store.write() as session:
                row = session.get(Alarm, "alarm-0001")
                assert row is not None
                row.calls += 1

    together(call_once_more, call_once_more)
    with store.read() as session:
        assert session.scalar(select(Alarm.calls)) == 50


def test_garbage_of_many_kinds_is_counted_bounded_and_holds_nothing_up(store: Database) -> None:
    garbage = [intake.read(topic(DEVICE, "e/alarm"), b"%d\0\xff" % number, NOON_S + number) for number in range(3000)]
    good = arrival("e/alarm", alarm_report(1, "raised", 1))
    together(
        lambda: [intake.commit(store, garbage[n : n + 500]) for n in range(0, 3000, 500)],
        lambda: [intake.commit(store, [*garbage[n : n + 500], good]) for n in range(0, 3000, 500)],
    )
    with store.read() as session:
        assert session.scalar(select(func.sum(Refusal.count))) == 6000
        assert session.scalar(select(func.count()).select_from(Refusal)) == 1001
        assert session.get(Alarm, "alarm-0001") is not None


def test_whatever_was_read_can_be_written(store: Database) -> None:
    """PostgreSQL refuses texts and numbers that SQLite takes: the reading must have refused them before."""
    luck, now_s = random.Random(6), NOON_S
    items = [intake.read(topic(DEVICE, leaf), payload, now_s) for leaf, payload in (fuzz(luck) for _ in range(3000))]
    for begin in range(0, len(items), 500):
        intake.commit(store, items[begin : begin + 500])
    with store.read() as session:
        assert (session.scalar(select(func.sum(Refusal.count))) or 0) > 1000
    assert count(store, Message) > 0


def fuzz(luck: random.Random) -> tuple[str, bytes]:
    return mutated(luck, *luck.choice(GOOD))


def chained(length: int, first: int = 1, ts: float = NOON_S) -> Sequence[intake.Arrival[Wire]]:
    items, prev = [], None
    for number in range(first, first + length):
        report = alarm_report(number, "raised", 1, f"alarm-{number:04}", prev).model_copy(update={"ts": ts + number})
        items.append(arrival("e/alarm", report))
        prev = digest_of(report.encode())
    return items


def chain(store: Database) -> Chain:
    with store.read() as session:
        row = session.get(Chain, DEVICE)
        assert row is not None
        return row


def test_a_chain_shows_what_is_missing_until_it_comes(store: Database) -> None:
    items = chained(6)
    intake.commit(store, [items[0], items[1], items[5]])
    assert (chain(store).seq, chain(store).missing, chain(store).broken) == (6, 3, 0)
    intake.commit(store, [items[3]])
    intake.commit(store, [items[3], items[2], items[4]])  # one is a repeat
    assert (chain(store).seq, chain(store).missing, chain(store).broken) == (6, 0, 0)


def test_a_changed_report_breaks_the_chain(store: Database) -> None:
    items = list(chained(3, first=YOUNG))
    forged = items[1].message.model_copy(update={"boot": "other"})
    items[1] = arrival("e/alarm", forged)
    intake.commit(store, items)
    assert (chain(store).seq, chain(store).missing, chain(store).broken) == (YOUNG + 2, 0, 1)


def test_workers_with_a_new_robots_first_reports_make_one_chain(store: Database) -> None:
    for turn in range(10):
        device = f"hani-new-{turn}"
        items, prev = [], None
        for number in range(1, 7):
            report = alarm_report(number, "raised", 1, f"alarm-{turn}-{number:04}", prev)
            report = report.model_copy(update={"dev": device})
            prev = digest_of(report.encode())
            items.append(intake.read(topic(device, "e/alarm"), report.encode(), NOON_S))
        together(*(lambda item=item: intake.commit(store, [item]) for item in items))
        with store.read() as session:
            row = session.get_one(Chain, device)
        assert (row.seq, row.first, row.missing, row.broken, row.restarts) == (6, 1, 0, 0, 0)


def test_old_telemetry_goes_and_what_no_part_covers_stays_until_it_is_old(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    day_s = 86_400.0
    with store.write() as session:
        partitions.make_ahead(session, NOON_S)
    for number, (measured_s, received_s) in enumerate(
        [(NOON_S, NOON_S), (5.0, NOON_S), (NOON_S + 9 * day_s, NOON_S + 9 * day_s), (6.0, NOON_S + 9 * day_s)]
    ):
        body = BedBody(in_bed=True, fresh=True)
        report = TelemetryReport(id=f"message-{number}", dev=DEVICE, seq=0, ts=measured_s, body=body)
        intake.commit(store, [arrival("t/bed", report, received_s)])
    with store.write() as session:
        partitions.make_ahead(session, NOON_S + 9 * day_s)  # a part may be made after rows for it came
    monkeypatch.setattr(partitions, "DELETED_AT_ONCE", 1)
    partitions.prune(store, NOON_S + 9 * day_s, telemetry_days=7)
    with store.read() as session:
        assert sorted(session.scalars(select(BedMinute.measured_at_s))) == [6.0, NOON_S + 9 * day_s]


def test_old_messages_go_only_if_asked(store: Database) -> None:
    intake.commit(store, [arrival("e/alarm", alarm_report(1, "raised", 1), NOON_S)])
    partitions.prune(store, NOON_S + 400 * 86_400)
    assert count(store, Message) == 1
    partitions.prune(store, NOON_S + 400 * 86_400, messages_days=365)
    assert (count(store, Message), count(store, SeenMessage), count(store, Alarm)) == (0, 0, 1)


def test_several_processes_may_open_a_new_database_at_once(store_url: str, tmp_path: Path) -> None:
    together(*(lambda: open_database(tmp_path, store_url).close() for _ in range(3)))


def test_on_postgres_a_month_of_messages_and_a_day_of_beds_is_a_part(postgres_url: str, tmp_path: Path) -> None:
    database = open_database(tmp_path, postgres_url)
    with database.write() as session:
        partitions.make_ahead(session, NOON_S)
    intake.commit(database, [arrival("e/alarm", alarm_report(1, "raised", 1), NOON_S)])
    with database.read() as session:
        names = inspect(session.connection()).get_table_names()
        assert {"messages_202610", "messages_202611", "bed_history_20261031"} <= set(names)
        assert session.scalar(text("SELECT count(*) FROM messages_202610")) == 1
    database.close()


def test_on_postgres_a_robot_whose_clock_is_ahead_spoils_no_days_part(postgres_url: str, tmp_path: Path) -> None:
    database = open_database(tmp_path, postgres_url)
    early_s, body = NOON_S + 20 * 86_400, BedBody(in_bed=True, fresh=True)
    report = TelemetryReport(id="message-0001", dev=DEVICE, seq=0, ts=early_s, body=body)
    intake.commit(database, [arrival("t/bed", report)])
    with database.write() as session:
        partitions.make_ahead(session, early_s)
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM bed_history_20261120")) == 1
        assert session.scalar(text("SELECT count(*) FROM bed_history_rest")) == 0
    intake.commit(database, [arrival("t/bed", report, early_s)])  # its key is the part's too
    assert count(database, BedMinute) == 1
    database.close()


def test_on_postgres_a_process_that_stops_in_the_midst_of_a_transaction_holds_nobody_up_for_long(
    postgres_url: str, tmp_path: Path
) -> None:
    database = open_database(tmp_path, postgres_url)
    intake.commit(database, [arrival("e/alarm", alarm_report(1, "raised", 1))])
    holder = (
        "import pathlib, sys, time\n"
        "from robot.fleet.database import open_database\n"
        "from robot.fleet.tables import Alarm\n"
        "with open_database(pathlib.Path(sys.argv[1]), sys.argv[2]).write() as session:\n"
        "    session.get(Alarm, 'alarm-0001')\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", holder, str(tmp_path), postgres_url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert first_line(process) == "held"
            process.send_signal(signal.SIGSTOP)
            intake.commit(database, [arrival("e/alarm", alarm_report(2, "closed", 2))])  # within the lock's 10 s
        finally:
            end(process)
    database.close()
