"""A disk that refuses at start: the book begins in memory, and nothing of it is lost when the disk is back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from robot.alarms.book import AlarmBook
from robot.alarms.effects import Report, Suppressed
from robot.alarms.settings import AlarmSettings
from robot.messages import AlarmPhase, FallEvent, FallReason
from robot.nodes.alarm_disk import AlarmDisk
from robot.reporting.contract import AlarmBody
from robot.reporting.outbox import Outbox
from robot.reporting.reserve import RESERVE_BYTES, Reserve

pytestmark = pytest.mark.unit


def report(disk: AlarmDisk, effect: Report) -> None:
    body = AlarmBody(
        alarm_id=effect.alarm.id,
        type="fall",
        phase="raised" if effect.phase is AlarmPhase.RAISED else "checking",
        revision=effect.alarm.revision,
        severity="high",
        confidence=0.9,
        onset_ts=1.0,
    )
    disk.outbox.append(body, 2.0)


def fall_without_answer(disk: AlarmDisk) -> str:
    book = AlarmBook(AlarmSettings("hani-1"))
    effects = book.on_fall(FallEvent("f1", FallReason.FAST_DROP, 0.9, 1, 1.0, 2.0), 2.0)
    for now_s in (12.0, 23.0):
        effects += book.tick(now_s)
    disk.commit(effects, lambda effect: report(disk, effect))
    return book.open_alarms[0].id


def test_what_happened_in_memory_is_on_disk_when_the_disk_is_back(tmp_path: Path) -> None:
    path = tmp_path / "robot.db"
    path.mkdir()  # no database can be opened here, even by root
    disk = AlarmDisk(path)
    assert disk.fault
    alarm_id = fall_without_answer(disk)
    assert not disk.move(), "the disk still refuses"
    path.rmdir()
    assert disk.move()
    assert not disk.fault
    assert [case.alarm.phase for case in disk.store.load()] == [AlarmPhase.RAISED]
    disk.close()
    outbox = Outbox(path)
    assert alarm_id in [row.raised_alarm_id for row in outbox.pending(10)]
    outbox.close()


def test_moving_keeps_what_the_disk_held_before(tmp_path: Path) -> None:
    path = tmp_path / "robot.db"
    before = AlarmDisk(path)
    fall_without_answer(before)
    waiting = len(before.outbox.pending(10))
    before.close()
    path.rename(tmp_path / "kept.db")
    path.mkdir()
    disk = AlarmDisk(path)
    path.rmdir()
    (tmp_path / "kept.db").rename(path)
    assert disk.move()
    assert len(disk.outbox.pending(10)) == waiting
    assert len(disk.store.load()) == 1
    disk.close()


def test_moving_adds_up_the_falls_that_were_not_followed_up(tmp_path: Path) -> None:
    path = tmp_path / "robot.db"
    before = AlarmDisk(path)
    before.store.commit((Suppressed("in_bed_before_onset"),), print)
    before.close()
    path.rename(tmp_path / "kept.db")
    path.mkdir()
    disk = AlarmDisk(path)
    disk.store.commit((Suppressed("in_bed_before_onset"),) * 2, print)
    path.rmdir()
    (tmp_path / "kept.db").rename(path)
    assert disk.move()
    assert disk.store.suppressed() == {"in_bed_before_onset": 3}
    disk.close()


def test_an_alarm_that_a_full_disk_refuses_is_written_at_once_in_the_reserved_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own limit stands for the disk's; tests/fleet/test_full_disk.py has a real one."""
    disk = AlarmDisk(tmp_path / "robot.db")
    assert not disk.move()
    assert (tmp_path / "robot.db.reserve").stat().st_size == RESERVE_BYTES
    given_up: list[bool] = []

    def release(reserve: Reserve) -> bool:
        disk._connection.execute("pragma max_page_count = 100000")
        given_up.append(real_release(reserve))
        return given_up[-1]

    real_release = Reserve.release
    monkeypatch.setattr(Reserve, "release", release)
    (pages,) = disk._connection.execute("pragma page_count").fetchone()
    disk._connection.execute(f"pragma max_page_count = {pages}")
    while not given_up:
        fall_without_answer(disk)
        assert not disk.store.unwritten
    assert given_up == [True]
    assert (tmp_path / "robot.db.reserve").stat().st_size == 0
    disk.close()


def test_a_disk_that_works_is_used_at_once(tmp_path: Path) -> None:
    disk = AlarmDisk(tmp_path / "robot.db")
    assert not disk.fault
    assert not disk.move()
    disk.close()
    with pytest.raises(sqlite3.ProgrammingError):
        disk.outbox.depth()
