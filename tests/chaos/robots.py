"""A process that is many robots, each with its real outbox and uplink; made to be killed.

    python -m tests.chaos.robots --host 0 --robots 10 --folder DIR --ledger DIR --port 1883 --alarms 2000 --rate 5 ...

What it does is written to a ledger, one JSON line a fact, in a file that outlives it: "will" before an append, "made"
after the append returned, "receipt" when an answer of the platform reached the alarm manager's table. Only what was
"made" must arrive. Started again, it reads the ledger and goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import sqlite3
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robot.errors import HaniError
from robot.messages import Receipt
from robot.reporting.contract import AlarmBody, BedBody, EventBody
from robot.reporting.outbox import Outbox
from robot.reporting.uplink import Uplink, UplinkSettings
from robot.supervisor.lifeline import die_with_parent
from tests.chaos.skew import skewed

PUMP_S = 0.05
BED_S = 5.0
STATUS_S = 0.5
EVENT_SHARE = 0.2  # events made for every alarm's step
ENDINGS = (("cancelled", 0.6), ("closed", 0.25), ("raised", 0.15))  # the last stay open: for people, or for ever
PATH = {"cancelled": ("checking", "raised", "cancelled"), "closed": ("suspected", "raised", "closed")}


def path_of(alarm_id: str) -> tuple[str, ...]:
    """The phases that an alarm will pass, decided by its id."""
    draw, total = random.Random(alarm_id).random(), 0.0
    for ending, share in ENDINGS:
        total += share
        if draw < total:
            return PATH.get(ending, ("checking", "raised"))
    return ("checking", "raised")


@dataclass
class Course:
    """Where an alarm stands: `step` phases of its path are in the outbox, `revision` numbers were used up."""

    robot: int
    step: int = 0
    revision: int = 0
    due_s: float = 0.0  # monotonic


def facts(ledger: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a ledger; a line torn by a kill is passed over."""
    if not ledger.exists():
        return
    for line in ledger.read_bytes().split(b"\n"):
        try:
            fact = json.loads(line)
        except ValueError:
            continue
        if isinstance(fact, dict):
            yield fact


