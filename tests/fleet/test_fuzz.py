"""A hundred thousand payloads that no robot sends, through a real broker into a real ingest: all are counted."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from robot.fleet.database import Database, open_database
from robot.fleet.quarantine import REFUSALS_KEPT
from robot.fleet.tables import Alarm, Refusal, Worker
from robot.reporting.contract import AlarmBody, AlarmReport, topic
from tests.fleet.conftest import PATIENCE_S, ROOT, Broker, until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(840)]

PAYLOADS = 100_000
ROBOTS = 2_000  # 50 each: below what ingest takes from one robot at once
IN_FLIGHT = 2_000
LEAVES = ("e/alarm", "e/event", "t/bed", "state")


def good(device: str) -> AlarmReport:
    body = AlarmBody(
        alarm_id=f"alarm-of-{device}",
        type="fall",
        phase="raised",
        revision=1,
        severity="high",
        confidence=0.5,
        onset_ts=1.0,
    )
    return AlarmReport(id=f"message-of-{device}", dev=device, seq=1, ts=time.time(), body=body)


def bad(draw: random.Random, device: str) -> bytes:
    """Binary, cut short, deep, NaN, huge, another robot's, other types: never a message of this robot."""
    whole = good(device).encode()
    fields = json.loads(whole)
    kind = draw.randrange(8)
    if kind == 0:
        return draw.randbytes(draw.randrange(400))
    if kind == 1:
        return whole[: draw.randrange(len(whole))]
    if kind == 2:
        return b'{"v":1,"body":' + b"[" * draw.randrange(10, 3000)
    if kind == 3:
        return json.dumps({**fields, "ts": float(draw.choice(("nan", "inf", "-inf")))}).encode()
    if kind == 4:
        return json.dumps({**fields, "seq": 10 ** draw.randrange(19, 300)}).encode()
    if kind == 5:
        return json.dumps({**fields, "dev": f"another-{draw.randrange(ROBOTS)}"}).encode()
    if kind == 6:
        return json.dumps(
            {**fields, draw.choice(("id", "v", "body", "kind")): draw.choice((None, [], 0.5, {}))}
        ).encode()
    return json.dumps({**fields, "filler": "x" * draw.randrange(17_000, 20_000)}).encode()


@pytest.fixture
def store(tmp_path: Path, broker: Broker) -> Iterator[Database]:
    """A platform's database with one ingest at work, which must still be at work in the end."""
    data = tmp_path / "fleet"
    database = open_database(data)
    command = [sys.executable, "-m", "robot.fleet.ingest", "--data", str(data), "--broker-port", str(broker.port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        until(lambda: _count(database, select(func.count()).select_from(Worker).where(Worker.linked)) == 1)
        yield database
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        database.close()


def test_whatever_comes_is_counted_and_the_next_alarm_gets_through(store: Database, broker: Broker) -> None:
    draw = random.Random(20261122)
    refused = partial(_count, store, select(func.sum(Refusal.count)))
    places = threading.Semaphore(IN_FLIGHT)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(IN_FLIGHT)
    client.on_publish = lambda *_: places.release()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        for number in range(PAYLOADS):
            device = f"hani-{number % ROBOTS:04}"
            assert places.acquire(timeout=PATIENCE_S)
            client.publish(topic(device, draw.choice(LEAVES)), bad(draw, device), qos=1)
        client.publish(topic("hani-9999", "e/alarm"), good("hani-9999").encode(), qos=1)
        until(lambda: refused() >= PAYLOADS, grows=refused)
        until(lambda: _count(store, select(func.count()).select_from(Alarm)) == 1)
    finally:
        client.disconnect()
        client.loop_stop()
    assert refused() == PAYLOADS
    assert _count(store, select(func.count()).select_from(Refusal)) <= REFUSALS_KEPT + 1


def _count(store: Database, question: object) -> int:
    with store.read() as session:
        return int(session.scalar(question) or 0)  # type: ignore[call-overload]  # any select of one number
