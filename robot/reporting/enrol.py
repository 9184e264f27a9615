"""The robot's side of its identity: a key that never leaves it, a certificate for it, and a new pair in good time.

    python -m robot.reporting.enrol --paper - --out .hani/identity     then: hani1 https://HOST:8443 CLAIM FINGERPRINT
    python -m robot.reporting.enrol --claim - --platform URL --fingerprint FP --out .hani/identity     then: the claim

"-" reads the text from the keyboard or a pipe: what stands in a command can be read by every process of the machine.

The folder afterwards:

    robot.pem           key and certificate in one file, 0600: replaced in one step, so they always belong together
    authority.pem       the platform's authority
    identity.json       the robot's id and where the platform is
    previous.pem        the pair before the last renewal
    next.key            only while a certificate is under way: an interrupted attempt goes on with this key

Whoever is interrupted at any point repeats the same command and gets the same certificate.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import logging
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pydantic import BaseModel, ConfigDict, ValidationError

from robot.errors import BadConfiguration, BadInput, HaniError, LinkFault
from robot.files import write_whole
from robot.reporting.enrolment import (
    PATH,
    RENEW_LABEL,
    STANDING_LABEL,
    EnrolRequest,
    Issued,
    Paper,
    Refusal,
    RenewRequest,
    Standing,
    StandingRequest,
    fingerprint,
    read_claim,
    read_fingerprint,
    read_paper,
)

PATIENCE_S = 10.0
RENEW_AT_SHARE = 2 / 3
LARGEST_ANSWER_BYTES = 64 * 1024
OWNER_ONLY = 0o600

log = logging.getLogger(__name__)

Answer = TypeVar("Answer", bound=BaseModel)


class Refused(HaniError):
    """The platform says no; `code` is the platform's."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"the platform refuses: {refusal.message}")
        self.code = refusal.code


class Identity(BaseModel):
    """Who this robot is, and for whom."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    device: str
    platform: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of an identity; relative names as in this module's description."""

    path: Path

    @property
    def pair(self) -> Path:
        return self.path / "robot.pem"

    @property
    def previous(self) -> Path:
        return self.path / "previous.pem"

    @property
    def authority(self) -> Path:
        return self.path / "authority.pem"

    @property
    def identity(self) -> Path:
        return self.path / "identity.json"

    @property
    def next_key(self) -> Path:
        return self.path / "next.key"


def enrol(paper: Paper, out: Path, now_s: float, *, replace: bool = False) -> Identity:
    """Get this robot's identity. Raises BadInput, BadConfiguration, LinkFault, Refused; what was there stays then."""
    folder = Folder(out)
    # identity.json comes after the pair: without it an earlier attempt was interrupted, and goes on
    if folder.pair.exists() and folder.identity.exists() and not replace:
        raise BadInput(f"{out} holds an identity already; add --replace to give this robot another one")
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = _fetch_authority(paper)

        def ask(key: ec.EllipticCurvePrivateKey) -> Issued:
            request = EnrolRequest(claim=paper.claim, request=_request(key))
            return _ask(paper.platform, authority, "enrol", request, Issued)

        key, issued = _with_next_key(folder, ask)
        certificate = _checked(issued, authority, key, now_s)
        identity = Identity(device=issued.device, platform=paper.platform)
        # until the pair is replaced, the authority of the one before is trusted too: a power cut leaves either working
        before = folder.authority.read_bytes() if folder.authority.exists() else b""
        write_whole(folder.authority, _pem(authority).encode() + before, 0o644)
        _store(folder, key, certificate)
        write_whole(folder.identity, identity.model_dump_json().encode(), 0o644)
        write_whole(folder.authority, _pem(authority).encode(), 0o644)
        folder.next_key.unlink(missing_ok=True)
    except OSError as error:
        raise BadConfiguration(f"{out} cannot be used ({error.strerror}): give another --out") from error
    return identity


