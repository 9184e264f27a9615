"""Remember what was done with which inputs, so that a second run does nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

Input = Path | str | Callable[[], str]
"""A file or folder, a word, or a word that is only known when it is asked for (a program's version)."""
LEFT_OUT = {"__pycache__", ".pytest_cache"}


def files_below(path: Path) -> list[Path]:
    """Return the file itself, or every file below the folder in a fixed order; nothing for a path that is not there."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not LEFT_OUT & set(file.parts))


def digest(root: Path, inputs: Iterable[Input]) -> str:
    """Hash the inputs into 64 hex digits; files and folders, which lie below `root`, by name and content."""
    total = hashlib.sha256()
    for item in inputs:
        if not isinstance(item, Path):
            total.update(f"word {item if isinstance(item, str) else item()}\n".encode())
            continue
        for file in files_below(item):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            total.update(f"file {file.relative_to(root).as_posix()} {content}\n".encode())
    return total.hexdigest()


class Stamps:
    """One small file a step: the digest of the inputs it was last finished with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def holds(self, step: str, value: str) -> bool:
        try:
            return (self.folder / step).read_text(encoding="ascii") == value
        except OSError:
            return False

    def set(self, step: str, value: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / step).write_text(value, encoding="ascii")

    def drop(self, step: str) -> None:
        (self.folder / step).unlink(missing_ok=True)
