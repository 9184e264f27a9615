"""The tables of people. Times `*_at_s` are Unix seconds. A token stands here only as its SHA-256."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from robot.fleet.tables import Base


class Account(Base):
    """Somebody who may sign in. `name` is what is typed, folded; `shown` stands beside what the person did."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(primary_key=True)  # random; the audit knows people by it
    name: Mapped[str] = mapped_column(unique=True)
    shown: Mapped[str]
    role: Mapped[str]
    password: Mapped[str | None]  # argon2id; None: by login link only
    made_at_s: Mapped[float]
    disabled_at_s: Mapped[float | None]


class Grant(Base):
    """What a person may see, with its history: a device for a caregiver, a region's first digits for an operator."""

    __tablename__ = "grants"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    scope: Mapped[str]
    given_at_s: Mapped[float]
    given_by: Mapped[str]
    ended_at_s: Mapped[float | None]


class SignedIn(Base):
    """A session: from signing in until it is ended, has been idle too long, or has lasted a whole shift."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    how: Mapped[str]  # password, link
    began_at_s: Mapped[float]
    seen_at_s: Mapped[float] = mapped_column(index=True)


class LoginLink(Base):
    """A link that signs one person in, once, until it ends."""

    __tablename__ = "login_links"

    digest: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    ends_at_s: Mapped[float] = mapped_column(index=True)
    used_at_s: Mapped[float | None]


class KnownBrowser(Base):
    """A browser in which somebody has signed in: strangers' guesses at that name do not slow it down."""

    __tablename__ = "known_browsers"

    digest: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    seen_at_s: Mapped[float] = mapped_column(index=True)


class Limit(Base):
    """How often something was tried: sign-ins by name, address and browser, writes by session. Keys are digests."""

    __tablename__ = "limits"

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    since_at_s: Mapped[float] = mapped_column(index=True)
    until_at_s: Mapped[float]  # nothing is tried before


class Reading(Base):
    """When a person's look at a device's health data was last written into the audit, so that it is not flooded."""

    __tablename__ = "readings"
    __table_args__ = (Index("ix_readings_at_s", "at_s"),)

    person_id: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    at_s: Mapped[float]
