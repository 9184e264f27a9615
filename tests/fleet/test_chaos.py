"""The short versions of `make chaos` and of the fleet's bench: nothing lost, nothing twice, whatever is killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.chaos.__main__ import SHORT, run, table
from tests.chaos.parts import ROOT, STORES, environment
from tests.chaos.record import Plan

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(840)]


@pytest.mark.parametrize("store", STORES)
def test_no_alarm_is_lost_or_shown_twice_whatever_is_killed(store: str):
    plan = Plan(seed=5, store=store, **SHORT)
    with tempfile.TemporaryDirectory(prefix="hani-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL is another user, who may not enter pytest's own folders
        verdict, record, ledgers = run(Path(folder), plan, lambda _line: None)
    assert verdict.passed, table(plan, verdict, record, ledgers)
    assert verdict.made == plan.alarms
    assert {injected.fault.kind for injected in record.injected} >= {"kill", "pause", "network", "disk", "clock"}


def test_a_fleet_of_robots_loses_nothing_under_load(tmp_path: Path):
    command = [sys.executable, "-m", "tests.bench", "fleet", "--quick", "--out", str(tmp_path / "figures.json")]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=700
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
