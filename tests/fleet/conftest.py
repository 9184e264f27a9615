"""A real mosquitto and a real PostgreSQL on free loopback ports; tests may kill them and start them again."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psycopg
import pytest

from robot.fleet import postgres

if TYPE_CHECKING:
    from tests.fleet.secured import Site

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
T = TypeVar("T")


def until(look: Callable[[], T | None]) -> T:
    """The first true answer; patience is only for a test that fails."""
    give_up_at_s = time.monotonic() + 2 * PATIENCE_S
    while time.monotonic() < give_up_at_s:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """The broker as the launch file runs it. Its pid is mosquitto's own."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "robot.reporting.broker", "--port", str(self.port), "--data", str(self._data)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        give_up_at_s = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up_at_s:
                raise RuntimeError("mosquitto did not start")
            time.sleep(0.02)

    def kill(self) -> None:
        """Power failure: SIGKILL."""
        self._end(subprocess.Popen.kill)

    def stop(self) -> None:
        """An orderly end: SIGTERM."""
        self._end(subprocess.Popen.terminate)

    def _end(self, how: object) -> None:
        if self._process is not None and callable(how):
            how(self._process)
            self._process.wait(PATIENCE_S)
            self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def stopped_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that the test starts itself."""
    broker = Broker(tmp_path / "broker")
    yield broker
    broker.kill()


@pytest.fixture
def broker(stopped_broker: Broker) -> Broker:
    """A running broker."""
    stopped_broker.start()
    return stopped_broker


class Postgres:
    """A private PostgreSQL as robot.fleet.postgres runs it, durable as in service. Its pid is the server's own."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self.data = data
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0

    def start(self) -> None:
        command = [sys.executable, "-m", "robot.fleet.postgres", "--port", str(self.port), "--data", str(self.data)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        self.until_answers()

    def until_answers(self) -> None:
        give_up_at_s = time.monotonic() + PATIENCE_S
        while not self._answers():
            if (self._process and self._process.poll() is not None) or time.monotonic() > give_up_at_s:
                raise RuntimeError("PostgreSQL did not start")
            time.sleep(0.05)

    def until_gone(self) -> None:
        """Wait for the last act of a server that was told to end: it refuses clients while it still writes files."""
        give_up_at_s = time.monotonic() + PATIENCE_S
        while (self.data / "cluster" / "postmaster.pid").exists():
            if time.monotonic() > give_up_at_s:
                raise RuntimeError("PostgreSQL did not end")
            time.sleep(0.05)

    def kill(self) -> None:
        """Power failure: SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """An orderly end that does not wait for clients."""
        self._end(signal.SIGINT)

    def make_database(self) -> str:
        """A fresh, empty database's name."""
        self._made += 1
        name = f"test_{self._made}"
        self._run(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, database: str) -> str:
        return postgres.url(self.data, self.port, database)

    def _run(self, statement: str) -> None:
        with self._connect() as connection:
            connection.execute(statement.encode())

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        plain = self.url("postgres").replace("postgresql+psycopg", "postgresql")
        return psycopg.connect(plain, autocommit=True)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE_S)
            self._process = None


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A cluster in a folder of its own; not pytest's, which root's server user must not enter."""
    with tempfile.TemporaryDirectory(prefix="hani-postgres-") as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "data")
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One cluster for all tests; a test that kills its server makes one of its own (`own_postgres`)."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A cluster that the test may kill and start again."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """A fresh, empty PostgreSQL database, gone after the test."""
    name = postgres_server.make_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database of either kind: what runs on one must run on the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'platform.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A platform with certificates, one for the tests of a module: authority, broker and enrolment service."""
    from tests.fleet.secured import Site  # it stands on this module

    site = Site(tmp_path_factory.mktemp("site"))
    site.start_broker()
    site.start_enrolment()
    yield site
    site.stop_all()
