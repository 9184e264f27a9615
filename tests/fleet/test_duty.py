"""The desk's process: one leads, another takes over, a paused one can do no harm, and people are told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from robot.fleet import handling, intake
from robot.fleet.contacts import Contacts, Site
from robot.fleet.database import Database, open_database
from robot.fleet.desk_tables import Lease, Notification
from robot.fleet.duty import Duty
from robot.fleet.lease import LEASE_S, Deposed, Leadership
from robot.fleet.rounds import Desk
from robot.fleet.tables import Alarm, AlarmLog, Worker
from robot.reporting.contract import AlarmBody, AlarmReport, topic
from tests.fleet.conftest import PATIENCE_S, ROOT, end, until

pytestmark = pytest.mark.fleet


@pytest.fixture
def database(tmp_path: Path, store_url: str) -> Iterator[Database]:
    opened = open_database(tmp_path, store_url)
    yield opened
    opened.close()


class Desks:
    """Real desk processes on one database."""

    def __init__(self, data: Path, url: str) -> None:
        self._common = ["--data", str(data), "--database-url", url, *self._files(data)]
        self.running: list[subprocess.Popen[bytes]] = []

    def _files(self, data: Path) -> list[str]:
        person = {"name": "王芳", "role": "护理员", "phone": "13800000001"}
        homes = [{"device": f"hani-000{number}", "label": "一号", "first": person} for number in range(1, 4)]
        contacts = {"homes": homes}
        (data / "contacts.yaml").write_text(json.dumps(contacts))
        (data / "site.yaml").write_text(json.dumps({"channels": {"sms": {"kind": "fake"}}}))
        return ["--contacts", str(data / "contacts.yaml"), "--site", str(data / "site.yaml")]

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "robot.fleet.duty", *self._common]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        self.running.append(process)
        return process


@pytest.fixture
def desks(tmp_path: Path, store_url: str) -> Iterator[Desks]:
    found = Desks(tmp_path, store_url)
    yield found
    for process in found.running:
        end(process)


def report(database: Database, alarm_id: str, device: str = "hani-0001") -> None:
    body = AlarmBody.model_validate(
        {
            "alarm_id": alarm_id,
            "type": "fall",
            "phase": "raised",
            "revision": 1,
            "severity": "high",
            "confidence": None,
            "onset_ts": 1.0,
        }
    )
    message = AlarmReport(id=f"message-{alarm_id}", dev=device, seq=1, ts=1.0, body=body)
    intake.commit(database, [intake.read(topic(device, "e/alarm"), message.encode(), time.time())])


def sent(database: Database, alarm_id: str) -> bool:
    with database.read() as session:
        query = select(Notification.status).where(Notification.alarm_id == alarm_id)
        return "sent" in session.scalars(query).all()


def has_beaten(database: Database) -> bool:
    with database.read() as session:
        return session.get(Worker, "desk") is not None


def number(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(Lease.number)) or 0


def test_when_the_leader_is_killed_another_one_calls_and_when_it_ends_orderly_too(
    database: Database, desks: Desks
) -> None:
    first = desks.start()
    until(lambda: number(database) == 1)
    second = desks.start()
    report(database, "alarm-one0")
    until(lambda: sent(database, "alarm-one0"))
    first.kill()
    report(database, "alarm-two0", "hani-0002")
    until(lambda: sent(database, "alarm-two0"))
    assert number(database) == 2
    third = desks.start()
    second.send_signal(signal.SIGTERM)
    assert second.wait(PATIENCE_S) == 0
    report(database, "alarm-3333", "hani-0003")
    until(lambda: sent(database, "alarm-3333"))
    assert third.poll() is None
    assert has_beaten(database)


def test_a_leader_that_was_paused_wakes_as_a_stander_by(database: Database, desks: Desks) -> None:
    first = desks.start()
    until(lambda: has_beaten(database))  # its first round is over: on SQLite one that is stopped half-way holds up all
    first.send_signal(signal.SIGSTOP)
    desks.start()
    until(lambda: number(database) == 2)
    first.send_signal(signal.SIGCONT)
    report(database, "alarm-one0")
    until(lambda: sent(database, "alarm-one0"))
    assert first.poll() is None
    assert number(database) == 2
    with database.read() as session:
        calls = session.scalars(select(AlarmLog).where(AlarmLog.what == "call")).all()
    assert len(calls) == 1


def test_nothing_of_a_deposed_leaders_round_is_written(database: Database) -> None:
    desk_ = Desk(Contacts(), Site())
    mono_s = 0.0
    old, new = (Duty(database, desk_, clock=lambda: 1000.0, monotonic=lambda: mono_s) for _ in range(2))
    old.turn()
    new.turn()
    assert (old.leadership.leads, new.leadership.leads) == (True, False)
    mono_s += LEASE_S
    new.turn()
    assert new.leadership.leads
    report(database, "alarm-one0")
    with pytest.raises(Deposed):
        old.turn()
    with database.read() as session:
        row = session.get(Alarm, "alarm-one0")
    assert row is not None
    assert (row.case_id, row.calls) == (None, 0)


def test_a_leader_that_beats_is_never_taken_for_dead(database: Database) -> None:
    mono_s = 0.0
    leader, watcher = (Leadership(database, "desk", lambda: mono_s) for _ in range(2))
    assert leader.take(0.0)
    for _ in range(10):
        mono_s += LEASE_S - 1
        with database.write() as session:
            leader.fence(session)
        assert not watcher.take(0.0)


def test_an_acknowledgement_in_between_is_not_overwritten_by_a_round(database: Database) -> None:
    """The desk's round and a person's click write the same row; PostgreSQL would let the later one win."""
    report(database, "alarm-one0")
    duty = Duty(database, Desk(Contacts(), Site()))
    for _ in range(5):
        duty.turn()
        handling.acknowledge(database, "alarm-one0", "王芳", time.time())
        duty.turn()
    with database.read() as session:
        row = session.get(Alarm, "alarm-one0")
    assert row is not None
    assert (row.phase, row.acknowledged_by) == ("acknowledged", "王芳")


def test_what_cannot_be_used_ends_with_one_line(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("channels: {hook: {kind: webhook, url: 'http://127.0.0.1/', secret_file: nowhere}}")
    command = [sys.executable, "-m", "robot.fleet.duty", "--data", str(tmp_path), "--site", str(site)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "nowhere" in done.stderr
