"""Passwords: argon2id, and a check that takes as long for a name that does not exist."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from robot.errors import BadInput

HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4, hash_len=32, salt_len=16, type=Type.ID)
"""RFC 9106, section 4, second recommended option: 3 passes over 64 MiB in 4 lanes (0.16 s on the two cores here)."""

AT_ONCE = 2  # each check takes 64 MiB: a flood of sign-ins must wait, not fill the memory
SHORTEST, LONGEST = 12, 256  # characters; NIST SP 800-63B: length counts, rules of composition do not

_busy = threading.BoundedSemaphore(AT_ONCE)


def hashed(password: str, name: str) -> str:
    """The hash to store. Raises BadInput when the password is too short, too long or the name itself."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(f"the password must have {SHORTEST} to {LONGEST} characters; choose another")
    if password.strip().casefold() == name.strip().casefold():
        raise BadInput("the password is the name; choose another")
    with _busy:
        return HASHER.hash(password)


def fits(stored: str | None, password: str) -> bool:
    """Whether the password is right. None (nobody, or nobody with a password) costs the same time and is False."""
    with _busy:
        try:
            right = HASHER.verify(stored or _nobodys(), password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return right and stored is not None


def renewed(stored: str, password: str) -> str | None:
    """A hash with today's parameters, if the stored one was made with others."""
    if not HASHER.check_needs_rehash(stored):
        return None
    with _busy:
        return HASHER.hash(password)


@cache
def _nobodys() -> str:
    return HASHER.hash("nobody has this password")
