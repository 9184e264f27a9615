"""The daily test alarm over the whole way: robot's outbox, broker, ingest, desk, and back."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from robot.fleet import handling
from robot.fleet.database import Database, open_database
from robot.reporting.contract import BedBody
from robot.reporting.drill import Drill
from robot.reporting.outbox import Outbox
from robot.reporting.uplink import Uplink, UplinkSettings
from tests.fleet.conftest import PATIENCE_S, ROOT, Broker, end

pytestmark = pytest.mark.fleet

DEVICE = "hani-0001"


@pytest.fixture
def platform(broker: Broker, tmp_path: Path) -> Iterator[Database]:
    """Ingest and desk as processes; gives the database that they share."""
    data = tmp_path / "fleet"
    database = open_database(data)
    parts = (("ingest", "--broker-port", str(broker.port)), ("duty",))
    running = [
        subprocess.Popen([sys.executable, "-m", f"robot.fleet.{name}", "--data", str(data), *more], cwd=ROOT)
        for name, *more in parts
    ]
    with contextlib.closing(database), contextlib.ExitStack() as ending:
        for process in running:
            ending.callback(end, process, signal.SIGTERM)
        yield database


def test_a_test_alarm_that_the_platform_asked_for_comes_back_closed_and_empties_the_outbox(
    broker: Broker, platform: Database, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "robot.db")
    drill = Drill(outbox, DEVICE, 0.0)
    uplink = Uplink(UplinkSettings(DEVICE, port=broker.port), outbox, on_test=drill.begin)
    uplink.start(time.time())
    outbox.append(BedBody(in_bed=True, heart_rate_bpm=61.0, fresh=True), time.time())
    asked = False
    give_up_at_s = time.monotonic() + 4 * PATIENCE_S  # four processes, and all the way
    while drill.ok_at_s() is None or outbox.depth():
        assert time.monotonic() < give_up_at_s, "the test alarm did not come back"
        uplink.pump(time.time())
        drill.tick(time.time())
        if uplink.connected and not asked:
            handling.request_test(platform, DEVICE, "tester", time.time())
            asked = True
        time.sleep(0.02)
    uplink.stop(time.time())
    outbox.close()
