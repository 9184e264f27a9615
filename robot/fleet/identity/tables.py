"""The tables of identities. Certificates are public; neither a key nor a claim code stands here."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from robot.fleet.tables import Base


class Claim(Base):
    """The right to one certificate for `device`. `code_hash` is SHA-256 of the code, which only the paper knows.

    `key_hash` (SHA-256 of the public key) and `serial` are of the robot that used it: the same robot may ask again.
    """

    __tablename__ = "identity_claims"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(index=True)
    made_at_s: Mapped[float]
    made_by: Mapped[str]
    expires_at_s: Mapped[float]
    replaces: Mapped[bool]  # the device's earlier certificates end when this is used
    used_at_s: Mapped[float | None]
    key_hash: Mapped[str | None]
    serial: Mapped[str | None]


class Certificate(Base):
    """A certificate that the authority has issued; `serial` in hex. It is live until revoked or past `not_after_s`.

    `proven_at_s`: when a robot first said that it uses it; `renew_asked_at_s`: since when its renewal is wanted.
    """

    __tablename__ = "identity_certificates"

    serial: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)  # device, service, server
    name: Mapped[str] = mapped_column(index=True)  # a device, a role, a server's host names
    key_hash: Mapped[str] = mapped_column(index=True)
    pem: Mapped[str]
    issued_at_s: Mapped[float]
    not_after_s: Mapped[float]
    proven_at_s: Mapped[float | None]
    renew_asked_at_s: Mapped[float | None]
    revoked_at_s: Mapped[float | None]
    revoked_because: Mapped[str | None]
