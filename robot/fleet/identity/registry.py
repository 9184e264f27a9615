"""What the platform knows of identities: claims made and used, certificates issued, renewed and ended; all audited.

Each function works in the caller's transaction and takes the time. `broker_link` brings what ended to the broker, after
the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from robot.errors import BadInput, HaniError
from robot.fleet import audit
from robot.fleet.identity.authority import (
    DAY_S,
    DEVICE_LIFE_S,
    RENEW_AT_SHARE,
    Authority,
    is_signed_by,
    key_hash,
    pem,
    read_certificate,
    read_request,
    serial_of,
)
from robot.fleet.identity.tables import Certificate, Claim
from robot.fleet.people.accounts import AT_THE_MACHINE
from robot.reporting.contract import DeviceId
from robot.reporting.enrolment import (
    RENEW_LABEL,
    STANDING_LABEL,
    EnrolRequest,
    Issued,
    RenewRequest,
    Standing,
    StandingRequest,
    make_claim,
    read_claim,
)

CLAIM_LIFE_S = 7 * DAY_S
ENDING_S = 30 * DAY_S
PLATFORM = "platform"
SUPERSEDED = "superseded"
DEVICE, SERVICE, SERVER = "device", "service", "server"

_device = TypeAdapter(DeviceId)


class Refused(HaniError):
    """The platform does not give this robot an identity; `code` says why, for machines."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back, and whether the broker's lists are others now."""

    message: Issued | Standing
    changes_lists: bool = False


class Ended(NamedTuple):
    """A certificate that was ended before its time and would still be valid."""

    serial: str
    at_s: float
    name: str
    because: str


def claim(
    session: Session, device: str, *, by: str, now_s: float, life_s: float = CLAIM_LIFE_S, replaces: bool = False
) -> str:
    """A new claim code for `device`; it is not kept anywhere. Earlier unused ones of the device end.

    Raises BadInput for a device that has a valid certificate already, unless the claim replaces it.
    """
    try:
        _device.validate_python(device)
    except ValidationError as error:
        raise BadInput("a robot's id has small letters, digits and hyphens, at most 63") from error
    if live(session, device, now_s) and not replaces:
        raise BadInput(f"{device} has a valid certificate; add --replace if this is a new robot in its place")
    for open_claim in session.scalars(select(Claim).where(Claim.device == device, Claim.used_at_s.is_(None))):
        open_claim.expires_at_s = min(open_claim.expires_at_s, now_s)
    code = make_claim()
    session.add(
        Claim(
            code_hash=hash_of(code),
            device=device,
            made_at_s=now_s,
            made_by=by,
            expires_at_s=now_s + life_s,
            replaces=replaces,
        )
    )
    _note(session, now_s, "identity.claim", device, by=by)
    return code


def enrol(session: Session, authority: Authority, request: EnrolRequest, now_s: float) -> Answer:
    """Turn a claim and a signing request into a certificate for the claim's device.

    The robot that has used a claim may ask again with the same key, since the answer may have got lost: it gets the
    same certificate. Raises Refused: claim_unknown, claim_expired, claim_used, key_used, request.
    """
    try:
        code = read_claim(request.claim)
    except BadInput as error:
        raise Refused("claim_unknown", str(error)) from error
    found = session.scalar(select(Claim).where(Claim.code_hash == hash_of(code)).with_for_update())
    if found is None:
        raise Refused("claim_unknown", "this claim is not known here: compare it with the paper")
    key = _key_of(request.request)
    if found.used_at_s is not None:
        issued = session.get(Certificate, found.serial)
        if found.key_hash != key_hash(key) or issued is None or issued.revoked_at_s is not None:
            raise Refused("claim_used", "this claim was used already: ask for a new one")
        return Answer(Issued(device=found.device, certificate=issued.pem))
    if now_s >= found.expires_at_s:
        raise Refused("claim_expired", "this claim has expired: ask for a new one")
    _refuse_known(session, key)
    if found.replaces:
        revoke(session, found.device, "replaced", by=found.made_by, now_s=now_s)
    was_shut_out = found.device in shut_out(session, now_s)
    issued = _issue(session, authority, found.device, key, now_s)
    found.used_at_s, found.key_hash, found.serial = now_s, issued.key_hash, issued.serial
    _note(session, now_s, "identity.enrolled", found.device, actor=f"device:{found.device}", serial=issued.serial)
    return Answer(Issued(device=found.device, certificate=issued.pem), was_shut_out)


