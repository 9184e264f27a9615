"""A FAKE platform for tests: commits what robots send to SQLite, and acknowledges after the commit. Nothing else.

    python fake_platform.py PORT DATABASE [--die-before-commit N]

`--die-before-commit N` kills itself (SIGKILL) with the Nth message received and not yet committed.
"""

from __future__ import annotations

import argparse
import os
import queue
import signal
import sqlite3
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from robot.reporting.contract import ROOT, Ack, Envelope, decode, device_of, topic
from robot.supervisor.lifeline import die_with_parent


def main() -> None:
    die_with_parent(os.getppid())
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("database", type=Path)
    parser.add_argument("--die-before-commit", type=int, default=0)
    chosen = parser.parse_args()

    database = sqlite3.connect(chosen.database, isolation_level=None)
    database.execute("pragma journal_mode=wal")
    database.execute("create table if not exists messages(id text primary key, seq integer, times integer default 1)")
    came: queue.SimpleQueue[mqtt.MQTTMessage] = queue.SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "fake-platform", protocol=mqtt.MQTTv5, manual_ack=True)
    client.on_message = lambda _client, _data, message: came.put(message)
    client.on_connect = lambda client, *_: client.subscribe([(f"{ROOT}/+/e/+", 1), (f"{ROOT}/+/t/+", 1)])
    client.reconnect_delay_set(1, 1)
    session = Properties(PacketTypes.CONNECT)
    session.SessionExpiryInterval = 3600
    client.connect_async("127.0.0.1", chosen.port, clean_start=False, properties=session)
    client.loop_start()
    number = 0
    while True:
        message = came.get()
        number += 1
        device, leaf = device_of(message.topic)
        report = decode(leaf, message.payload)
        assert isinstance(report, Envelope)
        if number == chosen.die_before_commit:
            os.kill(os.getpid(), signal.SIGKILL)
        database.execute(
            "insert into messages(id, seq) values (?, ?) on conflict(id) do update set times = times + 1",
            (report.id, report.seq),
        )
        client.ack(message.mid, message.qos)
        client.publish(topic(device, "ack"), Ack(ids=(report.id,)).encode(), qos=1)


if __name__ == "__main__":
    main()
