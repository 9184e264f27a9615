"""Write the contract's files, or check that they are current."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from robot.reporting.contract import schema


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 after one line on stderr when `--check` finds an old file."""
    parser = argparse.ArgumentParser(prog="python -m robot.reporting.contract", description=schema.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not current")
    if not parser.parse_args(arguments).check:
        schema.write()
    elif names := schema.stale():
        sys.stderr.write(f"contract: {', '.join(names)} not current; run: python -m robot.reporting.contract\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
