"""The catalogue of models: where each comes from, under which licence, and whether its files are the ones meant.

`python -m models.catalogue verify` checks what this machine should have; `list` prints a line a part.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path, PurePosixPath
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from robot import paths
from robot.errors import BadConfiguration, HaniError

CATALOGUE = Path(__file__).resolve().parent / "catalogue.yaml"
CHUNK_BYTES = 1 << 20

Place = Literal["repository", "home", "elsewhere"]
"""repository: under version control; home: fetched or built into .hani; elsewhere: not brought by set-up."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelFile(_Strict):
    """One file, relative to the part's place. Text that is edited here has no checksum: git vouches for it."""

    path: str
    bytes: int | None = Field(default=None, gt=0)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError("must be a relative path without ..")
        return path


class Archive(_Strict):
    """A part that is fetched as one archive. Size and checksum are unknown until the first verified fetch."""

    url: str = Field(pattern="^https?://")
    bytes: int | None = Field(default=None, gt=0)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")


class Part(_Strict):
    """One model: what for, from where, under which licence, used by which packages."""

    name: str
    purpose: str
    source: str
    place: Place
    files: tuple[ModelFile, ...] = ()
    archive: Archive | None = None
    licence: str
    notice: str
    used_by: tuple[str, ...]


class Catalogue(_Strict):
    parts: tuple[Part, ...]


def load_catalogue(path: Path = CATALOGUE) -> tuple[Part, ...]:
    """Read the catalogue; raises BadConfiguration that names the key and the file."""
    try:
        return Catalogue.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).parts
    except (OSError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"{key} in {path}: {first['msg']}") from error


def root_of(part: Part) -> Path:
    """Return the folder that the part's paths start from."""
    return paths.home() if part.place == "home" else paths.ROOT


def verify(part: Part, root: Path) -> list[str]:
    """Compare the part's files below `root` with the catalogue; returns one line a problem, none when all is well."""
    return [problem for file in part.files if (problem := _problem(file, root / file.path)) is not None]


def _problem(file: ModelFile, path: Path) -> str | None:
    if not path.is_file():
        return f"{file.path} is missing"
    size = path.stat().st_size
    if file.bytes is not None and size != file.bytes:
        return f"{file.path} has {size} bytes, not {file.bytes}"
    if file.sha256 is not None and _sha256(path) != file.sha256:
        return f"{file.path} has another sha256 than the catalogue"
    return None


def _sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Run `list` or `verify [NAME...]`; 0 when all is well, 1 with a line a problem, 2 for a bad catalogue or name."""
    parser = argparse.ArgumentParser(prog="python -m models.catalogue", description="The catalogue of Hani's models.")
    parser.add_argument("action", choices=("list", "verify"))
    parser.add_argument("names", nargs="*", help="parts to look at; all without a name")
    chosen = parser.parse_args(arguments)
    try:
        catalogue = load_catalogue()
    except HaniError as error:
        return _complain(str(error))
    unknown = set(chosen.names) - {part.name for part in catalogue}
    if unknown:
        return _complain(
            f"no part of the catalogue is called {', '.join(sorted(unknown))}; see: python -m models.catalogue list"
        )
    parts = [part for part in catalogue if not chosen.names or part.name in chosen.names]
    if chosen.action == "list":
        for part in parts:
            _say(f"{part.name:<22} {part.place:<11} {part.licence}")
        return 0
    return max([_report(part) for part in parts], default=0)


def _report(part: Part) -> int:
    """Print how a part stands; returns 1 when something is wrong with it."""
    if part.place == "elsewhere":
        _say(f"{part.name}: not brought by set-up, nothing to check")
        return 0
    problems = verify(part, root_of(part))
    for problem in problems:
        _say(f"{part.name}: {problem}")
    if problems:
        _say(f"{part.name}: {_REMEDY[part.place]}")
        return 1
    _say(f"{part.name}: {len(part.files)} files as catalogued")
    return 0


_REMEDY = {
    "repository": "restore it: git checkout -- models",
    "home": "remove the file and run: python3 -m robot.provision demo",
}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _complain(line: str) -> int:
    sys.stderr.write(line + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
