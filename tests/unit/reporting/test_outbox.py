"""The outbox: nothing is lost, nothing is counted twice, and two processes may use it at once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from robot.database import open_database, transaction
from robot.messages import Receipt, ReceiptKind
from robot.reporting.contract import AlarmBody, AlarmReport, BedBody, EventBody, decode
from robot.reporting.outbox import DAY_S, Outbox

pytestmark = pytest.mark.unit

NOW_S = 1_790_000_000.0
UP_S = 1_000.0


def alarm(alarm_id: str = "alarm-0001", phase: str = "raised", revision: int = 1) -> AlarmBody:
    return AlarmBody(
        alarm_id=alarm_id,
        type="fall",
        phase=phase,  # type: ignore[arg-type]  # a test's short cut
        revision=revision,
        severity="high",
        confidence=0.9,
        onset_ts=NOW_S,
    )


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "robot.db", boot="boot-1", uptime_s=lambda: UP_S)


def test_alarms_overtake_events_and_events_overtake_telemetry_each_in_order(outbox: Outbox) -> None:
    bed = outbox.append(BedBody(in_bed=None), NOW_S)
    events = [outbox.append(EventBody(name=name), NOW_S) for name in ("started", "configured")]
    alarms = [outbox.append(alarm(revision=revision), NOW_S) for revision in (1, 2)]
    assert [row.id for row in outbox.pending(10)] == [*alarms, *events, bed]
    assert [row.id for row in outbox.pending(3)] == [*alarms, events[0]]


def test_of_telemetry_the_newest_goes_first(outbox: Outbox) -> None:
    beds = [outbox.append(BedBody(in_bed=None), NOW_S + minute) for minute in range(4)]
    assert [row.id for row in outbox.pending(3)] == beds[:0:-1]


def test_ids_and_sequence_are_never_used_twice_even_after_a_purge(outbox: Outbox) -> None:
    first = outbox.append(alarm(), NOW_S)
    (row,) = outbox.pending(1)
    outbox.mark_acked([first], NOW_S)
    outbox.purge(NOW_S + 30 * DAY_S)
    second = outbox.append(alarm(), NOW_S)
    assert second != first
    assert outbox.pending(1)[0].seq == row.seq + 1


def test_a_row_leaves_only_by_acknowledgement(outbox: Outbox) -> None:
    kept, acked = outbox.append(alarm(), NOW_S), outbox.append(alarm(), NOW_S)
    outbox.mark_acked([acked, "unknown-id", acked], NOW_S)
    outbox.purge(NOW_S + 1000 * DAY_S)
    assert [row.id for row in outbox.pending(10)] == [kept]
    assert outbox.depth() == 1
    assert [row.id for row in outbox.rows([kept, acked, "unknown-id"])] == [kept]


def test_the_payload_is_a_valid_message_of_the_contract(outbox: Outbox) -> None:
    outbox.append(alarm(), NOW_S, test=True)
    (row,) = outbox.pending(1)
    message = decode("e/alarm", row.encode("hani-0001"))
    assert message == AlarmReport(
        id=row.id, dev="hani-0001", seq=1, ts=NOW_S, ts_mono=UP_S, boot="boot-1", test=True, prev=None, body=alarm()
    )


def test_only_raising_messages_name_the_alarm_for_receipts(outbox: Outbox) -> None:
    for phase in ("suspected", "raised", "cancelled"):
        outbox.append(alarm(phase=phase), NOW_S)
    outbox.append(EventBody(name="raised"), NOW_S)
    assert [row.raised_alarm_id for row in outbox.pending(10)] == [None, "alarm-0001", None, None]


@pytest.mark.parametrize("message_first", [True, False])
def test_journal_and_message_are_written_together_or_not_at_all(tmp_path: Path, message_first: bool) -> None:
    connection = open_database(tmp_path / "robot.db")
    connection.execute("create table journal(alarm text)")
    outbox = Outbox(connection)

    def write() -> None:
        with transaction(connection):
            if message_first:
                outbox.append(alarm(), NOW_S)
            connection.execute("insert into journal values ('alarm-0001')")
            if not message_first:
                outbox.append(alarm(), NOW_S)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write()
    assert outbox.depth() == 0
    assert connection.execute("select count(*) from journal").fetchone() == (0,)
    with transaction(connection):
        outbox.append(alarm(), NOW_S)
    assert Outbox(tmp_path / "robot.db").depth() == 1


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "robot.db")
    message_id = first.append(alarm(), NOW_S)
    first.record_receipt(Receipt("command-1", "alarm-0001", ReceiptKind.ACKNOWLEDGED, NOW_S, by="Nurse"))
    first.close()
    second = Outbox(tmp_path / "robot.db")
    assert [row.id for row in second.pending(10)] == [message_id]
    assert [receipt.id for receipt in second.undelivered_receipts()] == ["command-1"]


def test_a_command_counts_once_and_its_receipt_waits_until_the_alarm_manager_took_it(outbox: Outbox) -> None:
    receipt = Receipt("command-1", "alarm-0001", ReceiptKind.CLOSED, NOW_S, "Сарнай", "护理员已到", revision=4)
    assert outbox.record_receipt(receipt)
    assert not outbox.record_receipt(receipt)
    assert outbox.undelivered_receipts() == [receipt]
    outbox.purge(NOW_S + 1000 * DAY_S)
    assert outbox.undelivered_receipts() == [receipt]
    outbox.mark_receipts_delivered(["command-1"])
    assert outbox.undelivered_receipts() == []
    assert not outbox.record_receipt(receipt)


def test_a_file_of_an_earlier_release_is_taken_on_with_the_answers_that_wait_in_it(tmp_path: Path) -> None:
    Outbox(tmp_path / "robot.db").close()
    with closing(sqlite3.connect(tmp_path / "robot.db", isolation_level=None)) as old:
        old.execute("alter table receipts drop column revision")
        old.execute("insert into receipts(id, kind, alarm_id, at_s) values ('command-1', 'closed', 'alarm-0001', 1.0)")
    outbox = Outbox(tmp_path / "robot.db")
    outbox.record_receipt(Receipt("command-2", "alarm-0001", ReceiptKind.CLOSED, 2.0, revision=7))
    assert [(receipt.id, receipt.revision) for receipt in outbox.undelivered_receipts()] == [
        ("command-1", None),
        ("command-2", 7),
    ]
    outbox.close()


def test_receipts_come_in_the_order_in_which_they_were_recorded(outbox: Outbox) -> None:
    receipts = [
        Receipt(f"receipt-{n}", "alarm-0001", kind, NOW_S - n)
        for n, kind in enumerate((ReceiptKind.SENT, ReceiptKind.RECEIVED, ReceiptKind.ACKNOWLEDGED))
    ]
    for receipt in receipts:
        outbox.record_receipt(receipt)
    assert outbox.undelivered_receipts() == receipts


APPENDER = """
import sys
from pathlib import Path
from robot.reporting.contract import EventBody
from robot.reporting.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]))
for n in range(60):
    outbox.append(EventBody(name=sys.argv[2]), float(n))
"""


def test_several_processes_open_and_use_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "robot.db"
    names = ("first", "second", "third")
    writers = [subprocess.Popen([sys.executable, "-c", APPENDER, str(path), name]) for name in names]
    outbox = Outbox(path)
    seen: dict[str, list[int]] = {name: [] for name in names}
    while (sum(map(len, seen.values())) < 180 and any(writer.poll() is None for writer in writers)) or outbox.depth():
        rows = outbox.pending(7)
        outbox.mark_acked([row.id for row in rows], NOW_S)
        for row in rows:
            seen[json.loads(row.body)["name"]].append(row.seq)
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert {name: len(sequence) for name, sequence in seen.items()} == dict.fromkeys(names, 60)
    assert all(sequence == sorted(sequence) for sequence in seen.values())


def test_a_borrowed_connection_is_not_closed(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "robot.db")
    Outbox(connection).close()
    assert connection.execute("select 1").fetchone() == (1,)
