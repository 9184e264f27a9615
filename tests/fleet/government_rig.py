"""What the tests of the bridge to the region's platform share: a platform's database, a settings file, the process."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import func, select

from robot.fleet.database import open_database
from robot.fleet.government.__main__ import main
from robot.fleet.government.tables import DEAD, DELIVERED, WAITING, GovernmentItem, GovernmentPending
from robot.fleet.tables import Worker
from tests.fleet.conftest import ROOT, end, until
from tests.fleet.government_alarms import change
from tests.fleet.government_stand_in import StandIn

PHASES = ("raised", "acknowledged", "closed")
RETRY = {"first_s": 0.05, "longest_s": 0.5, "pause_s": 0.1, "longest_pause_s": 0.3, "give_up_attempts": 1000}
"""Nothing is given up: a loaded machine is as ill-tempered as the stand-in, which would kill letters otherwise."""


class Rig:
    """A platform's database, a settings file and the bridge's process."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.data = folder, url, folder / "data"
        self.database = open_database(self.data, url)
        self.log = (folder / "log").open("wb")
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "devices.csv").write_text("device,elder_id\nhani-0001,E-1\n")

    def configure(self, target: dict[str, Any], **more: Any) -> Path:
        settings = {
            "target": target,
            "retry": RETRY,
            "lookup": {"file": "devices.csv"},
            "tables": {"codes": {"fall": "01"}},
            "messages": [
                {
                    "events": ["raised", "reopened", "acknowledged", "closed", "cancelled"],
                    "path": "/warning",
                    "fields": [
                        {"to": "msgId", "from": "key"},
                        {"to": "warnNo", "from": "alarm_id"},
                        {"to": "event", "from": "event"},
                        {"to": "type", "from": "type", "table": "codes"},
                        {"to": "elderId", "lookup": "elder_id"},
                    ],
                }
            ],
            **more,
        }
        path = self.folder / "government.yaml"
        path.write_text(yaml.safe_dump(settings))
        return path

    def http(self, stand_in: StandIn, **more: Any) -> Path:
        answers = {"code_path": "code", "duplicate_codes": ["A0409"], "refused_codes": ["A0422"], "message_path": "msg"}
        target = {"kind": "http", "url": stand_in.url, "timeout_s": 1.0, "answers": answers, **more.pop("target", {})}
        return self.configure(target, **more)

    def start(self) -> None:
        command = [*self.command(), "--config", str(self.folder / "government.yaml")]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self.log, stderr=self.log)

    def begin(self) -> None:
        """Start for the first time ever, and wait until that start is over: it passes over what has ended."""
        self.start()
        self.until(self.is_known)

    def until(self, look: Callable[[], bool]) -> None:
        """As everybody's `until`; a bridge that has ended by itself is shown at once."""

        def looked() -> bool:
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the bridge has ended: {(self.folder / 'log').read_text()[-600:]}")
            return look()

        until(looked)

    def is_known(self) -> bool:
        with self.database.read() as session:
            return session.get(Worker, "government") is not None

    def command(self, *words: str) -> list[str]:
        bridge = [sys.executable, "-m", "robot.fleet.government"]
        place = ["--data", str(self.data), "--database-url", self.url]
        return (
            [*bridge, "dead-letters", *place, *words[1:]]
            if words[:1] == ("dead-letters",)
            else [*bridge, *place, *words]
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command as its process would do it, without the second that an interpreter takes to start."""
        command, out, err = self.command(*words)[3:], io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(command)
        return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())

    def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            end(process)

    def change(self, alarm_id: str, *phases: str, **fields: Any) -> None:
        for phase in phases:
            with self.database.write() as session:
                change(session, alarm_id, phase, time.time(), **fields)

    def count(self, state: str) -> int:
        with self.database.read() as session:
            query = select(func.count()).select_from(GovernmentItem).where(GovernmentItem.state == state)
            return session.scalar(query) or 0

    def settled(self, number: int) -> bool:
        with self.database.read() as session:
            pending = session.scalar(select(func.count()).select_from(GovernmentPending))
        return pending == 0 and self.count(WAITING) == 0 and self.count(DELIVERED) + self.count(DEAD) >= number

    def end(self) -> None:
        self.kill()
        self.database.close()
        self.log.close()
