"""Open the platform's database: SQLite in the data folder by default, brought to the newest schema under a lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from robot.errors import BadConfiguration
from robot.locks import exclusive

BUSY_TIMEOUT_MS = 10_000
MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """Reading and writing sessions. Writers take SQLite's lock at once: a read-then-write cannot fail half-way."""

    def __init__(self, engine: Engine) -> None:
        self._readers = engine
        self._writers = engine.execution_options(hani_writes=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent snapshot."""
        with Session(self._readers, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls back on an error."""
        with Session(self._writers, expire_on_commit=False) as session, session.begin():
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


def open_database(data: Path, url: str | None = None) -> Database:
    """Open `url`, by default platform.db in the folder `data`, and migrate it.

    Raises BadConfiguration when the folder or the database cannot be used.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        with exclusive(data / "migrate.lock"):
            engine = create_engine(url or f"sqlite:///{data / 'platform.db'}")
            if engine.dialect.name == "sqlite":
                _tune_sqlite(engine)
            with engine.execution_options(hani_writes=True).begin() as connection:
                _migrate(connection)
    except OSError as error:
        raise BadConfiguration(
            f"data folder {data} cannot be used ({error.strerror}); give another with --data"
        ) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise BadConfiguration(
            f"database in {data} cannot be opened ({cause}); move it away or give another --data"
        ) from error
    return Database(engine)


def _migrate(connection: Any) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


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
