"""Brings the nodes up in the design's order, again whenever one returns, and ends those that hang."""

from __future__ import annotations

import time
from typing import Any, Final

import psutil
from hani_msgs.msg import Heartbeat
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from robot.nodes.base import HaniNode, run
from robot.nodes.bringup import Bringup, Order, Step
from robot.nodes.topics import EVENTS, HEARTBEAT
from robot.settings import LifecycleManagerSettings

ORDER: Final = (
    "platform_reporter",
    "alarm_manager",
    "mattress_bridge",
    "fall_detector",
    "speech_synthesizer",
    "speech_recognizer",
    "dialogue_manager",
    "health_monitor",
)
"""Safety before conversation (DESIGN.md)."""

_TRANSITIONS: Final = {
    Step.CONFIGURE: Transition.TRANSITION_CONFIGURE,
    Step.ACTIVATE: Transition.TRANSITION_ACTIVATE,
}


class LifecycleManager(HaniNode[LifecycleManagerSettings]):
    """Not managed itself: it works from its first moment, so that its own restart needs nobody."""

    NAME = "lifecycle_manager"

    def __init__(self) -> None:
        super().__init__()
        self._bringup = Bringup(
            ORDER,
            time.monotonic(),
            patience_s=self.settings.patience_s,
            hung_after_s=self.settings.hung_after_s,
        )
        self._change = {node: self.create_client(ChangeState, f"{node}/change_state") for node in ORDER}
        self._told_all_active = False
        self.create_subscription(Heartbeat, HEARTBEAT, self._on_heartbeat, EVENTS)
        self.create_timer(0.2, self._work)

    def _on_heartbeat(self, beat: Heartbeat) -> None:
        self._bringup.heartbeat(beat.node, beat.state, beat.pid, time.monotonic())

    def _work(self) -> None:
        now_s = time.monotonic()
        for order in self._bringup.due(now_s):
            if order.step is Step.KILL:
                self._kill(order)
            else:
                self._request(order)
        all_active = self._bringup.all_active()
        if all_active and not self._told_all_active:
            self.log.info("all nodes are active")
        self._told_all_active = all_active

    def _request(self, order: Order) -> None:
        client = self._change[order.node]
        if not client.service_is_ready():
            self._bringup.done(order.node, order.pid, succeeded=False, now_s=time.monotonic())
            return
        request = ChangeState.Request()
        request.transition.id = _TRANSITIONS[order.step]
        self.log.info("transition requested: %s %s", order.node, order.step.value)
        client.call_async(request).add_done_callback(lambda future: self._on_result(order, future))

    def _on_result(self, order: Order, future: Any) -> None:
        response = future.result() if future.exception() is None else None
        succeeded = bool(response and response.success)
        self._bringup.done(order.node, order.pid, succeeded, time.monotonic())

    def _kill(self, order: Order) -> None:
        """End a hanging process, but only if the pid still belongs to that node."""
        try:
            process = psutil.Process(order.pid)
            if order.node in " ".join(process.cmdline()):
                self.log.error("node does not answer and is ended: %s", order.node)
                process.kill()
        except psutil.Error:
            return  # it has ended by itself


def main() -> int:
    return run(LifecycleManager)
