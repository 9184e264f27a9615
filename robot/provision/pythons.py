"""Find a Python that really runs: a name on PATH may be a shim that only complains."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROBOT_VERSIONS = ((3, 10), (3, 11), (3, 12))
RASA_VERSIONS = ((3, 10),)

# `_base_executable` is the interpreter behind an active venv: a venv made from a venv dies with it.
QUESTION = (
    "import importlib.util as u, os, sys, sysconfig; "
    "print(sys.version_info[0], sys.version_info[1], "
    "int(u.find_spec('ensurepip') is not None), "
    "int(os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h'))), "
    "getattr(sys, '_base_executable', sys.executable))"
)


@dataclass(frozen=True)
class Python:
    """An interpreter that answered."""

    path: Path
    version: tuple[int, int]
    has_ensurepip: bool
    has_headers: bool

    @property
    def name(self) -> str:
        return f"python{self.version[0]}.{self.version[1]}"


@dataclass
class Search:
    """What was found, and what was tried on the way, for the message when nothing was."""

    found: Python | None = None
    tried: list[str] = field(default_factory=list)


def ask(executable: str | Path) -> Python | None:
    """Return what an interpreter says of itself, or None when it does not run."""
    try:
        answer = subprocess.run(
            [str(executable), "-c", QUESTION], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = answer.stdout.strip().split(" ", 4)
    if answer.returncode != 0 or len(words) != 5:
        return None
    return Python(Path(words[4]), (int(words[0]), int(words[1])), words[2] == "1", words[3] == "1")


def search(candidates: Iterable[Path], versions: tuple[tuple[int, int], ...]) -> Search:
    """Ask the candidates in order; the first one that runs and has one of the versions is found."""
    result = Search()
    for candidate in candidates:
        answer = ask(candidate)
        if answer is None:
            result.tried.append(f"{candidate} (does not run)")
        elif answer.version not in versions:
            result.tried.append(f"{candidate} (is {answer.version[0]}.{answer.version[1]})")
        else:
            result.found = answer
            return result
    return result


def on_path(name: str) -> Iterator[Path]:
    """Every program of that name on PATH, not only the first: a shim may stand before the real one."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        candidate = Path(folder) / name
        if folder and os.access(candidate, os.X_OK):
            yield candidate


def from_pyenv(version: tuple[int, int]) -> list[Path]:
    """Return pyenv's own interpreters of that version, newest first, whatever its shims point at."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    name = f"{version[0]}.{version[1]}"
    folders = [
        folder for folder in (root / "versions").glob(f"{name}*") if re.fullmatch(rf"{name}(\.\d+)?", folder.name)
    ]
    newest_first = sorted(folders, key=lambda folder: [int(part) for part in folder.name.split(".")], reverse=True)
    return [folder / "bin" / f"python{name}" for folder in newest_first]


def robot_candidates() -> Iterator[Path]:
    """Order for the robot's venv: the Python that runs set-up, then PATH and pyenv from the newest version down."""
    yield Path(sys.executable)
    yield from on_path("python3")
    for version in reversed(ROBOT_VERSIONS):
        yield from on_path(f"python{version[0]}.{version[1]}")
        yield from from_pyenv(version)


def rasa_candidates() -> Iterator[Path]:
    """Order for Rasa's venv: a python3.10 on PATH that runs, then pyenv's own 3.10."""
    yield from on_path("python3.10")
    yield from from_pyenv((3, 10))
