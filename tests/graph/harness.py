"""Real nodes in their own processes, and a probe node in the test's, on a domain of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

T = TypeVar("T")


class Probe:
    """Publishes and listens beside the node under test."""

    def __init__(self) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node: Node = rclpy.create_node("probe", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._executor.shutdown()
        self._thread.join(3.0)
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def collect(self, kind: Any, topic: str, qos: Any) -> list[Any]:
        """Everything that comes on a topic, from now on."""
        found: list[Any] = []
        self.node.create_subscription(kind, topic, found.append, qos)
        return found

    def publisher(self, kind: Any, topic: str, qos: Any) -> Any:
        """A publisher that somebody listens to already."""
        publisher = self.node.create_publisher(kind, topic, qos)
        until(lambda: publisher.get_subscription_count() or None, f"a listener on {topic}")
        return publisher

    def bring_up(self, name: str) -> None:
        """Configure and activate, as the lifecycle manager would; asks again when a request goes to a dead process."""
        steps = {"unconfigured": Transition.TRANSITION_CONFIGURE, "inactive": Transition.TRANSITION_ACTIVATE}
        client = self.node.create_client(ChangeState, f"{name}/change_state")

        def step() -> bool | None:
            state = self.state(name)
            if state in steps:
                request = ChangeState.Request()
                request.transition.id = steps[state]
                self._call(client, request)
            return True if state == "active" else None

        until(step, f"{name} to become active", 40.0)
        self.node.destroy_client(client)

    def state(self, name: str) -> str | None:
        """The node's lifecycle state; None when nobody answers."""
        client = self.node.create_client(GetState, f"{name}/get_state")
        until(lambda: client.service_is_ready() or None, f"{name} to offer its services", 30.0)
        answer = self._call(client, GetState.Request())
        self.node.destroy_client(client)
        return answer.current_state.label if answer else None

    @staticmethod
    def _call(client: Any, request: Any, limit_s: float = 3.0) -> Any | None:
        future = client.call_async(request)
        end_s = time.monotonic() + limit_s
        while not future.done() and time.monotonic() < end_s:
            time.sleep(0.02)
        return future.result() if future.done() else None


class NodeProcess:
    """One node as its own process, started and ended by the test."""

    def __init__(self, name: str, home: Path, command: list[str] | None = None, **parameters: object) -> None:
        self.name = name
        program = command or [str(Path(sys.executable).parent / name)]
        self._command = [*program, "--ros-args", "-p", f"home:={home}"]
        for key, value in parameters.items():
            self._command += ["-p", f"{key}:={value}"]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def kill_and_restart(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.process = self._start()

    def stop(self) -> tuple[int, str]:
        """Orderly; returns the exit code and what it printed."""
        self.process.terminate()
        output, _ = self.process.communicate(timeout=20)
        return self.process.returncode, output


def until(find: Callable[[], T | None], what: str, within_s: float = 15.0) -> T:
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        found = find()
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {within_s} s for {what}")
