"""Parts of big tables by time: made ahead on PostgreSQL, dropped whole when they are old. SQLite deletes rows instead.

`messages` has a part for each month of its arrival, `bed_history` for each day of its measurement. What no part covers,
as from a robot whose clock is wrong, stays in the part `..._rest`: nothing is refused for its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, text, tuple_
from sqlalchemy.orm import Session

from robot.fleet.tables import Base, BedMinute, Message, SeenMessage

if TYPE_CHECKING:
    from robot.fleet.database import Database

DAY_S = 86_400.0
TELEMETRY_KEPT_DAYS = 30.0
LOCK = 0x48414E4A  # one process at a time makes and drops parts
DELETED_AT_ONCE = 5000  # rows in one transaction: nobody else waits long


@dataclass(frozen=True, slots=True)
class Parted:
    """A table in parts: `column` decides where a row goes, `ahead` parts stand ready, named after their first day."""

    table: type[Base]
    column: str
    form: str
    ahead: int

    @property
    def name(self) -> str:
        return str(self.table.__tablename__)

    def spans(self, now_s: float) -> Iterator[tuple[str, float, float]]:
        """(name, from, to) of the part of `now_s`, the one before, and those ahead."""
        first = self._first(now_s)
        for _ in range(self.ahead + 2):
            following = self._following(first)
            yield f"{self.name}_{first.strftime(self.form)}", first.timestamp(), following.timestamp()
            first = following

    def end_s(self, part: str) -> float | None:
        """Where the part of this name ends; None for the rest and for names of another kind."""
        try:
            first = datetime.strptime(part[len(self.name) + 1 :], self.form).replace(tzinfo=timezone.utc)
        except ValueError:
            return None
        return self._following(first).timestamp()

    def _first(self, now_s: float) -> datetime:
        today = datetime.fromtimestamp(now_s, timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        if "%d" in self.form:
            return today - timedelta(days=1)
        return (today.replace(day=1) - timedelta(days=1)).replace(day=1)

    def _following(self, first: datetime) -> datetime:
        if "%d" in self.form:
            return first + timedelta(days=1)
        return (first + timedelta(days=32)).replace(day=1)


MESSAGES = Parted(Message, "received_at_s", "%Y%m", ahead=2)
BEDS = Parted(BedMinute, "measured_at_s", "%Y%m%d", ahead=3)


def make_ahead(session: Session, now_s: float) -> None:
    """Make the parts that will be needed soon. Cheap when they stand; does nothing on SQLite."""
    if session.get_bind().dialect.name != "postgresql":
        return
    wanted = [(parted, *span) for parted in (MESSAGES, BEDS) for span in parted.spans(now_s)]
    standing = _parts(session, MESSAGES) | _parts(session, BEDS)
    missing = [part for part in wanted if part[1] not in standing]
    if not missing or not session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK}):
        return
    for parted, part, from_s, to_s in missing:
        _make(session, parted, part, from_s, to_s)


def _make(session: Session, parted: Parted, part: str, from_s: float, to_s: float) -> None:
    """Make a part and bring into it what had come too early for it, which a part beside it would contradict."""
    name, rest = parted.name, f"{parted.name}_rest"
    astray = f"DELETE FROM {rest} WHERE {parted.column} >= {from_s} AND {parted.column} < {to_s} RETURNING *"  # noqa: S608 (own names and numbers)
    session.execute(text(f"LOCK TABLE {rest} IN ACCESS EXCLUSIVE MODE"))
    session.execute(text(f"CREATE TABLE {part} (LIKE {name})"))
    session.execute(text(f"WITH astray AS ({astray}) INSERT INTO {part} SELECT * FROM astray"))  # noqa: S608 (the same)
    session.execute(text(f"ALTER TABLE {name} ATTACH PARTITION {part} FOR VALUES FROM ({from_s}) TO ({to_s})"))


def prune(
    database: Database,
    now_s: float,
    telemetry_days: float = TELEMETRY_KEPT_DAYS,
    messages_days: float | None = None,
) -> dict[str, int]:
    """Remove telemetry, and messages with their ids if asked, older than so many days. Returns how much of each table.

    In small transactions, so that no report of an alarm has to wait for it. Counted are parts dropped on PostgreSQL and
    rows deleted otherwise. The ids are what makes a repeated message harmless, so do not ask for less than robots keep
    (72 h at least).
    """
    old = [(BEDS, now_s - telemetry_days * DAY_S)]
    if messages_days is not None:
        old.append((MESSAGES, now_s - messages_days * DAY_S))
    gone = {}
    for parted, before_s in old:
        with database.write() as session:
            gone[parted.name] = _drop(session, parted, before_s)
        gone[parted.name] += _delete(database, parted.table, before_s)
    if messages_days is not None:
        _delete(database, SeenMessage, now_s - messages_days * DAY_S)
    return gone


def _delete(database: Database, table: type[Base], before_s: float) -> int:
    columns = table.__table__.c
    key = tuple_(*table.__table__.primary_key)
    some = select(*table.__table__.primary_key).where(columns.received_at_s < before_s).limit(DELETED_AT_ONCE)
    total = 0
    while True:
        with database.write() as session:
            gone = int(session.connection().execute(delete(table).where(key.in_(some))).rowcount)
        total += gone
        if gone < DELETED_AT_ONCE:
            return total


def _drop(session: Session, parted: Parted, before_s: float) -> int:
    dropped = 0
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        for part in sorted(_parts(session, parted)):
            end_s = parted.end_s(part)
            if end_s is not None and end_s <= before_s:
                session.execute(text(f"DROP TABLE {part}"))
                dropped += 1
    return dropped


def _parts(session: Session, parted: Parted) -> set[str]:
    query = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)")
    return {str(name) for (name,) in session.execute(query, {"name": parted.name})}
