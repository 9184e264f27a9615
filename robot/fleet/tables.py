"""The platform's tables. Times `*_at_s` are Unix seconds of the platform's clock unless the comment says robot."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, Index, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of all tables; every time is a double, every list or mapping is JSON."""

    type_annotation_map = {float: Float(53), str: Text(), dict[str, int]: JSON(), list[str]: JSON(), Any: JSON()}  # noqa: RUF012 - SQLAlchemy reads it from the class


class Device(Base):
    """A robot that was configured or heard. `label` comes from the contacts file, never from the robot."""

    __tablename__ = "devices"

    device: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str | None]
    last_seen_at_s: Mapped[float | None]


class DeviceState(Base):
    """The newest StateReport of a robot; `online` False comes from the last will or an orderly stop."""

    __tablename__ = "device_states"

    device: Mapped[str] = mapped_column(primary_key=True)
    online: Mapped[bool]
    reported_at_s: Mapped[float]  # robot
    outbox: Mapped[int]
    software: Mapped[str]
    nodes: Mapped[dict[str, int]]


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


class Message(Base):
    """Every alarm and event message once: the key is what makes a repeated message harmless."""

    __tablename__ = "messages"

    device: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    sent_at_s: Mapped[float]  # robot
    received_at_s: Mapped[float]
    body: Mapped[str]


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
    changed_at_s: Mapped[float]
    raised_at_s: Mapped[float | None]
    calls: Mapped[int]
    acknowledged_by: Mapped[str | None]
    acknowledged_at_s: Mapped[float | None]
    reopened_at_s: Mapped[float | None]
    closed_by: Mapped[str | None]
    closed_at_s: Mapped[float | None]
    close_reason: Mapped[str | None]


class AlarmLog(Base):
    """What happened to an alarm, append-only (SQLite triggers refuse changes)."""

    __tablename__ = "alarm_log"
    __table_args__ = (Index("ix_alarm_log_alarm_id", "alarm_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    alarm_id: Mapped[str]
    at_s: Mapped[float]
    what: Mapped[str]  # reported, late_report, acknowledged, closed, reopened, call
    phase: Mapped[str]
    revision: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[str | None]
    detail: Mapped[str | None]


class Command(Base):
    """An AlarmCommand to be repeated until the robot's CommandAck."""

    __tablename__ = "commands"

    command_id: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str]
    alarm_id: Mapped[str]
    status: Mapped[str]
    made_at_s: Mapped[float]
    by: Mapped[str | None]
    reason: Mapped[str | None]
    confirmed_at_s: Mapped[float | None] = mapped_column(index=True)


class Change(Base):
    """The feed of the live pages: something about this alarm or device changed. Its id is the event id of /events."""

    __tablename__ = "changes"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it; ids must not be used again

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at_s: Mapped[float]
    device: Mapped[str]
    alarm_id: Mapped[str | None]


class Refusal(Base):
    """Messages that do not fit the contract: counted by content, bounded in number."""

    __tablename__ = "refusals"

    digest: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str]
    reason: Mapped[str]
    payload: Mapped[bytes]
    count: Mapped[int]
    last_at_s: Mapped[float] = mapped_column(index=True)


class Worker(Base):
    """The heartbeat of a process; `linked` says whether it stands in touch with the broker."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    beat_at_s: Mapped[float]
    linked: Mapped[bool]
