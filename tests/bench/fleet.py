"""`python -m tests.bench fleet`: the platform under thousands of robots, SQLite and PostgreSQL side by side.

An alarm's time runs from the moment at which its robot should have published it to the platform's acknowledgement,
which is sent after the commit; and to the moment at which a signed-in reader's page has it. The load generator, the
broker, the store and the platform share this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import pstats
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from robot import paths
from robot.simulation.fleet.figures import spread
from tests.bench.machine import machine
from tests.chaos.pages import Person
from tests.chaos.parts import ROOT, STORES, Platform, environment

FIRST = (500.0, 12.0)  # messages a second, seconds: every robot is new to the platform; shown, and not counted
ORDINARY = (500.0, 20.0)
LADDER = tuple((rate, 8.0) for rate in (1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 10_000))
TARGET_P99_MS, TARGET_RATE = 250, 6000
LIMIT_S = 1.0

# a resident's day, as tests/bench/outbox.py takes it: bed summaries and changes, a state every 30 s, events, alarms
DAY = {"t/bed": 1470, "state": 2880, "e/event": 20, "e/alarm": 60}
PINGS_A_DAY = 1440 * 2
TCP_IP_BYTES = 52  # IPv4 20, TCP 20, timestamps 12
SECONDS_A_DAY = 86_400

# the tables that grow with the days, and with which messages; the others hold the newest word of each robot
GROWS_WITH = {
    "bed_history": ("t/bed",),
    "messages": ("e/event", "e/alarm"),
    "message_ids": ("e/event", "e/alarm"),
    **dict.fromkeys(("alarms", "alarm_log", "commands", "audit", "audit_details"), ("e/alarm",)),
}


class Load:
    """The fleet's process and its lines."""

    def __init__(self, platform: Platform, robots: int, steps: Sequence[tuple[float, float]], record: Path) -> None:
        command = [sys.executable, "-m", "robot.simulation.fleet", "--robots", str(robots), "--record", str(record)]
        command += ["--broker-port", str(platform.broker_port), "--until-p99-s", str(LIMIT_S)]
        for rate, seconds in steps:
            command += ["--step", f"{rate:g}:{seconds:g}"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )

    def lines(self) -> Iterator[dict[str, Any]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)
        if self.process.wait() != 0:
            raise RuntimeError("the fleet stopped early; its reason stands above")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Meter:
    """CPU (cores) and memory (PSS, MiB) of each process and of the load generator."""

    def __init__(self, platform: Platform, load: Load) -> None:
        self._families = {name: part.family for name, part in platform.parts.items()}
        self._families["fleet"] = lambda: [psutil.Process(load.process.pid)]
        self.begin()

    def begin(self) -> None:
        self._began_s, self._used_s = time.monotonic(), self._cpu_s()

    def cpu(self) -> dict[str, float]:
        elapsed_s = time.monotonic() - self._began_s
        return {name: round((used - self._used_s[name]) / elapsed_s, 3) for name, used in self._cpu_s().items()}

    def memory_mib(self) -> dict[str, float]:
        return {
            name: round(sum(process.memory_full_info().pss for process in family()) / 2**20, 1)
            for name, family in self._families.items()
        }

    def _cpu_s(self) -> dict[str, float]:
        used = {}
        for name, family in self._families.items():
            times = [process.cpu_times() for process in family()]
            # backends that end while we count take their time with them; a server's parent keeps it
            used[name] = sum(one.user + one.system for one in times)
        return used


class Page:
    """A signed-in reader of the live feed: when each alarm was there first."""

    def __init__(self, platform: Platform) -> None:
        self.first_s: dict[str, float] = {}
        self._person = Person(platform, "bench")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._person.follow, args=(self._note, self._stop), daemon=True)
        self._thread.start()

    def _note(self, alarm_id: str, at_s: float) -> None:
        self.first_s.setdefault(alarm_id, at_s)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        self._person.close()


def measure(
    store: str, workers: int, robots: int, steps: Sequence[tuple[float, float]], profiled: str = ""
) -> dict[str, Any]:
    """One platform, one fleet, all steps until alarms take longer than a second."""
    with running(store, workers, profiled) as platform:
        record = platform.folder / "alarms.txt"
        page = Page(platform)
        load = Load(platform, robots, steps, record)
        done: list[dict[str, Any]] = []
        memory: dict[str, float] = {}
        meter = None
        try:
            for line in load.lines():
                if line["what"] == "begins":
                    meter = meter or Meter(platform, load)
                    meter.begin()
                elif line["what"] == "step" and meter is not None:
                    memory = memory or meter.memory_mib()
                    done.append({**line, "cpu": meter.cpu(), "page_ms": _page_ms(record, page, line)})
                    tell(store if len(done) > 1 else "(new)", workers, done[-1])
        finally:
            load.stop()
            page.stop()
        return {
            "store": store,
            "workers": workers,
            "robots": robots,
            "first": done[0],
            "steps": done[1:],
            "memory_mib": memory,
            "tables": sizes(platform),
            "lost": lost(platform, record),
        }