def renew_if_due(out: Path, now_s: float) -> bool:
    """Call once a day. Tells the platform which certificate is used, and gets a new pair when it is time for one.

    Time is when two thirds of the certificate's life are over or the platform asks for it. True: robot.pem is another
    one now, and the link to the broker should be made anew with it; the old one is valid until the platform hears of
    the new one. Blocks up to half a minute: not for a thread that others wait for. Raises BadConfiguration, LinkFault,
    Refused; the pair in use stays then, and the next call goes on where this one ended.
    """
    folder = Folder(out)
    key, certificate, authority, identity = _open(folder)
    wanted = _say_used(identity, authority, key, certificate)
    begin, end = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    if not wanted and now_s < begin + (end - begin) * RENEW_AT_SHARE:
        return False
    try:

        def ask(new_key: ec.EllipticCurvePrivateKey) -> Issued:
            request = _request(new_key)
            signed = RENEW_LABEL + x509.load_pem_x509_csr(request.encode()).public_bytes(serialization.Encoding.DER)
            message = RenewRequest(certificate=_pem(certificate), request=request, signature=_sign(key, signed))
            return _ask(identity.platform, authority, "renew", message, Issued)

        new_key, issued = _with_next_key(folder, ask)
        if issued.device != identity.device:
            raise LinkFault("the platform answered with another robot's certificate: tell who runs it")
        new = _checked(issued, authority, new_key, now_s)
        write_whole(folder.previous, folder.pair.read_bytes(), OWNER_ONLY)
        _store(folder, new_key, new)
        folder.next_key.unlink(missing_ok=True)
    except OSError as error:
        raise BadConfiguration(f"{out} cannot be written ({error.strerror}): the identity is not renewed") from error
    log.info("the identity is renewed")
    with contextlib.suppress(LinkFault, Refused):  # said again at the next call
        _say_used(identity, authority, new_key, new)
    return True


def identity_in(out: Path) -> Identity:
    """Whose identity lies in the folder. Raises BadConfiguration."""
    return _open(Folder(out))[3]


# --- what is asked ----------------------------------------------------------------------------------------------------


