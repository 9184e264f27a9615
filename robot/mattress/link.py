"""The mattress's messages from an MQTT broker."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from robot.errors import BadConfiguration, BadInput
from robot.mattress.codecs import BedReading, codec_of, decode

log = logging.getLogger(__name__)

# a mattress with a new firmware can send one unreadable message a second for weeks
LOG_EVERY = 100


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where the mattress's messages are. `topic` may hold MQTT wildcards; `format` is a key of codecs.FORMATS.

    ca_file switches TLS on. keepalive_s bounds how long a dead broker goes unnoticed (1.5 times that).
    """

    topic: str
    format: str
    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None
    keepalive_s: int = 15
    reconnect_most_s: int = 30


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """Since the start: usable readings, messages that could not be read, and connections made."""

    readings: int = 0
    undecodable: int = 0
    connects: int = 0


class MattressLink:
    """Subscribes, decodes and hands over readings; reconnects by itself. Use as a context manager.

    `on_reading` is called on the link's own thread. Readings are wanted live or not at all: the session is clean, and
    retained messages, which may be days old, are not asked for.
    """

    def __init__(self, settings: LinkSettings, on_reading: Callable[[BedReading], None]) -> None:
        """Raises BadConfiguration for an unknown format, a bad topic or an unreadable certificate file."""
        codec_of(settings.format)
        self._settings = settings
        self._on_reading = on_reading
        self._lock = threading.Lock()
        self._readings = self._undecodable = self._connects = 0
        self._connected = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.reconnect_delay_set(1, settings.reconnect_most_s)
        client.on_connect = self._subscribe
        client.on_disconnect = self._gone
        client.on_message = self._message
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password)
        if settings.ca_file is not None:
            try:
                client.tls_set(settings.ca_file)
            except OSError as error:
                raise BadConfiguration(f"mattress.ca_file cannot be read: {error.strerror}") from error
        self._client = client

    def start(self) -> None:
        """Begin to connect in the background; an absent broker is tried again until `stop`."""
        self._client.connect_async(
            self._settings.host, self._settings.port, self._settings.keepalive_s, clean_start=True
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the broker and end the thread; no reading is handed over afterwards."""
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> MattressLink:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def connected(self) -> bool:
        """Subscribed, as far as known. Says nothing about the mattress: only readings do."""
        return self._connected.is_set()

    @property
    def counts(self) -> LinkCounts:
        with self._lock:
            return LinkCounts(self._readings, self._undecodable, self._connects)

    def _subscribe(
        self, client: mqtt.Client, _data: Any, _flags: mqtt.ConnectFlags, reason: ReasonCode, _: Properties | None
    ) -> None:
        if reason.is_failure:
            log.error("broker refused the mattress link: %s", reason)
            return
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        client.subscribe(self._settings.topic, options=options)
        with self._lock:
            self._connects += 1
        self._connected.set()
        log.info("mattress link connected")

    def _gone(
        self, _client: mqtt.Client, _data: Any, _flags: mqtt.DisconnectFlags, reason: ReasonCode, _: Properties | None
    ) -> None:
        if self._connected.is_set():
            log.warning("mattress link lost: %s", reason)
        self._connected.clear()

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            reading = decode(self._settings.format, message.topic, bytes(message.payload))
        except BadInput as error:
            with self._lock:
                self._undecodable += 1
                count = self._undecodable
            if count % LOG_EVERY == 1:
                log.warning("mattress message %s not used: %s", count, error)
            return
        with self._lock:
            self._readings += 1
        try:
            self._on_reading(reading)
        except Exception:
            # paho's thread would die with it, and the mattress fall silent for good
            log.exception("mattress reading not taken")
