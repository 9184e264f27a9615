"""`make bench`: figures of the whole house on this machine, printed and written as JSON. No test, no limits.

`python -m tests.bench fleet` measures the platform under thousands of robots instead.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

from robot import paths
from tests.bench import fleet, watching
from tests.bench.machine import machine
from tests.e2e.house import House

DATA = paths.ROOT / "tests" / "data"
FALL_CLIP = "vision/fall.mp4"
FALL_ONSET_S = 2.3  # tests/data/vision/README.md
SPEECH_CLIP = "speech/mn/L8-K1_B.flac"
CHECK_IN_S = 4.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=Path, default=paths.home() / "bench.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.repeats)
    figures = {"machine": machine(), "repeats": options.repeats, **figures, "watching": watching.measure()}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    show(figures)
    print(f"written to {options.out.name} in the run-time folder")


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    scenario = folder / "bench.yaml"
    scenario.write_text(yaml.safe_dump(steps(repeats), allow_unicode=True), encoding="utf-8")
    site = {"alarm_manager": {"check_in_s": CHECK_IN_S}}
    with House(folder / "house", scenario, site=site) as house:
        house.wait_for("scenario", 180, result="started")
        meter = Meter(house)
        rows = answer_alarms(house, repeats)
        house.wait_for("scenario", 60, result="done")
        cost = meter.read()
        events = house.events()
    return {"latency_s": latencies(events, rows), "cpu_share": cost["cpu"], "memory_mib": cost["memory"]}


def steps(repeats: int) -> dict[str, Any]:
    """First the talk, then the falls, each ended before the next begins."""
    talk: list[dict[str, Any]] = [
        {"resident_says": SPEECH_CLIP},
        {"wait_for": {"kind": "said", "within_s": 30}},
        {"pause_s": 1.0},
    ]
    fall: list[dict[str, Any]] = [
        {"camera": FALL_CLIP},
        {"wait_for": {"kind": "alarm", "where": {"phase": "closed"}, "within_s": 90}},
        {"camera": "empty"},
        {"pause_s": 5.0},
    ]
    return {"name": "bench", "media": str(DATA), "steps": talk * repeats + fall * repeats}


def answer_alarms(house: House, repeats: int) -> dict[str, dict[str, float]]:
    """Close every alarm as soon as it is raised; returns for each alarm when its row was first seen in each phase."""
    seen: dict[str, dict[str, float]] = {}
    while sum("closed" in phases for phases in seen.values()) < repeats:
        for row in house.alarms():
            phases = seen.setdefault(row["alarm_id"], {})
            if row["phase"] not in phases:
                phases[row["phase"]] = time.time()
                if row["phase"] == "raised":
                    house.client.post(f"/alarms/{row['alarm_id']}/acknowledge")
                    house.client.post(f"/alarms/{row['alarm_id']}/close", data={"reason": "bench"})
        if house.process.poll() is not None or any(event.get("result") == "failed" for event in house.events()[-3:]):
            raise SystemExit(f"the house stopped early\n{house.tail()}")
        time.sleep(0.02)
    return seen


def latencies(events: list[dict[str, Any]], rows: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """From the timeline and the page: each with its p50 and p95 over the repeats."""
    speech, final, suspected, page, raised = [], [], [], [], []
    spoke_at_s = scene_at_s = 0.0
    for event in events:
        at_s = event["at_s"]
        if event["kind"] == "heard" and "took_s" in event:
            spoke_at_s = at_s - event["took_s"]
            final.append(event["took_s"])
        elif event["kind"] == "saying" and spoke_at_s:
            speech.append(at_s - spoke_at_s)
            spoke_at_s = 0.0
        elif event["kind"] == "room" and event.get("clip") == FALL_CLIP:
            scene_at_s = at_s
        elif event["kind"] == "seen" and scene_at_s:
            suspected.append(at_s - scene_at_s - FALL_ONSET_S)
        elif event["kind"] == "alarm" and event["phase"] == "checking" and scene_at_s:
            page.append(min(rows[event["id"]].values()) - scene_at_s - FALL_ONSET_S)
            raised.append(rows[event["id"]]["raised"] - at_s - CHECK_IN_S)
            scene_at_s = 0.0
    return {
        "speech_end_to_final": summary(final),
        "speech_end_to_first_audio": summary(speech),
        "fall_onset_to_suspected": summary(suspected),
        "fall_onset_to_dashboard": summary(page),
        "check_in_end_to_dashboard_raised": summary(raised),
    }


def summary(values: list[float]) -> dict[str, float]:
    if len(values) < 2:
        return {"n": len(values)}
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"n": len(values), "p50": round(statistics.median(values), 3), "p95": round(cuts[18], 3)}


class Meter:
    """CPU share (1.0 is one core) and memory (PSS, MiB) of each process of the house since construction."""

    def __init__(self, house: House) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in house.pids().items()}
        self._began_s = time.monotonic()
        self._cpu_s = {name: self._used_s(process) for name, process in self._processes.items()}

    def read(self) -> dict[str, dict[str, float]]:
        elapsed_s = time.monotonic() - self._began_s
        cpu = {
            name: round((self._used_s(process) - self._cpu_s[name]) / elapsed_s, 3)
            for name, process in self._processes.items()
        }
        memory = {
            name: round(sum(one.memory_full_info().pss for one in self._family(process)) / 2**20, 1)
            for name, process in self._processes.items()
        }
        return {
            "cpu": {**cpu, "total": round(sum(cpu.values()), 3)},
            "memory": {**memory, "total": round(sum(memory.values()), 1)},
        }

    def _used_s(self, process: psutil.Process) -> float:
        times = [one.cpu_times() for one in self._family(process)]
        return sum(float(one.user + one.system) for one in times)

    @staticmethod
    def _family(process: psutil.Process) -> list[psutil.Process]:
        return [process, *process.children(recursive=True)]


def show(figures: dict[str, Any]) -> None:
    print(json.dumps(figures["machine"]))
    print(f"\n{'latency (s)':<36}{'n':>5}{'p50':>9}{'p95':>9}")
    for name, values in figures["latency_s"].items():
        print(
            f"{name:<36}{values['n']:>5}{values.get('p50', float('nan')):>9.3f}{values.get('p95', float('nan')):>9.3f}"
        )
    print(f"\n{'process':<24}{'CPU (cores)':>14}{'PSS (MiB)':>12}")
    for name, share in figures["cpu_share"].items():
        print(f"{name:<24}{share:>14.3f}{figures['memory_mib'][name]:>12.1f}")
    watching.show(figures["watching"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["fleet"]:
        sys.exit(fleet.main(sys.argv[2:]))
    main()
