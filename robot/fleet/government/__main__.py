"""The bridge's process and its commands.

python -m robot.fleet.government --data DIR [--database-url URL] --config FILE [--contacts FILE] [--site FILE]
python -m robot.fleet.government check --config FILE [--sample] [--device ID]
python -m robot.fleet.government dead-letters list|show KEY|replay KEY|replay --all|drop KEY --reason TEXT --data DIR
"""

from __future__ import annotations

import argparse
import getpass
import json
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from robot.errors import BadInput
from robot.fleet import process
from robot.fleet.contacts import Contacts, Site
from robot.fleet.contacts import load as load_people
from robot.fleet.database import Database, open_database
from robot.fleet.government import config, outbox
from robot.fleet.government.bridge import Bridge, alone
from robot.fleet.government.connectors import HttpConnector, connect
from robot.fleet.government.facts import EVENTS, Facts
from robot.fleet.government.letters import Writer
from robot.fleet.government.tables import GovernmentItem

NAME = "government"


def serve(arguments: argparse.Namespace) -> None:
    """Work until SIGINT or SIGTERM."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log addresses, which may hold keys
    settings = config.load(arguments.config)
    region_of = _regions(arguments)
    with ExitStack() as stack:
        database = open_database(arguments.data, arguments.database_url)
        stack.callback(database.close)
        still_alone = stack.enter_context(alone(database, arguments.data))
        connector = connect(settings.target)
        stack.callback(connector.close)
        bridge = Bridge(database, settings, connector, region_of)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: bridge.stop())
        bridge.run(still_alone)


def check(arguments: argparse.Namespace) -> None:
    """Read the settings, the keys and the lookup file; with --sample print what would be sent. Sends nothing."""
    settings = config.load(arguments.config)
    writer = Writer(settings)
    region = _regions(arguments)(arguments.device)
    if arguments.sample:
        for event in (event for event in EVENTS if event in settings.told):
            letter = writer.write(_sample(event, arguments.device, region), time.time())
            sys.stdout.write(f"# {event}\n")
            if isinstance(settings.target, config.HttpTarget):
                connector = HttpConnector(settings.target)
                request = connector.request(letter)
                sys.stdout.write(f"{request.method} {request.url}\n")
                shown = {**request.headers, **({"authorization": "(hidden)"} if settings.target.token_file else {})}
                sys.stdout.writelines(f"{name}: {value}\n" for name, value in shown.items())
                connector.close()
            elif isinstance(settings.target, config.MqttTarget):
                sys.stdout.write(f"PUBLISH {settings.target.topic}{letter.path}\n")
            sys.stdout.write(json.dumps(letter.values, ensure_ascii=False, indent=2) + "\n\n")
    sys.stdout.write(f"{arguments.config}: can be used\n")


def letters(arguments: argparse.Namespace) -> None:
    """List, show, replay or drop dead letters."""
    database = open_database(arguments.data, arguments.database_url)
    try:
        _letters(database, arguments)
    finally:
        database.close()


def _letters(database: Database, arguments: argparse.Namespace) -> None:
    now_s, action = time.time(), arguments.action
    if action in ("list", "show"):
        with database.read() as session:
            found = outbox.dead_letters(session) if action == "list" else [outbox.dead_letter(session, arguments.key)]
        for item in found:
            sys.stdout.write(_line(item) if action == "list" else _whole(item))
        if action == "list":
            sys.stdout.write(f"{len(found)} dead letters\n")
        return
    if action == "replay" and (arguments.key is None) != arguments.all:
        raise BadInput("give one KEY or --all")
    with database.write() as session:
        if action == "drop":
            outbox.drop(session, outbox.dead_letter(session, arguments.key), arguments.by, arguments.reason, now_s)
            sys.stdout.write("1 dropped\n")
            return
        chosen = outbox.dead_letters(session) if arguments.all else [outbox.dead_letter(session, arguments.key)]
        first = {item.alarm_id: item for item in reversed(chosen)}  # one replay takes all of its alarm
        for item in first.values():
            outbox.replay(session, item, arguments.by, now_s)
        sys.stdout.write(f"dead letters of {len(first)} alarms wait to be sent again\n")


def _line(item: GovernmentItem) -> str:
    return f"{item.key}  {_time(item.settled_at_s)}  {item.event:<12}  {item.reason}\n"


def _whole(item: GovernmentItem) -> str:
    shown = {
        "key": item.key,
        "alarm": item.alarm_id,
        "event": item.event,
        "phase": item.phase,
        "queued": _time(item.queued_at_s),
        "given up": _time(item.settled_at_s),
        "attempts": item.attempts,
        "sent (SHA-256)": item.digest or "never",
        "reason": item.reason,
    }
    return "".join(f"{name}: {value}\n" for name, value in shown.items())


def _time(at_s: float | None) -> str:
    return "-" if at_s is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def _regions(arguments: argparse.Namespace) -> Callable[[str], str]:
    contacts, site = load_people(Contacts, arguments.contacts), load_people(Site, arguments.site)
    return lambda device: contacts.region(device) or site.region


def _sample(event: str, device: str, region: str) -> Facts:
    """An invented alarm."""
    now_s = time.time()
    return Facts(
        key="0" * 32,
        event=event,
        alarm_id="00000000-sample",
        device=device,
        region=region,
        type="fall",
        phase=event if event in ("acknowledged", "closed", "cancelled") else "raised",
        severity="high",
        revision=1,
        test=False,
        confidence=0.9,
        reasons="lying,no_answer",
        room="客厅",
        how="person" if event == "cancelled" else None,
        onset_at_s=now_s - 30,
        received_at_s=now_s - 29,
        at_s=now_s,
        by="(护理员)" if event in ("acknowledged", "closed") else None,
        detail="(原因)" if event == "closed" else None,
    )


def _places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="see config/government.example.yaml")
    parser.add_argument("--contacts", type=Path, help="for the homes' regions; see config/contacts.example.yaml")
    parser.add_argument("--site", type=Path, help="for the site's region; see config/site.example.yaml")


def _check_arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m robot.fleet.government check", description="check the settings")
    _places(parser)
    parser.add_argument("--sample", action="store_true", help="print what would be sent for an invented alarm")
    parser.add_argument("--device", default="hani-0001", help="the robot of the invented alarm")
    return parser


def _letters_arguments() -> argparse.ArgumentParser:
    parser = process.arguments("government dead-letters", "what the region's platform did not take")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list")
    actions.add_parser("show").add_argument("key")
    replay, drop = actions.add_parser("replay"), actions.add_parser("drop")
    replay.add_argument("key", nargs="?")
    replay.add_argument("--all", action="store_true")
    drop.add_argument("key")
    drop.add_argument("--reason", required=True)
    for action in (replay, drop):
        action.add_argument("--by", default=getpass.getuser(), help="who does this; kept in the audit")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Work. Returns 0, or 1 after one line on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    work: Callable[[argparse.Namespace], None]
    if words[:1] == ["check"]:
        arguments, work = _check_arguments().parse_args(words[1:]), check
    elif words[:1] == ["dead-letters"]:
        arguments, work = _letters_arguments().parse_args(words[1:]), letters
    else:
        parser = process.arguments(NAME, "the bridge to the region's platform")
        _places(parser)
        arguments, work = parser.parse_args(words), serve
    return process.run(NAME, lambda: work(arguments))


if __name__ == "__main__":
    sys.exit(main())
