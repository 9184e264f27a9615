"""The uplink against a real broker: nothing is lost and nothing counts as delivered before the platform's commit."""

from __future__ import annotations

import queue
import sqlite3
import subprocess
import sys
import threading
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
    RequestTest,
    StateReport,
    Wire,
    decode,
    device_of,
    topic,
)
from robot.reporting.drill import Drill
from robot.reporting.outbox import Outbox
from robot.reporting.pacing import Pacing
from robot.reporting.uplink import Uplink, UplinkSettings
from tests.fleet.conftest import PATIENCE_S, ROOT, Broker, until

pytestmark = pytest.mark.fleet

DEVICE = "hani-0001"


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
        self.drill = Drill(self.outbox, DEVICE, 0.0)
        self._subscribed = threading.Event()
        self.uplink = Uplink(settings, self.outbox, self.receipts.append, self.drill.begin)
        assert self.uplink._client is not None
        self.uplink._client.on_subscribe = lambda *_: self._subscribed.set()
        self.uplink.start(time.time())

    @property
    def listens(self) -> bool:
        """Connected, and what the platform says now reaches it: what it said a moment earlier, the platform repeats."""
        return self.uplink.connected and self._subscribed.is_set()

    def until(self, condition: Callable[[], bool]) -> None:
        def pumped() -> bool:
            self.uplink.pump(time.time())
            return condition()

        until(pumped, grows=self.outbox.depth)

    def pump_for(self, times: int) -> None:
        for _ in range(times):
            self.uplink.pump(time.time())
            time.sleep(0.01)

    def kinds(self) -> list[ReceiptKind]:
        return [receipt.kind for receipt in self.receipts]

    def crash(self) -> None:
        """Go without a word, as a killed process does: no farewell, no close."""
        # nothing of the public API disappears without saying goodbye
        assert self.uplink._client is not None
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
        def look() -> Wire | None:
            if robot is not None:
                robot.uplink.pump(time.time())
            while not self._came.empty():
                message = self._came.get()[1]
                if isinstance(message, kind):
                    return message
            return None

        return until(look)

    def count(self, kind: type[Wire]) -> int:
        """How many of these have come and were not taken yet."""
        return sum(isinstance(self._came.get()[1], kind) for _ in range(self._came.qsize()))

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
    robot.until(lambda: robot.listens)
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
    robot.until(lambda: robot.listens)
    robot.uplink.stop(time.time())
    closed = AlarmCommand(id="command-1", alarm_id="alarm-0001", status="closed", ts=1.0, reason="visited", revision=4)
    console.command(closed)
    again = Robot(broker.port, tmp_path / "robot.db")
    again.until(lambda: again.kinds() == [ReceiptKind.CLOSED])
    assert again.receipts[0].revision == 4
    again.uplink.stop(time.time())


def test_garbage_from_the_platform_is_survived(broker: Broker, robot: Robot, console: Console) -> None:
    robot.until(lambda: robot.listens)
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

    assert robot.uplink._client is not None
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
    robot.until(lambda: robot.listens)
    reports = [console.next(StateReport, robot) for _ in range(2)]
    assert [isinstance(report, StateReport) and report.online for report in reports] == [False, True]


def test_stopping_without_ever_having_met_the_broker_is_quiet(stopped_broker: Broker, robot: Robot) -> None:
    robot.pump_for(5)
    robot.uplink.stop(time.time())
    robot.uplink.stop(time.time())


def test_what_the_bed_said_offline_arrives_later(stopped_broker: Broker, robot: Robot, platform: Platform) -> None:
    ids = {robot.outbox.append(BedBody(in_bed=bool(minute % 2)), time.time()) for minute in range(100)}
    stopped_broker.start()
    platform.start()
    robot.until(lambda: robot.outbox.depth() == 0)
    assert platform.committed() == ids


def test_telemetry_and_events_expire_in_the_broker_and_alarms_never(
    broker: Broker, robot: Robot, console: Console
) -> None:
    came: dict[str, int | None] = {}
    console.client.on_message = lambda _client, _data, message: came.update(
        {device_of(message.topic)[1]: getattr(message.properties, "MessageExpiryInterval", None)}
    )
    console.client.subscribe([(topic(DEVICE, "e/+"), 1)])
    for body in (BedBody(in_bed=True), EventBody(name="started"), alarm()):
        robot.outbox.append(body, time.time())
    robot.until(lambda: {"t/bed", "e/event", "e/alarm"} <= set(came))
    assert came["e/alarm"] is None
    assert came["t/bed"] is not None
    assert came["e/event"] is not None
    assert 0 < came["t/bed"] < came["e/event"]


def test_the_platform_may_ask_for_a_test_alarm_and_sees_when_it_came_back(
    broker: Broker, robot: Robot, console: Console
) -> None:
    robot.until(lambda: robot.listens)
    ask = RequestTest(id="command-7", ts=1.0)
    for _ in range(2):
        console.client.publish(topic(DEVICE, "cmd/test"), ask.encode(), qos=1)
        assert console.next(CommandAck, robot) == CommandAck(id="command-7", dev=DEVICE)
    [row] = robot.outbox.pending(10)
    assert (row.test, row.raised_alarm_id) == (True, "command-7")
    console.command(AlarmCommand(id="command-8", alarm_id="command-7", status="closed", ts=1.0))
    console.next(CommandAck, robot)
    robot.drill.tick(time.time())
    robot.uplink.set_test_ok(robot.drill.ok_at_s())
    robot.uplink.set_health({"alarm_manager": 0})
    while (state := console.next(StateReport, robot)).test_ok_ts is None:  # type: ignore[attr-defined]  # a StateReport
        continue
    assert isinstance(state, StateReport)
    assert state.test_ok_ts == robot.receipts[-1].at_s


def test_an_answer_that_the_disk_refuses_is_not_confirmed_and_counts_when_it_is_repeated(
    broker: Broker, robot: Robot, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[Receipt] = []

    def full(receipt: Receipt) -> bool:
        refused.append(receipt)
        raise sqlite3.OperationalError("database or disk is full")

    robot.until(lambda: robot.listens)
    command = AlarmCommand(id="command-1", alarm_id="alarm-0001", status="acknowledged", ts=1.0)
    with monkeypatch.context() as patch:
        patch.setattr(robot.outbox, "record_receipt", full)
        console.command(command)
        robot.until(lambda: bool(refused))
    console.command(command)
    assert console.next(CommandAck, robot) == CommandAck(id="command-1", dev=DEVICE)
    assert robot.kinds() == [ReceiptKind.ACKNOWLEDGED]
    robot.pump_for(20)
    assert console.count(CommandAck) == 0, "one confirmation, for the answer that was written"
