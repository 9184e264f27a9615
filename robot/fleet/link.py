"""An ingest worker's MQTT 5 link: a shared subscription, acknowledged by hand after the commit."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from robot.errors import BadConfiguration
from robot.fleet import intake
from robot.fleet.quarantine import Refused
from robot.reporting.contract import ROOT, Wire

KEEPALIVE_S = 20
LARGEST_PACKET_BYTES = 64 * 1024  # the contract allows 16 KB of payload
IN_FLIGHT = 5_000  # unacknowledged messages: a second's work; the broker keeps the rest, and other workers have theirs
SENT_IN_FLIGHT = 16  # brokers may allow fewer than they are sent and hang up; 16 keeps to what all of them take
SHARE = "$share/ingest"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is. `ca` switches TLS on; `certificate` and `key` show who this platform is."""

    host: str
    port: int
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class Received(NamedTuple):
    """A message with what acknowledges it: packet id, QoS, and the number of the connection that it came on."""

    item: intake.Arrival[Wire] | Refused
    packet_id: int
    qos: int
    connection: int


class Link:
    """A session that ends with its connection: a dead worker's would strand its share; robots repeat theirs.

    `admits` is asked about the robot of each message, before it is read, and `take` is called with each that was
    admitted, both on the link's own thread. The broker may forget the others: no robot does before it has an Ack.
    """

    def __init__(
        self,
        broker: Broker,
        leaves: Sequence[str],
        admits: Callable[[str], bool],
        take: Callable[[Received], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.up = threading.Event()
        self._leaves = leaves
        self._admits = admits
        self._take = take
        self._clock = clock
        self._connection = 0  # a packet id means nothing on the next one
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"hani-ingest-{uuid.uuid4().hex[:12]}",
            protocol=mqtt.MQTTv5,
            manual_ack=True,
        )
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe
        self._client.on_socket_open = _send_at_once
        self._client.max_inflight_messages_set(SENT_IN_FLIGHT)
        self._client.reconnect_delay_set(min_delay=1, max_delay=4)
        _secure(self._client, broker)
        wish = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho types only its client
        wish.SessionExpiryInterval = 0
        wish.MaximumPacketSize = LARGEST_PACKET_BYTES
        wish.ReceiveMaximum = IN_FLIGHT
        self._client.connect_async(broker.host, broker.port, KEEPALIVE_S, clean_start=True, properties=wish)

    def start(self) -> None:
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def done(self, received: Received) -> None:
        """The message is in the database: the broker may forget it."""
        if received.qos and received.connection == self._connection:
            self._client.ack(received.packet_id, received.qos)

    def acknowledge(self, topic_name: str, payload: bytes) -> None:
        """Send an Ack, at QoS 0: one that gets lost is asked for again by the report itself.

        At QoS 1 it would cost paho 42 microseconds instead of 13 (measured), for every report that there is.
        """
        if self.up.is_set():
            self._client.publish(topic_name, payload, qos=0)

    def command(self, topic_name: str, payload: bytes, expiry_s: int) -> None:
        """Send a command, at QoS 1. The broker forgets it after `expiry_s`; its next repetition stands in for it."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # the same
        properties.MessageExpiryInterval = expiry_s
        if self.up.is_set():
            self._client.publish(topic_name, payload, qos=1, properties=properties)

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            logger.warning("broker refused the connection: %s", reason)
            return
        self._connection += 1
        client.subscribe([(f"{SHARE}/{ROOT}/+/{leaf}", SubscribeOptions(qos=1)) for leaf in self._leaves])

    def _on_subscribe(self, _client: Any, _data: Any, _mid: Any, reasons: Sequence[Any], _properties: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            logger.error("broker refused the subscription: %s", ", ".join(refused))
            return
        self.up.set()
        logger.info("broker connected")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.up.clear()
        logger.warning("broker disconnected: %s", reason)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        if not self._admits(message.topic.split("/")[2]):  # where the subscription has it
            if message.qos:
                self._client.ack(message.mid, message.qos)
            return
        item = intake.read(message.topic, bytes(message.payload), self._clock())
        self._take(Received(item, message.mid, message.qos, self._connection))


def _send_at_once(_client: mqtt.Client, _data: Any, sock: Any) -> None:
    """Small packets must not wait for the peer's delayed TCP acknowledgement: 40 ms each time."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _secure(client: mqtt.Client, broker: Broker) -> None:
    """TLS, if the broker's authority is given. Raises BadConfiguration for a file that cannot be used."""
    if broker.ca is None:
        if broker.certificate or broker.key:
            raise BadConfiguration("--broker-cert and --broker-key need --broker-ca: without it there is no TLS")
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(broker.ca)
        _read_pair(context, broker)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not in PEM"
        raise BadConfiguration(f"--broker-ca, --broker-cert or --broker-key cannot be used: {reason}") from error
    client.tls_set_context(context)
    client.on_pre_connect = lambda _client, _data: _read_again(context, broker)


def _read_pair(context: ssl.SSLContext, broker: Broker) -> None:
    if broker.certificate is not None:
        context.load_cert_chain(broker.certificate, broker.key)


def _read_again(context: ssl.SSLContext, broker: Broker) -> None:
    """A renewed certificate is used from the next connection on."""
    try:
        _read_pair(context, broker)
    except (OSError, ValueError) as error:
        logger.error("the certificate cannot be read again, the one before stays in use: %s", error)
