"""Who may sign in to the platform's pages.

python -m robot.fleet.people --data .hani/fleet list
python -m robot.fleet.people --data .hani/fleet add wang.fang --shown 王芳 --role caregiver --see hani-0001
python -m robot.fleet.people --data .hani/fleet login-link wang.fang
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Sequence

from sqlalchemy.orm import Session

from robot.errors import BadInput
from robot.fleet import process
from robot.fleet.database import open_database
from robot.fleet.people import accounts, passwords, sessions
from robot.fleet.people.sight import Role


def read_password() -> str:
    """From the terminal, twice and unseen; else the first line of the standard input. Never an argument."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("new password: ")
    if first != getpass.getpass("again: "):
        raise BadInput("the two were not the same; try again")
    return first


def work(arguments: argparse.Namespace) -> None:
    """Do what was asked. Raises BadInput when it cannot be done."""
    hashed = passwords.hashed(read_password(), arguments.name) if arguments.action == "password" else ""
    database = open_database(arguments.data, arguments.database_url)
    try:
        with database.write() as session:
            text = _act(session, arguments, hashed, time.time())
    finally:
        database.close()
    sys.stdout.write(text)


def _act(session: Session, arguments: argparse.Namespace, hashed: str, now_s: float) -> str:
    if arguments.action == "list":
        return "".join(_line(line) for line in accounts.listed(session)) or "nobody yet; see `add --help`\n"
    if arguments.action == "add":
        accounts.add(session, arguments.name, arguments.shown or arguments.name, Role(arguments.role), now_s)
    account = accounts.find(session, arguments.name)
    for scope in getattr(arguments, "see", []):
        (accounts.take if arguments.action == "revoke" else accounts.give)(session, account, scope, now_s)
    if arguments.action == "disable":
        accounts.disable(session, account, now_s)
    if arguments.action == "enable":
        accounts.enable(session, account, now_s)
    if arguments.action == "password":
        accounts.set_password(session, account, hashed, now_s, accounts.AT_THE_MACHINE)
    if arguments.action == "login-link":
        if account.disabled_at_s is not None:
            raise BadInput(f"{account.name} is disabled; `enable` first")
        lasts_s = 60 * arguments.minutes
        token = sessions.make_link(session, account.id, accounts.AT_THE_MACHINE, now_s, lasts_s)
        return f"{arguments.url.rstrip('/')}/login/{token}\n"
    return f"{account.name}: done\n"


def _line(line: accounts.Line) -> str:
    marks = [line.role, ", ".join(line.scopes) or "-", "password" if line.has_password else "no password"]
    return "  ".join([line.name, f"({line.shown})", *marks, *(["disabled"] if line.disabled else [])]) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = process.arguments("people", "who may sign in to the platform's pages")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="everybody, with role and grants")
    add = actions.add_parser("add", help="a new person, who signs in by a login link until there is a password")
    add.add_argument("--role", choices=[role.value for role in Role], required=True)
    add.add_argument("--shown", help="the name beside what this person did; default: NAME")
    named = {
        "add": add,
        "grant": actions.add_parser("grant", help="let a caregiver see a device, an operator a district"),
        "revoke": actions.add_parser("revoke", help="end a grant"),
        "password": actions.add_parser("password", help="a new password, from the terminal or the standard input"),
        "disable": actions.add_parser("disable", help="sign this person out everywhere, for good"),
        "enable": actions.add_parser("enable", help="the opposite of disable"),
        "login-link": actions.add_parser("login-link", help="print a link that signs this person in once"),
    }
    for name, action in named.items():
        action.add_argument("name", metavar="NAME")
        if name in ("add", "grant", "revoke"):
            action.add_argument(
                "--see",
                action="append",
                default=[],
                required=name != "add",
                metavar="SCOPE",
                help="a device (caregiver) or the first digits of a region code (operator); may be repeated",
            )
    named["login-link"].add_argument("--url", default="http://127.0.0.1:8080", help="where people reach the pages")
    named["login-link"].add_argument("--minutes", type=float, default=sessions.LINK_S / 60, help="how long it stands")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line on stderr."""
    arguments = _parser().parse_args(argv)
    return process.run("people", lambda: work(arguments))


if __name__ == "__main__":
    sys.exit(main())
