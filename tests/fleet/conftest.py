"""A real mosquitto and a real PostgreSQL on free loopback ports; tests may kill them and start them again."""

from __future__ import annotations

import inspect
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import pytest

from robot.fleet import postgres
from robot.fleet.identity import broker_link
from robot.reporting import enrol
from tests.fleet.government_stand_in import StandIn, standing_in

if TYPE_CHECKING:
    from tests.fleet.government_rig import Rig
    from tests.fleet.secured import Site

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
"""Generous, because a loaded machine is slow and nothing here measures speed; only a test that fails waits so long."""
T = TypeVar("T")
_given_ports: set[int] = set()


def until(look: Callable[[], T | None], *, grows: Callable[[], object] | None = None) -> T:
    """The first true answer. Patience begins anew whenever what `grows` returns has changed: slow is no failure."""
    reached, since_s = object(), time.monotonic()
    while True:
        found = look()
        if found:
            return found
        if grows is not None and (now := grows()) != reached:
            reached, since_s = now, time.monotonic()
        if time.monotonic() - since_s > PATIENCE_S:
            raise AssertionError(f"it did not happen within {PATIENCE_S:g} s: {_source_of(look)}")
        time.sleep(0.02)


def _source_of(look: Callable[..., object]) -> str:
    with suppress(OSError, TypeError):
        return inspect.getsource(look).strip()
    return repr(look)


def together(*acts: Callable[[], object]) -> None:
    """Do all of it at once; the first error counts. What never ends fails the test, and neither it nor the run hangs:
    nobody waits for it without a limit, and a daemon holds up no interpreter's end.
    """
    start = threading.Barrier(len(acts))
    errors: list[BaseException] = []

    def begin(act: Callable[[], object]) -> None:
        try:
            start.wait()
            act()
        except BaseException as error:  # raised below, where the test is
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    give_up_at_s = time.monotonic() + 4 * PATIENCE_S  # some write hundreds of times, each to the disk
    for thread in threads:
        thread.join(max(0.0, give_up_at_s - time.monotonic()))
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), "one of the acts does not end"


def end(process: subprocess.Popen[Any], how: signal.Signals = signal.SIGKILL) -> None:
    """End a process; one that does not follow is ended by force, so that it writes to nothing any more, and fails."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE_S)
        raise


def first_line(process: subprocess.Popen[str]) -> str:
    """The first line that it prints (stdout a pipe, as text), without its end. Fails when it does not come."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
    line = process.stdout.readline() if ready else ""
    assert line, f"it printed nothing within {PATIENCE_S:g} s, or has ended"
    return line.rstrip("\n")


def free_port() -> int:
    """A loopback port that nobody uses now, and that Linux gives to no outgoing connection (32768 and above).

    Else a client could get the port of a server that was killed for a moment, or even be connected to itself.
    """
    while True:
        port = random.SystemRandom().randrange(12_000, 32_000)
        if port in _given_ports:  # somebody is about to use it, or was killed on it for a moment
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given_ports.add(port)
            return port


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
                self.kill()
                raise RuntimeError("mosquitto did not start")
            time.sleep(0.02)

    def kill(self) -> None:
        """Power failure: SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """An orderly end: SIGTERM."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, how)

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
        process, self._process = self._process, None
        if process is not None:
            end(process, how)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A cluster in a folder of its own; not pytest's, which root's server user must not enter.

    The children of a killed server write for a moment longer than it: what they leave behind is no failure.
    """
    with tempfile.TemporaryDirectory(prefix="hani-postgres-", ignore_cleanup_errors=True) as folder:
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


@pytest.fixture
def rig(tmp_path: Path, store_url: str) -> Iterator[Rig]:
    """A bridge to the region's platform, on either database."""
    from tests.fleet.government_rig import Rig  # it stands on this module

    rig = Rig(tmp_path, store_url)
    yield rig
    rig.end()


@pytest.fixture
def sqlite_rig(tmp_path: Path) -> Iterator[Rig]:
    """The same, where the database makes no difference."""
    from tests.fleet.government_rig import Rig  # as above

    rig = Rig(tmp_path, f"sqlite:///{tmp_path / 'platform.db'}")
    yield rig
    rig.end()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A stand-in for the region's platform."""
    with standing_in(StandIn()) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _everybody_is_patient() -> Iterator[None]:
    """A robot and an operator in the tests' own process give up after 10 s in service: too soon on a loaded machine."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (enrol, broker_link):
            patch.setattr(module, "PATIENCE_S", PATIENCE_S)
        yield


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A platform with certificates, one for the tests of a module: authority, broker and enrolment service."""
    from tests.fleet.secured import Site  # it stands on this module

    site = Site(tmp_path_factory.mktemp("site"))
    site.start_broker()
    site.start_enrolment()
    yield site
    site.stop_all()
