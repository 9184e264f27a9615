"""How a robot gets its identity: claim codes, fingerprints and the messages of enrolment. Shared by robot and platform.

    GET  /identity/v1/authority   the authority's certificate (PEM); believed only if its fingerprint is the paper's
    POST /identity/v1/enrol       EnrolRequest -> Issued       once per claim; again with the same key: the same answer
    POST /identity/v1/renew       RenewRequest -> Issued       signed with the key of the certificate still valid
    POST /identity/v1/standing    StandingRequest -> Standing  "I use this certificate": older ones end; renew now?

An answer that is no 200 carries Refusal. The private key is made on the robot and never leaves it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from robot.errors import BadInput
from robot.reporting.contract import DeviceId

PATH: Final = "/identity/v1"
PAPER: Final = "hani1"
ALPHABET: Final = "23456789ABCDEFGHJKMNPQRTUVWXY"
"""29 letters and digits, without those that look alike on paper (0 O, 1 I L, 2 Z, 5 S); a prime number of them."""
CODE_LETTERS: Final = 16
CHECK_LETTERS: Final = 2
FINGERPRINT_LETTERS: Final = 32  # 128 bits of SHA-256: nobody finds a second authority with the same
RENEW_LABEL: Final = b"hani-renew-v1\n"
STANDING_LABEL: Final = b"hani-standing-v1\n"

Pem = Annotated[str, StringConstraints(max_length=8192)]
Signature = Annotated[str, StringConstraints(max_length=256, pattern=r"^[0-9a-f]*$")]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1


class EnrolRequest(_Wire):
    """`request`: a certificate signing request (PEM). What it says of names is not read: the claim says who it is."""

    claim: Annotated[str, StringConstraints(max_length=64)] = Field(repr=False)
    request: Pem


class RenewRequest(_Wire):
    """`signature` (hex, ECDSA with SHA-256): by the certificate's key over RENEW_LABEL and the request in DER."""

    certificate: Pem
    request: Pem
    signature: Signature


class StandingRequest(_Wire):
    """`signature`: by the certificate's key over STANDING_LABEL and the certificate in DER."""

    certificate: Pem
    signature: Signature


class Issued(_Wire):
    device: DeviceId
    certificate: Pem


class Standing(_Wire):
    """`renew`: the platform wants a new key before the time."""

    renew: bool


class Refusal(_Wire):
    """`code` is stable and for machines; `message` is one line and for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Paper:
    """What an installer gets for one robot. `str` is the text of its QR code."""

    platform: str
    claim: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{PAPER} {self.platform} {self.claim} {self.fingerprint}"


def read_paper(text: str) -> Paper:
    """Read a paper's text. Raises BadInput."""
    words = text.split()
    if len(words) != 4 or words[0] != PAPER:
        raise BadInput(f"the paper's text must read: {PAPER} https://PLATFORM CLAIM FINGERPRINT")
    return Paper(words[1], read_claim(words[2]), read_fingerprint(words[3]))


def make_claim() -> str:
    """A new claim code: 14 random letters (68 bits), two check letters, in groups of four."""
    values = [secrets.randbelow(len(ALPHABET)) for _ in range(CODE_LETTERS - CHECK_LETTERS)]
    return _grouped("".join(ALPHABET[value] for value in (*values, *_check(values))))


def read_claim(typed: str) -> str:
    """A typed claim code as it was printed. Raises BadInput (which does not repeat it) when it was mistyped.

    Any two wrong letters and any two swapped ones are found.
    """
    code = _squeezed(typed)
    if len(code) != CODE_LETTERS:
        raise BadInput(f"a claim code has {CODE_LETTERS} letters and digits, this one has {len(code)}: look again")
    values = [ALPHABET.find(letter) for letter in code]
    if -1 in values:
        place = values.index(-1) + 1
        raise BadInput(f"letter {place} of the claim code cannot be one (0, O, 1, I, L, S and Z never are): look again")
    given, check = values[:-CHECK_LETTERS], values[-CHECK_LETTERS:]
    if list(_check(given)) != check:
        raise BadInput("the claim code is mistyped (its check letters do not fit): look again")
    return _grouped(code)


def fingerprint(certificate_der: bytes) -> str:
    """The printed fingerprint of a certificate: half of its SHA-256, in groups of four."""
    return _grouped(hashlib.sha256(certificate_der).hexdigest()[:FINGERPRINT_LETTERS])


def read_fingerprint(typed: str) -> str:
    """A typed fingerprint as it was printed. Raises BadInput."""
    squeezed = _squeezed(typed.replace(":", "")).lower()
    if len(squeezed) != FINGERPRINT_LETTERS or set(squeezed) - set("0123456789abcdef"):
        raise BadInput(f"a fingerprint has {FINGERPRINT_LETTERS} digits 0-9 and letters a-f: look again")
    return _grouped(squeezed)


def _check(values: list[int]) -> tuple[int, int]:
    """Two letters that bring both the sum and the sum weighted by place to 0 modulo 29 (a Reed-Solomon code)."""
    base = len(ALPHABET)
    plain = sum(values)
    weighted = sum(place * value for place, value in enumerate(values))
    second = (len(values) * plain - weighted) % base
    return (-plain - second) % base, second


def _squeezed(typed: str) -> str:
    return "".join(typed.split()).replace("-", "").upper()


def _grouped(text: str) -> str:
    return "-".join(text[begin : begin + 4] for begin in range(0, len(text), 4))
