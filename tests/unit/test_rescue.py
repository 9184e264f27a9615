"""A damaged file: what can be read goes on, in one new file for all processes, whenever the power fails meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from robot.alarms.book import AlarmBook
from robot.alarms.effects import Report
from robot.alarms.settings import AlarmSettings
from robot.database import is_damage, make_tables, open_database, reopened, transaction
from robot.errors import DeviceFault
from robot.messages import FallEvent, FallReason, Receipt, ReceiptKind
from robot.nodes.alarm_disk import AlarmDisk
from robot.reporting.contract import AlarmBody, BedBody
from robot.reporting.outbox import Outbox
from robot.reporting.uplink import Uplink, UplinkSettings
from robot.rescue import copy_readable

pytestmark = pytest.mark.unit

PAGE = 4096
INDICES = ("outbox_pending", "sqlite_autoindex_outbox_1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "robot.db"


def body(number: int) -> AlarmBody:
    return AlarmBody(
        alarm_id=f"alarm-{number:04}",
        type="fall",
        phase="raised",
        revision=1,
        severity="high",
        confidence=None,
        onset_ts=1.0,
    )


def checkpointed(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def spoil(path: Path, *pages: int) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(b"\xff" * PAGE)


def roots(path: Path, *names: str) -> list[int]:
    connection = sqlite3.connect(path)
    found = dict(connection.execute("select name, rootpage from sqlite_master"))
    connection.close()
    return [found[name] for name in names]


def filled(path: Path, rows: int = 300) -> None:
    """So many numbered beds, and every tenth an alarm."""
    connection = open_database(path)
    connection.execute("pragma synchronous = off")
    outbox = Outbox(connection)
    with transaction(connection):
        for number in range(rows):
            outbox.append(body(number) if number % 10 == 0 else BedBody(in_bed=True), 1.0)
    connection.close()
    checkpointed(path)


def broken(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir() if ".broken-" in file.name and file.suffix != ".db")


def set_aside(path: Path) -> list[str]:
    return [name for name in broken(path) if not name.endswith(("-wal", "-shm"))]


def test_damaged_indices_cost_no_row_and_the_numbers_go_on(path: Path) -> None:
    filled(path)
    spoil(path, *roots(path, *INDICES))
    outbox = Outbox(path)
    assert len(outbox.pending(1000)) == 286, "30 alarms, and of telemetry the newest 256"
    assert outbox.depth() == 300
    outbox.append(body(1), 2.0)
    assert max(row.seq for row in outbox.pending(1000)) == 301
    assert set_aside(path) == ["robot.db.broken-1"]
    outbox.close()
    Outbox(path).close()
    assert set_aside(path) == ["robot.db.broken-1"], "the new file is sound"


def test_whichever_page_is_damaged_the_rows_of_the_others_are_kept(path: Path) -> None:
    filled(path, 120)
    whole = path.read_bytes()
    for page in range(2, len(whole) // PAGE + 1):
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(whole)
        spoil(path, page)
        outbox = Outbox(path)
        seqs = {row.seq for row in outbox.rows(id_ for (id_,) in outbox._connection.execute("select id from outbox"))}
        (root,) = roots(path, "outbox")
        assert len(seqs) >= 100 or page == root, f"page {page}"
        assert outbox._connection.execute("pragma integrity_check").fetchone() == ("ok",)
        outbox.append(body(1), 2.0)
        outbox.close()


def test_rows_between_two_damaged_pages_are_kept_and_numbers_never_used_twice(path: Path) -> None:
    connection = open_database(path)
    make_tables(connection, "create table notes(number integer primary key autoincrement, text text)")
    with transaction(connection):
        connection.executemany("insert into notes(text) values (?)", [("x" * 1000,)] * 300)
    connection.close()
    checkpointed(path)
    pages = path.stat().st_size // PAGE
    spoil(path, pages, pages // 2, pages // 3)
    connection = open_database(path)
    numbers = [number for (number,) in connection.execute("select number from notes order by number")]
    assert len(numbers) >= 285
    assert max(numbers) < 300
    assert connection.execute("insert into notes(text) values ('new') returning number").fetchone() == (301,)
    connection.close()


def test_a_power_loss_at_any_moment_of_the_rescue_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path, 60)
    whole = path.read_bytes()
    pages = roots(path, *INDICES)
    real: Callable[[Path, Path], Path] = Path.replace
    for moment in range(1, 20):
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(whole)
        with_log = sqlite3.connect(path)  # one row lies in the log only
        with_log.execute("insert into drills values ('logged', 1.0, null)")
        with_log.commit()
        kept = {tail: path.with_name(path.name + tail).read_bytes() for tail in ("", "-wal")}
        with_log.close()
        for tail, content in kept.items():
            path.with_name(path.name + tail).write_bytes(content)
        spoil(path, *pages)
        moves = 0

        def fail(source: Path, target: Path, moment: int = moment) -> Path:
            nonlocal moves
            moves += 1
            if moves == moment:
                raise KeyboardInterrupt
            return real(source, target)

        monkeypatch.setattr(Path, "replace", fail)
        try:
            open_database(path).close()
        except KeyboardInterrupt:
            cut = True
        else:
            cut = False
        monkeypatch.setattr(Path, "replace", real)
        outbox = Outbox(path)
        assert outbox.depth() == 60
        assert outbox._connection.execute("select count(*) from drills").fetchone() == (1,)
        outbox.close()
        assert set_aside(path) == ["robot.db.broken-1"]
        assert not path.with_name("robot.db.damaged").exists()
        if not cut:
            assert moment > 4
            return
    pytest.fail("the rescue never ended")


def report(disk: AlarmDisk, effect: Report) -> None:
    disk.outbox.append(body(1), 2.0)


def fall(disk: AlarmDisk, number: int) -> None:
    book = AlarmBook(AlarmSettings("hani-1"))
    at_s = 100.0 * number
    effects = book.on_fall(FallEvent(f"f{number}", FallReason.FAST_DROP, 0.9, 1, at_s, at_s + 1), at_s + 1)
    for now_s in (at_s + 12, at_s + 23):
        effects += book.tick(now_s)
    disk.commit(effects, lambda effect: report(disk, effect))


def test_damage_while_both_run_is_rescued_once_and_both_go_on(path: Path) -> None:
    filled(path)
    disk, outbox = AlarmDisk(path), Outbox(path)
    uplink = Uplink(UplinkSettings("hani-0001"), outbox)
    fall(disk, 0)
    outbox.append(BedBody(in_bed=True), 1.0)
    checkpointed(path)
    spoil(path, *roots(path, *INDICES))
    fall(disk, 1)
    assert not disk.store.unwritten
    assert len(disk.store.load()) == 2
    uplink.pump(5.0)
    assert uplink.fault == ""
    assert set_aside(path) == ["robot.db.broken-1"]
    fall(disk, 2)
    waiting = [row.raised_alarm_id for row in outbox.pending(1000) if row.raised_alarm_id]
    assert len(waiting) > 32
    assert waiting == [row.raised_alarm_id for row in disk.outbox.pending(1000) if row.raised_alarm_id]
    disk.close()
    outbox.close()
    again = AlarmDisk(path)
    assert len(again.store.load()) == 3
    again.close()


def test_the_reporter_alone_rescues_too_and_the_manager_follows_with_what_it_had_just_written(path: Path) -> None:
    filled(path)
    disk, outbox = AlarmDisk(path), Outbox(path)
    uplink = Uplink(UplinkSettings("hani-0001"), outbox)
    fall(disk, 0)
    checkpointed(path)
    spoil(path, *roots(path, "holes", "sqlite_autoindex_receipts_1"))
    uplink._connected = True
    uplink._state_due_at_s = 0.0
    uplink.pump(5.0)
    assert uplink.fault, "said once"
    uplink.pump(5.1)
    assert uplink.fault == ""
    assert set_aside(path) == ["robot.db.broken-1"]
    assert disk._connection.execute("select count(*) from outbox").fetchone(), "it could still write to the old file"
    fall(disk, 1)
    outbox.close()
    disk.close()
    again = AlarmDisk(path)
    assert len(again.store.load()) == 2
    assert set_aside(path) == ["robot.db.broken-1"]
    again.close()


def test_an_answer_that_is_confirmed_lies_in_the_file_that_counts(path: Path) -> None:
    filled(path, 10)
    outbox = Outbox(path)
    other = open_database(path)
    inode = other.inode
    other.close()
    open_database(path, damaged=inode).close()
    assert outbox.record_receipt(Receipt("r1", "alarm-0001", ReceiptKind.ACKNOWLEDGED, 1.0, "a person"))
    outbox.close()
    manager = Outbox(path)
    assert [receipt.id for receipt in manager.undelivered_receipts()] == ["r1"]
    manager.close()


def test_closing_a_connection_to_the_old_file_leaves_the_log_of_the_new_one(path: Path) -> None:
    filled(path, 10)
    old = open_database(path)
    new = open_database(path, damaged=old.inode)
    outbox = Outbox(new)
    outbox.append(body(7), 2.0)
    old.close()
    assert path.with_name("robot.db-wal").stat().st_size > 0
    third = Outbox(path)
    assert third.depth() == 11
    third.close()
    new.close()


def test_a_damage_that_another_has_seen_to_is_not_rescued_again(path: Path) -> None:
    filled(path, 10)
    first, second = open_database(path), open_database(path)
    error = sqlite3.DatabaseError("database disk image is malformed")
    renewed = [reopened(connection, error) for connection in (first, second)]
    assert all(connection is not None and not connection.replaced for connection in renewed)
    assert set_aside(path) == ["robot.db.broken-1"]
    for connection in (first, second, *renewed):
        assert connection is not None
        connection.close()


@pytest.mark.parametrize("text", ["cast(x'ff' || body as text)", "cast(x'7bff' as text)"])
def test_a_message_whose_bits_have_turned_over_keeps_no_other(path: Path, text: str) -> None:
    outbox = Outbox(path)
    outbox.append(body(1), 1.0)
    after = outbox.append(body(2), 2.0)
    outbox._connection.execute(f"update outbox set body = {text} where seq = 1")
    uplink = Uplink(UplinkSettings("hani-0001"), outbox)
    uplink._connected = True
    uplink.pump(5.0)
    assert uplink.fault == ""
    assert [message_id for message_id, _ in uplink._raised_by_mid.values()] == [after]
    outbox.close()


def test_a_full_or_busy_disk_is_no_damage() -> None:
    assert not is_damage(sqlite3.OperationalError("database or disk is full"))
    assert not is_damage(sqlite3.IntegrityError("UNIQUE constraint failed"))
    assert not is_damage(None)
    assert is_damage(sqlite3.DatabaseError("file is not a database"))


def test_a_disk_without_room_for_the_rescue_is_a_fault_until_there_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path)
    outbox = Outbox(path)
    uplink = Uplink(UplinkSettings("hani-0001"), outbox)

    def refuse(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("robot.database.copy_readable", refuse)
    with pytest.raises(DeviceFault):
        outbox.follow(sqlite3.DatabaseError("database disk image is malformed"))
    uplink.pump(5.0)
    assert uplink.fault
    monkeypatch.setattr("robot.database.copy_readable", copy_readable)
    uplink.pump(6.0)
    assert uplink.fault == ""
    assert outbox.depth() == 300
    outbox.close()
