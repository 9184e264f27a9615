"""The desk's own tables. Times `*_at_s` are Unix seconds of the platform's clock."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from robot.fleet.tables import Base


class Lease(Base):
    """Who leads. `number` rises with each leader and fences off the ones before; `beats` moves while it lives."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]
    number: Mapped[int]
    beats: Mapped[int]
    at_s: Mapped[float]  # the leader's clock at the newest beat
    listening_since_s: Mapped[float | None]  # since when silence of a robot is the robot's, not the platform's


class DeskDevice(Base):
    """What the desk keeps of a robot: its test alarms and its maintenance."""

    __tablename__ = "desk_devices"

    device: Mapped[str] = mapped_column(primary_key=True)
    watched_since_s: Mapped[float]
    tests: Mapped[int]
    last_test_at_s: Mapped[float | None]
    test_requested_at_s: Mapped[float | None]
    test_requested_by: Mapped[str | None]
    maintenance_until_s: Mapped[float | None]
    maintenance_by: Mapped[str | None]
    maintenance_reason: Mapped[str | None]
    silence_told_at_s: Mapped[float | None]  # when the newest alarm of its kind was made
    test_told_at_s: Mapped[float | None]
    breaks_told: Mapped[int] = mapped_column(BigInteger, default=0)  # how many breaks of its chain somebody was told of


class Notification(Base):
    """A message to a person or a system by one channel; sent at least once unless withdrawn or too late."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_due", "channel", "status", "next_try_at_s"),
        Index("ix_notifications_alarm_id", "alarm_id"),
        Index("ix_notifications_case_id", "case_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    alarm_id: Mapped[str]
    case_id: Mapped[str]
    kind: Mapped[str]  # call: while nobody answered; news: to who answered, while the alarm is open
    number: Mapped[int]
    recipient: Mapped[str | None]
    address: Mapped[str]
    text: Mapped[str]
    made_at_s: Mapped[float]
    expires_at_s: Mapped[float]
    next_try_at_s: Mapped[float]
    attempts: Mapped[int]
    status: Mapped[str]  # pending, sent, withdrawn, expired
    ended_at_s: Mapped[float | None]


class ChannelState(Base):
    """How a channel fares: since when it has only failed, and the constant word for its newest fault."""

    __tablename__ = "channel_states"

    channel: Mapped[str] = mapped_column(primary_key=True)
    failing_since_s: Mapped[float | None]
    fault: Mapped[str | None]
    sent: Mapped[int]
    last_sent_at_s: Mapped[float | None]
