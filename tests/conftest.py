"""Each test has exactly one category: the gate (`-m unit`) leaves nothing out and lets nothing in."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

CATEGORIES = {"unit", "graph", "fleet", "e2e"}

# the gate must not depend on luck; on a developer's machine every run tries new examples
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        found = CATEGORIES & {mark.name for mark in item.iter_markers()}
        if len(found) != 1:
            wanted = ", ".join(sorted(CATEGORIES))
            raise pytest.UsageError(f"{item.nodeid}: give it exactly one of the markers {wanted}")
