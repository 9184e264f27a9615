"""Signatures and encryption against the standards' own examples, and against an independent verifier."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from robot.errors import BadConfiguration
from robot.fleet.government import sm2
from robot.fleet.government.config import Encryption, Signature
from robot.fleet.government.sealing import Seal, encrypt_cbc, encrypt_gcm
from tests.fleet import government_stand_in as stand_in

pytestmark = pytest.mark.unit

# GB/T 32918.5-2017 (GM/T 0003.5-2012), annex A.2
PRIVATE = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
PUBLIC = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
Z = bytes.fromhex("B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3")
K = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
# GB/T 32907-2016, RFC 8998 A.1 and draft-ribose-cfrg-sm4 A.2 share this key
SM4_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


def test_sm2_agrees_with_the_standards_example() -> None:
    signer = sm2.Signer(PRIVATE)
    assert signer.public_key == PUBLIC
    assert sm2.identity_digest(PUBLIC, "1234567812345678") == Z
    assert signer.sign_with(b"message digest", K) == (R, S)
    assert stand_in.sm2_verifies(PUBLIC, b"message digest", (R, S))


def test_a_signature_verifies_and_no_other_text_identity_or_key_does() -> None:
    signer = sm2.Signer(PRIVATE)
    r, s = signer.sign("告警".encode())
    assert stand_in.sm2_verifies(PUBLIC, "告警".encode(), (r, s))
    assert not stand_in.sm2_verifies(PUBLIC, b"another text", (r, s))
    assert not stand_in.sm2_verifies(PUBLIC, "告警".encode(), (r, s), identity=b"somebody else")
    assert not stand_in.sm2_verifies(sm2.Signer(b"\1" * 32).public_key, "告警".encode(), (r, s))
    assert decode_dss_signature(sm2.der((r, s))) == (r, s)
    assert sm2.raw((1, 2)).hex() == f"{1:064x}{2:064x}"


@pytest.mark.parametrize("prefix", ["00", "04", "40", "0"])
def test_keys_whose_public_half_begins_with_0_or_4_sign_as_well_as_any(prefix: str) -> None:
    """gmssl's own constructor would cut these digits off."""
    number = next(n for n in range(1, 5000) if f"{stand_in.times(n, stand_in.G)[0]:064x}".startswith(prefix))  # type: ignore[index]  # never infinity
    signer = sm2.Signer(number.to_bytes(32, "big"))
    assert stand_in.sm2_verifies(signer.public_key, b"text", signer.sign(b"text"))


def test_the_number_k_does_not_come_from_the_seedable_generator() -> None:
    signer = sm2.Signer(PRIVATE)
    signatures = []
    for _ in range(2):
        random.seed(1)
        signatures.append(signer.sign(b"text"))
    assert signatures[0] != signatures[1]


@pytest.mark.parametrize("number", [0, sm2.ORDER - 1, sm2.ORDER])
def test_numbers_that_are_no_private_key_are_refused(number: int) -> None:
    with pytest.raises(BadConfiguration, match="out of range"):
        sm2.Signer(number.to_bytes(32, "big"))


def test_sm3_and_sm4_agree_with_the_standards_examples() -> None:
    assert stand_in.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    plain = bytes.fromhex("AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEEFFFFFFFFAAAAAAAABBBBBBBB")
    sealed = encrypt_cbc(SM4_KEY, plain, bytes(range(16)))
    assert sealed[16:48].hex() == "78ebb11cc40b0a48312aaeb2040244cb4cb7016951909226979b0d15dc6a8f6d"
    plain = b"".join(bytes([0x11 * n]) * 8 for n in (10, 11, 12, 13, 14, 15, 14, 10))
    sealed = encrypt_gcm(SM4_KEY, plain, bytes.fromhex("00001234567800000000ABCD"))
    assert sealed[12:-16].hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    )
    assert stand_in.sm4_gcm_opens(SM4_KEY, base64.b64encode(sealed).decode()) == plain


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_what_is_signed_is_what_is_sent_with_its_time_and_nonce(tmp_path: Path) -> None:
    signature = Signature(algorithm="sm2-sm3", key_file=secret(tmp_path / "sm2", PRIVATE.hex()))
    encryption = Encryption(algorithm="sm4-gcm", key_file=secret(tmp_path / "sm4", SM4_KEY.hex()))
    seal = Seal(signature, encryption)
    plain = b'{"a":1}'
    body = seal.body(plain)
    assert stand_in.sm4_gcm_opens(SM4_KEY, json.loads(body)["data"]) == plain
    assert seal.body(plain) != body
    headers = seal.headers(body, 1_700_000_000.5)
    assert headers["X-Timestamp"] == "1700000000500"
    signed = f"{headers['X-Timestamp']}\n{headers['X-Nonce']}\n".encode() + body
    assert stand_in.sm2_verifies(PUBLIC, signed, decode_dss_signature(base64.b64decode(headers["X-Signature"])))
    assert seal.headers(body, 1_700_000_000.5)["X-Nonce"] != headers["X-Nonce"]


@pytest.mark.parametrize(
    ("algorithm", "expected"),  # of `printf text | openssl dgst -sha256 -hmac k1`, and -sm3
    [
        ("hmac-sha256", "cc7e9ebdef150d55c96e8f859ca7c5867122df8f52da2b08eec5b3bb70ac7dcb"),
        ("hmac-sm3", "0e5cd8164da92f5f9e41c287e133f9c9b583d416eefe47edc84aa3ca6d3d404d"),
    ],
)
def test_hmac_agrees_with_openssl(tmp_path: Path, algorithm: str, expected: str) -> None:
    rules = {"algorithm": algorithm, "key_file": secret(tmp_path / "key", "k1"), "over": "{body}", "encoding": "hex"}
    assert Seal(Signature.model_validate(rules), None).headers(b"text", 0)["X-Signature"] == expected


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("00" * 16, 0o644, "chmod 600"),
        ("00" * 15, 0o600, "32 hexadecimal digits"),
        ("zz" * 16, 0o600, "32 hexadecimal digits"),
        ("", 0o600, "one line"),
    ],
)
def test_keys_open_to_others_or_malformed_are_refused_without_showing_them(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    encryption = Encryption(algorithm="sm4-cbc", key_file=secret(tmp_path / "key", text, mode))
    with pytest.raises(BadConfiguration, match=words) as caught:
        Seal(None, encryption)
    assert not text or text not in str(caught.value)
