"""Each test has exactly one category: the gate (`-m unit`) leaves nothing out and lets nothing in."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

CATEGORIES = {"unit", "graph", "fleet", "e2e"}

# a busy machine is no failure; the gate must not depend on luck, on a developer's machine every run tries new examples
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("patient"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        found = CATEGORIES & {mark.name for mark in item.iter_markers()}
        if len(found) != 1:
            wanted = ", ".join(sorted(CATEGORIES))
            raise pytest.UsageError(f"{item.nodeid}: give it exactly one of the markers {wanted}")
