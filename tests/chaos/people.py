"""Two people at the platform's pages while everything fails: one answers alarms, one looks all the time."""

from __future__ import annotations

import contextlib
import random
import subprocess
import threading
from collections import Counter

import httpx

from tests.chaos.pages import Person
from tests.chaos.record import Record

ANSWER_EVERY_S = 1.2  # the platform allows 60 changes a minute and session
AWAY = (httpx.HTTPError, KeyError, ValueError, RuntimeError, subprocess.SubprocessError)
"""What they meet while the platform is away, or half away: also no answer that can be read, and no way to sign in."""


def answer_alarms(person: Person, record: Record, seed: int, busy: threading.Event, stop: threading.Event) -> None:
    """Take on, then end, some of the alarms that are open, while it is busy; whatever HTTP confirmed must hold."""
    chance = random.Random(seed)
    while not stop.wait(ANSWER_EVERY_S):
        if not busy.is_set():
            return
        with contextlib.suppress(*AWAY):
            rows = [row for row in person.alarms() if row["list"] == "open" and row["phase"] != "checking"]
            if not rows:
                continue
            row = chance.choice(rows)
            if row["phase"] == "acknowledged":
                if person.end(row["alarm_id"]):
                    record.answered[row["alarm_id"]] = "closed"
            elif person.acknowledge(row["alarm_id"]):
                record.answered.setdefault(row["alarm_id"], "acknowledged")


def watch_page(person: Person, record: Record, stop: threading.Event) -> None:
    """No alarm stands twice, none comes back once it was closed."""
    closed: set[str] = set()
    while not stop.wait(1.0):
        with contextlib.suppress(*AWAY):
            rows = person.alarms()
            for alarm_id, times in Counter(row["alarm_id"] for row in rows).items():
                if times > 1:
                    record.seen_twice.append(alarm_id)
            for row in rows:
                if row["phase"] == "closed":
                    closed.add(row["alarm_id"])
                elif row["alarm_id"] in closed:
                    record.shown_back.append(f"{row['alarm_id']}: {row['phase']} on the page after closed")
