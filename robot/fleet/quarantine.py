"""Messages that do not fit the contract: every one counted, the newest contents kept to be looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from robot.fleet.tables import Refusal

REFUSALS_KEPT = 1000
REFUSED_BYTES_KEPT = 2000
OLDER = "older"  # the digest of the row that counts what is no longer kept
LOCK = 0x48414E4D  # PostgreSQL's writers take turns: each trims what all have added


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that does not fit the contract, and why."""

    topic: str
    payload: bytes
    reason: str
    received_at_s: float


def keep(session: Session, refused: Sequence[Refused]) -> None:
    """Count these messages by content and keep the newest contents. A few statements however many there are."""
    if not refused:
        return
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    rows: dict[str, dict[str, object]] = {}
    counts: dict[str, int] = {}
    for item in refused:
        digest = hashlib.sha256(item.topic.encode(errors="replace") + b"\0" + item.payload).hexdigest()
        counts[digest] = counts.pop(digest, 0) + 1  # the newest last
        rows[digest] = _row(digest, item)
    kept = list(counts)[-REFUSALS_KEPT:]
    _put(session, [{**rows[digest], "count": counts[digest]} for digest in kept])
    excess = (
        session.scalar(select(func.count()).select_from(Refusal).where(Refusal.digest != OLDER)) or 0
    ) - REFUSALS_KEPT
    uncounted = len(refused) - sum(counts[digest] for digest in kept)
    if excess > 0:
        oldest = (
            select(Refusal.digest).where(Refusal.digest != OLDER).order_by(Refusal.last_at_s).limit(excess).subquery()
        )
        gone = delete(Refusal).where(Refusal.digest.in_(select(oldest.c.digest))).returning(Refusal.count)
        uncounted += sum(session.scalars(gone))
    if uncounted:
        older = Refused("", b"", "no longer kept, only counted", max(item.received_at_s for item in refused))
        _put(session, [{**_row(OLDER, older), "count": uncounted}])


def _row(digest: str, item: Refused) -> dict[str, object]:
    return {
        "digest": digest,
        "topic": item.topic[:200].encode(errors="replace").decode().replace("\0", "\ufffd"),
        "reason": item.reason,
        "payload": item.payload[:REFUSED_BYTES_KEPT],
        "last_at_s": item.received_at_s,
    }


def _put(session: Session, rows: list[dict[str, object]]) -> None:
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(Refusal)
    session.connection().execute(
        insert.on_conflict_do_update(
            index_elements=[Refusal.digest],
            set_={"count": Refusal.count + insert.excluded.count, "last_at_s": insert.excluded.last_at_s},
        ),
        rows,
    )
