"""The platform's own certificate authority: ECDSA P-256, its key in a file that only its owner reads.

The folder DIR that it lives in:

    DIR/authority/authority.key   0600 in 0700; whoever has it is every robot
    DIR/authority.pem             what robots and services trust
    DIR/server.pem                key and certificate of the broker and the enrolment service, 0600
    DIR/revoked.pem, DIR/access   the broker's revocation list and access rules
    DIR/enforced.json             what of all this the broker is known to use
    DIR/services/ROLE.pem         key and certificate of the platform's own processes, 0600
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from robot.errors import BadConfiguration, BadInput
from robot.files import write_whole
from robot.reporting.enrolment import fingerprint

DAY_S = 86_400.0
AUTHORITY_LIFE_S = 20 * 365 * DAY_S
DEVICE_LIFE_S = 365 * DAY_S
PLATFORM_LIFE_S = 5 * 365 * DAY_S  # keys that never leave the platform; `init` renews them
RENEW_AT_SHARE = 2 / 3
BACKDATED_S = DAY_S  # a robot's clock may be behind: its certificate must not lie in its future
OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies in the authority's folder."""

    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "authority" / "authority.key"

    @property
    def certificate(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def server(self) -> Path:
        return self.folder / "server.pem"

    @property
    def revoked(self) -> Path:
        return self.folder / "revoked.pem"

    @property
    def access(self) -> Path:
        return self.folder / "access"

    @property
    def enforced(self) -> Path:
        return self.folder / "enforced.json"

    def service(self, role: str) -> Path:
        return self.folder / "services" / f"{role}.pem"


class Authority:
    """Signs certificates and revocation lists. Times are Unix seconds."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self.certificate = certificate

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.certificate.public_bytes(serialization.Encoding.DER))

    def issue_client(self, name: str, key: ec.EllipticCurvePublicKey, now_s: float, life_s: float) -> x509.Certificate:
        """A certificate that proves `name` (the common name, which the broker takes as user name) to a server."""
        alternative = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:hani:{name}")])
        return self._issue(name, key, now_s, life_s, ExtendedKeyUsageOID.CLIENT_AUTH, alternative)

    def issue_server(
        self, hosts: Sequence[str], key: ec.EllipticCurvePublicKey, now_s: float, life_s: float
    ) -> x509.Certificate:
        """A certificate for a server that is reached by these host names and addresses."""
        alternative = x509.SubjectAlternativeName([_host(host) for host in hosts])
        return self._issue("hani-platform", key, now_s, life_s, ExtendedKeyUsageOID.SERVER_AUTH, alternative)

    def revocation_list(self, revoked: Iterable[tuple[str, float]], before: bytes, now_s: float) -> bytes:
        """A list (PEM) of serials in hex, each with its time; `before` is the list (PEM) that it follows, or empty.

        It holds as long as the authority: a list that ran out would shut every robot out, and their alarms with them,
        and so would one that lies in the future of a clock set back. So its time is no clock's: it is the time of the
        list before and a second, since of two lists OpenSSL takes the newer, and of two of one second the first.
        """
        try:
            newer = x509.load_pem_x509_crl(before).last_update_utc + timedelta(seconds=1)
        except ValueError:
            newer = _time(now_s - BACKDATED_S)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(newer)
            .next_update(self.certificate.not_valid_after_utc)
        )
        for serial, at_s in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(_time(at_s))
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def signed(self, certificate: x509.Certificate) -> bool:
        """Whether this authority has signed it. Says nothing about its time and its revocation."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _issue(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        now_s: float,
        life_s: float,
        usage: x509.ObjectIdentifier,
        alternative: x509.SubjectAlternativeName,
    ) -> x509.Certificate:
        last = min(_time(now_s + life_s), self.certificate.not_valid_after_utc)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(_time(now_s - BACKDATED_S), self.certificate.not_valid_before_utc))
            .not_valid_after(last)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
            .add_extension(alternative, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )


def make_authority(layout: Layout, now_s: float) -> Authority:
    """Make key and certificate. The key comes first and is never replaced: an interrupted start goes on with it."""
    layout.key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    layout.key.parent.chmod(0o700)
    if not layout.key.exists():
        write_whole(layout.key, key_pem(make_key()), OWNER_ONLY)
    key = _read_key(layout)
    name = _name(f"Hani authority {secrets.token_hex(4)}")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(now_s - 2 * BACKDATED_S))
        .not_valid_after(_time(now_s + AUTHORITY_LIFE_S))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_whole(layout.certificate, pem(certificate))
    return Authority(key, certificate)


def open_authority(layout: Layout) -> Authority:
    """The authority that was made. Raises BadConfiguration."""
    try:
        certificate = x509.load_pem_x509_certificate(layout.certificate.read_bytes())
    except FileNotFoundError as error:
        raise BadConfiguration(
            f"there is no authority in {layout.folder}; run: python -m robot.fleet.identity init"
        ) from error
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"{layout.certificate} cannot be read: bring back its backup") from error
    key = _read_key(layout)
    if key.public_key() != certificate.public_key():
        raise BadConfiguration(f"key and certificate in {layout.folder} do not belong together: bring back the backup")
    return Authority(key, certificate)


def _read_key(layout: Layout) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(layout.key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise BadConfiguration(f"the authority's key {layout.key} cannot be read: bring back its backup") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadConfiguration(f"{layout.key} is no ECDSA key: bring back its backup")
    return key


def make_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def serial_of(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:x}"


def key_hash(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of a public key: by it a robot that asks again is known."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def read_request(text: str) -> x509.CertificateSigningRequest:
    """A signing request whose sender holds its P-256 key. Its names are read by nobody. Raises BadInput."""
    try:
        request = x509.load_pem_x509_csr(text.encode())
        key, holds = request.public_key(), request.is_signature_valid
    except Exception as error:
        # cryptography raises what it likes for hostile bytes: ValueError, TypeError, UnsupportedAlgorithm
        raise BadInput("this is no certificate signing request") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadInput("the key must be ECDSA P-256")
    if not holds:
        raise BadInput("the signing request is not signed with its own key")
    return request


def read_certificate(text: str) -> x509.Certificate:
    """A certificate in PEM. Raises BadInput."""
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except Exception as error:
        # the same
        raise BadInput("this is no certificate") from error


def is_signed_by(certificate: x509.Certificate, signature: str, message: bytes) -> bool:
    """Whether `signature` (hex) over `message` was made with the certificate's key."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(bytes.fromhex(signature), message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _time(at_s: float) -> datetime:
    return datetime.fromtimestamp(0, timezone.utc) + timedelta(seconds=int(at_s))
