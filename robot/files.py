"""Files by the names that people give; and files that are whole or not there, whoever reads them at any moment."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from robot.errors import BadInput


def path_of(name: str) -> Path:
    """The path of a file as somebody named it. Raises BadInput for a name that libraries stumble over, or crash at."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadInput(f"the file name {name!a} is not UTF-8; rename the file") from None
    return Path(name)


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file in one step, on the disk when this returns; nobody ever reads half of it or without its mode."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask is
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The new name itself is on the disk only then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
