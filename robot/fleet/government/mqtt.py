"""Letters over MQTT 5: QoS 1, and an application's answer where the platform gives one."""

from __future__ import annotations

import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from robot.fleet.government.answers import judge, key_in
from robot.fleet.government.config import MqttTarget
from robot.fleet.government.connectors import context_of
from robot.fleet.government.letters import Letter
from robot.fleet.government.retry import Answer, Kind
from robot.fleet.secret_files import read_secret

KEEPALIVE_S = 20


class MqttConnector:
    """A session that ends with the connection: what is not answered is sent again by the outbox, not by the broker."""

    def __init__(self, target: MqttTarget) -> None:
        self._target = target
        self._ready = threading.Event()
        self._changed = threading.Condition()
        self._answers: dict[str, Answer | None] = {}  # by key, for letters on their way
        self._acknowledged: dict[int, bool] = {}  # by packet id: whether the broker took it
        self._given_up: set[int] = set()  # packet ids nobody waits for any more; paho may reuse them once acknowledged
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=target.client_id, protocol=mqtt.MQTTv5)
        if target.user is not None:
            password = read_secret(target.password_file) if target.password_file else None
            self._client.username_pw_set(target.user, password)
        if target.tls is not None:
            self._client.tls_set_context(context_of(target.tls))
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(min_delay=1, max_delay=30)
        wish = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho types only its client
        wish.SessionExpiryInterval = 0
        self._client.connect_async(target.host, target.port, KEEPALIVE_S, clean_start=True, properties=wish)
        self._client.loop_start()

    def deliver(self, letter: Letter) -> Answer:
        if not self._ready.wait(self._target.timeout_s):
            return Answer(Kind.DOWN, "the broker is out of reach")
        give_up_at_s = time.monotonic() + self._target.timeout_s
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # the same
        properties.UserProperty = [("key", letter.key), ("event", letter.event), *letter.headers.items()]
        properties.ContentType = "application/json"
        if self._target.reply_topic is not None:
            properties.ResponseTopic = self._target.reply_topic
            properties.CorrelationData = letter.key.encode()
        with self._changed:
            self._answers[letter.key] = None
        # outside of the lock: paho calls _on_publish with a lock of its own, which publish needs too
        sent = self._client.publish(self._target.topic + letter.path, letter.body, qos=1, properties=properties)
        with self._changed:
            try:
                while time.monotonic() < give_up_at_s:
                    answer = self._answer(letter.key, sent.mid)
                    if answer is not None:
                        return answer
                    if not self._ready.is_set():
                        return Answer(Kind.DOWN, "the link to the broker broke")
                    self._changed.wait(give_up_at_s - time.monotonic())
                return Answer(Kind.FAILED, "no answer in time")
            finally:
                del self._answers[letter.key]
                if self._acknowledged.pop(sent.mid, None) is None:
                    self._given_up.add(sent.mid)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _answer(self, key: str, mid: int) -> Answer | None:
        if self._acknowledged.get(mid) is False:
            return Answer(Kind.DOWN, "the broker did not take it")
        if self._target.reply_topic is None and self._acknowledged.get(mid):
            return Answer(Kind.ACCEPTED, "the broker has it")
        return self._answers[key]

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            return
        if self._target.reply_topic is None:
            self._ready.set()
        else:
            client.subscribe(self._target.reply_topic, options=SubscribeOptions(qos=1))

    def _on_subscribe(self, _client: Any, _data: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
        if not any(reason.is_failure for reason in reasons):
            self._ready.set()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        with self._changed:
            self._ready.clear()
            self._acknowledged.clear()
            self._changed.notify_all()

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        with self._changed:
            if mid in self._given_up:
                self._given_up.discard(mid)
                return
            self._acknowledged[mid] = not reason.is_failure
            self._changed.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        payload = bytes(message.payload)
        correlation = getattr(message.properties, "CorrelationData", None)
        key = correlation.decode(errors="replace") if correlation else key_in(payload, self._target.reply_key_path)
        with self._changed:
            if key in self._answers:
                self._answers[key] = judge(None, payload, self._target.answers)
                self._changed.notify_all()
