"""Ingest workers with a real broker on both databases: acknowledged means committed, once, whoever dies in between."""

from __future__ import annotations

import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions
from sqlalchemy import func, select

from robot.fleet.database import Database, open_database
from robot.fleet.ingest import ALARMS
from robot.fleet.link import IN_FLIGHT
from robot.fleet.tables import Alarm, AlarmLog, BedMinute, Command, DeviceState, Message, Refusal, Worker
from robot.reporting.contract import (
    Ack,
    AlarmBody,
    AlarmCommand,
    AlarmReport,
    BedBody,
    CommandAck,
    EventBody,
    EventReport,
    StateReport,
    TelemetryReport,
    Wire,
    topic,
)
from tests.fleet.conftest import PATIENCE_S, ROOT, Broker, Postgres, end, until

pytestmark = pytest.mark.fleet


class Workers:
    """Ingest workers on one database, and a look into it."""

    def __init__(self, data: Path, url: str, broker: Broker) -> None:
        self.store: Database = open_database(data, url)
        self._command = [sys.executable, "-m", "robot.fleet.ingest", "--data", str(data), "--database-url", url]
        self._command += ["--broker-port", str(broker.port)]
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self._command, cwd=ROOT, stderr=subprocess.DEVNULL)
        self._running.append(process)
        return process

    def until_linked(self, count: int) -> None:
        until(lambda: self.count(Worker, Worker.linked.is_(True)) >= count)

    def count(self, table: type[Any], *conditions: Any) -> int:
        with self.store.read() as session:
            return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    def end(self) -> None:
        for process in self._running:
            end(process)
        self.store.close()


