"""Compile the Mongolian voice for eSpeak NG into the project's own data folder: `python -m models.build_voice`.

The folder holds links to the system's eSpeak NG data plus the voice of models/voice; nothing outside it is written.
When it is called espeak-ng-data, `ESPEAK_DATA_PATH` may name the folder or its parent, for the program and the library.
Standard library only, because it runs during set-up.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from robot import paths
from robot.errors import HaniError, MissingPart

SOURCES = Path(__file__).resolve().parent / "voice"
FOLDER_NAME = "espeak-ng-data"
STAMP_NAME = "hani-voice"
"""The file that says what the folder was built from; its content changes whenever the voice can sound different."""

_INSTALL = "run: sudo apt-get install -y espeak-ng"


def build_voice(out_dir: Path | None = None) -> Path:
    """Build the data folder (default: espeak-ng-data in Hani's home) unless it is up to date; returns it.

    Raises MissingPart when eSpeak NG is not installed, HaniError when it rejects the sources.
    """
    out = out_dir or paths.home() / FOLDER_NAME
    version, system = _system_data()
    stamp = _stamp(version, system)
    if _built(out, stamp):
        return out
    with tempfile.TemporaryDirectory(prefix="hani-") as scratch:
        # compiled in a short path, because eSpeak NG 1.51 cuts data paths at 160 characters
        data = Path(scratch, FOLDER_NAME)
        _link_system_data(system, data)
        shutil.copytree(SOURCES / "lang" / "xgn", data / "lang" / "xgn")
        _compile(data)
        (data / STAMP_NAME).write_text(stamp, encoding="ascii")
        _put(data, out)
    return out


def _system_data() -> tuple[str, Path]:
    """The version line and data folder of eSpeak NG, as the program itself tells them."""
    clean = {key: value for key, value in os.environ.items() if key != "ESPEAK_DATA_PATH"}
    try:
        told = subprocess.run(
            ["espeak-ng", "--version"], capture_output=True, text=True, check=True, env=clean, timeout=30
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingPart(f"eSpeak NG is not installed; {_INSTALL}") from error
    match = re.search(r"^(.*?)\s+Data at:\s*(\S.*?)\s*$", told.stdout, re.MULTILINE)
    if match is None or not Path(match[2], "phontab").is_file():
        raise MissingPart(f"eSpeak NG's data folder is missing; {_INSTALL} espeak-ng-data")
    return match[1], Path(match[2])


def _stamp(version: str, system: Path) -> str:
    digest = hashlib.sha256(f"{version}\n{system}\n".encode())
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            digest.update(path.relative_to(SOURCES).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _built(out: Path, stamp: str) -> bool:
    try:
        return (out / STAMP_NAME).read_text(encoding="ascii") == stamp and (out / "phontab").exists()
    except OSError:
        return False


def _link_system_data(system: Path, data: Path) -> None:
    """Link everything but lang/xgn and mn_dict, which are ours (newer eSpeak NG versions may bring their own)."""
    (data / "lang").mkdir(parents=True)
    for folder, ours in ((system, {"lang", "mn_dict"}), (system / "lang", {"xgn"})):
        for entry in folder.iterdir():
            if entry.name not in ours:
                (data / entry.relative_to(system)).symlink_to(entry)


def _compile(data: Path) -> None:
    done = subprocess.run(
        ["espeak-ng", "--compile=mn"],
        cwd=SOURCES / "dictsource",
        env={**os.environ, "ESPEAK_DATA_PATH": str(data)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",  # it cuts letters in half when it quotes a rule
        check=False,
        timeout=60,
    )
    if done.returncode or not (data / "mn_dict").is_file():
        raise HaniError(f"eSpeak NG rejects models/voice/dictsource; it says: {done.stderr.strip()[-300:]}")


def _put(data: Path, out: Path) -> None:
    """Move the finished folder to its place; a reader sees the old one or the new one, or none for a moment."""
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{FOLDER_NAME}-", dir=out.parent))
    try:
        shutil.copytree(data, beside / FOLDER_NAME, symlinks=True)
        shutil.rmtree(out, ignore_errors=True)
        (beside / FOLDER_NAME).rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def main() -> int:
    """Build and say where; one line on stderr and 1 when it cannot."""
    try:
        sys.stdout.write(f"{build_voice()}\n")
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
