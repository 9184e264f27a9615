"""Secrets from files that only their owner can read. A secret appears in no message."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from robot.errors import BadConfiguration


def read_secret(path: Path) -> str:
    """The file's one line. Raises BadConfiguration when it is missing, empty, or open to others."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(10_000).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: cannot be read; write the secret there, with mode 0600") from error
    if mode & 0o077:
        raise BadConfiguration(f"{path}: others may read this secret (mode {mode:04o}); run chmod 600 on it")
    if not text or "\n" in text:
        raise BadConfiguration(f"{path}: must hold the secret in one line")
    return text


def read_hex(path: Path, length: int) -> bytes:
    """A key of `length` bytes, written in hexadecimal."""
    text = read_secret(path)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != length:
        raise BadConfiguration(f"{path}: must hold {2 * length} hexadecimal digits")
    return key
