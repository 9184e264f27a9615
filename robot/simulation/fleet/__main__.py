"""Load from a fleet of simulated robots.

    python -m robot.simulation.fleet --robots 5000 --rate 500 --seconds 60 --broker-port 1883
    python -m robot.simulation.fleet --robots 5000 --broker-port 1883 --step 1000:10 --step 2000:10 --until-p99-s 1

Prints one JSON line when all are connected, one at the begin and one at the end of each step. Latencies are counted
from the moment at which a message should have gone out, on an open loop: a slow platform cannot slow its test down.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from robot.errors import BadInput, HaniError, LinkFault
from robot.simulation.fleet.arrivals import Step
from robot.simulation.fleet.figures import figures
from robot.simulation.fleet.load import Done, Fleet
from robot.supervisor.lifeline import die_with_parent


def step(text: str) -> tuple[float, float]:
    """RATE:SECONDS."""
    rate, _, seconds = text.partition(":")
    return float(rate), float(seconds)


def work(chosen: argparse.Namespace) -> None:
    """Connect and play all steps; stops early once the alarms' p99 is above `until_p99_s`.

    The first step never stops it: there every robot is new to the platform, whose processes have only just begun.
    """
    with ExitStack() as stack:
        fleet = Fleet(chosen.robots, chosen.broker_host, chosen.broker_port, prefix=chosen.prefix, first=chosen.first)
        stack.callback(fleet.close)
        record = stack.enter_context(chosen.record.open("w", encoding="utf-8")) if chosen.record else None

        def keep(done: Done) -> None:
            if record is not None and done.first:
                record.write(f"{done.alarm_id} {done.intended_s:.6f} {done.acked_s:.6f}\n")

        say("connected", robots=chosen.robots, seconds=round(fleet.connect(), 2))
        if chosen.wait:
            sys.stdin.readline()
        for number, (rate, seconds) in enumerate(chosen.step or [(chosen.rate, chosen.seconds)]):
            say("begins", rate=rate)
            plan = Step(rate, seconds, chosen.alarm_rate, chosen.burst)
            result = figures(plan, fleet.run(plan, chosen.seed + number, keep))
            if record is not None:
                record.flush()
            say("step", **result)
            if number > 0 and too_much(result, chosen.until_p99_s):
                break


def too_much(result: Mapping[str, Any], until_p99_s: float) -> bool:
    """Whether a step's alarms took longer than `until_p99_s` (0: no limit), or something was never acknowledged."""
    p99_s = result["alarm_ms"].get("p99", 0.0) / 1000
    return until_p99_s > 0 and (p99_s > until_p99_s or result["unacknowledged"] > 0)


def say(what: str, **fields: Any) -> None:
    """One JSON line, at once."""
    sys.stdout.write(json.dumps({"what": what, "at_s": time.time(), **fields}) + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line on stderr."""
    parent_pid = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m robot.simulation.fleet", description="Load from many robots.")
    parser.add_argument("--robots", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=500, help="ordinary messages a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--step", type=step, action="append", metavar="RATE:SECONDS", help="instead of these two")
    parser.add_argument("--alarm-rate", type=float, default=10, help="single alarms a second (default: %(default)s)")
    parser.add_argument("--burst", type=int, default=50, help="alarms at one moment, every 10 s (default: %(default)s)")
    parser.add_argument(
        "--until-p99-s", type=float, default=0, help="stop after the step, but the first, in which alarms took longer"
    )
    parser.add_argument("--broker-host", default="127.0.0.1")
    parser.add_argument("--broker-port", type=int, default=1883)
    parser.add_argument("--prefix", default="load", help="robots are called PREFIX-000000 and so on")
    parser.add_argument("--first", type=int, default=0, help="number of the first robot")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path, help="file for the alarms: id, intended and acknowledged, Unix seconds")
    parser.add_argument("--wait", action="store_true", help="begin at a line on standard input")
    chosen = parser.parse_args(arguments)
    die_with_parent(parent_pid, signal.SIGTERM)
    try:
        if chosen.robots < 1:
            raise BadInput("a fleet needs at least one robot; give --robots")
        try:
            work(chosen)
        except ConnectionError as error:
            raise LinkFault(f"no broker at {chosen.broker_host}:{chosen.broker_port} ({error.strerror})") from error
    except HaniError as error:
        sys.stderr.write(f"fleet: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
