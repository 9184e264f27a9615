"""Identities of robots and of the platform's own processes.

python -m robot.fleet.identity init   --data .hani/fleet [--host platform.example]...
python -m robot.fleet.identity claim  --data .hani/fleet --platform https://platform.example:8443 hani-0001 [--replace]
python -m robot.fleet.identity list   --data .hani/fleet
python -m robot.fleet.identity revoke --data .hani/fleet hani-0001 --reason stolen
python -m robot.fleet.identity rotate --data .hani/fleet hani-0001
python -m robot.fleet.identity service --data .hani/fleet ingest
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from robot.fleet import process
from robot.fleet.identity import commands
from robot.fleet.identity.access import ROLES
from robot.fleet.identity.registry import CLAIM_LIFE_S


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m robot.fleet.identity", description="identities of robots")
    words = parser.add_subparsers(required=True)

    def word(name: str, act: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        one = words.add_parser(name, help=text, description=text)
        one.add_argument("--data", type=Path, required=True, help="folder of the platform's database")
        one.add_argument("--database-url", help="SQLAlchemy URL instead of platform.db in the data folder")
        one.add_argument("--by", help="who does it, for the audit (default: the shell's user)")
        commands.add_folder(one)
        one.set_defaults(act=act)
        return one

    init = word("init", commands.init, "make the authority and the platform's own certificates; renew what is due")
    init.add_argument("--host", action="append", default=[], help="host name or address that robots use; repeatable")
    claim = word("claim", commands.claim, "print the paper with which one robot gets its identity")
    claim.add_argument("device", help="the robot's id")
    claim.add_argument("--platform", default="https://127.0.0.1:8443", help="where robots find the enrolment service")
    claim.add_argument("--hours", type=float, default=CLAIM_LIFE_S / 3600, help="how long it is valid")
    claim.add_argument("--replace", action="store_true", help="a new robot in the place of one with a certificate")
    word("list", commands.show, "print certificates and waiting claims")
    revoke = word("revoke", commands.revoke, "end a robot's certificates and its connection, at once")
    revoke.add_argument("name", help="a robot's id, or service.ROLE")
    revoke.add_argument("--reason", required=True, help="for the audit: stolen, retired, ...")
    rotate = word("rotate", commands.rotate, "have a robot make a new key")
    rotate.add_argument("device", help="the robot's id")
    service = word("service", commands.service, "make a new key and certificate for a process of the platform")
    service.add_argument("role", choices=ROLES)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do one thing. Returns 0, or 1 after one line on stderr."""
    arguments = _parser().parse_args(argv)
    return process.run("identity", lambda: arguments.act(arguments))


if __name__ == "__main__":
    sys.exit(main())
