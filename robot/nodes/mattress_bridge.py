"""The smart mattress: vendor payloads over MQTT in, bed presence out. Silence is a fault, never "all is well"."""

from __future__ import annotations

import queue
import time

from hani_msgs.msg import BedState

from robot import messages
from robot.mattress.codecs import BedReading
from robot.mattress.link import LinkSettings, MattressLink
from robot.mattress.presence import BedPresence, PresenceSettings
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, run
from robot.settings import MattressBridgeSettings


class MattressBridge(HaniNode[MattressBridgeSettings]):
    NAME = "mattress_bridge"

    def configure(self) -> None:
        self._readings: queue.SimpleQueue[BedReading] = queue.SimpleQueue()
        self._presence = BedPresence(PresenceSettings(stale_after_s=self.settings.stale_after_s))
        self._link: MattressLink | None = None
        self._publisher = self.offer(BedState, topics.BED, topics.LATCHED)

    def activate(self) -> None:
        settings = self.settings
        self._link = MattressLink(
            LinkSettings(settings.topic, settings.payload_format, settings.broker_host, settings.broker_port),
            self._readings.put,
        )
        self._link.start()
        self.every(0.2, self._work)

    def deactivate(self) -> None:
        if getattr(self, "_link", None) is not None and self._link is not None:
            self._link.stop()
            self._link = None

    def _work(self) -> None:
        now_s = time.time()
        while not self._readings.empty():
            self._publish(self._presence.update(self._readings.get_nowait(), now_s))
        self._publish(self._presence.tick(now_s))

    def _publish(self, state: messages.BedState | None) -> None:
        if state is not None:
            self._publisher.publish(convert.bed_to_ros(state))
            self.report_fault("" if state.fresh else "the mattress is silent")


def main() -> int:
    return run(MattressBridge)
