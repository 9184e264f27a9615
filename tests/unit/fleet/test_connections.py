"""How many pages may be open: never more than this process may have files, and as many as the system lets it."""

from __future__ import annotations

import resource

import pytest

from robot.fleet import dashboard

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("hard", "allowed"),
    [
        (1024, 1024 - dashboard.FILES_KEPT),
        (1_000_000, dashboard.MOST_CONNECTIONS),
        (resource.RLIM_INFINITY, dashboard.MOST_CONNECTIONS),
        (100, 1),
    ],
)
def test_connections_end_before_the_open_files_do(monkeypatch: pytest.MonkeyPatch, hard: int, allowed: int) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    assert dashboard.connections() == allowed
    assert asked == [(hard, hard)], "a shell's own limit is raised"
