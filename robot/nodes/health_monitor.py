"""Gathers heartbeats and the machine's own state into /diagnostics, once a second."""

from __future__ import annotations

import time

import psutil
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from hani_msgs.msg import Heartbeat

from robot.nodes.base import HaniNode, run
from robot.nodes.bringup import NodeState
from robot.nodes.convert import stamp
from robot.nodes.lifecycle_manager import ORDER
from robot.nodes.topics import DIAGNOSTICS, HEARTBEAT
from robot.settings import HealthMonitorSettings

REASON = "reason"
"""The key under which a node's status says why, in a word that pages translate."""
_DISK_WARN_SHARE = 0.95
_MEMORY_WARN_SHARE = 0.95


class HealthMonitor(HaniNode[HealthMonitorSettings]):
    NAME = "health_monitor"

    def configure(self) -> None:
        self._beats: dict[str, tuple[float, Heartbeat]] = {}
        self._publisher = self.offer(DiagnosticArray, DIAGNOSTICS)

    def activate(self) -> None:
        self.listen(Heartbeat, HEARTBEAT, self._on_heartbeat)
        self.every(1.0, self._publish)

    def _on_heartbeat(self, beat: Heartbeat) -> None:
        self._beats[beat.node] = (time.monotonic(), beat)

    def _publish(self) -> None:
        array = DiagnosticArray(status=[self._node_status(node) for node in ORDER] + [self._machine_status()])
        array.header.stamp = stamp(time.time())
        self._publisher.publish(array)

    def _node_status(self, node: str) -> DiagnosticStatus:
        status = DiagnosticStatus(name=node, hardware_id=self.settings.robot_id)
        at_s, beat = self._beats.get(node, (None, None))
        if beat is None or at_s is None or time.monotonic() - at_s > self.settings.stale_after_s:
            status.level, status.message = DiagnosticStatus.STALE, "no heartbeat"
            return status
        status.level = bytes([beat.level])
        status.message = beat.detail or "ok"
        if beat.state != NodeState.ACTIVE and status.level == DiagnosticStatus.OK:
            status.level, status.message = DiagnosticStatus.WARN, "not active"
        status.values = [KeyValue(key="pid", value=str(beat.pid)), KeyValue(key="state", value=str(beat.state))]
        if beat.reason:
            status.values.append(KeyValue(key=REASON, value=beat.reason))
        return status

    def _machine_status(self) -> DiagnosticStatus:
        memory = psutil.virtual_memory().percent / 100
        disk = psutil.disk_usage(str(self.home)).percent / 100
        status = DiagnosticStatus(name="machine", hardware_id=self.settings.robot_id, message="ok")
        if memory > _MEMORY_WARN_SHARE or disk > _DISK_WARN_SHARE:
            status.level, status.message = DiagnosticStatus.WARN, "memory or disk nearly full"
        status.values = [
            KeyValue(key="memory_share", value=f"{memory:.2f}"),
            KeyValue(key="disk_share", value=f"{disk:.2f}"),
            KeyValue(key="load_1min", value=f"{psutil.getloadavg()[0]:.2f}"),
        ]
        return status


def main() -> int:
    return run(HealthMonitor)
