"""The uplink against a real broker: nothing is lost and nothing counts as delivered before the platform's commit."""

from __future__ import annotations

import queue
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from robot.messages import Receipt, ReceiptKind
from robot.reporting.contract import (
    AlarmBody,
    AlarmCommand,
    BedBody,
    CommandAck,
    EventBody,
    StateReport,
    TelemetryReport,
    Wire,
    decode,
    device_of,
    topic,
)
from robot.reporting.outbox import Outbox
from robot.reporting.uplink import Pacing, Uplink, UplinkSettings
from tests.fleet.conftest import ROOT, Broker

pytestmark = pytest.mark.fleet

DEVICE = "hani-0001"
PATIENCE_S = 60.0


def alarm(phase: str = "raised") -> AlarmBody:
    return AlarmBody(
        alarm_id="alarm-0001",
        type="fall",
        phase=phase,  # type: ignore[arg-type]  # a test's short cut
        revision=1,
        severity="high",
        confidence=0.9,
        onset_ts=1_790_000_000.0,
    )


class Robot:
    """The reporter's loop without its node."""

    def __init__(self, port: int, database: Path) -> None:
        self.outbox = Outbox(database)
        self.receipts: list[Receipt] = []
        settings = UplinkSettings(
            DEVICE, port=port, software="0.1.0", pacing=Pacing(first_retry_s=1.0, max_retry_s=2.0)
        )
        self.uplink = Uplink(settings, self.outbox, self.receipts.append)
        self.uplink.start(time.time())

    def until(self, condition: Callable[[], bool]) -> None:
        give_up_at_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < give_up_at_s, "waited in vain"
            self.uplink.pump(time.time())
            time.sleep(0.01)

    def pump_for(self, times: int) -> None:
        for _ in range(times):
            self.uplink.pump(time.time())
            time.sleep(0.01)

    def kinds(self) -> list[ReceiptKind]:
        return [receipt.kind for receipt in self.receipts]

    def crash(self) -> None:
        """Go without a word, as a killed process does: no farewell, no close."""
        # nothing of the public API disappears without saying goodbye
        self.uplink._client.loop_stop()
        self.uplink._client._sock_close()
        self.outbox.close()


class Platform:
    """Runs the fake platform as a process."""

    def __init__(self, port: int, database: Path) -> None:
        self._port, self._database = port, database
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, die_before_commit: int = 0) -> None:
        script = [sys.executable, "-m", "tests.fleet.fake_platform", str(self._port), str(self._database)]
        self.process = subprocess.Popen([*script, "--die-before-commit", str(die_before_commit)], cwd=ROOT)

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def committed(self) -> set[str]:
        if not self._database.exists():
            return set()
        with sqlite3.connect(self._database) as database:
            if not database.execute("select 1 from sqlite_master where name = 'messages'").fetchone():
                return set()
            return {id_ for (id_,) in database.execute("select id from messages")}