class Robots:
    """Robots of any name on one connection: they repeat what the platform has not acknowledged."""

    def __init__(self, port: int) -> None:
        self.waiting: dict[str, tuple[str, Wire]] = {}
        self.commands: queue.Queue[tuple[str, AlarmCommand]] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(topic("+", leaf), SubscribeOptions(qos=1)) for leaf in ("ack", "cmd/alarm")]
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def put(self, leaf: str, report: AlarmReport | EventReport | TelemetryReport) -> None:
        self.waiting[report.id] = (topic(report.dev, leaf), report)

    def send_all(self) -> None:
        for name, report in list(self.waiting.values()):
            self._client.publish(name, report.encode(), qos=1)

    def send_until_acked(self) -> None:
        def ask() -> bool:
            self.send_all()
            give_up_at_s = time.monotonic() + 1.0
            while self.waiting and time.monotonic() < give_up_at_s:
                time.sleep(0.02)
            return not self.waiting

        until(ask)

    def say(self, device: str, leaf: str, payload: bytes) -> None:
        self._client.publish(topic(device, leaf), payload, qos=1)

    def end(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/ack"):
            for id_ in Ack.model_validate_json(message.payload).ids:
                self.waiting.pop(id_, None)
        else:
            self.commands.put((message.topic.split("/")[2], AlarmCommand.model_validate_json(message.payload)))


def alarm(number: int, revision: int = 1, phase: str = "raised") -> AlarmReport:
    body = {
        "alarm_id": f"alarm-{number:05}",
        "type": "fall",
        "phase": phase,
        "revision": revision,
        "severity": "high",
        "confidence": 0.9,
        "onset_ts": 1.7e9,
    }
    device, id_ = f"hani-{number % 20:04}", f"alarm-message-{number:05}-{revision}"
    return AlarmReport(id=id_, dev=device, seq=0, ts=1.7e9, body=AlarmBody.model_validate(body))


def event(number: int) -> EventReport:
    return EventReport(
        id=f"event-message-{number:05}", dev=f"hani-{number % 20:04}", seq=0, ts=1.7e9, body=EventBody(name="boot")
    )


@pytest.fixture
def workers(store_url: str, tmp_path: Path, broker: Broker) -> Iterator[Workers]:
    workers = Workers(tmp_path / "fleet", store_url, broker)
    yield workers
    workers.end()


@pytest.fixture
def robots(broker: Broker) -> Iterator[Robots]:
    robots = Robots(broker.port)
    yield robots
    robots.end()


def test_a_worker_that_dies_strands_nothing_and_nothing_is_written_twice(workers: Workers, robots: Robots) -> None:
    first, _ = workers.start(), workers.start()
    workers.until_linked(2)
    for number in range(200):
        robots.put("e/alarm", alarm(number))
        robots.put("e/event", event(number))
    robots.send_all()
    first.kill()  # with a share of it in its hands
    robots.send_until_acked()
    assert workers.count(Message) == 400
    assert workers.count(Alarm) == workers.count(AlarmLog, AlarmLog.what == "reported") == 200


def test_any_kind_of_report_is_acknowledged_after_its_commit(workers: Workers, robots: Robots) -> None:
    workers.start()
    workers.until_linked(1)
    body = BedBody(in_bed=True, heart_rate_bpm=60.0, fresh=True)
    robots.put("t/bed", TelemetryReport(id="bed-message-1", dev="hani-0001", seq=1, ts=1.7e9, body=body))
    robots.put("e/event", event(1))
    robots.put("e/alarm", alarm(1))
    robots.send_until_acked()
    assert (workers.count(BedMinute), workers.count(Message), workers.count(Alarm)) == (1, 2, 1)


def test_what_fits_no_contract_is_counted_and_holds_nothing_up(workers: Workers, robots: Robots) -> None:
    workers.start()
    workers.until_linked(1)
    for number in range(50):
        robots.say("hani-0001", "e/alarm", b"\xff\0garbage %d" % number)
        robots.say("hani-0001", "state", b"[" * 2000)
    robots.put("e/alarm", alarm(1))
    robots.send_until_acked()
    until(lambda: _refused(workers) == 100)


def test_what_a_robot_sends_above_its_share_is_left_to_it_and_the_broker_does_not_keep_it(
    workers: Workers, robots: Robots
) -> None:
    workers.start()
    workers.until_linked(1)
    flood = ALARMS.share.burst + IN_FLIGHT  # if it were kept, the broker would have no place for what follows
    for number in range(flood):
        robots.say("hani-0666", "e/alarm", b"flood %d" % number)
    robots.put("e/alarm", alarm(1))
    robots.send_until_acked()
    until(lambda: _refused(workers) >= ALARMS.share.burst)
    assert _refused(workers) < flood


def _refused(workers: Workers) -> int:
    with workers.store.read() as session:
        return int(session.scalar(select(func.sum(Refusal.count))) or 0)


def test_several_workers_send_a_command_no_more_often_than_one_until_the_robot_confirms(
    workers: Workers, robots: Robots
) -> None:
    for _ in range(2):
        workers.start()
    workers.until_linked(2)
    begin_s = time.monotonic()
    robots.put("e/alarm", alarm(1))
    robots.send_until_acked()
    sent = [robots.commands.get(timeout=PATIENCE_S) for _ in range(3)]
    assert {(device, command.status) for device, command in sent} == {("hani-0001", "received")}
    assert time.monotonic() - begin_s > 2.0  # at once, after 1 s, after 2 s more: not the sum of two workers
    robots.say("hani-0001", "cmd/ack", CommandAck(id=sent[0][1].id, dev="hani-0001").encode())
    until(lambda: workers.count(Command, Command.confirmed_at_s.is_(None)) == 0)


def test_the_newest_state_stands_and_a_robot_that_came_back_is_told_at_once(workers: Workers, robots: Robots) -> None:
    workers.start()
    workers.until_linked(1)
    for online in (True, False, True, False):
        robots.say("hani-0001", "state", StateReport(dev="hani-0001", online=online, ts=time.time()).encode())
        until(lambda: workers.count(DeviceState, DeviceState.online.is_(online)) == 1)  # noqa: B023 (asked at once)


def test_postgres_may_die_in_the_middle_of_traffic(own_postgres: Postgres, broker: Broker, tmp_path: Path) -> None:
    workers, robots = Workers(tmp_path / "fleet", own_postgres.url("postgres"), broker), Robots(broker.port)
    try:
        workers.start()
        workers.until_linked(1)
        acknowledged: set[str] = set()
        for turn in range(3):
            for number in range(turn * 100, turn * 100 + 100):
                robots.put("e/alarm", alarm(number))
            everything = set(robots.waiting)
            robots.send_all()
            own_postgres.kill()
            acknowledged |= everything - set(robots.waiting)
            own_postgres.start()
            workers.store.close()  # its pool held connections to the dead server
            with workers.store.read() as session:
                assert acknowledged <= set(session.scalars(select(Message.message_id)))
            robots.send_until_acked()
            acknowledged |= everything
        assert workers.count(Message) == workers.count(Alarm) == 300
        assert workers.count(AlarmLog, AlarmLog.what == "reported") == 300
    finally:
        robots.end()
        workers.end()


def test_what_cannot_be_used_ends_with_one_line(broker: Broker, tmp_path: Path) -> None:
    def fails(*arguments: str) -> str:
        command = [sys.executable, "-m", "robot.fleet.ingest", "--data", str(tmp_path / "data"), *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        return done.stderr

    secret = "postgresql+psycopg://hani:secret@127.0.0.1:9/hani"
    told = fails("--database-url", secret)
    assert "--database-url" in told
    assert "secret" not in told
    assert "not supported" in fails("--database-url", "mysql://127.0.0.1/hani")
    assert "--broker-ca" in fails("--broker-cert", str(tmp_path / "a.pem"))
    (tmp_path / "ca.pem").write_text("no certificate")
    assert "cannot be used" in fails("--broker-ca", str(tmp_path / "ca.pem"))
