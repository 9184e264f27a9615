"""The platform's tables. Times `*_at_s` are Unix seconds of the platform's clock unless the comment says robot."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, Index, Integer, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SERIAL = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts by itself only an INTEGER


class Base(DeclarativeBase):
    """Base of all tables; every time is a double, every list or mapping is JSON."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        float: Float(53),
        str: Text(),
        dict[str, int]: JSON(),
        dict[str, str]: JSON(),
        list[str]: JSON(),
        Any: JSON(),
    }


class Device(Base):
    """A robot that was configured or heard. `label` comes from the contacts file, never from the robot."""

    __tablename__ = "devices"

    device: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str | None]
    last_seen_at_s: Mapped[float | None]


class DeviceState(Base):
    """The newest StateReport of a robot; `online` False comes from the last will or an orderly stop.

    `thinned` counts the reports that the robot gave up for want of space, `test_ok_at_s` is when a test alarm of its
    last came back to it; None means that it did not say.
    """

    __tablename__ = "device_states"

    device: Mapped[str] = mapped_column(primary_key=True)
    online: Mapped[bool]
    reported_at_s: Mapped[float]  # robot
    received_at_s: Mapped[float] = mapped_column(default=0.0)
    outbox: Mapped[int] = mapped_column(BigInteger)
    software: Mapped[str]
    nodes: Mapped[dict[str, int]]
    reasons: Mapped[dict[str, str]] = mapped_column(default=dict)  # of nodes that are not ok, for those that say why
    thinned: Mapped[int | None] = mapped_column(BigInteger)
    test_ok_at_s: Mapped[float | None]  # robot


class Bed(Base):
    """The newest word of a mattress; None means unknown."""

    __tablename__ = "beds"

    device: Mapped[str] = mapped_column(primary_key=True)
    measured_at_s: Mapped[float]  # robot
    received_at_s: Mapped[float]
    in_bed: Mapped[bool | None]
    fresh: Mapped[bool]
    heart_rate_bpm: Mapped[float | None]
    breath_rate_bpm: Mapped[float | None]
    wet: Mapped[bool | None]


class BedMinute(Base):
    """What a mattress said, kept for some weeks; the key makes a repeated report harmless. By day on PostgreSQL."""

    __tablename__ = "bed_history"
    __table_args__ = (Index("ix_bed_history_received_at_s", "received_at_s", postgresql_using="brin"),)

    device: Mapped[str] = mapped_column(primary_key=True)
    measured_at_s: Mapped[float] = mapped_column(primary_key=True)  # robot
    received_at_s: Mapped[float]
    in_bed: Mapped[bool | None]
    fresh: Mapped[bool]
    heart_rate_bpm: Mapped[float | None]
    breath_rate_bpm: Mapped[float | None]
    wet: Mapped[bool | None]


class SeenMessage(Base):
    """The id of every alarm and event message: the key is what makes a repeated message harmless.

    A table of its own because PostgreSQL keeps a key only within one partition of `messages`, and a message may be
    repeated after the end of a month.
    """

    __tablename__ = "message_ids"

    device: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    received_at_s: Mapped[float] = mapped_column(index=True)


class Chain(Base):
    """How far a robot's numbered and chained reports have come.

    `seq` and `digest` are of the highest report seen; `missing` counts the numbers between `first` and it that never
    came, `broken` the reports whose `prev` was not the digest of the report before. A robot whose outbox began anew
    begins a new chain and adds to `restarts`. `missing` that lasts and exceeds what the robot says it thinned is loss.
    """

    __tablename__ = "chains"

    device: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str]
    sent_at_s: Mapped[float]  # robot
    missing: Mapped[int] = mapped_column(BigInteger)
    broken: Mapped[int] = mapped_column(BigInteger)
    restarts: Mapped[int] = mapped_column(BigInteger)
    first: Mapped[int] = mapped_column(BigInteger, default=1)
    changed_at_s: Mapped[float]  # when `missing`, `broken` or `restarts` last rose