def renew(session: Session, authority: Authority, request: RenewRequest, now_s: float) -> Answer:
    """A new certificate for a new key, asked for with the key of a valid one, which stays valid until the new is used.

    Raises Refused: unknown, revoked, expired, signature, key_used, request.
    """
    old = _valid(session, authority, request.certificate, now_s)
    key = _key_of(request.request)
    message = RENEW_LABEL + x509.load_pem_x509_csr(request.request.encode()).public_bytes(serialization.Encoding.DER)
    if not is_signed_by(read_certificate(request.certificate), request.signature, message):
        raise Refused("signature", "the request is not signed with the certificate's key")
    again = session.scalar(
        select(Certificate).where(
            Certificate.name == old.name, Certificate.key_hash == key_hash(key), Certificate.revoked_at_s.is_(None)
        )
    )
    if again is not None and again.serial != old.serial:
        return Answer(Issued(device=old.name, certificate=again.pem))
    _refuse_known(session, key)
    issued = _issue(session, authority, old.name, key, now_s)
    _note(session, now_s, "identity.renewed", old.name, actor=f"device:{old.name}", serial=issued.serial)
    return Answer(Issued(device=old.name, certificate=issued.pem))


def standing(session: Session, authority: Authority, request: StandingRequest, now_s: float) -> Answer:
    """The robot says which certificate it uses: its older ones end, and it hears whether a new key is wanted.

    Nobody needs to be cut off for that: what ends is the robot's own past. Raises Refused as `renew` does.
    """
    current = _valid(session, authority, request.certificate, now_s)
    certificate = read_certificate(request.certificate)
    message = STANDING_LABEL + certificate.public_bytes(serialization.Encoding.DER)
    if not is_signed_by(certificate, request.signature, message):
        raise Refused("signature", "the request is not signed with the certificate's key")
    older: list[Certificate] = []
    if current.proven_at_s is None:
        current.proven_at_s = now_s
        older = [row for row in live(session, current.name, now_s) if row.issued_at_s < current.issued_at_s]
        for row in older:
            _end(session, row, SUPERSEDED, now_s)
    return Answer(Standing(renew=current.renew_asked_at_s is not None), bool(older))


def rotate(session: Session, device: str, *, by: str, now_s: float) -> None:
    """Ask a robot to make a new key when it next calls (it calls once a day). Raises BadInput."""
    certificates = live(session, device, now_s)
    if not certificates:
        raise BadInput(f"{device[:63]} has no valid certificate: make a claim for it")
    for certificate in certificates:
        certificate.renew_asked_at_s = now_s
    _note(session, now_s, "identity.rotate", device, by=by)


def revoke(session: Session, name: str, because: str, *, by: str, now_s: float) -> bool:
    """End every certificate of a device or a service, and its unused claims. Returns whether it had any."""
    certificates = live(session, name, now_s)
    for certificate in certificates:
        _end(session, certificate, because, now_s, by)
    for unused in session.scalars(select(Claim).where(Claim.device == name, Claim.used_at_s.is_(None))):
        unused.expires_at_s = min(unused.expires_at_s, now_s)
    return bool(certificates)


def live(session: Session, name: str, now_s: float) -> Sequence[Certificate]:
    """The valid certificates of a name, the oldest first."""
    query = select(Certificate).where(
        Certificate.name == name, Certificate.revoked_at_s.is_(None), Certificate.not_after_s > now_s
    )
    return session.scalars(query.order_by(Certificate.issued_at_s)).all()


def revoked(session: Session, now_s: float) -> list[Ended]:
    """Every certificate that was ended before its time and would still be valid."""
    query = select(Certificate.serial, Certificate.revoked_at_s, Certificate.name, Certificate.revoked_because).where(
        Certificate.revoked_at_s.is_not(None), Certificate.not_after_s > now_s - DAY_S
    )
    return [
        Ended(serial, at_s, name, because or "")
        for serial, at_s, name, because in session.execute(query)
        if at_s is not None
    ]


def shut_out(session: Session, now_s: float) -> list[str]:
    """Names that have a revoked certificate and no valid one."""
    current = select(Certificate.name).where(Certificate.kind != SERVER, Certificate.not_after_s > now_s)
    ended = session.scalars(current.where(Certificate.revoked_at_s.is_not(None)))
    valid = session.scalars(current.where(Certificate.revoked_at_s.is_(None)))
    return sorted(set(ended) - set(valid))


