"""The robot's link to the platform: what the outbox holds goes up until the platform has committed it.

`SendPlan` decides what to send when and is pure; `Uplink` carries it out over MQTT 5. paho's network thread only queues
what happened; everything else happens in `pump`, in the caller's thread.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import random
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import paho.mqtt.client as mqtt
import uuid6
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from robot.errors import BadConfiguration, BadInput
from robot.messages import Receipt, ReceiptKind
from robot.reporting.contract import (
    Ack,
    AlarmCommand,
    BedBody,
    CommandAck,
    StateReport,
    TelemetryReport,
    decode,
    device_of,
    topic,
)
from robot.reporting.outbox import Outbox, Row

LOG = logging.getLogger(__name__)

STATE_EVERY_S = 30.0  # with the platform's "offline within 90 s" (facts/platform.md): two reports may get lost
SESSION_S = 72 * 3600  # commands wait in the broker as long as the offline outbox is meant to last
PURGE_EVERY_S = 3600.0
KEEPALIVE_S = 20
OFFLINE_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast rows go up. Waiting times vary by the share `jitter`, so that a fleet does not march in step."""

    window: int = 64
    reserved_for_alarms: int = 16
    first_retry_s: float = 3.0
    max_retry_s: float = 30.0
    jitter: float = 0.2


@dataclass(slots=True)
class _Sent:
    at_s: float
    again_at_s: float
    tries: int


