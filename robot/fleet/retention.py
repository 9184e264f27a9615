"""What is kept how long, and what is erased on request. The audit's chain stays and tells that it was done.

    python -m robot.fleet.retention run --data .hani/fleet --site site.yaml
    python -m robot.fleet.retention erase hani-0001 --by "李娜" --reason "moved away" --data .hani/fleet

The desk's process runs it daily (`run_daily`). Open alarms never go.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from robot.errors import BadInput
from robot.fleet import audit, desk, partitions, process
from robot.fleet.contacts import Retention, Site, load
from robot.fleet.database import Database, open_database
from robot.fleet.desk_tables import DeskDevice, Notification
from robot.fleet.government import outbox
from robot.fleet.people.accounts import AT_THE_MACHINE
from robot.fleet.people.limits import FORGOTTEN_AFTER_S
from robot.fleet.people.readings import ONCE_IN_S
from robot.fleet.people.sessions import BROWSER_DAYS
from robot.fleet.people.tables import KnownBrowser, Limit, LoginLink, Reading, SignedIn
from robot.fleet.tables import (
    Alarm,
    AlarmLog,
    Base,
    Bed,
    BedMinute,
    Change,
    Command,
    Device,
    DeviceState,
    Message,
    Refusal,
    SeenMessage,
)

DAY_S = 86_400.0
AT_ONCE = 500  # alarms in one transaction: nobody else waits long
ACTOR = "platform"

Counts = dict[str, int]


def run(database: Database, rules: Retention, now_s: float) -> Counts:
    """Erase what is older than its kind is kept; returns how many rows of each. Run again, it finds nothing."""
    counts = {"alarms": _old_alarms(database, now_s - DAY_S * rules.alarms_days)}
    counts["government_pending"] = _unneeded_lines(database)
    telemetry_s = now_s - DAY_S * rules.telemetry_days
    counts |= partitions.prune(database, now_s, rules.telemetry_days, rules.alarms_days)
    old: tuple[tuple[type[Base], ColumnElement[bool]], ...] = (
        (Bed, Bed.received_at_s < telemetry_s),
        (Refusal, Refusal.last_at_s < now_s - DAY_S * rules.refusals_days),
        (SignedIn, SignedIn.seen_at_s < now_s - DAY_S * rules.sessions_days),
        (LoginLink, LoginLink.ends_at_s < now_s - DAY_S),
        (KnownBrowser, KnownBrowser.seen_at_s < now_s - DAY_S * BROWSER_DAYS),
        (Limit, Limit.since_at_s < now_s - FORGOTTEN_AFTER_S),
        (Reading, Reading.at_s < now_s - ONCE_IN_S),
    )
    for table, is_old in old:
        with database.write() as session:
            counts[table.__tablename__] = _delete(session, table, is_old)
    with database.write() as session:
        details_s = now_s - DAY_S * rules.audit_detail_days
        seqs = select(audit.AuditEntry.seq).where(audit.AuditEntry.at_s < details_s)
        counts["audit_details"] = _delete(session, audit.AuditDetail, audit.AuditDetail.seq.in_(seqs))
        gone = {name: count for name, count in counts.items() if count}
        audit.append(session, at_s=now_s, actor=ACTOR, action="retention.run", subject="platform", detail=gone)
    return counts


def run_daily(database: Database, rules: Retention, now_s: float) -> bool:
    """`run` unless it has run within a day; for a process that lives anyway. Returns whether it ran."""
    done = (audit.AuditEntry.action == "retention.run", audit.AuditEntry.at_s > now_s - DAY_S)
    with database.read() as session:
        if session.scalar(select(func.count()).where(*done)):
            return False
    run(database, rules, now_s)
    return True


def _old_alarms(database: Database, before_s: float) -> int:
    """Ended alarms with their log and commands."""
    ended = (Alarm.phase.in_(sorted(desk.ENDED)), Alarm.changed_at_s < before_s)
    total = 0
    while True:
        with database.write() as session:
            ids = list(session.scalars(select(Alarm.alarm_id).where(*ended).limit(AT_ONCE)))
            outbox.forget(session, ids)
            for table in (Command, Notification):
                _delete(session, table, table.alarm_id.in_(ids))
            _delete(session, Alarm, Alarm.alarm_id.in_(ids))
            _delete(session, AlarmLog, AlarmLog.alarm_id.in_(ids))  # last: the log lets go of what has no alarm
        total += len(ids)
        if len(ids) < AT_ONCE:
            return total


def _unneeded_lines(database: Database) -> int:
    """What the alarm log noted down for a bridge that nobody runs."""
    total = 0
    while True:
        with database.write() as session:
            gone = outbox.let_go(session, AT_ONCE)
        total += gone
        if gone < AT_ONCE:
            return total


def erase(database: Database, device: str, by: str, reason: str, now_s: float) -> Counts:
    """Erase what is known of a home's resident; the counts of what went. Raises BadInput when something forbids it.

    Messages, bed data, details and letters to the region go, waiting ones unsent; alarms stay as bare facts (type,
    times) without anybody's words or names. The robot's keys, its chain and the audit stay. An open alarm must be
    closed first.
    """
    with database.write() as session:
        if session.get(Device, device) is None:
            raise BadInput(f"there is no device {device}; the page of all robots shows their names")
        alarms = list(session.scalars(select(Alarm).where(Alarm.device == device)))
        if any(alarm.phase in desk.OPEN for alarm in alarms):
            raise BadInput(f"{device} has an open alarm; close it first")
        ids = [alarm.alarm_id for alarm in alarms]
        counts: Counts = {"alarms": len(ids)}
        for alarm in alarms:
            alarm.room = alarm.how = alarm.confidence = None
            alarm.reasons = []
            alarm.acknowledged_by = alarm.closed_by = alarm.close_reason = None
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            session.execute(update(AlarmLog).where(AlarmLog.alarm_id.in_(some)).values(by=None, detail=None))
            _delete(session, Notification, Notification.alarm_id.in_(some))
            counts["government_outbox"] = counts.get("government_outbox", 0) + outbox.forget(session, some)
        for table in (Message, SeenMessage, BedMinute, Bed, DeviceState, Command, DeskDevice, Change, Reading):
            counts[table.__tablename__] = _delete(session, table, table.device == device)
        its = Refusal.topic.contains(f"/{device}/", autoescape=True) | (Refusal.topic == device)  # a topic, or a robot
        counts["refusals"] = _delete(session, Refusal, its)
        session.get_one(Device, device).label = None
        subjects = [f"device:{device}", *(f"alarm:{alarm_id}" for alarm_id in ids)]
        counts["audit_details"] = audit.erase(session, subjects, at_s=now_s, actor=AT_THE_MACHINE)
        audit.append(
            session,
            at_s=now_s,
            actor=AT_THE_MACHINE,
            action="device.erased",
            subject=f"erasure:{device}",  # another erasure leaves its reason alone
            detail={"by": by, "reason": reason, **counts},
        )
    return counts


def _delete(session: Session, table: type[Base], what: ColumnElement[bool]) -> int:
    return int(session.connection().execute(delete(table).where(what)).rowcount)


def work(arguments: argparse.Namespace) -> None:
    """Do what was asked and say what went. Raises BadInput or BadConfiguration when it cannot be done."""
    database = open_database(arguments.data, arguments.database_url)
    try:
        if arguments.action == "run":
            counts = run(database, load(Site, arguments.site).retention, time.time())
        else:
            counts = erase(database, arguments.device, arguments.by, arguments.reason, time.time())
    finally:
        database.close()
    gone = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)
    sys.stdout.write(f"erased: {gone or 'nothing'}\n")
    if arguments.action == "erase":
        sys.stdout.write(
            "yours to clean: the contacts file, which still names the home and its people; the backups; the lookup "
            "file and the letters in the `folder` of the government file. What the region took, only it can erase\n"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m robot.fleet.retention", description="what is kept how long")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, said in (("run", "erase what is older than it may be"), ("erase", "erase a home's resident")):
        action = actions.add_parser(name, help=said)
        action.add_argument("--data", type=Path, required=True, help="folder of the platform's database")
        action.add_argument("--database-url", help="SQLAlchemy URL instead of platform.db in the data folder")
        if name == "run":
            action.add_argument("--site", type=Path, help="where `retention` stands; see config/site.example.yaml")
        else:
            action.add_argument("device", metavar="DEVICE")
            action.add_argument("--by", required=True, help="who answers for it")
            action.add_argument("--reason", required=True, help="why; stands in the audit")
    arguments = parser.parse_args(argv)
    return process.run("retention", lambda: work(arguments))


if __name__ == "__main__":
    sys.exit(main())
