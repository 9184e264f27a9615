"""Commands to robots: sent at once, again after 1 s, then ever more slowly up to every 10 s, until the robot confirms.

Any number of workers send: who claims a command moves its time on, and whoever looks next finds it not yet due. So a
worker's death delays a command by at most one pause.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from robot.fleet import bulk
from robot.fleet.database import Database
from robot.fleet.tables import Command
from robot.reporting.contract import AlarmCommand, RequestTest

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 10.0
TEST = "test"  # the status of a command that asks for a test alarm
CLAIMED_AT_ONCE = 500
OF_A_ROBOT_AT_ONCE = 10  # one that leaves thousands unconfirmed must not keep the others waiting


def pause_s(times_sent: int) -> float:
    """How long after having been sent so many times (from 1) a command is due again."""
    return min(FIRST_PAUSE_S * 2.0 ** min(times_sent - 1, 10), LONGEST_PAUSE_S)


def claim(database: Database, now_s: float) -> list[tuple[str, AlarmCommand | RequestTest]]:
    """(device, command) for those due now, each robot's first before any second; due again after their next pause."""
    with database.read() as session:
        if session.scalar(select(Command.command_id).where(*_due(now_s)).limit(1)) is None:
            return []
    with database.write() as session:
        order = (Command.due_at_s, Command.command_id)
        turn = func.row_number().over(partition_by=Command.device, order_by=order).label("turn")
        due = select(Command.command_id, Command.due_at_s, turn).where(*_due(now_s)).subquery()
        next_ = select(due.c.command_id).where(due.c.turn <= OF_A_ROBOT_AT_ONCE)
        fair = next_.order_by(due.c.turn, due.c.due_at_s).limit(CLAIMED_AT_ONCE)
        query = select(Command).where(*_due(now_s), Command.command_id.in_(fair))
        rows = session.scalars(query.with_for_update(skip_locked=True)).all()
        for row in rows:
            row.times_sent += 1
            row.due_at_s = now_s + pause_s(row.times_sent)
        return [(row.device, _command(row)) for row in sorted(rows, key=lambda row: row.made_at_s)]


def begin_again(session: Session, devices: Iterable[str]) -> None:
    """These robots are there again: what waits for them is due now."""
    those, values = bulk.among(session, devices)
    waiting = select(Command.command_id).where(Command.device.in_(those), Command.confirmed_at_s.is_(None))
    held = session.scalars(waiting.order_by(Command.command_id).with_for_update(), {"among": values}).all()
    if held:
        mine, ids = bulk.among(session, held)
        changes = update(Command).where(Command.command_id.in_(mine)).values(due_at_s=0.0, times_sent=0)
        session.execute(changes, {"among": ids})


def _due(now_s: float) -> tuple[ColumnElement[bool], ...]:
    """Also what is due later than any pause allows: a worker's clock was ahead."""
    late = (Command.due_at_s <= now_s) | (Command.due_at_s > now_s + 2 * LONGEST_PAUSE_S)
    return Command.confirmed_at_s.is_(None), late


def _command(row: Command) -> AlarmCommand | RequestTest:
    if row.status == TEST:
        return RequestTest(id=row.command_id, ts=row.made_at_s)
    fields = {"id": row.command_id, "alarm_id": row.alarm_id, "status": row.status, "ts": row.made_at_s}
    return AlarmCommand.model_validate({**fields, "by": row.by, "reason": row.reason, "revision": row.revision})
