"""A private domain for each test process, and a probe for each test."""

from __future__ import annotations

from collections.abc import Iterator

import domain_coordinator
import pytest

from tests.graph.harness import Probe


@pytest.fixture(scope="session")
def domain() -> Iterator[int]:
    with domain_coordinator.domain_id() as number:
        yield number


@pytest.fixture
def probe(domain: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    probe = Probe()
    yield probe
    probe.close()
