"""The robot's link to the platform: what the outbox holds goes up until the platform has committed it, over MQTT 5.

paho's network thread only queues what happened; everything else happens in `pump`, in the caller's thread.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from robot.errors import BadConfiguration, BadInput, DeviceFault
from robot.messages import Receipt, ReceiptKind
from robot.reporting import boot
from robot.reporting.contract import (
    DOWN,
    Ack,
    AlarmCommand,
    CommandAck,
    RequestTest,
    StateReport,
    decode,
    device_of,
    topic,
)
from robot.reporting.outbox import Outbox, Row
from robot.reporting.pacing import Backoff, Pacing, SendPlan

NO_REASONS: Mapping[str, str] = MappingProxyType({})
LOG = logging.getLogger(__name__)

STATE_EVERY_S = 30.0  # with the platform's "offline within 90 s" (facts/platform.md): two reports may get lost
SESSION_S = 72 * 3600  # commands wait in the broker as long as the offline outbox is meant to last
TIDY_EVERY_S = 60.0
EXPIRY_S = {"telemetry": 120, "event": 3600}
"""How long a broker keeps a message for a platform that is away; the outbox repeats it. An alarm's never expires."""
KEEPALIVE_S = 20
OFFLINE_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: the platform's authority, and the robot's own certificate and key if the broker wants them."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """Who reports where. `software` is the version that the dashboard shows; `password_file`: its first line."""

    device: str
    host: str = "127.0.0.1"
    port: int = 1883
    software: str = ""
    tls: Tls | None = None
    user: str = ""
    password_file: Path | None = None
    pacing: Pacing = field(default_factory=Pacing)


class Uplink:
    """Sends the outbox, reports the robot's state, takes commands: `start` once, then `pump` some 20 times a second.

    `on_receipt` is called from `pump`, once for each new answer about an alarm: SENT when the broker has a message that
    raises an alarm, RECEIVED when the platform has committed it, ACKNOWLEDGED and CLOSED when a person has answered.
    Each is already written to the outbox's receipts then. `on_test` is called when the platform asks for a test alarm,
    with the alarm's id and the time. No network state raises: an absent broker is tried for ever. Raises
    BadConfiguration for certificates or a password file that cannot be used.
    """

    def __init__(
        self,
        settings: UplinkSettings,
        outbox: Outbox,
        on_receipt: Callable[[Receipt], None] = lambda _receipt: None,
        on_test: Callable[[str, float], None] = lambda _alarm_id, _now_s: None,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._on_receipt = on_receipt
        self._on_test = on_test
        self._plan = SendPlan(settings.pacing)
        self._events: queue.SimpleQueue[Callable[[float], None]] = queue.SimpleQueue()
        self._raised_by_mid: dict[int, tuple[str, str]] = {}
        self._nodes: dict[str, int] = {}
        self._reasons: dict[str, str] = {}
        self._state_due_at_s = 0.0
        self._tidy_due_at_s = 0.0
        self._test_ok_at_s: float | None = None
        self._connected = False
        self._fault = ""
        self._client: mqtt.Client | None = self._make_client()

    @property
    def connected(self) -> bool:
        """Whether the broker was there at the last `pump`."""
        return self._connected

    @property
    def fault(self) -> str:
        """A constant text while the outbox cannot be used, else empty."""
        return self._fault

    def start(self, now_s: float) -> None:
        """Begin to connect, in the background and for ever."""
        settings = self._settings
        # paho leaks two sockets when one client is started twice, and certificates may be new
        client = self._client = self._client or self._make_client()
        offline = StateReport(
            dev=settings.device, online=False, ts=now_s, software=settings.software, boot=boot.boot_id()
        )
        client.will_set(topic(settings.device, "state"), offline.encode(), qos=1, retain=True)
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves this one untyped
        session.SessionExpiryInterval = SESSION_S
        client.connect_async(settings.host, settings.port, keepalive=KEEPALIVE_S, clean_start=False, properties=session)
        client.loop_start()

    def pump(self, now_s: float) -> None:
        """Handle what came in and send what is due. A disk that refuses is logged, and a fault; the next call tries
        again. A damaged file is rescued at once, and one that another process has replaced is followed.
        """
        try:
            self._outbox.follow()
            self._take_events(now_s)
            if self._connected:
                self._send(now_s)
            # a clock that was set back must not put anything off: then what is due lies far in the future
            if not self._tidy_due_at_s - TIDY_EVERY_S <= now_s < self._tidy_due_at_s:
                self._tidy_due_at_s = now_s + TIDY_EVERY_S
                self._outbox.tidy(now_s)
                if self._connected:
                    self._outbox.tell_holes(now_s)
            self._fault = ""
        except (sqlite3.Error, DeviceFault) as error:
            LOG.warning("the outbox cannot be used now: %s", error)
            self._fault = "the outbox cannot be used: alarms do not leave the room"
            with contextlib.suppress(DeviceFault):  # then the next call tries again
                self._outbox.follow(error)

    def stop(self, now_s: float) -> None:
        """Say that the robot goes offline in an orderly way, and disconnect. `start` may follow."""
        client, self._client = self._client, None
        if client is None:
            return
        if self._connected:
            info = self._publish_state(client, online=False, now_s=now_s)
            with contextlib.suppress(RuntimeError, ValueError):  # paho's way to say that the broker has gone meanwhile
                info.wait_for_publish(OFFLINE_WAIT_S)
        client.disconnect()
        client.loop_stop()
        self._connected = False
        self._events = queue.SimpleQueue()
        self._raised_by_mid.clear()  # message numbers begin anew

    def set_health(self, nodes: Mapping[str, int], reasons: Mapping[str, str] = NO_REASONS) -> None:
        """Each node's level for the next state report, 0 ok, 1 warn, 2 error, and for some that are not ok a word (a
        slug) for what is wrong. A change is reported at once.
        """
        if nodes != self._nodes or reasons != self._reasons:
            self._nodes, self._reasons = dict(nodes), dict(reasons)
            self._state_due_at_s = 0.0

    def set_test_ok(self, at_s: float | None) -> None:
        """When a test alarm last came back closed; None: unknown. Part of the next state report."""
        self._test_ok_at_s = at_s

    # --- sending --------------------------------------------------------------------------------------------------

    def _send(self, now_s: float) -> None:
        client = self._client
        if client is None:
            return
        if not self._state_due_at_s - STATE_EVERY_S <= now_s < self._state_due_at_s:
            self._publish_state(client, online=True, now_s=now_s)
            self._state_due_at_s = now_s + STATE_EVERY_S
        for row in self._plan.due(self._outbox.pending(self._plan.reach()), now_s):
            try:
                payload, alarm_id = row.encode(self._settings.device), row.raised_alarm_id
            except ValueError:  # bits of its text have turned over: it must not keep the others
                LOG.error("a message of the outbox cannot be read: %s", row.id)
                continue
            info = client.publish(topic(self._settings.device, row.leaf), payload, qos=1, properties=_expiry(row))
            if alarm_id is not None:
                self._raised_by_mid[info.mid] = (row.id, alarm_id)

    def _publish_state(self, client: mqtt.Client, *, online: bool, now_s: float) -> mqtt.MQTTMessageInfo:
        report = StateReport(
            dev=self._settings.device,
            online=online,
            ts=now_s,
            outbox=self._outbox.depth(),
            software=self._settings.software,
            nodes=self._nodes,
            reasons=self._reasons,
            boot=boot.boot_id(),
            ts_mono=boot.uptime_s(),
            thinned=self._outbox.thinned(),
            test_ok_ts=self._test_ok_at_s,
        )
        return client.publish(topic(report.dev, "state"), report.encode(), qos=1, retain=True)

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
        elif isinstance(message, RequestTest):
            self._on_test(message.id, now_s)
            self._confirm(message.id)

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
        answer = Receipt(command.id, command.alarm_id, kind, now_s, command.by, command.reason, command.revision)
        self._record(answer)
        self._confirm(command.id)

    def _confirm(self, command_id: str) -> None:
        """Only what is on disk is confirmed; until then the platform repeats it."""
        answer = CommandAck(id=command_id, dev=self._settings.device)
        if self._client is not None:
            self._client.publish(topic(answer.dev, "cmd/ack"), answer.encode(), qos=1)

    def _record(self, receipt: Receipt) -> None:
        if self._outbox.record_receipt(receipt):
            self._on_receipt(receipt)

    # --- paho -----------------------------------------------------------------------------------------------------

    def _make_client(self) -> mqtt.Client:
        settings = self._settings
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=settings.device, protocol=mqtt.MQTTv5)
        client.max_inflight_messages_set(settings.pacing.window)
        if settings.tls is not None:
            _use_tls(client, settings.tls)
        if settings.user or settings.password_file is not None:
            client.username_pw_set(settings.user, _password(settings.password_file))
        backoff = Backoff()
        events = self._events
        leaves = [(topic(settings.device, leaf), 1) for leaf in DOWN]

        def wait_before_next() -> None:
            wait_s = backoff.next_s()
            client.reconnect_delay_set(wait_s, wait_s)  # type: ignore[arg-type]  # typed int; it takes any number

        def on_connect(
            client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, reason: ReasonCode, _properties: object
        ) -> None:
            if reason.is_failure:
                LOG.warning("the platform's broker refuses this robot: %s", reason)
            else:
                backoff.connected()
                client.subscribe(leaves)
                events.put(self._came)

        def on_publish(_client: mqtt.Client, _data: object, mid: int, reason: ReasonCode, _properties: object) -> None:
            if reason.is_failure:
                LOG.warning("the platform's broker refuses a message: %s", reason)
            else:
                events.put(partial(self._published, mid))

        client.on_connect = on_connect
        client.on_publish = on_publish

        def on_disconnect(*_: object) -> None:
            wait_before_next()
            events.put(self._went)

        wait_before_next()
        client.on_disconnect = on_disconnect
        client.on_connect_fail = lambda *_: wait_before_next()
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
            f"the link's TLS files cannot be used ({error}): check tls_authority, tls_certificate, tls_key"
        ) from error


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise BadConfiguration(f"broker_password_file {file} cannot be read ({reason}): give another") from error
    if not lines or not lines[0]:
        raise BadConfiguration(f"broker_password_file {file} is empty: its first line must be the password")
    return lines[0]


def _expiry(row: Row) -> Properties | None:
    expiry_s = EXPIRY_S.get(row.kind)
    if expiry_s is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves this one untyped
    properties.MessageExpiryInterval = expiry_s
    return properties
