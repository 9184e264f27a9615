"""`hani demo`: starts the simulated home, shows its timeline in the terminal, and stops everything on Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from robot import paths
from robot.errors import BadInput, MissingPart
from robot.fleet.database import open_database
from robot.fleet.people import Role
from robot.fleet.people.welcome import welcome
from robot.simulation.scenario import Scenario
from robot.supervisor.lifeline import die_with_parent

WATCHER = "demo"
_LINK_S = 12 * 3600.0
_STOP_LIMIT_S = 25.0
_STYLES = {
    "note": "bold",
    "room": "dim",
    "heard": "cyan",
    "understood": "blue",
    "saying": "green",
    "seen": "yellow",
    "bed": "magenta",
    "alarm": "bold red",
    "scenario": "bold",
}
_QUIET = {"said", "node", "receipt"}


def run(scenario: Path | None, *, leave: bool, caregiver: str, port: int) -> int:
    """Play until the end of the scenario (`leave`) or until Ctrl-C. Returns 0 when every step succeeded."""
    scenario = (scenario or paths.ROOT / "config" / "scenarios" / "day_and_night.yaml").resolve()
    Scenario.load(scenario)
    home = paths.home() / "simulation"
    shutil.rmtree(home, ignore_errors=True)
    (home / "logs").mkdir(parents=True)
    console = Console(highlight=False)
    ports = {"dashboard_port": free_port(port), "broker_port": free_port(1884), "rasa_port": free_port(5005)}
    console.print(Text("Hani: a simulated home", style="bold"))
    url = f"http://127.0.0.1:{ports['dashboard_port']}"
    console.print(f"  the platform's page   {url}/login/{invite(home / 'fleet')}", soft_wrap=True)
    again = f"--data {_short(home / 'fleet')} login-link {WATCHER} --url {url}"
    console.print(f"  another such link     python -m robot.fleet.people {again}", soft_wrap=True)
    console.print(f"  logs and recordings   {_short(home)}")
    console.print("  Ctrl-C stops everything. Starting (Rasa takes the longest) ...")
    for number in (signal.SIGINT, signal.SIGTERM):
        # also where the shell started us with interrupts ignored, as it does in the background
        signal.signal(number, signal.default_int_handler)
    arguments = {"home": str(home), "scenario": str(scenario), "caregiver": caregiver}
    process = start(home, {**arguments, **{name: str(number) for name, number in ports.items()}})
    try:
        return _follow(console, home / "timeline.jsonl", process, leave=leave)
    except KeyboardInterrupt:
        console.print("Stopping ...")
        return 0
    finally:
        stop(process)


def invite(data: Path) -> str:
    """The token of a login link for the person who watches, made in the platform's fresh folder."""
    database = open_database(data)
    try:
        return welcome(database, WATCHER, Role.ADMINISTRATOR, time.time(), lasts_s=_LINK_S)
    finally:
        database.close()


def start(home: Path, arguments: dict[str, str]) -> subprocess.Popen[bytes]:
    """The launch file in a process of its own; each node writes its log into home/logs."""
    launch_file = paths.ROOT / "launch" / "simulation.launch.py"
    if not launch_file.is_file():
        raise MissingPart(f"{_short(launch_file)} is missing; run from a checkout")
    environment = {
        **os.environ,
        "HANI_LOG_DIR": str(home / "logs"),
        "HANI_STATE_DIR": str(home),
        "ROS_LOG_DIR": str(home / "logs" / "ros"),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "robot.supervisor", str(launch_file)]
    command += [f"{name}:={value}" for name, value in arguments.items()]
    own_pid = os.getpid()
    with (home / "logs" / "launch.log").open("wb") as log:
        # a session of its own: Ctrl-C reaches this process alone, which then stops the others in order
        return subprocess.Popen(
            command,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=paths.ROOT,
            preexec_fn=lambda: die_with_parent(own_pid, signal.SIGTERM),  # nobody stays behind when this is killed
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Orderly; by force when that takes too long (the supervisor's children die with it)."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port(wanted: int) -> int:
    """`wanted` when it is free on loopback, else any free port. Raises BadInput for an impossible number."""
    if not 0 < wanted < 65536:
        raise BadInput(f"port {wanted} is not between 1 and 65535")
    for number in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise BadInput("no free port on loopback")


def _follow(console: Console, timeline: Path, process: subprocess.Popen[bytes], *, leave: bool) -> int:
    began_s = time.time()
    for event in _events(timeline, process):
        if event["kind"] in _QUIET:
            continue
        console.print(render(event, began_s), soft_wrap=True)
        if event["kind"] == "scenario" and event["result"] in ("done", "failed"):
            if leave:
                return 1 if event["result"] == "failed" else 0
            console.print("The home goes on; look at the page, and press Ctrl-C to stop.")
    console.print(f"The home has stopped (code {process.returncode}); see logs/launch.log", style="red")
    return 1


def _events(timeline: Path, process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """Lines of the timeline as they come, until the launch ends."""
    position = 0
    while process.poll() is None:
        if timeline.exists():
            with timeline.open(encoding="utf-8") as file:
                file.seek(position)
                while (line := file.readline()).endswith("\n"):
                    position = file.tell()
                    yield json.loads(line)
        time.sleep(0.1)


def render(event: dict[str, Any], began_s: float) -> Text:
    """One line for the terminal: when, what, how long it took."""
    kind = str(event["kind"])
    took = f"{event['took_s'] * 1000:7.0f} ms" if "took_s" in event else " " * 10
    hidden = {"at_s", "kind", "took_s", "id", "revision", "pid", "alarm", "purpose", "name"}
    values = [_shown(key, value) for key, value in event.items() if key not in hidden and value not in (None, "")]
    line = Text(f"{event['at_s'] - began_s:7.1f} s  {took}  {kind:<13}")
    line.append("  ".join(values), style=_STYLES.get(kind, ""))
    return line


def _shown(key: str, value: object) -> str:
    """A value that explains itself stands alone; numbers and truths stand with their names."""
    return str(value) if isinstance(value, str) else f"{key.replace('_', ' ')} {str(value).lower()}"


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
