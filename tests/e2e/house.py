"""A whole house for tests: the real launch file, every process, its timeline and its platform."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import yaml

from robot.simulation import demo
from tests.fleet import signed_in
from tests.fleet.conftest import free_port

T = TypeVar("T")
LOADED_S = 120.0
"""So much longer may everything take on a loaded machine: only a test that fails waits so long."""
PATIENCE_MS = 1000 * LOADED_S
"""Of a browser, which has the whole house beside it."""
STILL_S = 1.5


class House:
    """Starts on entry, stops on exit. `site` are parameters by node, applied last. The scenario is played patiently."""

    def __init__(
        self,
        home: Path,
        scenario: Path,
        *,
        caregiver: str = "person",
        site: dict[str, dict[str, Any]] | None = None,
        rasa: bool = True,
    ) -> None:
        self.home, self._rasa = home, rasa
        self._scenario, self._caregiver, self._site = scenario, caregiver, site or {}

    def __enter__(self) -> House:
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        self.ports = {name: free_port() for name in ("dashboard", "broker", "rasa")}
        arguments = {
            "home": str(self.home),
            "scenario": str(patient(self._scenario, self.home / "scenario.yaml")),
            "caregiver": self._caregiver,
            "rasa": str(self._rasa).lower(),
            **{f"{name}_port": str(port) for name, port in self.ports.items()},
        }
        if self._site:
            site = self.home / "site.yaml"
            document = {f"/**/{node}": {"ros__parameters": values} for node, values in self._site.items()}
            site.write_text(yaml.safe_dump(document), encoding="utf-8")
            arguments["site"] = str(site)
        self.url = f"http://127.0.0.1:{self.ports['dashboard']}"
        self._client: httpx.Client | None = None
        self.process = demo.start(self.home, arguments)
        return self

    def __exit__(self, *_: object) -> None:
        if self._client:
            self._client.close()
        processes = self.processes()
        demo.stop(self.process)
        psutil.wait_procs(processes, LOADED_S)  # what is left of them would speak in the next house

    # what happens

    def events(self) -> list[dict[str, Any]]:
        path = self.home / "timeline.jsonl"
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_for(self, kind: str, within_s: float, since: int = 0, **where: object) -> tuple[int, dict[str, Any]]:
        """The first event at index `since` or later that matches, with its index. `within_s` is for a quiet machine."""

        def find() -> tuple[int, dict[str, Any]] | None:
            for index, event in enumerate(self.events()[since:], start=since):
                if event["kind"] == kind and all(event.get(key) == value for key, value in where.items()):
                    return index, event
                if event["kind"] == "scenario" and event["result"] == "failed":
                    raise AssertionError(f"the scenario got stuck: {event}\n{self.tail()}")
            return None

        return self.until(find, within_s, f"no {kind} {where}")

    def until(self, find: Callable[[], T | None], within_s: float, what: str) -> T:
        until_s = time.monotonic() + within_s + LOADED_S
        while time.monotonic() < until_s:
            found = find()
            if found is not None:
                return found
            if self.process.poll() is not None:
                raise AssertionError(f"the house has stopped: {what}\n{self.tail()}")
            time.sleep(0.1)
        raise AssertionError(f"{what} within {within_s + LOADED_S:g} s\n{self.tail()}")

    def tail(self) -> str:
        """The timeline's end and every log's last lines, for the message of a failed test."""
        parts = [json.dumps(event, ensure_ascii=False) for event in self.events()[-25:]]
        for log in sorted((self.home / "logs").glob("*.log")):
            parts += [f"--- {log.name}", *log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]]
        return "\n".join(parts)

    # the platform

    @property
    def client(self) -> httpx.Client:
        """Somebody who has signed in. Raises httpx.HTTPError while the dashboard does not answer."""
        if self._client is None:
            self._client = signed_in.client(self.url, self.home / "fleet")
        return self._client

    def entrance(self, name: str) -> str:
        """The address of a login link for a browser."""
        return f"{self.url}{signed_in.link(self.home / 'fleet', name)}"

    def alarms(self) -> list[dict[str, Any]]:
        try:
            answer = self.client.get("/api/alarms").raise_for_status().json()
        except httpx.HTTPError:
            return []
        rows: list[dict[str, Any]] = answer["alarms"]
        return rows

    # processes

    def pids(self) -> dict[str, int]:
        try:
            found: dict[str, int] = json.loads((self.home / "processes.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def processes(self) -> list[psutil.Process]:
        """What is alive now."""
        found = []
        for pid in self.pids().values():
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(pid))
        return found

    def kill(self, name: str) -> int:
        """SIGKILL, as soon as the process is known: whoever was killed a moment ago may not be back yet."""

        def struck() -> int | None:
            pid = self.pids().get(name)
            with contextlib.suppress(ProcessLookupError):
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)
                    return pid
            return None

        return self.until(struck, 40, f"{name} does not run")

    def running(self) -> list[str]:
        """Names of processes that are alive now."""
        return [name for name, pid in self.pids().items() if psutil.pid_exists(pid)]


def patient(scenario: Path, copy: Path) -> Path:
    """A copy whose waits are as long as a loaded machine's, and in which Hani has surely ended when somebody speaks."""
    document = yaml.safe_load(scenario.read_text(encoding="utf-8"))
    steps: list[dict[str, Any]] = []
    for step in document["steps"]:
        if "resident_says" in step:
            steps.append({"pause_s": STILL_S})
        for verb in {"wait_for", "caregiver"} & set(step):
            step = {verb: {**step[verb], "within_s": step[verb]["within_s"] + LOADED_S}}
        steps.append(step)
    document = {**document, "media": str((scenario.parent / document["media"]).resolve()), "steps": steps}
    copy.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return copy
