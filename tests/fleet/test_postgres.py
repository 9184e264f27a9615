"""The private PostgreSQL: durable, closed to others, alive again after a power failure, gone with its parent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.fleet.conftest import PATIENCE_S, ROOT, Postgres, free_port

pytestmark = pytest.mark.fleet


def test_what_was_committed_is_there_after_a_power_failure(own_postgres: Postgres) -> None:
    engine = create_engine(own_postgres.url("postgres"))
    with engine.begin() as connection:
        assert connection.execute(text("SHOW fsync")).scalar() == "on"
        connection.execute(text("CREATE TABLE kept (n integer)"))
        connection.execute(text("INSERT INTO kept VALUES (1)"))
    own_postgres.kill()
    own_postgres.start()
    engine.dispose()
    with engine.begin() as connection:
        assert connection.execute(text("SELECT n FROM kept")).scalar() == 1
    engine.dispose()


def test_nobody_gets_in_without_the_password(postgres_url: str) -> None:
    plain = postgres_url.replace("postgresql+psycopg", "postgresql").split("?", maxsplit=1)[0]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(plain)


def test_it_ends_with_its_parent(own_postgres: Postgres) -> None:
    own_postgres.stop()
    starter = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-m', 'robot.fleet.postgres', '--data', {str(own_postgres.data)!r}, "
        f"'--port', '{own_postgres.port}'])\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter], cwd=ROOT)
    own_postgres.until_answers()
    parent.kill()
    parent.wait()
    own_postgres.until_gone()


def test_what_cannot_be_used_ends_with_one_line(own_postgres: Postgres, tmp_path: Path) -> None:
    def fails(data: Path) -> str:
        command = [sys.executable, "-m", "robot.fleet.postgres", "--data", str(data), "--port", str(free_port())]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S * 2, check=False)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        return done.stderr

    (tmp_path / "file").touch()
    assert "--data" in fails(tmp_path / "file")
    assert "another PostgreSQL" in fails(own_postgres.data)
