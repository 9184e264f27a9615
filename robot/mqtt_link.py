"""Messages of devices in the home from an MQTT broker: subscribe, hand over, reconnect.

Connected is a link whose subscriptions were all granted. A broker may grant one and deliver nothing all the same:
mosquitto's ACL file does. Then only the silence of the devices tells.
"""

from __future__ import annotations

import logging
import ssl
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from robot.errors import BadConfiguration, BadInput

log = logging.getLogger(__name__)

LOG_EVERY = 100
"""A device with a new firmware can send one unreadable message a second for weeks."""
TOPICS_MOST = 200
"""Subscriptions that a home's messages may bring about; the rest is refused."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where a home's devices speak. `name` stands before a wrong key in errors and in the log.

    username and password_file: the password is the first line of a file, so that it stands in no parameter and no log.
    ca_file: switches TLS on, with the host name checked; "system" takes the certificates that the machine trusts.
    certificate_file: shown to a broker that asks; without a key_file the key stands in it too.
    keepalive_s: bounds how long a dead broker goes unnoticed (1.5 times that).
    """

    name: str
    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password_file: str = field(default="", repr=False)
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = field(default="", repr=False)
    keepalive_s: int = 15
    reconnect_most_s: int = 30


@dataclass(frozen=True, slots=True)
class Topic:
    """A subscription. Retained messages, which may be days old, come only if `retained`."""

    filter: str
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What came: `retained` says that the broker kept it, nobody knows for how long; at_s is Unix time of arrival."""

    topic: str
    payload: bytes
    retained: bool
    at_s: float


@dataclass(frozen=True, slots=True)
class Session:
    """What the broker keeps while the link is away: live messages of quality of service 1, for `keep_s`.

    client_id: fixed, and of this link alone: of two links with the same one, each drives the other out.
    """

    client_id: str
    keep_s: int = 3600


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """Since the start: usable messages, messages that could not be read, and connections made."""

    readings: int = 0
    undecodable: int = 0
    connects: int = 0


class MqttLink:
    """Subscribes and hands messages over; reconnects by itself. Use as a context manager.

    `on_message` is called on the link's own thread and answers with further topics that its message tells of. It may
    raise BadInput for a message that cannot be used: that is counted, and ends nothing. Without a `session`, what comes
    while the link is away is gone.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        topics: Sequence[Topic],
        on_message: Callable[[Message], Sequence[Topic]],
        session: Session | None = None,
    ) -> None:
        """Raises BadConfiguration for an unreadable certificate or password file."""
        self._broker = broker
        self._topics = {topic.filter: topic for topic in topics}
        self._on_message = on_message
        self._lock = threading.Lock()
        self._readings = self._undecodable = self._connects = 0
        self._connected = threading.Event()
        self._complaint = ""
        self._session = session
        self._asked: dict[int | None, str] = {}
        self._fault = ""
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=session.client_id if session else "", protocol=mqtt.MQTTv5
        )
        client.reconnect_delay_set(1, broker.reconnect_most_s)
        client.on_connect = self._subscribe_all
        client.on_connect_fail = self._not_reached
        client.on_disconnect = self._gone
        client.on_subscribe = self._answered
        client.on_message = self._message
        if broker.username or broker.password_file:
            client.username_pw_set(broker.username, _password(broker))
        if broker.ca_file:
            _secure(client, broker)
        elif broker.certificate_file:
            raise BadConfiguration(
                f"{broker.name}.certificate_file needs {broker.name}.ca_file: without it there is no TLS"
            )
        self._client = client

    def start(self) -> None:
        """Begin to connect in the background; an absent broker is tried again until `stop`."""
        wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves this one untyped
        if self._session is not None:
            wanted.SessionExpiryInterval = self._session.keep_s
        broker = self._broker
        self._client.connect_async(
            broker.host, broker.port, broker.keepalive_s, clean_start=self._session is None, properties=wanted
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the broker and end the thread, for good; nothing is handed over afterwards."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client.reinitialise()  # closes what paho otherwise leaves open until it is collected

    def __enter__(self) -> MqttLink:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def connected(self) -> bool:
        """Every subscription was granted. Says nothing about the devices: only their messages do."""
        return self._connected.is_set() and not self._fault

    @property
    def fault(self) -> str:
        """What the broker refuses, in one line; empty while it refuses nothing."""
        return self._fault

    @property
    def counts(self) -> LinkCounts:
        with self._lock:
            return LinkCounts(self._readings, self._undecodable, self._connects)

    def _subscribe_all(
        self, client: mqtt.Client, _data: Any, _flags: mqtt.ConnectFlags, reason: ReasonCode, _: Properties | None
    ) -> None:
        if reason.is_failure:
            log.error("broker refused the %s link: %s", self._broker.name, reason)
            self._fault = f"the broker refuses the link ({reason}): check its user name and password"
            return
        self._fault = self._complaint = ""
        for topic in tuple(self._topics.values()):
            self._subscribe(client, topic)
        with self._lock:
            self._connects += 1

    def _subscribe(self, client: mqtt.Client, topic: Topic) -> None:
        wanted = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if topic.retained else SubscribeOptions.RETAIN_DO_NOT_SEND
        _, asked = client.subscribe(topic.filter, options=SubscribeOptions(qos=1, retainHandling=wanted))
        self._asked[asked] = topic.filter

    def _answered(
        self, _client: mqtt.Client, _data: Any, asked: int, reasons: Sequence[ReasonCode], _: Properties | None
    ) -> None:
        topic = self._asked.pop(asked, "")
        refused = next((reason for reason in reasons if reason.is_failure), None)
        if refused is not None:
            log.error("broker refused the %s link a topic: %s", self._broker.name, refused)
            self._fault = f"the broker refuses the topic {topic[:100]!r} ({refused}): allow it in its access rules"
        elif not self._asked and not self._fault and not self._connected.is_set():
            self._connected.set()
            log.info("%s link connected", self._broker.name)

    def _not_reached(self, _client: mqtt.Client, _data: Any) -> None:
        """Said once a reason: an absent broker is tried as long as it takes. paho calls this while it handles that."""
        error = sys.exc_info()[1]
        reason = getattr(error, "verify_message", "") or getattr(error, "strerror", None) or type(error).__name__
        if reason != self._complaint:
            log.warning("%s link cannot reach its broker, tries on: %s", self._broker.name, reason)
        self._complaint = reason

    def _gone(
        self, _client: mqtt.Client, _data: Any, _flags: mqtt.DisconnectFlags, reason: ReasonCode, _: Properties | None
    ) -> None:
        if self._connected.is_set():
            log.warning("%s link lost: %s", self._broker.name, reason)
        self._connected.clear()
        self._asked.clear()

    def _message(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            came = Message(message.topic, bytes(message.payload), bool(message.retain), time.time())
            further = self._on_message(came)
        except (BadInput, UnicodeDecodeError) as error:
            with self._lock:
                self._undecodable += 1
                count = self._undecodable
            if count % LOG_EVERY == 1:
                what = error if isinstance(error, BadInput) else "a topic that is not UTF-8"
                log.warning("%s message %s not used: %s", self._broker.name, count, what)
            return
        except Exception:
            # paho's thread would die with it, and the device fall silent for good
            log.exception("%s message not taken", self._broker.name)
            return
        with self._lock:
            self._readings += 1
        for topic in further:
            self._add(client, topic)

    def _add(self, client: mqtt.Client, topic: Topic) -> None:
        if topic.filter in self._topics:
            return
        if len(self._topics) >= TOPICS_MOST:
            log.warning("%s link: more than %s topics, the rest is not read", self._broker.name, TOPICS_MOST)
            return
        self._topics[topic.filter] = topic
        self._subscribe(client, topic)


def _password(broker: BrokerSettings) -> str | None:
    if not broker.password_file:
        return None
    try:
        return Path(broker.password_file).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except OSError as error:
        raise BadConfiguration(f"{broker.name}.password_file cannot be read: {error.strerror}") from None
    except ValueError:
        raise BadConfiguration(f"{broker.name}.password_file is no UTF-8 text") from None


def _secure(client: mqtt.Client, broker: BrokerSettings) -> None:
    try:
        client.tls_set(
            None if broker.ca_file == "system" else broker.ca_file,
            broker.certificate_file or None,
            broker.key_file or None,
            cert_reqs=ssl.CERT_REQUIRED,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no certificates in it"
        which = "ca_file, certificate_file or key_file" if broker.certificate_file else "ca_file"
        raise BadConfiguration(f"{broker.name}.{which} cannot be read: {reason}") from error
