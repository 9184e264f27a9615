"""The platform's processes, each started, killed, stopped and continued by itself. Bench and chaos share this file."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from robot import paths
from robot.fleet import postgres
from robot.supervisor.lifeline import die_with_parent
from tests.fleet.conftest import free_port

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
STORES = ("sqlite", "postgres")


def exists(module: str) -> bool:
    """Whether the platform has this part."""
    return importlib.util.find_spec(module) is not None


class Part:
    """One process. `clock` names a file whose offset is added to its wall clock (see skew.py).

    `profile` names a file for its profile.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, clock: Path | None = None, profile: Path | None = None
    ) -> None:
        module, *arguments = command
        launcher = ["-m", module] if clock is None else ["-m", "tests.chaos.skew", str(clock), module]
        launcher = ["-m", "tests.bench.profiled", str(profile), module] if profile else launcher
        self.name, self.command = name, [sys.executable, *launcher, *arguments]
        self.wanted = False  # it should run now
        self.paused = False
        self.fell = 0  # ends that nobody asked for
        self._log, self._process = log, None

    _process: subprocess.Popen[bytes] | None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self.wanted, own_pid = True, os.getpid()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(),
                preexec_fn=lambda: die_with_parent(own_pid),  # nobody stays behind when a run is killed
            )

    def kill(self) -> None:
        """SIGKILL to it and to whatever it started."""
        self.wanted = self.paused = False
        self._signal(signal.SIGKILL)
        self._wait()

    def pause(self) -> None:
        """SIGSTOP: it neither works nor dies."""
        self.paused = True
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.paused = False
        self._signal(signal.SIGCONT)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """An orderly end, by force after 15 s."""
        self.wanted = False
        if self.running and self._process is not None:
            self.resume()
            self._process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
        self.kill()

    def look(self) -> bool:
        """Start it again if it ended by itself. Returns whether it had."""
        if self.wanted and not self.running:
            self.fell += 1
            self.start()
            return True
        return False

    def family(self) -> list[psutil.Process]:
        """The process and its descendants."""
        if self._process is None:
            return []
        try:
            own = psutil.Process(self._process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _signal(self, number: signal.Signals) -> None:
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _wait(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.wait(PATIENCE_S)


class Platform:
    """Broker, store, ingest workers, desk and pages in folders of their own.

    `ingest_port` is where the workers find the broker (a proxy, perhaps); `clock` skews all processes but the engines';
    `bridge` is the settings file of the bridge to the government; `profiled` the part of which `folder/profile` tells.
    """

    def __init__(
        self,
        folder: Path,
        store: str,
        *,
        workers: int = 1,
        ingest_port: int | None = None,
        clock: Path | None = None,
        data: Path | None = None,
        bridge: Path | None = None,
        profiled: str = "",
    ) -> None:
        self.folder, self.store, self._profiled = folder, store, profiled
        self.data = data or folder / "data"
        for path in (self.data, folder / "logs"):
            path.mkdir(parents=True, exist_ok=True)
        self.broker_port, self.page_port, self.database_port = free_port(), free_port(), free_port()
        cluster = self.data / "postgres"
        self.url = (
            f"sqlite:///{self.data / 'fleet' / 'platform.db'}"
            if store == "sqlite"
            else postgres.url(cluster, self.database_port)
        )
        self.parts: dict[str, Part] = {}
        if store == "postgres":
            self._add("database", "robot.fleet.postgres", "--data", str(cluster), "--port", str(self.database_port))
        self._add(
            "broker", "robot.reporting.broker", "--data", str(self.data / "broker"), "--port", str(self.broker_port)
        )
        common = ["--data", str(self.data / "fleet"), "--database-url", self.url]
        files = ["--contacts", "config/contacts.example.yaml", "--site", "config/site.example.yaml"]
        broker = ["--broker-port", str(ingest_port or self.broker_port)]
        for number in range(1, workers + 1):
            self._add(f"ingest-{number}", "robot.fleet.ingest", *common, *broker, clock=clock)
        if exists("robot.fleet.duty"):
            self._add("duty", "robot.fleet.duty", *common, *files, clock=clock)
        self._add("dashboard", "robot.fleet.dashboard", *common, *files, "--port", str(self.page_port), clock=clock)
        if bridge is not None:
            self._add("bridge", "robot.fleet.government", *common, *files, "--config", str(bridge), clock=clock)
        self._engine = create_engine(self.url)

    def _add(self, name: str, *command: str, clock: Path | None = None) -> None:
        profile = self.folder / "profile" if name == self._profiled else None
        self.parts[name] = Part(name, command, self.folder / "logs" / f"{name}.log", clock, profile)

    def start(self) -> None:
        """Start everything and wait until it answers. Raises RuntimeError with the end of a log if it does not."""
        if "database" in self.parts:
            self.parts["database"].start()
            self._until("database", lambda: self.rows("SELECT 1") is not None)
        self.parts["broker"].start()
        self._until("broker", lambda: answers(self.broker_port))
        for name, part in self.parts.items():
            if name not in ("database", "broker"):
                part.start()
                if name == "ingest-1":  # one migrates, the others find it done
                    self._until(name, lambda: bool(self.rows("SELECT name FROM workers WHERE linked")))
        self._until("dashboard", lambda: answers(self.page_port))

    def stop(self) -> None:
        with contextlib.ExitStack() as ending:  # the last one first; each, whatever becomes of the others
            ending.callback(self._engine.dispose)
            for part in self.parts.values():
                ending.callback(part.stop)

    def rows(self, question: str, **values: Any) -> list[Any] | None:
        """The answer of the platform's database; None while it does not answer."""
        if self.store == "sqlite" and not (self.data / "fleet" / "platform.db").exists():
            return None
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(text(question), values))
        except SQLAlchemyError:
            return None

    def order(self, *commands: str) -> None:
        """Commands to the database that need no transaction."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for command in commands:
                connection.execute(text(command))

    def names(self, *prefixes: str) -> Iterable[str]:
        return [name for name in self.parts if name.startswith(prefixes)]

    def _until(self, name: str, ready: Any) -> None:
        give_up_at_s = time.monotonic() + PATIENCE_S
        part = self.parts[name]
        while not ready():
            if time.monotonic() > give_up_at_s or not part.running:
                log = (self.folder / "logs" / f"{name}.log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"{name} did not start: {log[-600:]}")
            time.sleep(0.05)


def answers(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def environment() -> dict[str, str]:
    """Of every child. Where Python may not write what it has compiled, each restart would take seconds longer than it
    does in service: then it writes into the run-time folder.
    """
    found = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if found.pop("PYTHONDONTWRITEBYTECODE", ""):
        found.setdefault("PYTHONPYCACHEPREFIX", str(paths.home() / "pycache"))
    return found
