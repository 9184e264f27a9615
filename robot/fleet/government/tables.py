"""The bridge's tables: what the database itself noted down, and what shall be told in which order.

A trigger on `alarm_log` (migration v0006) notes each line in `government_pending` within the transaction that wrote it:
no writer can forget the bridge, and no line that commits late can slip behind a cursor.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from robot.fleet.tables import SERIAL, Base

WORKER = "government"  # the name under which the bridge beats
WAITING, DELIVERED, DEAD, DROPPED = "waiting", "delivered", "dead", "dropped"


class GovernmentPending(Base):
    """A line of the alarm log that the bridge has not looked at."""

    __tablename__ = "government_pending"

    log_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class GovernmentItem(Base):
    """One thing to be told, in the order of `position`.

    It names the log's line and holds no copy of it. `key` is the idempotency key, the same for ever; `telling` is above
    1 only when a replay had to repeat the newest state. `reason` is the last failure, for a dead letter its cause.
    """

    __tablename__ = "government_outbox"
    __table_args__ = (
        UniqueConstraint("log_id", "event", "telling"),
        Index("ix_government_outbox_alarm", "alarm_id", "position"),
        Index("ix_government_outbox_next", "state", "attempts", "position"),
        Index("ix_government_outbox_settled", "state", "settled_at_s"),
        {"sqlite_autoincrement": True},
    )

    position: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(unique=True)
    log_id: Mapped[int] = mapped_column(BigInteger)
    telling: Mapped[int]
    alarm_id: Mapped[str]
    event: Mapped[str]  # raised, reopened, acknowledged, closed, cancelled, severity
    phase: Mapped[str]
    severity: Mapped[str]
    state: Mapped[str]
    queued_at_s: Mapped[float]
    due_at_s: Mapped[float]
    attempts: Mapped[int]
    failing_since_s: Mapped[float | None]
    settled_at_s: Mapped[float | None]
    digest: Mapped[str | None]  # SHA-256 of what was sent last, for the question what exactly was said
    reason: Mapped[str | None]
