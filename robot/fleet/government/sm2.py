"""SM2 signatures (GB/T 32918.2, GM/T 0003.2) with SM3.

The curve arithmetic is gmssl's. Everything around it is not, because gmssl 3.2.2 (last release 2023) gets it wrong:
its own random numbers come from `random.choice`, which an observer of some can predict, and a predicted k gives the
private key away; its constructor strips, with a public key's prefix 04, every 0 and 4 behind it; it knows only the
default identity. So k comes from `secrets`, the digest from `cryptography`'s SM3, and the constructor gets no
public key. Signing takes time that depends on k (gmssl is plain Python): a machine on which strangers can measure
it is no place for the key.
"""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from gmssl.sm2 import CryptSM2, default_ecc_table  # type: ignore[import-untyped]  # it ships no types

from robot.errors import BadConfiguration

ORDER = int(default_ecc_table["n"], 16)
_CURVE = bytes.fromhex(default_ecc_table["a"] + default_ecc_table["b"] + default_ecc_table["g"])


class Signer:
    """Signs with one private key."""

    def __init__(self, private_key: bytes, identity: str = "1234567812345678") -> None:
        number = int.from_bytes(private_key, "big")
        if not 1 <= number <= ORDER - 2:
            raise BadConfiguration("this is no SM2 private key: out of range; make another")
        self._curve = CryptSM2(private_key=private_key.hex(), public_key="")
        self.public_key = bytes.fromhex(self._curve._kg(number, default_ecc_table["g"]))  # x and y, 32 bytes each
        self._prefix = identity_digest(self.public_key, identity)

    def sign(self, data: bytes) -> tuple[int, int]:
        """The signature (r, s)."""
        while True:
            found = self.sign_with(data, secrets.randbelow(ORDER - 1) + 1)
            if found is not None:
                return found

    def sign_with(self, data: bytes, k: int) -> tuple[int, int] | None:
        """The same with a given k, for published test vectors; None when this k cannot be used."""
        raw = self._curve.sign(_sm3(self._prefix + data), f"{k:064x}")
        return None if raw is None else (int(raw[:64], 16), int(raw[64:], 16))


def identity_digest(public_key: bytes, identity: str) -> bytes:
    """Z of GB/T 32918.2, 5.5: what binds a signature to its signer."""
    name = identity.encode()
    return _sm3((8 * len(name)).to_bytes(2, "big") + name + _CURVE + public_key)


def der(signature: tuple[int, int]) -> bytes:
    """SEQUENCE of two INTEGERs (GM/T 0009)."""
    return encode_dss_signature(*signature)


def raw(signature: tuple[int, int]) -> bytes:
    """The numbers r and s, 32 bytes each."""
    return b"".join(number.to_bytes(32, "big") for number in signature)


def _sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()
