"""The platform's processes with a real broker: what is acknowledged is there, once, and people are heard."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from robot.reporting.contract import Ack, AlarmBody, AlarmCommand, AlarmReport, CommandAck, StateReport, Wire, topic
from tests.fleet import signed_in
from tests.fleet.conftest import PATIENCE_S, ROOT, Broker, end, free_port, until

pytestmark = pytest.mark.fleet

DEVICE = "hani-0001"


class Processes:
    """The platform's two processes on one data folder and database."""

    def __init__(self, data: Path, broker_port: int, store_url: str) -> None:
        self.data = data
        self.store_url = store_url
        self.log = data.with_suffix(".log")
        self.port = free_port()
        self._broker_port = broker_port
        self._running: list[subprocess.Popen[bytes]] = []

    def ingest(self) -> subprocess.Popen[bytes]:
        return self._start("ingest", "--broker-port", str(self._broker_port))

    def dashboard(self) -> subprocess.Popen[bytes]:
        return self._start("dashboard", "--port", str(self.port))

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"robot.fleet.{name}", "--data", str(self.data), *arguments]
        command += ["--database-url", self.store_url]
        with self.log.open("ab") as log:  # a pipe that nobody reads while they run would hold them up once it is full
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self._running.append(process)
        return process

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        engine = create_engine(self.store_url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(question))]
        except (OperationalError, ProgrammingError):
            return []  # the tables are not there yet
        finally:
            engine.dispose()

    @cached_property
    def client(self) -> httpx.Client:
        """Somebody who has signed in, once the dashboard answers."""
        return signed_in.client(self.url, self.data, name="王芳", database_url=self.store_url)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def health(self) -> dict[str, bool]:
        return dict(json.loads(self.get("/healthz")))

    def get(self, path: str) -> str:
        try:
            return self.client.get(path).text
        except httpx.HTTPError:
            return "{}"

    def post(self, path: str, **form: str) -> int:
        return self.client.post(path, data=form, headers={"HX-Request": "true"}).status_code

    def end(self) -> None:
        for process in self._running:
            end(process)
        if "client" in self.__dict__:
            self.client.close()


