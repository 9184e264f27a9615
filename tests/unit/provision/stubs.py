"""Commands that only pretend: small shell scripts in a folder that is put on PATH."""

from __future__ import annotations

from pathlib import Path


def stub(folder: Path, name: str, script: str) -> Path:
    """Write an executable `name` into `folder`; the script may use the shell's own words and what is on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def python_stub(folder: Path, name: str, version: str) -> Path:
    """An interpreter that answers the one question that set-up asks."""
    return stub(folder, name, f'echo "{version} 1 1 {folder / name}"')
