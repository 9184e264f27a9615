"""The short versions of `make chaos` and of the fleet's bench: nothing lost, nothing twice, whatever is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.__main__ import SHORT, run, table
from tests.chaos.conductor import Plan
from tests.chaos.parts import ROOT, STORES, environment

pytestmark = pytest.mark.fleet


@pytest.mark.parametrize("store", STORES)
def test_no_alarm_is_lost_or_shown_twice_whatever_is_killed(store: str, tmp_path: Path):
    tmp_path.chmod(0o755)  # PostgreSQL is another user
    tmp_path.parent.chmod(0o755)
    plan = Plan(seed=5, store=store, **SHORT)
    verdict, record, ledgers = run(tmp_path / "run", plan, lambda _line: None)
    assert verdict.passed, table(plan, verdict, record, ledgers)
    assert verdict.made == plan.alarms
    assert {injected.fault.kind for injected in record.injected} >= {"kill", "pause", "network", "disk", "clock"}


def test_a_fleet_of_robots_loses_nothing_under_load(tmp_path: Path):
    command = [sys.executable, "-m", "tests.bench", "fleet", "--quick", "--out", str(tmp_path / "figures.json")]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
