"""The button link against a real broker: no press is lost while it restarts, and a refused topic is a fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from robot.buttons.devices import Device, DeviceKind, Devices
from robot.buttons.link import ButtonLink
from robot.buttons.watch import DeviceWatch
from robot.messages import Call
from robot.mqtt_link import BrokerSettings, Message

from .conftest import until
from .test_mattress_link import Broker

pytestmark = pytest.mark.fleet

HOME = Devices(devices=(Device(name="pendant", topic="pendant", kind=DeviceKind.PENDANT),))
PRESS = b'{"action": "emergency"}'
TOPIC = "zigbee2mqtt/pendant"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.kill()


def link_of(broker: Broker, heard: list[Message], client_id: str = "hani-buttons-1") -> ButtonLink:
    return ButtonLink(BrokerSettings("mattress", port=broker.port, reconnect_most_s=1), HOME, heard.append, client_id)


def calls_of(heard: list[Message]) -> list[Call]:
    watch = DeviceWatch(HOME)
    effects = [e for one in heard for e in watch.on_message(one.topic, one.payload, one.retained, one.at_s)]
    return [effect for effect in effects if isinstance(effect, Call)]


@pytest.mark.parametrize("retain", [False, True])
def test_a_press_while_the_bridge_restarts_calls_when_it_is_back(broker, retain):
    """Also of a device whose messages the broker keeps: queued is live."""
    before: list[Message] = []
    with link_of(broker, before) as link:
        until(lambda: link.connected)
    broker.publish(TOPIC, PRESS, retain=retain)
    heard: list[Message] = []
    with link_of(broker, heard) as link:
        until(lambda: link.connected and bool(heard))
        broker.publish(TOPIC, b'{"battery": 80}')
        until(lambda: len(heard) >= 2)
    assert (calls_of(before), len(calls_of(heard))) == ([], 1)
    assert [one.retained for one in heard] == [False, False]


def test_what_the_broker_had_kept_is_no_press_though_availability_is_wanted(broker):
    broker.publish(TOPIC, PRESS, retain=True)
    broker.publish(f"{TOPIC}/availability", b"online", retain=True)
    for _ in range(2):  # a new session, and one that is taken up again
        heard: list[Message] = []
        with link_of(broker, heard) as link:
            until(lambda: link.connected)
            broker.publish(TOPIC, b'{"battery": 80}')
            until(lambda heard=heard: any(b"battery" in one.payload for one in heard))
        assert calls_of(heard) == []
        assert (f"{TOPIC}/availability", True) in [(one.topic, one.retained) for one in heard]


def test_another_robot_does_not_take_the_press_of_this_one(broker):
    mine: list[Message] = []
    others: list[Message] = []
    with link_of(broker, mine) as one, link_of(broker, others, "hani-buttons-2") as two:
        until(lambda: one.connected and two.connected)
        broker.publish(TOPIC, PRESS)
        until(lambda: bool(mine and others))
    assert len(calls_of(mine)) == len(calls_of(others)) == 1


def test_a_topic_that_the_broker_refuses_is_a_fault_and_no_connection(tmp_path, caplog):
    """mosquitto's own ACL file grants every subscription; its dynamic security answers a forbidden one with a no."""
    plugins = sorted(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
    assert plugins, "mosquitto's dynamic security plugin is missing: it comes with the Debian package mosquitto"
    rules = tmp_path / "rules.json"
    allowed = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    rules.write_text(json.dumps({"defaultACLAccess": allowed, "clients": [], "groups": [], "roles": []}))
    broker = Broker(tmp_path, f"allow_anonymous true\nplugin {plugins[0]}\nplugin_opt_config_file {rules}\n")
    try:
        with link_of(broker, []) as link:
            until(lambda: bool(link.fault))
            assert not link.connected
            assert link.fault.startswith("the broker refuses the topic 'zigbee2mqtt/")
            assert "access rules" in link.fault
    finally:
        broker.kill()
    assert "broker refused the mattress link a topic" in caplog.text
