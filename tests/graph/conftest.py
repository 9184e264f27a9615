"""A private domain for each test process, and a probe for each test."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import domain_coordinator
import pytest
import rclpy
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from tests.graph.harness import NodeProcess, Probe


@pytest.fixture(scope="session")
def domain() -> Iterator[int]:
    with domain_coordinator.domain_id() as number:
        yield number


@pytest.fixture
def probe(domain: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    gc.collect()  # a node that an earlier test made in this process is in the graph, by its name, until then
    probe = Probe()
    yield probe
    NodeProcess.end_all()
    probe.close()


@pytest.fixture
def here(domain: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """For nodes made in the test's own process and never spun: their home."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    rclpy.init(args=["--ros-args", "-p", f"home:={tmp_path}"], signal_handler_options=SignalHandlerOptions.NO)
    yield tmp_path
    try_shutdown()