class Host:
    """The robots of one process."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._chosen = chosen
        self._name = f"robots-{chosen.host}"
        self._ledger_path: Path = chosen.ledger / f"{self._name}.jsonl"
        self._status_path: Path = chosen.ledger / f"{self._name}.status"
        self._courses: dict[str, Course] = {}
        self._chance = random.Random(f"{chosen.seed} {chosen.host} {time.monotonic_ns()}")
        self._made = 0
        self._counts: Counter[str] = Counter()
        self._thinned: dict[int, int] = {}
        self._remember()
        self._ledger = os.open(self._ledger_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if self._ledger_path.stat().st_size:
            os.write(self._ledger, b"\n")  # ends a torn line
        self._outboxes: list[Outbox] = []
        self._uplinks: list[Uplink] = []
        self._next_alarm_s = time.monotonic()
        self._bed_due_s = [time.monotonic() + self._chance.uniform(0, BED_S) for _ in range(chosen.robots)]

    def run(self) -> None:
        """For ever. A disk that refuses is tried again."""
        number = 0
        while len(self._uplinks) < self._chosen.robots:
            try:
                self._open(number)
            except (HaniError, sqlite3.Error):
                self._counts["refused"] += 1
                time.sleep(0.2)
            else:
                number += 1
        self._tell("start")
        status_s = 0.0
        while True:
            began_s = time.monotonic()
            for robot, uplink in enumerate(self._uplinks):
                try:
                    uplink.pump(time.time())
                    self._talk(robot)
                except (HaniError, sqlite3.Error):
                    self._counts["refused"] += 1
            self._live()
            if began_s - status_s > STATUS_S:
                status_s = began_s
                self._status()
            time.sleep(max(0.0, PUMP_S - (time.monotonic() - began_s)))

    def _open(self, robot: int) -> None:
        device = device_name(self._chosen.host, robot)
        outbox = Outbox(self._chosen.folder / device / "hani.db")

        def keep(receipt: Receipt) -> None:
            self._tell("receipt", robot=robot, alarm=receipt.alarm_id, kind=receipt.kind.value)

        uplink = Uplink(UplinkSettings(device, port=self._chosen.port, software="chaos"), outbox, keep)
        uplink.start(time.time())
        self._outboxes.append(outbox)
        self._uplinks.append(uplink)

    # --- alarms ---------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        """Begin alarms at the pace, and take those under way a step further."""
        now_s = time.monotonic()
        if now_s >= self._next_alarm_s and self._made < self._chosen.alarms:
            self._next_alarm_s = max(self._next_alarm_s, now_s - 1.0) + self._chance.expovariate(self._chosen.rate)
            alarm_id = str(uuid.uuid4())
            self._courses[alarm_id] = Course(self._chance.randrange(self._chosen.robots), due_s=now_s)
            self._made += 1
        for alarm_id, course in list(self._courses.items()):
            if course.due_s <= now_s:
                self._step(alarm_id, course)
                if course.step == len(path_of(alarm_id)):
                    del self._courses[alarm_id]

    def _step(self, alarm_id: str, course: Course) -> None:
        """Append the next phase. A revision number is never used twice, whether or not its append succeeded."""
        course.revision += 1
        course.due_s = time.monotonic() + self._chance.uniform(0.2, 3.0)
        phase = path_of(alarm_id)[course.step]
        fact = {"robot": course.robot, "alarm": alarm_id, "revision": course.revision, "phase": phase}
        body = AlarmBody.model_validate(
            {
                "alarm_id": alarm_id,
                "type": "fall",
                "phase": phase,
                "revision": course.revision,
                "severity": "high",
                "confidence": 0.9,
                "onset_ts": time.time(),
                "how": "voice" if phase == "cancelled" else None,
            }
        )
        self._tell("will", **fact)
        id_ = self._append(course.robot, body)
        if id_ is not None:
            course.step += 1
            self._tell("made", **fact, id=id_)
        if self._chance.random() < EVENT_SHARE:
            id_ = self._append(course.robot, EventBody(name="chaos", detail={"step": course.step}))
            if id_ is not None:
                self._tell("event", robot=course.robot, id=id_)

    def _to_make(self) -> int:
        return int(self._chosen.alarms) - self._made + len(self._courses)

    def _append(self, robot: int, body: AlarmBody | EventBody | BedBody) -> str | None:
        """The message's id, or None when the disk refused: then the robot knows that it was not kept."""
        try:
            return self._outboxes[robot].append(body, time.time())
        except (HaniError, sqlite3.Error):
            self._counts["refused"] += 1
            return None

    def _talk(self, robot: int) -> None:
        now_s = time.monotonic()
        if now_s >= self._bed_due_s[robot] and self._to_make():  # then silence can be waited for
            self._bed_due_s[robot] = now_s + BED_S
            self._append(robot, BedBody(in_bed=True, heart_rate_bpm=60.0, breath_rate_bpm=14.0, fresh=True))

    # --- the ledger -----------------------------------------------------------------------------------------------

    def _remember(self) -> None:
        """Where the alarms stood when this process was killed."""
        for fact in facts(self._ledger_path):
            if fact.get("what") == "will":
                course = self._courses.setdefault(fact["alarm"], Course(fact["robot"]))
                course.revision = max(course.revision, fact["revision"])
            elif fact.get("what") == "made":
                self._courses[fact["alarm"]].step += 1
        self._made = len(self._courses)
        self._courses = {id_: course for id_, course in self._courses.items() if course.step < len(path_of(id_))}

    def _tell(self, what: str, **fields: Any) -> None:
        line = json.dumps({"what": what, "mono_s": round(time.monotonic(), 4), **fields}, separators=(",", ":"))
        os.write(self._ledger, line.encode() + b"\n")

    def _status(self) -> None:
        """For the conductor: what is still to be done."""
        try:
            depth = sum(outbox.depth() for outbox in self._outboxes)
            self._thinned = {robot: outbox.thinned() for robot, outbox in enumerate(self._outboxes)}
        except sqlite3.Error:
            depth = -1
        status = {
            "to_make": self._to_make(),
            "depth": depth,
            "thinned": self._thinned,
            "pid": os.getpid(),
            "at_s": time.monotonic(),
            **self._counts,
        }
        unfinished = self._status_path.with_suffix(".new")
        unfinished.write_text(json.dumps(status), encoding="utf-8")
        unfinished.replace(self._status_path)


def device_name(host: int, robot: int) -> str:
    return f"chaos-{host}-{robot:03d}"


def main() -> int:
    parent_pid = os.getppid()
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", type=int, required=True, help="number of this process among its like")
    parser.add_argument("--robots", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="the robots' disks")
    parser.add_argument("--ledger", type=Path, required=True, help="folder that no fault touches")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--alarms", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="alarms a second")
    parser.add_argument("--clock", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    chosen = parser.parse_args()
    die_with_parent(parent_pid, signal.SIGKILL)
    logging.basicConfig(level=logging.ERROR)
    time.time = skewed(chosen.clock)  # every robot of this process has this wall clock
    Host(chosen).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