def _fetch_authority(paper: Paper) -> x509.Certificate:
    """The authority's certificate, over a connection that is not trusted: only its fingerprint on the paper counts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    status, body = _http(paper.platform, context, "GET", "authority", None)
    try:
        certificate = x509.load_pem_x509_certificate(body)
    except Exception as error:
        # cryptography raises what it likes for hostile bytes
        raise LinkFault(
            f"{paper.platform} gave no certificate (HTTP {status}): compare the address with the paper"
        ) from error
    if fingerprint(certificate.public_bytes(serialization.Encoding.DER)) != paper.fingerprint:
        raise LinkFault("the platform that answers is not the paper's (another fingerprint): nothing was sent to it")
    return certificate


def _say_used(
    identity: Identity, authority: x509.Certificate, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> bool:
    """Tell the platform; returns whether it wants a new key."""
    signature = _sign(key, STANDING_LABEL + certificate.public_bytes(serialization.Encoding.DER))
    message = StandingRequest(certificate=_pem(certificate), signature=signature)
    return _ask(identity.platform, authority, "standing", message, Standing).renew


def _ask(platform: str, authority: x509.Certificate, word: str, message: BaseModel, answer: type[Answer]) -> Answer:
    context = ssl.create_default_context(cadata=_pem(authority))
    status, body = _http(platform, context, "POST", word, message.model_dump_json().encode())
    try:
        if status != http.client.OK:
            raise Refused(Refusal.model_validate_json(body))
        return answer.model_validate_json(body)
    except ValidationError:
        # not `from`: the text of pydantic repeats what it read
        raise LinkFault(f"the platform's answer cannot be read (HTTP {status}): try again later") from None


def _http(platform: str, context: ssl.SSLContext, method: str, word: str, body: bytes | None) -> tuple[int, bytes]:
    address = urlsplit(platform)
    connection = http.client.HTTPSConnection(address.hostname or "", address.port, timeout=PATIENCE_S, context=context)
    try:
        connection.request(method, f"{PATH}/{word}", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read(LARGEST_ANSWER_BYTES)
    except ssl.SSLCertVerificationError as error:
        raise LinkFault(
            f"the platform's certificate is not accepted ({error.verify_message}): check the address and this clock"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise LinkFault(
            f"{platform} cannot be reached ({reason}): check address and network, then try again"
        ) from error
    finally:
        connection.close()


# --- keys, certificates, files ----------------------------------------------------------------------------------------


def _with_next_key(
    folder: Folder, ask: Callable[[ec.EllipticCurvePrivateKey], Issued]
) -> tuple[ec.EllipticCurvePrivateKey, Issued]:
    """Ask with the key of the attempt under way. If that has a certificate by an earlier claim, with a new key."""
    key = _next_key(folder)
    try:
        return key, ask(key)
    except Refused as refused:
        if refused.code != "key_used":
            raise
    folder.next_key.unlink()
    key = _next_key(folder)
    return key, ask(key)


def _next_key(folder: Folder) -> ec.EllipticCurvePrivateKey:
    """The key of the attempt under way, or a new one; on the disk before anybody hears of it."""
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
        key = serialization.load_pem_private_key(folder.next_key.read_bytes(), None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key
    made = ec.generate_private_key(ec.SECP256R1())
    write_whole(folder.next_key, _key_pem(made), OWNER_ONLY)
    return made


def _request(key: ec.EllipticCurvePrivateKey) -> str:
    """A signing request without a name: the platform says who this is."""
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def _checked(
    issued: Issued, authority: x509.Certificate, key: ec.EllipticCurvePrivateKey, now_s: float
) -> x509.Certificate:
    """The certificate, if it is for this key, of this authority, for this purpose and valid now. Raises LinkFault."""
    try:
        certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
        certificate.verify_directly_issued_by(authority)
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        fits = certificate.public_key() == key.public_key() and ExtendedKeyUsageOID.CLIENT_AUTH in usage
        names = [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as error:
        raise LinkFault("the platform's certificate for this robot is not usable: tell who runs it") from error
    if not fits or names != [issued.device]:
        raise LinkFault("the platform's certificate is not for this robot's key: tell who runs it")
    if not certificate.not_valid_before_utc.timestamp() <= now_s < certificate.not_valid_after_utc.timestamp():
        raise BadConfiguration("the certificate is not valid by this robot's clock: set the clock, then try again")
    return certificate


def _open(folder: Folder) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate, x509.Certificate, Identity]:
    try:
        pair = folder.pair.read_bytes()
        key = serialization.load_pem_private_key(pair, None)
        certificate = x509.load_pem_x509_certificate(pair)
        authority = _authority_of(certificate, x509.load_pem_x509_certificates(folder.authority.read_bytes()))
        identity = Identity.model_validate_json(folder.identity.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise BadConfiguration(
            f"the identity in {folder.path} cannot be read: enrol again with a new claim and --replace"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadConfiguration(f"the key in {folder.path} is no ECDSA key: enrol again with a new claim and --replace")
    return key, certificate, authority, identity


def _authority_of(certificate: x509.Certificate, known: Sequence[x509.Certificate]) -> x509.Certificate:
    """Which of them has issued it; an interrupted enrolment leaves two. Raises ValueError for none."""
    for authority in known:
        with contextlib.suppress(ValueError, TypeError, InvalidSignature):
            certificate.verify_directly_issued_by(authority)
            return authority
    raise ValueError("none of the authorities has issued the certificate")


def _store(folder: Folder, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    write_whole(folder.pair, _key_pem(key) + _pem(certificate).encode(), OWNER_ONLY)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> str:
    return key.sign(message, ec.ECDSA(hashes.SHA256())).hex()


# --- the command ------------------------------------------------------------------------------------------------------


def _paper(arguments: argparse.Namespace) -> Paper:
    if arguments.paper:
        paper = read_paper(_secret(arguments.paper))
    elif arguments.claim and arguments.platform and arguments.fingerprint:
        claim = read_claim(_secret(arguments.claim))
        paper = Paper(arguments.platform, claim, read_fingerprint(arguments.fingerprint))
    else:
        raise BadInput("give --paper with the text of the QR code, or --claim, --platform and --fingerprint")
    address = urlsplit(paper.platform)
    if address.scheme != "https" or not address.hostname:
        raise BadInput("the platform's address must begin with https:// and name a host")
    return paper


def _secret(given: str) -> str:
    return sys.stdin.readline() if given == "-" else given


def main(arguments: Sequence[str] | None = None) -> int:
    """Enrol, or renew. Returns 0, or 1 after one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m robot.reporting.enrol", description="Get this robot's identity.")
    parser.add_argument("--paper", help="text of the QR code, all in one; - reads it from stdin")
    parser.add_argument("--claim", help="the claim code on the paper; - reads it from stdin")
    parser.add_argument("--platform", help="the enrolment service, https://HOST:PORT")
    parser.add_argument("--fingerprint", help="the platform's fingerprint on the paper")
    parser.add_argument("--out", type=Path, required=True, help="folder for key and certificate")
    parser.add_argument("--replace", action="store_true", help="give up the identity that lies there")
    parser.add_argument("--renew", action="store_true", help="renew the identity in --out if it is due")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.renew:
            renewed = renew_if_due(chosen.out, time.time())
            sys.stdout.write("renewed\n" if renewed else "not due\n")
            return 0
        identity = enrol(_paper(chosen), chosen.out, time.time(), replace=chosen.replace)
    except HaniError as error:
        sys.stderr.write(f"enrol: {error}\n")
        return 1
    out = chosen.out.resolve()
    sys.stdout.write(
        f"this robot is {identity.device}; its parameters:\n"
        f"  robot_id: {identity.device}\n"
        f"  tls_authority: {out}/authority.pem\n"
        f"  tls_certificate: {out}/robot.pem\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