class Console:
    """Sees what a robot publishes and sends commands, through a client of its own."""

    def __init__(self, port: int) -> None:
        self._came: queue.SimpleQueue[tuple[str, Wire]] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = lambda _client, _data, message: self._came.put(
            (device_of(message.topic)[1], decode(device_of(message.topic)[1], message.payload))
        )
        self.client.on_connect = lambda client, *_: client.subscribe(
            [(topic(DEVICE, leaf), 1) for leaf in ("state", "cmd/ack", "t/bed")]
        )
        self.client.on_subscribe = lambda *_: self._ready.put(True)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self._ready.get(timeout=PATIENCE_S)

    def next(self, kind: type[Wire], robot: Robot | None = None) -> Wire:
        found: list[Wire] = []

        def look() -> bool:
            while not self._came.empty():
                message = self._came.get()[1]
                if isinstance(message, kind):
                    found.append(message)
                    return True
            return False

        give_up_at_s = time.monotonic() + PATIENCE_S
        while not look():
            assert time.monotonic() < give_up_at_s, "waited in vain"
            if robot is not None:
                robot.uplink.pump(time.time())
            time.sleep(0.01)
        return found[0]

    def command(self, message: Wire) -> None:
        self.client.publish(topic(DEVICE, "cmd/alarm"), message.encode(), qos=1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def platform(stopped_broker: Broker, tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(stopped_broker.port, tmp_path / "platform.db")
    yield platform
    platform.kill()


@pytest.fixture
def robot(stopped_broker: Broker, tmp_path: Path) -> Iterator[Robot]:
    robot = Robot(stopped_broker.port, tmp_path / "robot.db")
    yield robot
    robot.uplink.stop(time.time())


@pytest.fixture
def console(broker: Broker) -> Iterator[Console]:
    console = Console(broker.port)
    yield console
    console.close()


def acked(robot: Robot, ids: list[str]) -> set[str]:
    return set(ids) - {row.id for row in robot.outbox.rows(ids)}


def test_a_raised_alarm_is_sent_then_received_and_leaves_the_outbox(
    broker: Broker, robot: Robot, platform: Platform
) -> None:
    platform.start()
    message_id = robot.outbox.append(alarm(), time.time())
    robot.until(lambda: robot.outbox.depth() == 0)
    assert robot.kinds() == [ReceiptKind.SENT, ReceiptKind.RECEIVED]
    assert robot.outbox.undelivered_receipts() == robot.receipts
    assert platform.committed() == {message_id}


def test_the_brokers_word_alone_empties_nothing(broker: Broker, robot: Robot) -> None:
    robot.outbox.append(alarm(), time.time())
    robot.until(lambda: ReceiptKind.SENT in robot.kinds())
    robot.pump_for(20)
    assert robot.outbox.depth() == 1
    assert robot.kinds() == [ReceiptKind.SENT]


def test_a_robot_that_starts_before_its_broker_delivers_when_it_comes(
    stopped_broker: Broker, robot: Robot, platform: Platform
) -> None:
    robot.outbox.append(alarm(), time.time())
    robot.pump_for(20)
    assert not robot.uplink.connected
    stopped_broker.start()
    platform.start()
    robot.until(lambda: robot.outbox.depth() == 0)


def test_nothing_is_lost_when_broker_and_platform_are_killed_mid_stream(
    broker: Broker, robot: Robot, platform: Platform
) -> None:
    platform.start(die_before_commit=60)
    ids = [robot.outbox.append(EventBody(name="stream"), time.time()) for _ in range(150)]
    robot.until(platform.died)
    assert acked(robot, ids) <= platform.committed()
    broker.kill()
    ids += [robot.outbox.append(alarm(), time.time()) for _ in range(10)]
    robot.until(lambda: not robot.uplink.connected)
    broker.start()
    platform.start(die_before_commit=40)
    robot.until(platform.died)
    assert acked(robot, ids) <= platform.committed()
    broker.kill()
    broker.start()
    platform.start()
    robot.until(lambda: robot.outbox.depth() == 0)
    assert platform.committed() == set(ids)


def test_a_robot_restarted_mid_way_sends_the_rest_again(broker: Broker, platform: Platform, tmp_path: Path) -> None:
    platform.start(die_before_commit=20)
    first = Robot(broker.port, tmp_path / "robot.db")
    ids = [first.outbox.append(EventBody(name="stream"), time.time()) for _ in range(50)]
    first.until(platform.died)
    first.crash()
    second = Robot(broker.port, tmp_path / "robot.db")
    platform.start()
    second.until(lambda: second.outbox.depth() == 0)
    second.uplink.stop(time.time())
    assert platform.committed() == set(ids)


def test_a_command_is_applied_once_and_acknowledged_each_time(
    broker: Broker, robot: Robot, console: Console, tmp_path: Path
) -> None:
    command = AlarmCommand(id="command-1", alarm_id="alarm-0001", status="acknowledged", ts=1.0, by="Сарнай")
    robot.until(lambda: robot.uplink.connected)
    for _ in range(2):
        console.command(command)
        assert console.next(CommandAck, robot) == CommandAck(id="command-1", dev=DEVICE)
    assert [(receipt.id, receipt.by) for receipt in robot.receipts] == [("command-1", "Сарнай")]
    assert robot.outbox.undelivered_receipts() == robot.receipts

    robot.uplink.stop(time.time())
    again = Robot(broker.port, tmp_path / "robot.db")
    console.command(command)
    console.next(CommandAck, again)
    again.uplink.stop(time.time())
    assert again.receipts == []


def test_a_command_waits_in_the_broker_for_an_absent_robot(
    broker: Broker, robot: Robot, console: Console, tmp_path: Path
) -> None:
    robot.until(lambda: robot.uplink.connected)
    robot.uplink.stop(time.time())
    console.command(AlarmCommand(id="command-1", alarm_id="alarm-0001", status="closed", ts=1.0, reason="visited"))
    again = Robot(broker.port, tmp_path / "robot.db")
    again.until(lambda: again.kinds() == [ReceiptKind.CLOSED])
    again.uplink.stop(time.time())


def test_garbage_from_the_platform_is_survived(broker: Broker, robot: Robot, console: Console) -> None:
    robot.until(lambda: robot.uplink.connected)
    for leaf in ("ack", "cmd/alarm"):
        console.client.publish(topic(DEVICE, leaf), b"\xff{", qos=1)
    console.command(AlarmCommand(id="command-1", alarm_id="alarm-0001", status="closed", ts=1.0))
    console.next(CommandAck, robot)
    assert robot.kinds() == [ReceiptKind.CLOSED]


def test_state_is_retained_and_the_last_will_says_offline(broker: Broker, robot: Robot, console: Console) -> None:
    online = console.next(StateReport, robot)
    assert isinstance(online, StateReport)
    assert (online.online, online.software) == (True, "0.1.0")
    robot.outbox.append(EventBody(name="waiting"), time.time())
    robot.uplink.set_health({"fall_detector": 1})
    changed = console.next(StateReport, robot)
    assert isinstance(changed, StateReport)
    assert (changed.outbox, changed.nodes) == (1, {"fall_detector": 1})

    late = Console(broker.port)
    assert late.next(StateReport) == changed
    late.close()

    robot.uplink._client._sock_close()  # a cable pulled out: the socket ends without a DISCONNECT
    will = console.next(StateReport)
    assert isinstance(will, StateReport)
    assert not will.online


def test_an_orderly_stop_says_offline(broker: Broker, robot: Robot, console: Console) -> None:
    console.next(StateReport, robot)
    robot.uplink.stop(time.time())
    farewell = console.next(StateReport)
    assert isinstance(farewell, StateReport)
    assert not farewell.online


def test_a_stopped_uplink_can_be_started_again(broker: Broker, robot: Robot, console: Console) -> None:
    console.next(StateReport, robot)
    robot.uplink.stop(time.time())
    assert not robot.uplink.connected
    robot.uplink.start(time.time())
    robot.until(lambda: robot.uplink.connected)
    reports = [console.next(StateReport, robot) for _ in range(2)]
    assert [isinstance(report, StateReport) and report.online for report in reports] == [False, True]


def test_stopping_without_ever_having_met_the_broker_is_quiet(stopped_broker: Broker, robot: Robot) -> None:
    robot.pump_for(5)
    robot.uplink.stop(time.time())
    robot.uplink.stop(time.time())


def test_live_telemetry_passes_the_outbox(broker: Broker, robot: Robot, console: Console) -> None:
    robot.uplink.send_bed(BedBody(in_bed=True), time.time())  # not yet connected: dropped on purpose
    robot.until(lambda: robot.uplink.connected)
    robot.uplink.send_bed(BedBody(in_bed=False, fresh=True), time.time())
    report = console.next(TelemetryReport, robot)
    assert isinstance(report, TelemetryReport)
    assert report.body == BedBody(in_bed=False, fresh=True)
    assert robot.outbox.depth() == 0