class Message(Base):
    """Every alarm and event message once, by month on PostgreSQL. `prev` and `digest` are the robot's chain."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_received_at_s", "received_at_s", postgresql_using="brin"),)

    device: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    sent_at_s: Mapped[float]  # robot
    received_at_s: Mapped[float]
    body: Mapped[str]
    prev: Mapped[str | None]
    digest: Mapped[str | None]


class Alarm(Base):
    """One row per alarm, as it stands.

    `revision` is the robot's newest; `raised_at_s` is when the wait for a person began (again); `calls` counts the
    calls of that wait; `onset_at_s` is the robot's. What a person wrote here is never taken back by a robot.
    """

    __tablename__ = "alarms"

    alarm_id: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(index=True)
    type: Mapped[str]
    phase: Mapped[str] = mapped_column(index=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    severity: Mapped[str]
    confidence: Mapped[float | None]
    reasons: Mapped[list[str]]
    room: Mapped[str | None]
    how: Mapped[str | None]
    test: Mapped[bool]
    onset_at_s: Mapped[float]
    received_at_s: Mapped[float]
    changed_at_s: Mapped[float] = mapped_column(index=True)
    raised_at_s: Mapped[float | None]
    calls: Mapped[int]
    acknowledged_by: Mapped[str | None]
    acknowledged_at_s: Mapped[float | None]
    reopened_at_s: Mapped[float | None]
    closed_by: Mapped[str | None]
    closed_at_s: Mapped[float | None]
    close_reason: Mapped[str | None]
    # the desk's; see robot.fleet.rounds
    case_id: Mapped[str | None] = mapped_column(index=True, default=None)  # the event's first alarm; None: not seen yet
    made_here: Mapped[bool] = mapped_column(default=False)  # by the desk: no robot knows this alarm
    maintenance: Mapped[bool] = mapped_column(default=False)  # the robot was being worked on
    called_severity: Mapped[str | None] = mapped_column(default=None)  # as people were last told


class AlarmLog(Base):
    """What happened to an alarm, append-only (triggers refuse changes)."""

    __tablename__ = "alarm_log"
    __table_args__ = (Index("ix_alarm_log_alarm_id", "alarm_id"),)

    id: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    alarm_id: Mapped[str]
    at_s: Mapped[float]
    what: Mapped[str]  # reported, late_report, acknowledged, closed, reopened, call, unreached...
    phase: Mapped[str]
    revision: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[str | None]
    detail: Mapped[str | None]


class Command(Base):
    """An AlarmCommand to be repeated until the robot's CommandAck. The worker that sends it moves `due_at_s` on."""

    __tablename__ = "commands"
    __table_args__ = (
        Index(
            "ix_commands_due",
            "due_at_s",
            sqlite_where=text("confirmed_at_s IS NULL"),
            postgresql_where=text("confirmed_at_s IS NULL"),
        ),
    )

    command_id: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str]
    alarm_id: Mapped[str] = mapped_column(index=True)
    status: Mapped[str]
    made_at_s: Mapped[float]
    by: Mapped[str | None]
    reason: Mapped[str | None]
    confirmed_at_s: Mapped[float | None] = mapped_column(index=True)
    due_at_s: Mapped[float] = mapped_column(default=0.0)
    times_sent: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int | None] = mapped_column(BigInteger, default=None)  # the alarm's, as it stood here then


class Change(Base):
    """The feed of the live pages: something about this alarm or device changed. Its id is the event id of /events."""

    __tablename__ = "changes"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it; ids must not be used again

    id: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    at_s: Mapped[float]
    device: Mapped[str]
    alarm_id: Mapped[str | None]


class Refusal(Base):
    """Messages that do not fit the contract: counted by content, bounded in number.

    The row with the digest "older" counts those whose content is no longer kept, so that the sum is right.
    """

    __tablename__ = "refusals"

    digest: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str]
    reason: Mapped[str]
    payload: Mapped[bytes]
    count: Mapped[int] = mapped_column(BigInteger)
    last_at_s: Mapped[float] = mapped_column(index=True)


class Worker(Base):
    """The heartbeat of a process; `linked` says whether it stands in touch with the broker.

    Each ingest worker has a row of its own, named "ingest-" and something; rows silent for an hour go.
    """

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    beat_at_s: Mapped[float]
    linked: Mapped[bool]
