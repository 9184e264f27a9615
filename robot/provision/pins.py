"""Compile config/requirements/*.in into exact pins (`make pins`), for every Python the project runs on.

A pin that stands in a .txt file stays while it still resolves; delete the line, or the file, to have it raised.
Needs `uv` in the project's venv. What the pins hold for is said once, in `SETS`, and taken off each marker again, so
that the files stay readable and carry neither hosts nor paths.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "config" / "requirements"
LINUX = "sys_platform == 'linux'"
# name -> (first Python, first Python no more, sets whose pins it must share)
SETS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "robot": ("3.10", "3.13", ()),
    "ros": ("3.10", "3.13", ("robot",)),
    "test": ("3.10", "3.13", ("robot", "ros")),
    "rasa": ("3.10", "3.11", ()),
}


def plain_marker(line: str, below: str) -> str:
    """Take the conditions that hold for the whole file (Linux, Python below `below`) off one pinned line."""
    for term in (f"python_full_version < '{below}'", LINUX):
        line = line.replace(f" and {term}", "").replace(f"{term} and ", "").replace(f" ; {term}", "")
    return line


def compile_set(name: str) -> None:
    """Resolve one set and write its .txt; raises CalledProcessError with uv's words on stderr."""
    first, below, shared = SETS[name]
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        reach = f"{LINUX} and python_version >= '{first}' and python_version < '{below}'"
        (scratch / "pyproject.toml").write_text(f'[tool.uv]\nenvironments = ["{reach}"]\n', encoding="utf-8")
        pins = FOLDER / f"{name}.txt"
        if pins.exists():  # uv reads the output file as preferences
            (scratch / "out.txt").write_text(pins.read_text(encoding="utf-8"), encoding="utf-8")
        command = [str(ROOT / ".venv/bin/uv"), "pip", "compile", str(FOLDER / f"{name}.in"), "--output-file", "out.txt"]
        command += [
            "--universal",
            "--fork-strategy",
            "fewest",
            "--python-version",
            first,
            "--no-header",
            "--no-annotate",
        ]
        for other in shared:
            command += ["--constraint", str(FOLDER / f"{other}.txt")]
        subprocess.run([*command, "--quiet"], cwd=scratch, check=True)
        lines = (scratch / "out.txt").read_text(encoding="utf-8").splitlines()
    text = "\n".join([f"# Made from {name}.in by `make pins`.", *(plain_marker(line, below) for line in lines)])
    pins.write_text(text + "\n", encoding="utf-8")


def main() -> int:
    for name in SETS:
        try:
            compile_set(name)
        except subprocess.CalledProcessError as error:
            sys.stderr.write(
                f"{name}.in does not resolve (uv ended with {error.returncode}); nothing was written for it\n"
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
