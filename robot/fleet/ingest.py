"""The ingest worker: MQTT to database, acknowledged after the commit; commands to robots until they confirm.

    python -m robot.fleet.ingest --broker-port 1883 --data .hani/fleet

The link's thread (paho) only decodes and queues; one loop writes, acknowledges, sends commands and lets the desk tick.
"""

from __future__ import annotations

import argparse
import logging
import queue
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from robot.errors import BadConfiguration
from robot.fleet import desk, handling, intake, process
from robot.fleet.database import Database, open_database
from robot.fleet.resend import Resender
from robot.locks import exclusive
from robot.reporting.contract import ROOT, Ack, AlarmReport, topic

BATCH_WINDOW_S = 0.1  # facts: 100 ms batches carry 3,000 messages/s; an alarm flushes at once
BATCH_MESSAGES = 500
TURN_S = 0.2  # how often commands made by the dashboard are looked for
TICK_S = 1.0
BEAT_S = 4.0
RETRY_S = 1.0
KEEPALIVE_S = 20
COMMAND_EXPIRY_S = 30  # an unreachable robot's queue must not fill with repeats
ACK_IDS = 100
LARGEST_PACKET_BYTES = 256 * 1024
WORKER = "ingest"
SUBSCRIPTIONS = (("e/alarm", 1), ("e/event", 1), ("t/bed", 0), ("state", 1), ("cmd/ack", 1))

Received = tuple[intake.Arrival | intake.Refused, int, int, int]  # item, mid, QoS, link number

logger = logging.getLogger(__name__)


class Link:
    """The MQTT 5 link: a session that ends with the connection, acknowledged by hand after the commit."""

    def __init__(self, host: str, port: int, clock: Callable[[], float] = time.time) -> None:
        self.received: queue.Queue[Received] = queue.Queue()
        self.up = threading.Event()
        self.number = 0  # counts connections: a packet id means nothing on the next one
        self._clock = clock
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"hani-ingest-{uuid.uuid4().hex[:12]}",
            protocol=mqtt.MQTTv5,
            manual_ack=True,
        )
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_socket_open = _send_at_once
        self._client.reconnect_delay_set(min_delay=1, max_delay=4)
        wish = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho types only its client
        wish.SessionExpiryInterval = 0  # a dead worker's session would strand messages; robots repeat theirs
        wish.MaximumPacketSize = LARGEST_PACKET_BYTES
        self._client.connect_async(host, port, KEEPALIVE_S, clean_start=True, properties=wish)

    def start(self) -> None:
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def done(self, item: Received) -> None:
        """The message is in the database: the broker may forget it."""
        _, mid, qos, number = item
        if qos and number == self.number:
            self._client.ack(mid, qos)

    def publish(self, topic_name: str, payload: bytes, expiry_s: int | None = None) -> None:
        properties = None
        if expiry_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # the same
            properties.MessageExpiryInterval = expiry_s
        if self.up.is_set():  # what is not sent now is asked for again, by the robot or by the resender
            self._client.publish(topic_name, payload, qos=1, properties=properties)

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            logger.warning("broker refused the connection: %s", reason)
            return
        self.number += 1
        client.subscribe([(f"{ROOT}/+/{leaf}", SubscribeOptions(qos=qos)) for leaf, qos in SUBSCRIPTIONS])
        self.up.set()
        logger.info("broker connected")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.up.clear()
        logger.warning("broker disconnected: %s", reason)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        item = intake.read(message.topic, bytes(message.payload), self._clock(), message.retain)
        self.received.put((item, message.mid, message.qos, self.number))


