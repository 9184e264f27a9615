"""Who did what, and when: an append-only table whose entries are chained by hashes.

    python -m robot.fleet.audit verify --data .hani/fleet [--database-url URL] [--head HASH]

An entry's hash covers the entry and the hash before it, so that a changed, missing or inserted entry breaks the chain.
Personal detail is kept beside the chain, which holds only its salted digest: erasing it leaves the chain valid. What
cuts off the chain's end is found by a head that was noted elsewhere: `verify` prints it, `--head` asks for it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import secrets
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import BigInteger, Float, Index, delete, event, insert, select, text
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from robot.errors import BadConfiguration, BadInput
from robot.fleet import bulk, process
from robot.fleet.database import Database, open_database
from robot.fleet.tables import Base

if __name__ == "__main__":
    # as a program this module has a second name, by which the migrations import it: the tables must not be made twice
    sys.modules["robot.fleet.audit"] = sys.modules[__name__]

Detail = Mapping[str, str | int | float | bool | None]
NONE: Detail = MappingProxyType({})

BEGINNING = "0" * 64
LOCK = 0x48414E49  # "HANI": the advisory lock under which PostgreSQL's writers take turns
PENDING = "hani_audit"


class AuditEntry(Base):
    """A link of the chain. `subject` names a thing, as "alarm:ID" or "device:ID", never a resident."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject"),)

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at_s: Mapped[float] = mapped_column(Float(53))
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail_digest: Mapped[str | None]
    hash: Mapped[str]


class AuditDetail(Base):
    """What may be erased of an entry."""

    __tablename__ = "audit_details"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    salt: Mapped[str]
    detail: Mapped[str]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An entry that its transaction has not committed yet."""

    at_s: float
    actor: str
    action: str
    subject: str
    detail: Detail
    within: SessionTransaction | None


@dataclass(frozen=True, slots=True)
class Verified:
    """A chain that holds: its length, how many entries had their detail erased, and the hash of its end."""

    entries: int
    erased: int
    head: str


def append(session: Session, *, at_s: float, actor: str, action: str, subject: str, detail: Detail = NONE) -> None:
    """Note an entry, which the caller's transaction writes as its last act or, rolled back, not at all.

    Only `detail` may hold personal data. Writers wait for each other only from that last act to the commit, with every
    other lock of theirs already taken: they cannot block each other in a circle.
    """
    waiting: list[_Waiting] = session.info.setdefault(PENDING, [])
    waiting.append(_Waiting(float(at_s), actor, action, subject, dict(detail), session.get_nested_transaction()))


def erase(session: Session, subjects: Collection[str], *, at_s: float, actor: str) -> int:
    """Erase the detail of all entries about these subjects and note that. Returns how many details there were."""
    about = select(AuditEntry.seq).where(AuditEntry.subject.in_(sorted(subjects)))
    found = session.scalars(select(AuditDetail.seq).where(AuditDetail.seq.in_(about))).all()
    session.execute(delete(AuditDetail).where(AuditDetail.seq.in_(about)))
    append(session, at_s=at_s, actor=actor, action="audit.erased", subject="audit", detail={"details": len(found)})
    return len(found)


def verify(database: Database, head: str | None = None) -> Verified:
    """Walk the whole chain; `head` is a hash noted earlier that must still stand in it. Raises BadInput if it breaks.

    A database that was put together anew, chain and all, is only found out by such a head.
    """
    previous, count, erased, met = BEGINNING, 0, 0, head in (None, BEGINNING)
    query = (
        select(AuditEntry, AuditDetail.salt, AuditDetail.detail)
        .outerjoin(AuditDetail, AuditDetail.seq == AuditEntry.seq)
        .order_by(AuditEntry.seq)
        .execution_options(yield_per=1000)
    )
    with database.read() as session, session.execute(query) as rows:
        for entry, salt, detail in rows:
            count += 1
            if entry.seq != count:
                raise BadInput(f"broken: entry {count} is missing; keep this database and ask who could write to it")
            if entry.hash != _hash(previous, entry):
                raise BadInput(f"broken at entry {count}: it or the one before was changed; keep this database")
            if detail is not None and entry.detail_digest != _digest(salt, detail):
                raise BadInput(f"broken at entry {count}: its detail was changed; keep this database")
            erased += detail is None and entry.detail_digest is not None
            previous, met = entry.hash, met or entry.hash == head
    if not met:
        raise BadInput(f"broken: the noted head is not among the {count} entries; the end was cut off or written anew")
    return Verified(count, erased, previous)


def _digest(salt: str, detail: str) -> str:
    return hashlib.sha256(f"{salt}:{detail}".encode()).hexdigest()


def _hash(previous: str, entry: AuditEntry) -> str:
    content = [previous, entry.seq, entry.at_s, entry.actor, entry.action, entry.subject, entry.detail_digest]
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """Chain what the transaction has noted. SQLite's writer holds the only write lock there is already."""
    if not session.info.get(PENDING):
        return
    session.flush()  # every row lock first, the chain's lock last
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    newest = select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)
    seq, previous = next(iter(session.execute(newest)), (0, BEGINNING))
    entries: list[AuditEntry] = []
    details: list[dict[str, object]] = []
    for waiting in session.info.pop(PENDING):
        seq, digest = seq + 1, None
        if waiting.detail:
            salt, detail = secrets.token_hex(16), _canonical(waiting.detail).decode()
            digest = _digest(salt, detail)
            details.append({"seq": seq, "salt": salt, "detail": detail})
        entry = AuditEntry(
            seq=seq,
            at_s=waiting.at_s,
            actor=waiting.actor,
            action=waiting.action,
            subject=waiting.subject,
            detail_digest=digest,
        )
        entry.hash = previous = _hash(previous, entry)
        entries.append(entry)
    # as parameters, not as JSON: the hash holds a time, which must come back to the last bit
    session.connection().execute(insert(AuditEntry), [bulk.values(entry) for entry in entries])
    if details:
        session.connection().execute(insert(AuditDetail), details)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, undone: SessionTransaction) -> None:
    """What was rolled back did not happen, a savepoint's part included."""
    waiting = session.info.pop(PENDING, [])
    if undone.nested:
        session.info[PENDING] = [entry for entry in waiting if not _is_within(entry.within, undone)]


def _is_within(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None and transaction is not outer:
        transaction = transaction.parent
    return transaction is outer


def check(arguments: argparse.Namespace) -> None:
    """Verify and print one line. Raises BadInput for a broken chain, BadConfiguration when there is no database."""
    if arguments.database_url is None and not (arguments.data / "platform.db").is_file():
        raise BadConfiguration(f"no platform.db in {arguments.data}; give the platform's folder with --data")
    database = open_database(arguments.data, arguments.database_url)
    try:
        found = verify(database, arguments.head)
    finally:
        database.close()
    sys.stdout.write(f"audit: {found.entries} entries, {found.erased} erased, valid; head {found.head}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Verify. Returns 0, or 1 after one line on stderr."""
    parser = process.arguments("audit", "the platform's audit")
    parser.add_argument("action", choices=("verify",))
    parser.add_argument("--head", help="a head noted earlier, which must still stand in the chain")
    arguments = parser.parse_args(argv)
    return process.run("audit", lambda: check(arguments))


if __name__ == "__main__":
    sys.exit(main())