def ending(session: Session, now_s: float) -> list[tuple[str, float]]:
    """The platform's own certificates that nobody has renewed and that end within 30 days: name and end."""
    newest: dict[str, tuple[str, float]] = {}
    own = select(Certificate.kind, Certificate.name, Certificate.not_after_s).where(
        Certificate.kind.in_((SERVICE, SERVER)), Certificate.revoked_at_s.is_(None)
    )
    for kind, name, not_after_s in session.execute(own.order_by(Certificate.not_after_s)):
        word = SERVER if kind == SERVER else name  # a server's name are its hosts, and they change
        newest[word] = (word, not_after_s)
    return [one for one in newest.values() if one[1] - ENDING_S <= now_s]


def keep(session: Session, kind: str, name: str, certificate: x509.Certificate, now_s: float, by: str) -> Certificate:
    """Note a certificate that was issued; `by` nobody: by the platform itself."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise BadInput("the key must be ECDSA P-256")
    row = Certificate(
        serial=serial_of(certificate),
        kind=kind,
        name=name,
        key_hash=key_hash(key),
        pem=pem(certificate).decode(),
        issued_at_s=now_s,
        not_after_s=certificate.not_valid_after_utc.timestamp(),
    )
    session.add(row)
    if kind != DEVICE:
        _note(session, now_s, "identity.issued", name, by=by, serial=row.serial)
    return row


def is_due(issued_at_s: float, not_after_s: float, now_s: float) -> bool:
    """Whether a certificate is to be renewed: two thirds of its life are over."""
    return now_s >= issued_at_s + (not_after_s - issued_at_s) * RENEW_AT_SHARE


def hash_of(code: str) -> str:
    """What is kept of a claim code. 68 random bits need no slow hash."""
    return hashlib.sha256(b"hani-claim:" + code.encode()).hexdigest()


def _issue(
    session: Session, authority: Authority, device: str, key: ec.EllipticCurvePublicKey, now_s: float
) -> Certificate:
    certificate = authority.issue_client(device, key, now_s, DEVICE_LIFE_S)
    return keep(session, DEVICE, device, certificate, now_s, "")


def _valid(session: Session, authority: Authority, text: str, now_s: float) -> Certificate:
    """The row of a device's certificate that is ours and valid now."""
    try:
        certificate = read_certificate(text)
    except BadInput as error:
        raise Refused("request", str(error)) from error
    row = session.scalar(select(Certificate).where(Certificate.serial == serial_of(certificate)).with_for_update())
    if row is None or row.kind != DEVICE or not authority.signed(certificate):
        raise Refused("unknown", "this certificate is not of this platform: enrol with a claim")
    if row.revoked_at_s is not None:
        raise Refused("revoked", "this certificate was revoked: enrol with a new claim")
    if now_s >= row.not_after_s:
        raise Refused("expired", "this certificate has expired: enrol with a new claim")
    return row


def _key_of(request: str) -> ec.EllipticCurvePublicKey:
    try:
        key = read_request(request).public_key()
    except BadInput as error:
        raise Refused("request", str(error)) from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Refused("request", "the key must be ECDSA P-256")
    return key


def _refuse_known(session: Session, key: ec.EllipticCurvePublicKey) -> None:
    """A key serves one certificate: a second one would outlive the first one's revocation."""
    if session.scalar(select(Certificate.serial).where(Certificate.key_hash == key_hash(key))) is not None:
        raise Refused("key_used", "this key has a certificate already: make a new key")


def _end(session: Session, certificate: Certificate, because: str, now_s: float, by: str = "") -> None:
    certificate.revoked_at_s, certificate.revoked_because = now_s, because
    _note(session, now_s, "identity.revoked", certificate.name, by=by, serial=certificate.serial, because=because)


def _note(
    session: Session, now_s: float, action: str, name: str, *, actor: str = "", by: str = "", **more: str
) -> None:
    """Into the audit. Who did it by hand may be a person's name: that belongs to the part that can be erased."""
    detail = {key: value for key, value in {"by": by, **more}.items() if value}
    actor = actor or (AT_THE_MACHINE if by else PLATFORM)
    audit.append(session, at_s=now_s, actor=actor, action=action, subject=f"device:{name}", detail=detail)
