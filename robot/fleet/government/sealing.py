"""Signature and encryption of what is sent. SM3 and SM4 are `cryptography`'s (OpenSSL), SM2 see sm2.py."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7

from robot.fleet.government import sm2
from robot.fleet.government.config import Encryption, Signature
from robot.fleet.secret_files import read_hex, read_secret

NONCE_BYTES = 12  # of GCM; for one key never more than 2^32 of them (NIST SP 800-38D, 8.3)
BLOCK_BYTES = 16


class Seal:
    """Encrypts a body, then signs it with the time and a nonce. Raises BadConfiguration for keys it cannot use."""

    def __init__(self, signature: Signature | None, encryption: Encryption | None) -> None:
        self._signature, self._encryption = signature, encryption
        self._sign = _signer(signature) if signature else None
        self._key = read_hex(encryption.key_file, 16) if encryption else b""

    def body(self, plain: bytes) -> bytes:
        """What is sent instead of the plain body."""
        if self._encryption is None:
            return plain
        encrypt = encrypt_gcm if self._encryption.algorithm == "sm4-gcm" else encrypt_cbc
        sealed = base64.b64encode(encrypt(self._key, plain)).decode()
        return json.dumps({self._encryption.field: sealed}, separators=(",", ":")).encode()

    def headers(self, body: bytes, now_s: float) -> dict[str, str]:
        """The headers that prove who sent these bytes, and when."""
        rules = self._signature
        if rules is None or self._sign is None:
            return {}
        timestamp, nonce = str(round(now_s * 1000)), secrets.token_hex(16)
        signed = rules.over.encode().replace(b"{timestamp}", timestamp.encode()).replace(b"{nonce}", nonce.encode())
        signature = self._sign(signed.replace(b"{body}", body))
        text = signature.hex() if rules.encoding == "hex" else base64.b64encode(signature).decode()
        return {rules.header: text, rules.timestamp_header: timestamp, rules.nonce_header: nonce}


def encrypt_gcm(key: bytes, plain: bytes, nonce: bytes | None = None) -> bytes:
    """Nonce, ciphertext and tag, one behind the other (RFC 8998 uses SM4-GCM so)."""
    nonce = nonce or secrets.token_bytes(NONCE_BYTES)
    machine = Cipher(SM4(key), modes.GCM(nonce)).encryptor()
    sealed = machine.update(plain) + machine.finalize()
    return nonce + sealed + machine.tag


def encrypt_cbc(key: bytes, plain: bytes, start: bytes | None = None) -> bytes:
    """Starting block and ciphertext with PKCS#7 padding. Without a signature nobody notices a changed text."""
    start = start or secrets.token_bytes(BLOCK_BYTES)
    padder = PKCS7(8 * BLOCK_BYTES).padder()
    machine = Cipher(SM4(key), modes.CBC(start)).encryptor()
    return start + machine.update(padder.update(plain) + padder.finalize()) + machine.finalize()


def _signer(rules: Signature) -> Callable[[bytes], bytes]:
    if rules.algorithm == "sm2-sm3":
        signer = sm2.Signer(read_hex(rules.key_file, 32), rules.sm2_id)
        form = sm2.der if rules.sm2_form == "der" else sm2.raw
        return lambda data: form(signer.sign(data))
    key = read_secret(rules.key_file).encode()
    algorithm = hashes.SM3() if rules.algorithm == "hmac-sm3" else hashes.SHA256()

    def sign(data: bytes) -> bytes:
        machine = hmac.HMAC(key, algorithm)
        machine.update(data)
        return machine.finalize()

    return sign
