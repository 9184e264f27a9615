"""Real nodes in their own processes, and a probe node in the test's, on a domain of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

T = TypeVar("T")
LOADED_S = 120.0
"""So much longer may everything take on a loaded machine, where a process may need a minute to start."""
TIMES = 10
AHEAD_S = 1.0
"""So long before it sounds a clip is announced: whoever hears of it late would miss its beginning."""


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
        self._executor.shutdown(timeout_sec=LOADED_S)
        self._thread.join(LOADED_S)  # it must not meet a node that is gone
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def collect(self, kind: Any, topic: str, qos: Any) -> list[Any]:
        """Everything that comes on a topic, from now on; what is told to those alone who are there, from `met` on."""
        found: list[Any] = []
        self.node.create_subscription(kind, topic, found.append, qos)
        return found

    def publisher(self, kind: Any, topic: str, qos: Any) -> Any:
        """A publisher that somebody listens to already."""
        publisher = self.node.create_publisher(kind, topic, qos)
        until(lambda: publisher.get_subscription_count() or None, f"a listener on {topic}")
        return publisher

    def met(self, name: str) -> None:
        """Wait until a node knows of everybody who collects here: it learns of them in order, and answers the last."""
        until(lambda: self.state(name), f"{name} to answer")

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
    """One node as its own process, started and ended by the test; `end_all` ends what a failed test left running.

    Its output is read all the time: a node that logs much would otherwise stand still once a pipe is full.
    """

    _running: ClassVar[list[NodeProcess]] = []

    def __init__(self, name: str, home: Path, command: list[str] | None = None, **parameters: object) -> None:
        self.name = name
        program = command or [str(Path(sys.executable).parent / name)]
        self._command = [*program, "--ros-args", "-p", f"home:={home}"]
        for key, value in parameters.items():
            self._command += ["-p", f"{key}:={value}"]
        self._running.append(self)
        self._start()

    def _start(self) -> None:
        self.process = subprocess.Popen(
            self._command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, args=(self.process, self._lines), daemon=True)
        self._reader.start()

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: list[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            lines.extend(process.stdout)

    def kill_and_restart(self) -> None:
        self.kill()
        self._start()

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def stop(self) -> tuple[int, str]:
        """Orderly; returns the exit code and what it printed. Fails, and kills, when it does not end."""
        self.process.terminate()
        return self.wait()

    def wait(self, within_s: float = 20.0) -> tuple[int, str]:
        """Until it has ended by itself; as `stop`."""
        try:
            code = self.process.wait(within_s + LOADED_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(LOADED_S)
            told = f"{self.name} did not end within {within_s + LOADED_S:g} s:\n{self.output()}"
            raise AssertionError(told) from None
        self._reader.join(LOADED_S)  # a child of its own may hold the pipe a moment longer
        return code, self.output()

    def output(self) -> str:
        """What it has printed since it was started."""
        return "".join(self._lines)

    @classmethod
    def end_all(cls) -> None:
        """Kill what still runs, which would answer in the next test, and show its last words."""
        for node in cls._running:
            if node.process.poll() is None:
                node.kill()
                sys.stdout.write(f"--- {node.name} was still running\n{node.output()[-3000:]}\n")
        cls._running.clear()


def until(find: Callable[[], T | None], what: str, within_s: float = 15.0) -> T:
    """What is found at last. `within_s` is what it may take on a quiet machine: only a test that fails waits longer."""
    found = soon(find, within_s + LOADED_S)
    if found is None:
        raise AssertionError(f"waited {within_s + LOADED_S:g} s for {what}")
    return found


def until_again(act: Callable[[], object], find: Callable[[], T | None], what: str, every_s: float = 12.0) -> T:
    """As `until`, for what happens once, in real time: who waits for the processor misses it, and it is done again."""
    for _ in range(TIMES):
        act()
        found = soon(find, every_s)
        if found is not None:
            return found
    raise AssertionError(f"{TIMES} times waited {every_s:g} s for {what}")


def soon(find: Callable[[], T | None], within_s: float) -> T | None:
    """What is found, if it comes in time."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < within_s:
        found = find()
        if found is not None:
            return found
        time.sleep(0.02)
    return None
