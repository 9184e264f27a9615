"""What stands around the bed: the mattress, and the buttons, cords and sensors of the home.

Vendor payloads over MQTT in; bed presence and calls for help out. Silence is a fault, never "all is well".
"""

from __future__ import annotations

import hashlib
import queue
import socket
import time

from hani_msgs.msg import BedState, Call

from robot import messages, paths
from robot.buttons.devices import load_devices
from robot.buttons.link import ButtonLink
from robot.buttons.store import DeviceStore
from robot.buttons.watch import DeviceWatch, Memory, Sign, UnknownAction
from robot.errors import BadInput, DeviceFault
from robot.mattress.codecs import BedReading, latency_s
from robot.mattress.link import MattressLink, MattressSettings
from robot.mattress.night import NightRecorder
from robot.mattress.night_store import NightStore
from robot.mattress.presence import BedPresence, PresenceSettings
from robot.messages import CallKind
from robot.mqtt_link import BrokerSettings, Message
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, run
from robot.nodes.household import load_household
from robot.settings import MattressBridgeSettings

_FELL_AGAIN_AFTER_S = 60.0
"""A radar repeats that somebody fell with each message: the same fall, unless it was silent about it for so long."""
_WORST_FIRST = ("devices_broker", "device_cannot_call", "mattress_silent", "device_needs_care")
_WORK_PERIOD_S = 0.2
_RECORD_PERIOD_S = 1.0


class MattressBridge(HaniNode[MattressBridgeSettings]):
    NAME = "mattress_bridge"
    _night_store: NightStore | None = None
    _device_store: DeviceStore | None = None

    def configure(self) -> None:
        settings = self.settings
        self._broker = BrokerSettings(
            "mattress",
            settings.broker_host,
            settings.broker_port,
            settings.username,
            settings.password_file,
            settings.ca_file,
            settings.certificate_file,
            settings.key_file,
        )
        self._has_mattress = load_household(settings, self.log).has_mattress
        self._readings: queue.SimpleQueue[BedReading] = queue.SimpleQueue()
        self._heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
        late_s = latency_s(settings.payload_format)
        self._presence = BedPresence(PresenceSettings(stale_after_s=settings.stale_after_s, latency_s=late_s))
        self._state: messages.BedState | None = None
        self._links: list[MattressLink | ButtonLink] = []
        self._fell_at_s = float("-inf")
        self._unreadable: set[str] = set()
        self._devices = load_devices(settings.devices_file)
        self._open_stores()
        memories = self._device_store.load() if self._device_store else ()
        self._watch = DeviceWatch(self._devices, memories, time.time())
        self._night = NightRecorder()
        self._publisher = self.offer(BedState, topics.BED, topics.LATCHED)
        self._calls = self.offer(Call, topics.CALL, topics.KEPT)

    def activate(self) -> None:
        settings = self.settings
        if self._has_mattress:
            mattress = MattressSettings(settings.topic, settings.payload_format, settings.side, settings.mattress_id)
            self._links.append(MattressLink(self._broker, mattress, self._readings.put))
        if self._devices.devices:
            self._links.append(ButtonLink(self._broker, self._devices, self._heard.put, self._session_name()))
        for link in self._links:
            link.start()
        self.every(_WORK_PERIOD_S, self._work)
        self.every(_RECORD_PERIOD_S, self._record)

    def deactivate(self) -> None:
        for link in getattr(self, "_links", []):
            link.stop()
        self._links = []

    def cleanup(self) -> None:
        for store in (self._night_store, self._device_store):
            if store is not None:
                store.close()
        self._night_store = self._device_store = None

    def _session_name(self) -> str:
        """The same after a restart, and another for each robot at the same broker."""
        place = f"{socket.gethostname()}:{self.home.resolve()}"
        return f"hani-buttons-{hashlib.sha256(place.encode()).hexdigest()[:12]}"

    def _open_stores(self) -> None:
        """A disk that refuses costs the memory of nights and devices, and neither presence nor a call."""
        try:
            self._night_store = NightStore(paths.database(self.home))
            self._device_store = DeviceStore(paths.database(self.home))
        except DeviceFault as error:
            self.log.error("nights and devices are not remembered: %s", error)

    def _work(self) -> None:
        now_s = time.time()
        while not self._heard.empty():
            self._take_device(self._heard.get_nowait())
        while not self._readings.empty():
            reading = self._readings.get_nowait()
            self._take_fall(reading, now_s)
            if reading.apnoea_events:
                self._night.breathless(reading.apnoea_events)
            self._publish(self._presence.update(reading, now_s))
        self._publish(self._presence.tick(now_s))
        faults = self._faults(now_s)
        worst = min((reason for _, reason in faults), key=_WORST_FIRST.index, default="")
        self.report_fault("; ".join(text for text, _ in faults), reason=worst)

    def _take_device(self, message: Message) -> None:
        try:
            effects = self._watch.on_message(message.topic, message.payload, message.retained, message.at_s)
        except BadInput as error:
            if message.topic not in self._unreadable:
                self.log.warning("a device's message is not used: %s", error)
            self._unreadable.add(message.topic)
            return
        for effect in effects:
            if isinstance(effect, messages.Call):
                self._call(effect)
            elif isinstance(effect, Sign):
                self.log.info("sensor changed: %s %s %s", effect.name, effect.flag, effect.value)
            elif isinstance(effect, UnknownAction):
                self.log.warning(
                    "%s: unknown action %r %s; name it in `calls` or `ignores` of the device",
                    effect.name,
                    effect.action,
                    "taken for a press" if effect.calls else "is not taken for a call",
                )
        if self._device_store is not None:
            self._device_store.save([effect for effect in effects if isinstance(effect, Memory)])

    def _take_fall(self, reading: BedReading, now_s: float) -> None:
        if not reading.fell:
            return
        is_new = not 0 <= now_s - self._fell_at_s < _FELL_AGAIN_AFTER_S
        self._fell_at_s = now_s
        if is_new:
            self._call(messages.Call(f"mattress-fell-{now_s:.3f}", CallKind.SENSED_FALL, False, now_s))

    def _call(self, call: messages.Call) -> None:
        self.log.info("a device calls for help: %s", call.kind.value)
        self._calls.publish(convert.call_to_ros(call))

    def _publish(self, state: messages.BedState | None) -> None:
        if state is not None:
            self._state = state
            self._publisher.publish(convert.bed_to_ros(state))

    def _record(self) -> None:
        state = self._state
        if state is None:
            return
        # by the home's clock, by which its nights are asked about
        now_s = self.home_now_s()
        records = self._night.take(state, self._presence.detail(time.time()), now_s)
        if self._night_store is not None:
            self._night_store.write(records, now_s)

    def _faults(self, now_s: float) -> list[tuple[str, str]]:
        """Texts with their reasons."""
        silent = self._has_mattress and (self._state is None or not self._state.fresh)
        found = [("the mattress is silent", "mattress_silent")] if silent else []
        refusals = {link.fault for link in self._links if link.fault}
        if refusals:
            found += [(refusal, "devices_broker") for refusal in sorted(refusals)]
        elif self._devices.devices and not all(link.connected for link in self._links):
            found.append(("the broker of the devices is away", "devices_broker"))
        found += [(text, "device_cannot_call") for text in self._watch.faults(now_s)]
        return found + [(text, "device_needs_care") for text in self._watch.warnings()]


def main() -> int:
    return run(MattressBridge)
