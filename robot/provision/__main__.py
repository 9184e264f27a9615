"""`python3 -m robot.provision PROFILE [--list]`."""

from __future__ import annotations

import argparse
import fcntl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from robot.errors import HaniError
from robot.provision.console import Console
from robot.provision.house import PROFILES, House
from robot.provision.steps import Step

FAILED = 2
INTERRUPTED = 130


@contextmanager
def alone(home: Path, console: Console) -> Iterator[None]:
    """Hold the set-up lock of this checkout: two set-ups at once (`make demo` and `make test`) take turns."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.say("Another set-up of this checkout is running; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def provide(steps: list[Step], console: Console) -> int:
    """Do the steps that are not done yet; returns how many those were."""
    done = 0
    for number, step in enumerate(steps, start=1):
        if step.is_ready():
            continue
        console.begin(step.name, f"[{number}/{len(steps)}] {step.title}")
        step.do(console)
        console.end()
        done += 1
    return done


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python3 -m robot.provision", description="Bring what Hani needs on this machine."
    )
    parser.add_argument(
        "profile", choices=PROFILES, help="demo: to run; test: and the test tools; board: ROS 2 comes from apt"
    )
    parser.add_argument("--list", action="store_true", help="only print the steps and whether each is done")
    chosen = parser.parse_args(arguments)
    house = House()
    console = Console(house.home / "logs")
    steps = house.steps(chosen.profile)
    try:
        if chosen.list:
            rows = [f"{'ready' if step.is_ready() else 'to do'}  {step.name:<10}  {step.title}" for step in steps]
            console.say("\n".join(rows))
            return 0
        begun_s = time.monotonic()
        with alone(house.home, console):
            done = provide(steps, console)
        took = f"{done} of {len(steps)} parts brought in {time.monotonic() - begun_s:.1f} s"
        console.say(f"Set-up for `{chosen.profile}`: {took if done else 'all parts in place'}")
    except HaniError as error:
        sys.stderr.write(f"\nset-up stopped: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("\nset-up interrupted; the same command goes on from here\n")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
