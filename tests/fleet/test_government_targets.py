"""The bridge as a process, killed at any moment, that writes files or speaks to a broker instead."""

from __future__ import annotations

import csv
import json
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from robot.fleet.government.tables import DEAD, WAITING
from tests.fleet.conftest import Broker
from tests.fleet.government_rig import PHASES, Rig

pytestmark = pytest.mark.fleet


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_files_hold_each_letter_once_however_often_the_bridge_is_killed(rig: Rig, form: str) -> None:
    out = rig.folder / "out"
    rig.configure({"kind": "file", "folder": "out", "format": form, "rows_per_file": 20})
    alarms = [f"alarm-{number:04}" for number in range(20)]
    rig.begin()
    for number, alarm_id in enumerate(alarms):
        rig.change(alarm_id, *PHASES)
        if number % 5 == 4:
            files = number // 10
            rig.until(lambda: len(list(out.glob("*"))) > files)  # noqa: B023 (asked at once)
            rig.kill()
            rig.start()
    rig.until(lambda: rig.settled(3 * len(alarms)))
    rows: list[tuple[str, str]] = []
    for path in sorted(out.glob(f"*.{form}")):
        text = path.read_text()
        if form == "jsonl":
            rows += [(row["warnNo"], row["event"]) for row in map(json.loads, text.splitlines())]
        else:
            rows += [(row["warnNo"], row["event"]) for row in csv.DictReader(text.splitlines())]
    assert len(rows) == 3 * len(alarms)
    for alarm_id in alarms:
        assert [event for found, event in rows if found == alarm_id] == list(PHASES)


class MqttRegion:
    """A stand-in behind the broker: answers each letter once it has it, forgets some answers, says so of repeats."""

    def __init__(self, port: int) -> None:
        self.committed: list[dict[str, Any]] = []
        self.duplicates = self.received = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("civil/#", qos=1)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _take(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == "civil/reply":
            return
        letter = json.loads(message.payload)
        self.received += 1
        code: int | str = 0
        if letter["msgId"] in [known["msgId"] for known in self.committed]:
            self.duplicates, code = self.duplicates + 1, "A0409"
        else:
            self.committed.append(letter)
        if self.received % 4 != 1:
            client.publish("civil/reply", json.dumps({"key": letter["msgId"], "code": code}), qos=1)

    def end(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_mqtt_with_an_answer_survives_the_broker_and_lost_answers(sqlite_rig: Rig, stopped_broker: Broker) -> None:
    rig, broker = sqlite_rig, stopped_broker
    target = {"kind": "mqtt", "host": "127.0.0.1", "port": broker.port, "topic": "civil", "tls": None}
    answers = {"code_path": "code", "duplicate_codes": ["A0409"]}
    rig.configure({**target, "reply_topic": "civil/reply", "timeout_s": 1.0, "answers": answers})
    rig.change("alarm-0001", "raised")
    rig.start()
    rig.until(lambda: rig.count(WAITING) == 1)
    broker.start()
    region = MqttRegion(broker.port)
    try:
        rig.until(lambda: rig.settled(1))
        rig.change("alarm-0002", *PHASES)
        rig.until(lambda: region.received >= 2)
        broker.kill()
        rig.change("alarm-0001", "acknowledged", "closed")
        broker.start()
        rig.until(lambda: rig.settled(6))
    finally:
        region.end()
    for alarm_id in ("alarm-0001", "alarm-0002"):
        assert [letter["event"] for letter in region.committed if letter["warnNo"] == alarm_id] == list(PHASES)
    assert region.duplicates >= 1
    assert rig.count(DEAD) == 0
