"""A disk that is really full (a small tmpfs in a mount namespace): alarms are written and sent all the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fleet.conftest import PATIENCE_S, ROOT

pytestmark = pytest.mark.fleet

SCRIPT = """
import json, sqlite3, sys, time
from pathlib import Path
from robot.alarms.book import AlarmBook
from robot.alarms.settings import AlarmSettings
from robot.messages import FallEvent, FallReason
from robot.nodes.alarm_disk import AlarmDisk
from robot.reporting.contract import AlarmBody, BedBody
from robot.reporting.outbox import Outbox
from robot.reporting.reserve import Reserve

home = Path(sys.argv[1])
database = home / "robot.db"
disk = AlarmDisk(database)
if sys.argv[2] == "reserve":
    disk.move()

def report(effect):
    body = AlarmBody(alarm_id=effect.alarm.id, type="fall", phase=effect.phase.value, revision=effect.alarm.revision,
                     severity="high", confidence=0.9, onset_ts=1.0)
    disk.outbox.append(body, 2.0)

def fall(number):
    book = AlarmBook(AlarmSettings("hani-1"))
    at_s = 100.0 * number
    effects = book.on_fall(FallEvent(f"f{number}", FallReason.FAST_DROP, 0.9, 1, at_s, at_s + 1), at_s + 1)
    for second in range(50):  # until nobody has answered
        effects += book.tick(at_s + 1 + second)
    disk.commit(effects, report)

fall(0)
with open(home / "other", "wb", buffering=0) as other:  # somebody else's logs
    try:
        while True:
            other.write(bytes(4096))
    except OSError:
        pass
for number in range(1, 301):
    fall(number)
unwritten = disk.store.unwritten
reader = Outbox(database)
waiting = sum(row.raised_alarm_id is not None for row in reader.pending(10_000))
held = Reserve(database).held
disk.close()
again = AlarmDisk(database)
(home / "other").unlink()
again.move()
print(json.dumps({"unwritten": unwritten, "waiting": waiting, "held": held, "fault": again.fault,
                  "held again": Reserve(database).held}))
"""


ALONE = """
import json, sys
from pathlib import Path
from robot.reporting.contract import AlarmBody
from robot.reporting.outbox import Outbox
from robot.reporting.reserve import Reserve

home = Path(sys.argv[1])
if sys.argv[2] == "reserve":
    Reserve(home / "robot.db").hold()
with open(home / "other", "wb", buffering=0) as other:
    try:
        while True:
            other.write(bytes(4096))
    except OSError:
        pass
try:
    outbox = Outbox(home / "robot.db")
    outbox.append(AlarmBody(alarm_id="alarm-0001", type="fall", phase="raised", revision=1, severity="high",
                            confidence=0.9, onset_ts=1.0), 2.0)
    print(json.dumps({"waiting": outbox.depth()}))
except Exception as error:
    print(json.dumps({"refused": type(error).__name__}))
"""


def run(folder: Path, how: str, script: str = SCRIPT) -> dict[str, object]:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is missing; it stands in util-linux")
    mount = f'mount -t tmpfs -o size=40m none "$1" && exec "{sys.executable}" -c "$2" "$1" {how}'
    command = [unshare, "--map-root-user", "--mount", "sh", "-c", mount, "sh", str(folder), script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=4 * PATIENCE_S)
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this machine allows no mount namespace")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_alarms_are_written_on_a_full_disk_because_space_was_reserved(tmp_path: Path) -> None:
    assert run(tmp_path, "reserve") == {
        "unwritten": 0,
        "waiting": 301,
        "held": False,
        "fault": "",
        "held again": True,
    }


def test_without_the_reserve_they_could_not_be(tmp_path: Path) -> None:
    """Otherwise the test above would show nothing."""
    found = run(tmp_path, "none")
    assert found["unwritten"] != 0


def test_a_reporter_that_starts_alone_on_a_full_disk_uses_the_reserve(tmp_path: Path) -> None:
    assert run(tmp_path, "reserve", ALONE) == {"waiting": 1}
    assert run(tmp_path, "none", ALONE) == {"refused": "DeviceFault"}
