"""What the platform's two processes share: where the data lies, the log, one line on stderr when they cannot work."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from robot.errors import HaniError


def arguments(name: str, description: str) -> argparse.ArgumentParser:
    """The arguments of both; each process adds its own."""
    parser = argparse.ArgumentParser(prog=f"python -m robot.fleet.{name}", description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of the platform's database")
    parser.add_argument("--database-url", help="SQLAlchemy URL instead of platform.db in the data folder")
    return parser


def run(name: str, work: Callable[[], None]) -> int:
    """Set up the log and work. Returns 0, or 1 after one line on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        work()
    except HaniError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0