@contextmanager
def running(store: str, workers: int, profiled: str) -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(prefix="hani-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL is another user
        platform = Platform(folder, store, workers=workers, profiled=profiled)
        try:
            platform.start()
            yield platform
        finally:
            platform.stop()
        if profiled:
            pstats.Stats(str(folder / "profile")).strip_dirs().sort_stats("tottime").print_stats(30)


def _page_ms(record: Path, page: Page, line: dict[str, Any]) -> dict[str, float]:
    """From the intended moment of an alarm's first report to the page, for the alarms of one step."""
    began_s = line["at_s"] - line["seconds"] - line["settle_s"] - 0.5
    deadline_s = time.monotonic() + 5.0
    while True:
        alarms = [words for text in record.read_text(encoding="utf-8").splitlines() if len(words := text.split()) == 3]
        mine = {id_: float(moment) for id_, moment, _ in alarms if float(moment) >= began_s}
        if mine.keys() <= page.first_s.keys() or time.monotonic() > deadline_s:
            break
        time.sleep(0.05)
    waits = [page.first_s[id_] - intended_s for id_, intended_s in mine.items() if id_ in page.first_s]
    return {**spread(waits), "unseen": len(mine) - len(waits)}


def lost(platform: Platform, record: Path) -> int:
    """Acknowledged alarms that the platform does not have."""
    acknowledged = {line.split()[0] for line in record.read_text(encoding="utf-8").splitlines()}
    rows = platform.rows("SELECT alarm_id FROM alarms") or []
    return len(acknowledged - {id_ for (id_,) in rows})


def sizes(platform: Platform) -> dict[str, dict[str, float]]:
    """Rows and bytes, indexes included, of each table that is larger than a few pages."""
    if platform.store == "sqlite":
        question = (
            "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY m.tbl_name"
        )
    else:
        question = (
            "SELECT coalesce(p.inhparent::regclass, c.oid::regclass)::text, sum(pg_total_relation_size(c.oid))::bigint"
            " FROM pg_class c LEFT JOIN pg_inherits p ON p.inhrelid = c.oid"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1"
        )
    found = {}
    for name, size in platform.rows(question) or []:
        rows = (platform.rows(f'SELECT count(*) FROM "{name}"') or [(0,)])[0][0]
        if rows > 100:
            found[name] = {"rows": rows, "bytes": int(size), "bytes_a_row": round(size / rows, 1)}
    return found


def _sent(steps: Sequence[dict[str, Any]]) -> Counter[str]:
    """Messages of all steps by leaf."""
    return sum((Counter(step["sent_by_leaf"]) for step in steps), Counter())


def a_day(step: dict[str, Any], sent_in_all: Counter[str], tables: dict[str, dict[str, float]]) -> dict[str, float]:
    """Bytes of a resident's day: MQTT and with TCP/IP on the wire, and on disk. Arithmetic over what was measured."""
    up = {leaf: step["bytes_up"].get(leaf, 0) / max(step["sent_by_leaf"].get(leaf, 0), 1) for leaf in DAY}
    sent = sum(step["sent_by_leaf"].get(leaf, 0) for leaf in DAY)
    down = step["bytes_down"] / max(sent, 1)
    packets_down = step["packets_down"] / max(sent, 1)
    messages = sum(DAY.values())
    mqtt = sum(up[leaf] * count for leaf, count in DAY.items()) + down * messages + 4 * PINGS_A_DAY
    # a packet up, its answers down, and a bare acknowledgement of TCP for half of them
    packets = messages * (1 + packets_down) * 1.5 + 2 * PINGS_A_DAY
    rows = {leaf: max(sent_in_all[leaf], 1) for leaf in DAY}
    disk = sum(
        table["bytes"] / sum(rows[leaf] for leaf in GROWS_WITH[name]) * sum(DAY[leaf] for leaf in GROWS_WITH[name])
        for name, table in tables.items()
        if name in GROWS_WITH
    )
    return {
        "wire_mqtt": round(mqtt),
        "wire_tcp_ip": round(mqtt + packets * TCP_IP_BYTES),
        "disk": round(disk),
    }


def tell(store: str, workers: int, step: dict[str, Any]) -> None:
    alarm, page = step["alarm_ms"], step["page_ms"]
    cpu = step["cpu"]
    platform = sum(value for name, value in cpu.items() if name != "fleet")
    print(
        f"{store:<9}{workers:>3}{step['rate']:>8.0f}{step['sent_a_second']:>9.0f}"
        f"{alarm.get('p50', 0):>9.1f}{alarm.get('p99', 0):>9.1f}{alarm.get('max', 0):>9.1f}"
        f"{page.get('p50', 0):>9.1f}{page.get('p99', 0):>9.1f}{page.get('max', 0):>9.1f}"
        f"{step['bed_ms'].get('p99', 0):>10.0f}{step['settle_s']:>7.1f}{step['unacknowledged']:>6}"
        f"{platform:>7.2f}{cpu.get('fleet', 0):>7.2f}",
        flush=True,
    )


HEAD = (
    f"{'':<9}{'':>3}{'wanted':>8}{'sent':>9}{'alarm to commit, ms':>27}{'alarm to the page, ms':>27}{'bed':>10}"
    f"{'settle':>7}{'left':>6}{'CPU, cores':>14}\n"
    f"{'store':<9}{'wor':>3}{'/s':>8}{'/s':>9}{'p50':>9}{'p99':>9}{'max':>9}{'p50':>9}{'p99':>9}{'max':>9}"
    f"{'p99 ms':>10}{'s':>7}{'':>6}{'platf.':>7}{'load':>7}"
)


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Per store and workers: the ordinary step, the highest rate that held, a thousand robots, a resident's day."""
    found = {}
    a_second = sum(DAY.values()) / SECONDS_A_DAY
    for run in runs:
        first = run["steps"][0]
        held = [
            step["sent_a_second"]
            for step in run["steps"]
            if step["alarm_ms"].get("p99", 1e9) <= 1000 * LIMIT_S and not step["unacknowledged"]
        ]
        platform = {name: value for name, value in first["cpu"].items() if name != "fleet"}
        thousand = 1000 * a_second / first["sent_a_second"]
        found[f"{run['store']}, {run['workers']} workers"] = {
            "alarm_ms": first["alarm_ms"],
            "page_ms": first["page_ms"],
            "held_messages_a_second": max(held, default=0),
            "cpu_per_thousand_robots": round(sum(platform.values()) * thousand, 3),
            "cpu_at_first_step": platform,
            "memory_mib": run["memory_mib"],
            "bytes_per_resident_and_day": a_day(first, _sent([run["first"], *run["steps"]]), run["tables"]),
            "lost": run["lost"],
        }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench fleet", description=__doc__.splitlines()[0])
    parser.add_argument("--robots", type=int, default=5000)
    parser.add_argument("--workers", type=int, action="append", help="ingest workers; may be repeated (default: 1, 2)")
    parser.add_argument("--store", choices=STORES, action="append", help="may be repeated (default: both)")
    parser.add_argument("--step", action="append", metavar="RATE:SECONDS", help="instead of the ladder")
    parser.add_argument("--profile", default="", help="part of the platform, as ingest-1 or duty: print its profile")
    parser.add_argument("--quick", action="store_true", help="under a minute: does it work, does it lose nothing")
    parser.add_argument("--out", type=Path, default=paths.home() / "bench-fleet.json")
    chosen = parser.parse_args(arguments)
    steps = [FIRST, ORDINARY, *LADDER]
    if chosen.step:
        steps = [
            FIRST,
            *((float(rate), float(seconds)) for rate, _, seconds in (one.partition(":") for one in chosen.step)),
        ]
    robots, workers = chosen.robots, chosen.workers or [1, 2]
    if chosen.quick:
        robots, workers, steps = 200, [2], [(150.0, 3.0), (150.0, 5.0)]
    print(json.dumps(machine()))
    print(f"{robots} robots; load average before: {os.getloadavg()[0]:.2f}\n{HEAD}", flush=True)
    runs = [
        measure(store, count, robots, steps, chosen.profile) for count in workers for store in chosen.store or STORES
    ]
    found = summary(runs)
    figures = {"machine": machine(), "summary": found, "runs": runs}
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    show(found, targets=not chosen.quick)
    print(f"written to {chosen.out.name} in the run-time folder")
    failed = [run for run in runs if run["lost"] or (chosen.quick and run["steps"][-1]["unacknowledged"])]
    return 1 if failed else 0


def show(found: dict[str, Any], *, targets: bool) -> None:
    for name, one in found.items():
        day = one["bytes_per_resident_and_day"]
        print(f"\n{name}")
        print(f"  alarms acknowledged and lost           {one['lost']}")
        print(f"  held until alarms pass {LIMIT_S:g} s, messages/s {one['held_messages_a_second']:.0f}")
        print(f"  CPU per thousand robots, cores         {one['cpu_per_thousand_robots']}")
        print(f"  memory, MiB (PSS)                      {one['memory_mib']}")
        print(
            f"  a resident's day, KB                   wire {day['wire_mqtt'] / 1000:.0f} (MQTT), "
            f"{day['wire_tcp_ip'] / 1000:.0f} (with TCP/IP); disk {day['disk'] / 1000:.0f}"
        )
    for name, one in found.items():
        if targets and name.startswith("postgres"):
            p99, held = one["alarm_ms"].get("p99"), one["held_messages_a_second"]
            print(f"\ntargets, {name}: p99 {p99} ms of {TARGET_P99_MS}; {held:.0f} of {TARGET_RATE} messages/s")


if __name__ == "__main__":
    sys.exit(main())
