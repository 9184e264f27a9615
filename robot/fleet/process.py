"""What the platform's two processes share: where the data lies, the log, one line on stderr when they cannot work."""

from __future__ import annotations

import argparse
import getpass
import logging
import os
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from robot.errors import BadConfiguration, HaniError


def arguments(name: str, description: str) -> argparse.ArgumentParser:
    """The arguments of both; each process adds its own."""
    parser = argparse.ArgumentParser(prog=f"python -m robot.fleet.{name}", description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of the platform's database")
    parser.add_argument("--database-url", help="SQLAlchemy URL instead of platform.db in the data folder")
    return parser


def shell_user() -> str:
    """Who runs a command, as the audit names them."""
    try:
        return f"shell:{getpass.getuser()}"
    except (OSError, KeyError):
        return f"shell:{os.getuid()}"


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises BadConfiguration when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise BadConfiguration(f"port {port} of {host} cannot be used ({reason}); give another with --port") from error
    return listener


def allow_files() -> None:
    """A connection is an open file; a shell often allows 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run(name: str, work: Callable[[], None]) -> int:
    """Set up the log and work; files made meanwhile are the owner's alone. Returns 0, or 1 after a line on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    before = os.umask(0o077)  # they hold health data and keys
    try:
        work()
    except HaniError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    finally:
        os.umask(before)
    return 0