class Robot:
    """A robot as the contract sees it: publishes, and keeps what comes down."""

    def __init__(self, port: int, device: str = DEVICE) -> None:
        self.acks: queue.Queue[str] = queue.Queue()
        self.commands: queue.Queue[AlarmCommand] = queue.Queue()
        self._device = device
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(topic(device, leaf), SubscribeOptions(qos=1)) for leaf in ("ack", "cmd/alarm")]
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, leaf: str, message: Wire, retain: bool = False) -> None:
        self._client.publish(topic(self._device, leaf), message.encode(), qos=1, retain=retain)

    def send_until_acked(self, report: AlarmReport) -> None:
        """As the outbox does: again and again until the platform has it."""

        def ask() -> bool:
            self.send("e/alarm", report)
            try:
                return self.acks.get(timeout=1.0) == report.id
            except queue.Empty:
                return False

        until(ask)

    def end(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/ack"):
            for id_ in Ack.model_validate_json(message.payload).ids:
                self.acks.put(id_)
        else:
            self.commands.put(AlarmCommand.model_validate_json(message.payload))


def report(number: int, phase: str = "raised", revision: int = 1, alarm: int | None = None) -> AlarmReport:
    body = AlarmBody.model_validate(
        {
            "alarm_id": f"alarm-{alarm if alarm is not None else number:04}",
            "type": "fall",
            "phase": phase,
            "revision": revision,
            "severity": "high",
            "confidence": 0.9,
            "onset_ts": time.time(),
        }
    )
    return AlarmReport(id=f"message-{number:04}", dev=DEVICE, seq=number, ts=time.time(), body=body)


@pytest.fixture
def platform(tmp_path: Path, broker: Broker, store_url: str) -> Iterator[Processes]:
    processes = Processes(tmp_path / "fleet", broker.port, store_url)
    yield processes
    processes.end()


@pytest.fixture
def robot(broker: Broker) -> Iterator[Robot]:
    robot = Robot(broker.port)
    yield robot
    robot.end()


def test_an_acknowledged_message_is_in_the_database_and_ingest_may_die_at_any_time(
    platform: Processes, robot: Robot
) -> None:
    process = platform.ingest()
    for number in range(1, 31):
        if number in (5, 12, 20):
            robot.send("e/alarm", report(number))  # in flight while the process dies
            process.kill()
            process.wait()
            process = platform.ingest()
        robot.send_until_acked(report(number))
        assert platform.rows(f"SELECT count(*) FROM messages WHERE message_id = 'message-{number:04}'") == [(1,)]
    assert platform.rows("SELECT count(*), count(DISTINCT alarm_id) FROM alarms") == [(30, 30)]
    assert platform.rows("SELECT count(*) FROM alarm_log WHERE what = 'reported'") == [(30,)]


def test_a_click_reaches_the_robot_and_is_repeated_until_it_confirms(platform: Processes, robot: Robot) -> None:
    platform.ingest()
    platform.dashboard()
    robot.send_until_acked(report(1))
    received = robot.commands.get(timeout=PATIENCE_S)
    assert (received.status, received.alarm_id) == ("received", "alarm-0001")
    robot.send("cmd/ack", CommandAck(id=received.id, dev=DEVICE))
    until(lambda: platform.health().get("database"))
    assert platform.post("/alarms/alarm-0001/acknowledge") == 200

    def next_acknowledged() -> AlarmCommand | None:
        command = robot.commands.get(timeout=PATIENCE_S)
        return command if command.status == "acknowledged" else None

    first, second = until(next_acknowledged), until(next_acknowledged)
    assert first == second
    assert first.by == "王芳"
    robot.send("cmd/ack", CommandAck(id=first.id, dev=DEVICE))
    until(lambda: platform.rows("SELECT 1 FROM commands WHERE confirmed_at_s IS NULL") == [])
    page = until(lambda: next((text for text in [platform.get("/")] if "机器人已收到" in text), None))
    assert 'data-phase="acknowledged"' in page


def test_both_processes_start_in_any_order_and_live_through_a_broker_restart(
    platform: Processes, broker: Broker, robot: Robot
) -> None:
    platform.dashboard()
    platform.ingest()  # both bring the same empty database up to date
    well = {"well": False, "database": True, "worker": True, "broker": True, "desk": False}
    until(lambda: platform.health() == well)
    broker.kill()
    until(lambda: platform.health() == {**well, "broker": False})
    until(lambda: "与消息服务器的连接已断" in platform.get("/"))
    broker.start()
    until(lambda: platform.health() == well)
    robot.send_until_acked(report(1))
    until(lambda: 'id="alarm-alarm-0001"' in platform.get("/"))


def test_the_live_feed_shows_an_alarm_and_does_not_hold_up_the_end(platform: Processes, robot: Robot) -> None:
    ingest, dashboard = platform.ingest(), platform.dashboard()
    until(lambda: platform.health().get("broker"))
    with platform.client.stream("GET", "/events?after=0", timeout=PATIENCE_S) as feed:
        robot.send("state", StateReport(dev=DEVICE, online=True, ts=time.time()), retain=True)
        robot.send_until_acked(report(1))
        coming, lines = feed.iter_lines(), [""]
        give_up_at_s = time.monotonic() + PATIENCE_S
        while 'id="alarm-alarm-0001"' not in lines[-1]:
            assert time.monotonic() < give_up_at_s, "the feed does not show the alarm"
            lines.append(next(coming))
        assert any(line.startswith("id: ") for line in lines)
        for process in (dashboard, ingest):
            process.send_signal(signal.SIGTERM)
        for process in (dashboard, ingest):
            assert process.wait(PATIENCE_S) == 0
        assert "Traceback" not in platform.log.read_text(encoding="utf-8")


def test_what_cannot_be_used_ends_with_one_line(platform: Processes, broker: Broker, tmp_path: Path) -> None:
    def fails(name: str, *arguments: str) -> str:
        command = [sys.executable, "-m", f"robot.fleet.{name}", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        return done.stderr

    data = str(tmp_path / "other")
    assert "--port" in fails("dashboard", "--data", data, "--port", str(broker.port))
    (tmp_path / "contacts.yaml").write_text("colour: red")
    taken = fails("dashboard", "--data", data, "--port", "0", "--contacts", str(tmp_path / "contacts.yaml"))
    assert "colour" in taken
    (tmp_path / "file").touch()
    assert "--data" in fails("ingest", "--data", str(tmp_path / "file"))
    os.makedirs(tmp_path / "broken")
    (tmp_path / "broken" / "platform.db").write_text("this is no database, and long enough to be read as one" * 50)
    assert "not a database" in fails("ingest", "--data", str(tmp_path / "broken"))
