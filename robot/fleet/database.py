"""Open the platform's database: SQLite in the data folder by default, PostgreSQL by a URL; migrated under a lock.

python -m robot.fleet.database prune --data .hani/fleet [--database-url URL] [--telemetry-days 30]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState, Session

from robot.errors import BadConfiguration
from robot.fleet import bulk, partitions, process
from robot.fleet.tables import Alarm, Change
from robot.locks import exclusive

BUSY_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 10_000
SERVER_SETTINGS = {
    "lock_timeout": LOCK_TIMEOUT_MS,
    # shorter: whoever waits for a process that stopped in the midst of a transaction outlasts it
    "idle_in_transaction_session_timeout": 8_000,
    "tcp_keepalives_idle": 5,  # a client's machine that is gone lets go of its locks within 11 s
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
    "timezone": "UTC",
}
CLIENT_SETTINGS = {"connect_timeout": 5, "keepalives_idle": 5, "tcp_user_timeout": 10_000}
MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x48414E4B
CHANGES_LOCK = 0x48414E4C
CHANGES = "hani_changes"


class Database:
    """Reading and writing sessions: a read-then-write cannot fail half-way.

    On SQLite writers take the lock at once. On PostgreSQL a writing session holds every row of `alarms` that it reads.
    """

    def __init__(self, engine: Engine) -> None:
        self._readers = engine
        self._writers = engine.execution_options(hani_writes=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent snapshot."""
        readers = self._readers
        if readers.dialect.name == "postgresql":
            readers = readers.execution_options(isolation_level="REPEATABLE READ")
        with Session(readers, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls back on an error."""
        with Session(self._writers, expire_on_commit=False) as session, session.begin():
            if self._writers.dialect.name == "postgresql":
                event.listen(session, "do_orm_execute", _hold_alarms)
            yield session

    def answers(self) -> bool:
        """Whether the database answers a query."""
        try:
            with self.read() as session:
                session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        self._readers.dispose()


def note_change(session: Session, device: str, at_s: float, alarm_id: str | None = None) -> None:
    """Have the live pages look again at this alarm or robot, once the session has committed.

    Pages ask for what came after the newest id they saw, so ids must appear in their order: they are given as the last
    act of a transaction, one transaction at a time.
    """
    session.info.setdefault(CHANGES, {})[device, alarm_id] = at_s


@event.listens_for(Session, "before_commit")
def _write_changes(session: Session) -> None:
    if session.in_nested_transaction() or CHANGES not in session.info:
        return
    session.flush()  # every row lock first
    noted = session.info.pop(CHANGES)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CHANGES_LOCK})
    bulk.add(session, Change, [{"at_s": at_s, "device": d, "alarm_id": a} for (d, a), at_s in noted.items()])


@event.listens_for(Session, "after_rollback")
def _forget_changes(session: Session) -> None:
    session.info.pop(CHANGES, None)


def _hold_alarms(state: ORMExecuteState) -> None:
    if state.is_select and any(part["expr"] is Alarm for part in state.statement.column_descriptions):  # type: ignore[attr-defined]  # a SELECT has them
        state.statement = state.statement.with_for_update(of=Alarm)  # type: ignore[attr-defined]  # the same


def open_database(data: Path, url: str | None = None) -> Database:
    """Open `url`, by default platform.db in the folder `data`, and migrate it.

    Raises BadConfiguration when the folder or the database cannot be used.
    """
    where = f"database in {data}"
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if url is None:
            _keep_to_owner(data / "platform.db")
        engine = _engine(url or f"sqlite:///{data / 'platform.db'}")
        if engine.dialect.name == "sqlite":
            with exclusive(data / "migrate.lock"):
                _migrate(engine)
        else:
            where = f"database {engine.url.render_as_string(hide_password=True)}"
            _migrate(engine)
    except OSError as error:
        raise BadConfiguration(
            f"data folder {data} cannot be used ({error.strerror}); give another with --data"
        ) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        remedy = "move it away or give another --data" if url is None else "check --database-url and its server"
        raise BadConfiguration(f"{where} cannot be opened ({cause}); {remedy}") from error
    return Database(engine)


def _keep_to_owner(file: Path) -> None:
    """Health data: nobody else on this machine reads the file, nor what SQLite keeps beside it (with its mode)."""
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for part in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        with suppress(FileNotFoundError):  # it comes and goes with the connections
            if part.stat().st_mode & 0o077:
                part.chmod(0o600)


def _engine(url: str) -> Engine:
    kind = make_url(url).get_backend_name()
    if kind == "sqlite":
        engine = create_engine(url, hide_parameters=True)  # they are people's names and health, and errors are logged
        _tune_sqlite(engine)
    elif kind == "postgresql":
        # neither may a server that hangs hang its clients, nor a client that hangs the others: 10 s, as on SQLite
        options = " ".join(f"-c {name}={value}" for name, value in SERVER_SETTINGS.items())
        arguments = {"options": options, **CLIENT_SETTINGS}
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, max_overflow=20, connect_args=arguments)
    else:
        raise BadConfiguration(f"--database-url: {kind} is not supported; give sqlite or postgresql+psycopg")
    return engine


def _migrate(engine: Engine) -> None:
    """To the newest schema, in one transaction; on PostgreSQL one process at a time, by an advisory lock."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.execution_options(hani_writes=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            partitions.make_ahead(session, time.time())
            session.commit()


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # pysqlite must not begin transactions of its own; `begin` below does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("hani_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def work(arguments: argparse.Namespace) -> None:
    """Prune and print what went."""
    database = open_database(arguments.data, arguments.database_url)
    try:
        gone = partitions.prune(database, time.time(), arguments.telemetry_days, arguments.messages_days)
    finally:
        database.close()
    sys.stdout.write("gone: " + ", ".join(f"{count} of {name}" for name, count in gone.items()) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line on stderr."""
    parser = process.arguments("database", "the platform's database")
    parser.add_argument("action", choices=("prune",), help="remove what is older than the days below")
    kept = partitions.TELEMETRY_KEPT_DAYS
    parser.add_argument("--telemetry-days", type=float, default=kept, help="of beds (default: %(default)s)")
    parser.add_argument("--messages-days", type=float, help="of alarm and event messages; by default they are kept")
    arguments = parser.parse_args(argv)
    return process.run("database", lambda: work(arguments))


if __name__ == "__main__":
    sys.exit(main())
