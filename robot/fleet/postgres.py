"""A private PostgreSQL on 127.0.0.1 for a checkout: made on first use, and a way for a launch file to run it.

    python -m robot.fleet.postgres --data .hani/postgres --port 5433
    python -m robot.fleet.ingest   --data .hani/fleet --database-url "postgresql+psycopg://postgres@127.0.0.1:5433/\
postgres?passfile=.hani/postgres/passfile"

The process becomes the server (exec), so its pid is PostgreSQL's own; SIGINT ends it at once, SIGTERM waits for its
clients, and it is asked to end when its parent dies. The server refuses to be root, so root becomes the user `postgres`
first. There is no Unix socket; the one login is by a password made at the first start and kept in DIR/passfile
(libpq's format, mode 0600), so that no other user of the machine gets in and no URL holds a secret. A platform in
service runs its own PostgreSQL and gives the ingest its URL.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from robot.errors import BadConfiguration, HaniError, MissingPart
from robot.supervisor.lifeline import die_with_parent

USER = "postgres"
ORPHANS_S = 20.0  # how long the children of a killed server may take to notice
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "log_min_messages": "error",
    "log_error_verbosity": "terse",  # the longer form repeats values of rows
    "log_min_error_statement": "panic",  # the same
    "max_wal_size": "1GB",
    "jit": "off",
}


def url(data: Path, port: int, database: str = "postgres") -> str:
    """The SQLAlchemy URL of a database of this cluster; the password stays in its file."""
    return f"postgresql+psycopg://{USER}@127.0.0.1:{port}/{database}?passfile={quote(str(data.resolve() / 'passfile'))}"


def find_programs() -> Path:
    """The folder of the newest PostgreSQL's programs. Raises MissingPart with the command that installs it."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    if not found:
        raise MissingPart("PostgreSQL is missing; run: sudo apt-get install -y --no-install-recommends postgresql")
    return max(found, key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else -1)


def run_server(data: Path, port: int, parent_pid: int) -> None:
    """Make the cluster in `data` if there is none and become its server. Returns only by raising HaniError."""
    programs, data, owner = find_programs(), data.resolve(), _owner()
    try:
        _give_to(owner, data)
        if not (data / "cluster").exists():
            _make(programs, data, owner)
        _wait_for_orphans(data / "cluster")
        os.chdir(data)
    except OSError as error:
        raise BadConfiguration(
            f"PostgreSQL cannot use the folder {data} ({error.strerror}); give another with --data"
        ) from error
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    if os.geteuid() == 0:
        os.initgroups(owner.pw_name, owner.pw_gid)
        os.setgid(owner.pw_gid)
        os.setuid(owner.pw_uid)
    die_with_parent(parent_pid, signal.SIGINT)  # after the change of user, which clears it
    os.execv(  # noqa: S606 (a fixed list, no shell)
        programs / "postgres", ["postgres", "-D", str(data / "cluster"), "-p", str(port), *options]
    )


def _owner() -> pwd.struct_passwd:
    """Who the server runs as."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam(USER)
    except KeyError as error:
        raise MissingPart(
            f"PostgreSQL refuses to be root and there is no user {USER}; install the package postgresql"
        ) from error


def _give_to(owner: pwd.struct_passwd, data: Path) -> None:
    """Make the folder, and give it to the server's user if it is empty."""
    data.mkdir(parents=True, exist_ok=True)
    if data.stat().st_uid != owner.pw_uid:
        if any(data.iterdir()):
            raise BadConfiguration(f"{data} holds other files; give PostgreSQL an empty folder with --data")
        os.chown(data, owner.pw_uid, owner.pw_gid)
    data.chmod(0o700)


def _make(programs: Path, data: Path, owner: pwd.struct_passwd) -> None:
    """Run initdb. The cluster appears whole or not at all."""
    unfinished, word = data / "cluster.new", data / "password.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    password, root = secrets.token_hex(24), os.geteuid() == 0
    for path, line in ((data / "passfile", f"127.0.0.1:*:*:{USER}:{password}\n"), (word, password)):
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(line, encoding="utf-8")
        os.chown(path, owner.pw_uid, owner.pw_gid)
    made = subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(unfinished), "-U", USER, "--pwfile", str(word)),
            *("-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"),
        ],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=owner.pw_uid if root else None,
        group=owner.pw_gid if root else None,
        extra_groups=() if root else None,
    )
    word.unlink()
    if made.returncode != 0:
        last = made.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise BadConfiguration(
            f"PostgreSQL cannot make a cluster in {data} ({last[0]}); "
            f"give another --data that the user {owner.pw_name} can reach"
        )
    unfinished.rename(data / "cluster")


def _wait_for_orphans(cluster: Path) -> None:
    """A killed server's children still hold its memory for a moment, and a new server would refuse to start."""
    give_up_at_s = time.monotonic() + ORPHANS_S
    while pids := _working_in(cluster):
        if _server_of(cluster) in pids or time.monotonic() > give_up_at_s:
            raise BadConfiguration(f"another PostgreSQL works on {cluster.parent}; stop it or give another --data")
        time.sleep(0.05)


def _server_of(cluster: Path) -> int | None:
    """The pid that the last server wrote down."""
    try:
        return int((cluster / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _working_in(folder: Path) -> set[int]:
    """The processes whose working folder it is, as it is of a server's processes."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "cwd").resolve(strict=True) == folder:
                    found.add(int(entry.name))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Become the server. Returns 1 after one line on stderr."""
    parent_pid = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m robot.fleet.postgres", description="a private PostgreSQL")
    parser.add_argument("--data", type=Path, required=True, help="folder of the cluster, the server's own")
    parser.add_argument("--port", type=int, default=5433, help="port on 127.0.0.1 (default: %(default)s)")
    chosen = parser.parse_args(argv)
    try:
        run_server(chosen.data, chosen.port, parent_pid)
    except HaniError as error:
        sys.stderr.write(f"postgres: {error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
