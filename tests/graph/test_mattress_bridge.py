"""Mattress and buttons through a real broker to the alarm manager: garbage, silence and a dead broker lose nothing."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from hani_msgs.msg import Alarm, BedState, Call, FallEvent, Heartbeat, Say
from paho.mqtt.enums import CallbackAPIVersion

from robot import messages
from robot.mattress.codecs import BedReading, encode
from robot.nodes import convert, topics
from tests.fleet.conftest import Broker
from tests.graph.harness import LOADED_S, NodeProcess, Probe, until

pytestmark = pytest.mark.graph

GARBAGE = (b"", b"\xff\xfe", b"[]", b'{"data": 3}', b'{"data": {"inBed": 7}}', b'{"action": 3}', b"[" * 5000)
PRESS = b'{"action": "emergency", "battery": 12}'
DEVICES = "devices: [{name: pendant, topic: pendant, kind: pendant}, {name: cord, topic: cord, kind: cord}]"


def publish(broker: Broker, topic: str, *payloads: bytes, retain: bool = False) -> None:
    with contextlib.suppress(OSError):  # a broker that is down takes nothing
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        for payload in payloads:
            client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(LOADED_S)
        client.disconnect()
        client.loop_stop()


class House:
    """Broker, bridge and alarm manager, with what they say."""

    def __init__(self, probe: Probe, home: Path, broker: Broker, payload_format: str) -> None:
        self.broker = broker
        self.payload_format = payload_format
        devices = home / "devices.yaml"
        devices.write_text(DEVICES)
        self.bridge = NodeProcess(
            "mattress_bridge",
            home,
            broker_port=broker.port,
            payload_format=payload_format,
            devices_file=devices,
            stale_after_s=4.0,
        )
        self.manager = NodeProcess("alarm_manager", home)
        self.beds = probe.collect(BedState, topics.BED, topics.LATCHED)
        self.calls = probe.collect(Call, topics.CALL, topics.KEPT)
        self.alarms = probe.collect(Alarm, topics.ALARM, topics.KEPT)
        self.said = probe.collect(Say, topics.SAY, topics.EVENTS)
        self.beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)

    def publish(self, topic: str, *payloads: bytes) -> None:
        publish(self.broker, topic, *payloads)

    def lies_down(self) -> bool | None:
        reading = BedReading(True, 60.0, 14.0, True, time.time())
        self.publish("mattress/bed-1/data", encode(self.payload_format, reading))
        time.sleep(0.3)
        return self.presence == "in_bed" or None

    @property
    def presence(self) -> str:
        return self.beds[-1].presence if self.beds else ""

    @property
    def detail(self) -> str:
        return next((beat.detail for beat in reversed(self.beats) if beat.node == "mattress_bridge"), "")

    def close(self) -> None:
        for node in (self.bridge, self.manager):
            node.kill()


@pytest.fixture
def house(probe: Probe, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    broker = Broker(tmp_path / "broker")
    with contextlib.ExitStack() as ending:
        ending.callback(broker.kill)
        broker.start()
        # what was pressed long ago and kept by the broker is no press
        publish(broker, "zigbee2mqtt/pendant", PRESS, retain=True)
        house = House(probe, tmp_path, broker, getattr(request, "param", "sleepace"))
        ending.callback(house.close)
        for name in ("alarm_manager", "mattress_bridge"):
            probe.bring_up(name)
        yield house


def test_whatever_the_mattress_does_a_press_alarms_and_the_faults_are_shown(house: House) -> None:
    until(house.lies_down, "the mattress to be believed")
    assert (house.calls, house.alarms) == ([], [])
    assert math.isnan(house.beds[-1].latency_s), "nothing is published about it"

    # garbage on every topic
    for topic in ("mattress/bed-1/data", "zigbee2mqtt/pendant", "zigbee2mqtt/cord", "zigbee2mqtt/bridge/state"):
        house.publish(topic, *GARBAGE)
    until(lambda: house.presence == "unknown" or None, "presence to go stale under garbage")
    until(lambda: "the mattress is silent" in house.detail or None, "the fault to be shown")
    assert house.calls == []
    until(house.lies_down, "the mattress to be believed again")

    # the broker dies, and comes back
    house.broker.kill()
    until(lambda: "the broker of the devices is away" in house.detail or None, "the dead broker to be shown")
    until(lambda: house.presence == "unknown" or None, "presence to go stale")
    house.broker.start()
    until(lambda: "away" not in house.detail or None, "the links to come back", 45.0)

    # the press, without a word: raised at once, and then asked about
    house.publish("zigbee2mqtt/pendant", PRESS)
    until(lambda: "raised" in [alarm.phase for alarm in house.alarms] or None, "the press to alarm")
    (call,) = until(lambda: house.calls or None, "the press itself")
    assert (call.kind, call.certain) == ("button", True)
    assert {alarm.type for alarm in house.alarms} == {"sos"}
    assert house.alarms[-1].reasons == ["button_pressed"]
    until(lambda: "check_in_1" in [say.purpose for say in house.said] or None, "the resident to be asked", 25.0)
    assert house.said[0].purpose == "alarm_raised"
    until(lambda: "pendant has a low battery" in house.detail or None, "the weak battery to be shown")

    assert house.bridge.process.poll() is None
    assert house.manager.process.poll() is None


@pytest.mark.parametrize("house", ["milesight"], indirect=True)
def test_a_radar_s_own_word_about_its_lateness_keeps_it_from_explaining_a_fall(house: House, probe: Probe) -> None:
    """Nothing is set: an installer who does not know of it must not make the bed vouch for somebody on the floor."""
    until(house.lies_down, "the radar to be believed")
    assert house.beds[-1].latency_s == 304.0
    now_s = time.time()
    event = messages.FallEvent("f1", messages.FallReason.LONG_ON_FLOOR, 0.9, 1, now_s + 1.0, now_s + 1.0)
    probe.publisher(FallEvent, topics.FALL, topics.KEPT).publish(convert.fall_to_ros(event))
    until(lambda: house.alarms or None, "the fall to be followed")
