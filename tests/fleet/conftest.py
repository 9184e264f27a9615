"""A real mosquitto on a free loopback port; tests may kill it and start it again with what it had saved."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """The broker as the launch file runs it. Its pid is mosquitto's own."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "robot.reporting.broker", "--port", str(self.port), "--data", str(self._data)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        give_up_at_s = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up_at_s:
                raise RuntimeError("mosquitto did not start")
            time.sleep(0.02)

    def kill(self) -> None:
        """Power failure: SIGKILL."""
        self._end(subprocess.Popen.kill)

    def stop(self) -> None:
        """An orderly end: SIGTERM."""
        self._end(subprocess.Popen.terminate)

    def _end(self, how: object) -> None:
        if self._process is not None and callable(how):
            how(self._process)
            self._process.wait(PATIENCE_S)
            self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def stopped_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that the test starts itself."""
    broker = Broker(tmp_path / "broker")
    yield broker
    broker.kill()


@pytest.fixture
def broker(stopped_broker: Broker) -> Broker:
    """A running broker."""
    stopped_broker.start()
    return stopped_broker