class SendPlan:
    """Which pending rows to send now. A row is due again and again, ever more slowly, until it is acknowledged.

    A row takes a place in the window for `first_retry_s` after each sending, not until its acknowledgement: rows that
    the platform never answers cannot stop the others. Some places are only for alarms.
    """

    def __init__(self, pacing: Pacing | None = None, chance: Callable[[], float] = random.random) -> None:
        self._pacing = pacing or Pacing()
        self._chance = chance
        self._sent: dict[str, _Sent] = {}

    def reach(self) -> int:
        """How many pending rows `due` must see, so that no row is hidden behind those that wait for an answer."""
        return len(self._sent) + self._pacing.window

    def due(self, pending: Sequence[Row], now_s: float) -> list[Row]:
        """Choose from `pending` (in the outbox's order) what to send at `now_s`, and take it as sent."""
        occupied = sum(sent.at_s <= now_s < sent.at_s + self._pacing.first_retry_s for sent in self._sent.values())
        chosen: list[Row] = []
        for row in pending:
            sent = self._sent.get(row.id)
            # a clock that was set back must not delay anything: then `at_s` lies in the future
            if sent is not None and sent.at_s <= now_s < sent.again_at_s:
                continue
            places = self._pacing.window - (0 if row.kind == "alarm" else self._pacing.reserved_for_alarms)
            if occupied >= places:
                break
            self._sent[row.id] = self._next(sent.tries if sent else 0, now_s)
            occupied += 1
            chosen.append(row)
        return chosen

    def acked(self, ids: Iterable[str]) -> None:
        """The platform has committed these."""
        for id_ in ids:
            self._sent.pop(id_, None)

    def reconnected(self) -> None:
        """What was under way may be lost: everything without acknowledgement is due at once."""
        self._sent.clear()

    def _next(self, tries: int, now_s: float) -> _Sent:
        pacing = self._pacing
        wait_s = min(pacing.first_retry_s * 2.0 ** min(tries, 32), pacing.max_retry_s)
        return _Sent(now_s, now_s + wait_s * (1 + pacing.jitter * self._chance()), tries + 1)


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: the platform's authority, and the robot's own certificate and key if the broker wants them."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """Who reports where. `software` is the version that the dashboard shows."""

    device: str
    host: str = "127.0.0.1"
    port: int = 1883
    software: str = ""
    tls: Tls | None = None
    pacing: Pacing = field(default_factory=Pacing)


class Uplink:
    """Sends the outbox, reports the robot's state, takes commands: `start` once, then `pump` some 20 times a second.

    `on_receipt` is called from `pump`, once for each new answer about an alarm: SENT when the broker has a message that
    raises an alarm, RECEIVED when the platform has committed it, ACKNOWLEDGED and CLOSED when a person has answered.
    Each is already written to the outbox's receipts then. No network state raises: an absent broker is tried for ever.
    """

    def __init__(
        self, settings: UplinkSettings, outbox: Outbox, on_receipt: Callable[[Receipt], None] = lambda _receipt: None
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._on_receipt = on_receipt
        self._plan = SendPlan(settings.pacing)
        self._events: queue.SimpleQueue[Callable[[float], None]] = queue.SimpleQueue()
        self._raised_by_mid: dict[int, tuple[str, str]] = {}
        self._nodes: dict[str, int] = {}
        self._state_due_at_s = 0.0
        self._purge_due_at_s = 0.0
        self._connected = False
        self._client = self._make_client()

    @property
    def connected(self) -> bool:
        """Whether the broker was there at the last `pump`."""
        return self._connected

    def start(self, now_s: float) -> None:
        """Begin to connect, in the background and for ever."""
        settings = self._settings
        offline = StateReport(dev=settings.device, online=False, ts=now_s, software=settings.software)
        self._client.will_set(topic(settings.device, "state"), offline.encode(), qos=1, retain=True)
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves this one untyped
        session.SessionExpiryInterval = SESSION_S
        self._client.connect_async(
            settings.host, settings.port, keepalive=KEEPALIVE_S, clean_start=False, properties=session
        )
        self._client.loop_start()

    def pump(self, now_s: float) -> None:
        """Handle what came in and send what is due. A busy or full disk is logged; the next call tries again."""
        try:
            self._take_events(now_s)
            if self._connected:
                self._send(now_s)
            if now_s >= self._purge_due_at_s:
                self._purge_due_at_s = now_s + PURGE_EVERY_S
                self._outbox.purge(now_s)
        except sqlite3.OperationalError as error:
            LOG.warning("the outbox cannot be used now: %s", error)

    def stop(self, now_s: float) -> None:
        """Say that the robot goes offline in an orderly way, and disconnect. `start` may follow."""
        if self._connected:
            info = self._publish_state(online=False, now_s=now_s)
            with contextlib.suppress(RuntimeError, ValueError):  # paho's way to say that the broker has gone meanwhile
                info.wait_for_publish(OFFLINE_WAIT_S)
        self._client.disconnect()
        self._client.loop_stop()
        self._connected = False
        # paho leaks two sockets when one client is started twice, and message numbers begin anew
        self._events = queue.SimpleQueue()
        self._raised_by_mid.clear()
        self._client = self._make_client()

    def set_health(self, nodes: dict[str, int]) -> None:
        """Each node's level for the next state report: 0 ok, 1 warn, 2 error. A change is reported at once."""
        if nodes != self._nodes:
            self._nodes = dict(nodes)
            self._state_due_at_s = 0.0

    def send_bed(self, body: BedBody, now_s: float) -> None:
        """Send live telemetry past the outbox (QoS 0, `seq` 0): only the newest counts, none is kept offline."""
        if self._connected:
            report = TelemetryReport(id=str(uuid6.uuid7()), dev=self._settings.device, seq=0, ts=now_s, body=body)
            self._client.publish(topic(self._settings.device, "t/bed"), report.encode(), qos=0)

    # --- sending --------------------------------------------------------------------------------------------------

    def _send(self, now_s: float) -> None:
        if not self._state_due_at_s - STATE_EVERY_S <= now_s < self._state_due_at_s:
            self._publish_state(online=True, now_s=now_s)
            self._state_due_at_s = now_s + STATE_EVERY_S
        for row in self._plan.due(self._outbox.pending(self._plan.reach()), now_s):
            info = self._client.publish(
                topic(self._settings.device, row.leaf), row.encode(self._settings.device), qos=1
            )
            alarm_id = row.raised_alarm_id
            if alarm_id is not None:
                self._raised_by_mid[info.mid] = (row.id, alarm_id)

    def _publish_state(self, *, online: bool, now_s: float) -> mqtt.MQTTMessageInfo:
        report = StateReport(
            dev=self._settings.device,
            online=online,
            ts=now_s,
            outbox=self._outbox.depth(),
            software=self._settings.software,
            nodes=self._nodes,
        )
        return self._client.publish(topic(report.dev, "state"), report.encode(), qos=1, retain=True)

    # --- events, handled in pump ----------------------------------------------------------------------------------

    def _take_events(self, now_s: float) -> None:
        while True:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return
            event(now_s)

    def _came(self, _now_s: float) -> None:
        self._connected = True
        self._state_due_at_s = 0.0
        self._plan.reconnected()
        LOG.info("connected to the platform's broker")

    def _went(self, _now_s: float) -> None:
        if self._connected:
            LOG.warning("the platform's broker is gone; the outbox keeps everything")
        self._connected = False

    def _published(self, mid: int, now_s: float) -> None:
        raised = self._raised_by_mid.pop(mid, None)
        if raised is not None:
            message_id, alarm_id = raised
            self._record(Receipt(f"{message_id}-sent", alarm_id, ReceiptKind.SENT, now_s))

    def _message(self, topic_name: str, payload: bytes, now_s: float) -> None:
        try:
            _, leaf = device_of(topic_name)
            message = decode(leaf, payload)
        except BadInput as error:
            LOG.warning("a message from the platform is ignored: %s", error)
            return
        if isinstance(message, Ack):
            self._acked(message, now_s)
        elif isinstance(message, AlarmCommand):
            self._commanded(message, now_s)

    def _acked(self, ack: Ack, now_s: float) -> None:
        # receipts first: if the power fails in between, the message is sent and acknowledged again
        for row in self._outbox.rows(ack.ids):
            alarm_id = row.raised_alarm_id
            if alarm_id is not None:
                self._record(Receipt(f"{row.id}-received", alarm_id, ReceiptKind.RECEIVED, now_s))
        self._outbox.mark_acked(ack.ids, now_s)
        self._plan.acked(ack.ids)

    def _commanded(self, command: AlarmCommand, now_s: float) -> None:
        # `at_s` is this robot's clock: the alarm's ladder compares it with its own times
        kind = ReceiptKind(command.status)
        self._record(Receipt(command.id, command.alarm_id, kind, now_s, command.by, command.reason))
        answer = CommandAck(id=command.id, dev=self._settings.device)
        self._client.publish(topic(answer.dev, "cmd/ack"), answer.encode(), qos=1)

    def _record(self, receipt: Receipt) -> None:
        if self._outbox.record_receipt(receipt):
            self._on_receipt(receipt)

    # --- paho -----------------------------------------------------------------------------------------------------

    def _make_client(self) -> mqtt.Client:
        settings = self._settings
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=settings.device, protocol=mqtt.MQTTv5)
        client.max_inflight_messages_set(settings.pacing.window)
        # a fleet must not come back in step after an outage
        client.reconnect_delay_set(min_delay=1, max_delay=random.randint(5, 15))
        if settings.tls is not None:
            _use_tls(client, settings.tls)
        events = self._events
        leaves = [(topic(settings.device, leaf), 1) for leaf in ("ack", "cmd/alarm")]

        def on_connect(
            client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, reason: ReasonCode, _properties: object
        ) -> None:
            if reason.is_failure:
                LOG.warning("the platform's broker refuses this robot: %s", reason)
            else:
                client.subscribe(leaves)
                events.put(self._came)

        def on_publish(_client: mqtt.Client, _data: object, mid: int, reason: ReasonCode, _properties: object) -> None:
            if reason.is_failure:
                LOG.warning("the platform's broker refuses a message: %s", reason)
            else:
                events.put(partial(self._published, mid))

        client.on_connect = on_connect
        client.on_publish = on_publish
        client.on_disconnect = lambda *_: events.put(self._went)
        client.on_message = lambda _client, _data, message: events.put(
            partial(self._message, message.topic, bytes(message.payload))
        )
        return client


def _use_tls(client: mqtt.Client, tls: Tls) -> None:
    try:
        client.tls_set(
            ca_certs=str(tls.authority),
            certfile=None if tls.certificate is None else str(tls.certificate),
            keyfile=None if tls.key is None else str(tls.key),
        )
    except (OSError, ValueError) as error:
        raise BadConfiguration(
            f"the link's TLS files cannot be used ({error}): check authority, certificate, key"
        ) from error