def _send_at_once(_client: mqtt.Client, _data: Any, sock: Any) -> None:
    """Small packets must not wait for the peer's delayed TCP acknowledgement: 40 ms each time."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Ingest:
    """The worker's loop over a database and a link."""

    def __init__(
        self, database: Database, link: Link, ladder: desk.Ladder, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._link = link
        self._ladder = ladder
        self._clock = clock
        self._stop = threading.Event()
        self._resender = Resender()
        self._link_number = 0
        self._ticked_at_s = 0.0
        self._beat_at_s = 0.0
        self._beat_linked: bool | None = None

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Work until `stop`. A database that refuses for a while is waited for: nothing is acknowledged meanwhile."""
        while not self._stop.is_set():
            batch = self._gather()
            if batch:
                self._settle(batch)
            try:
                self._send_commands()
                self._keep_time()
            except OperationalError as error:
                logger.error("database refuses: %s", error.orig)
                self._stop.wait(RETRY_S)

    def _gather(self) -> list[Received]:
        """What has arrived: at most a window's or a batch's worth, cut short by an alarm."""
        batch: list[Received] = []
        wait_s, until = TURN_S, None
        while len(batch) < BATCH_MESSAGES:
            try:
                item = self._link.received.get(timeout=wait_s)
            except queue.Empty:
                break
            batch.append(item)
            if isinstance(item[0], intake.Arrival) and isinstance(item[0].message, AlarmReport):
                break
            until = until or time.monotonic() + BATCH_WINDOW_S
            wait_s = until - time.monotonic()
            if wait_s <= 0:
                break
        return batch

    def _settle(self, batch: list[Received]) -> None:
        """Commit the batch, then acknowledge it. Retries while the database refuses; a poisonous message goes alone."""
        while not self._stop.is_set():
            try:
                safe = intake.commit(self._database, [item[0] for item in batch])
                break
            except OperationalError as error:
                logger.error("database refuses, batch is kept: %s", error.orig)
                self._stop.wait(RETRY_S)
            except (SQLAlchemyError, ValueError, OverflowError) as error:
                if len(batch) > 1:
                    for item in batch:
                        self._settle([item])
                    return
                batch = [_refuse(batch[0], error)]
        else:
            return
        for device, ids in safe.items():
            for begin in range(0, len(ids), ACK_IDS):
                self._link.publish(topic(device, "ack"), Ack(ids=tuple(ids[begin : begin + ACK_IDS])).encode())
        for item in batch:
            self._link.done(item)

    def _send_commands(self) -> None:
        if not self._link.up.is_set():
            return
        if self._link_number != self._link.number:
            self._link_number = self._link.number
            self._resender.forget()
        pending = {command.id: (device, command) for device, command in intake.pending_commands(self._database)}
        for id_ in self._resender.due(pending, self._clock()):
            device, command = pending[id_]
            self._link.publish(topic(device, "cmd/alarm"), command.encode(), COMMAND_EXPIRY_S)

    def _keep_time(self) -> None:
        now_s, linked = self._clock(), self._link.up.is_set()
        if abs(now_s - self._ticked_at_s) >= TICK_S:
            self._ticked_at_s = now_s
            handling.tick(self._database, now_s, self._ladder)
        if linked != self._beat_linked or abs(now_s - self._beat_at_s) >= BEAT_S:
            self._beat_at_s, self._beat_linked = now_s, linked
            handling.beat(self._database, WORKER, linked, now_s)


def _refuse(item: Received, error: Exception) -> Received:
    """Turn a message that the database cannot hold into one that is only counted."""
    arrival, mid, qos, number = item
    if isinstance(arrival, intake.Refused):
        raise error
    reason = f"the database cannot hold it ({type(error).__name__})"
    return intake.Refused(arrival.device, arrival.message.encode(), reason, arrival.received_at_s), mid, qos, number


def work(arguments: argparse.Namespace) -> None:
    """Work until SIGINT or SIGTERM."""
    with ExitStack() as stack:
        database = open_database(arguments.data, arguments.database_url)
        stack.callback(database.close)
        try:
            stack.enter_context(exclusive(arguments.data / "ingest.lock", wait=False))
        except BlockingIOError as error:
            raise BadConfiguration(
                f"another ingest works on {arguments.data}; stop it or give another --data"
            ) from error
        link = Link(arguments.broker_host, arguments.broker_port)
        ingest = Ingest(database, link, desk.Ladder())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ingest.stop())
        link.start()
        stack.callback(link.stop)
        ingest.run()


def main(argv: Sequence[str] | None = None) -> int:
    """Work. Returns 0, or 1 after one line on stderr."""
    parser = process.arguments("ingest", "the platform's ingest worker")
    parser.add_argument("--broker-host", default="127.0.0.1")
    parser.add_argument("--broker-port", type=int, default=1883)
    arguments = parser.parse_args(argv)
    return process.run("ingest", lambda: work(arguments))


if __name__ == "__main__":
    sys.exit(main())
