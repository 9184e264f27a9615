"""Where the dialogue's files are. Standard library only; used by set-up before anything is installed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent
PROJECT_SOURCE = PACKAGE / "rasa"
_INPUTS = ("words/**/*.yml", "rasa/**/*.yml", "rasa/components/*.py", "text.py", "words.py", "yaml_file.py", "build.py")


def home() -> Path:
    """The runtime folder of this checkout, or HANI_HOME."""
    return Path(os.environ.get("HANI_HOME") or ROOT / ".hani")


def rasa_python() -> Path:
    """The interpreter that has Rasa, or HANI_RASA_PYTHON."""
    return Path(os.environ.get("HANI_RASA_PYTHON") or ROOT / ".venv-rasa" / "bin" / "python")


def project() -> Path:
    """The complete Rasa project that `dialogue.build` writes."""
    return home() / "rasa" / "project"


def inputs_hash() -> str:
    """Twelve hex digits over every file that shapes the model."""
    digest = hashlib.sha256()
    for pattern in _INPUTS:
        for path in sorted(PACKAGE.glob(pattern)):
            digest.update(path.relative_to(PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def model() -> Path:
    """The archive trained from the present inputs (it may not exist yet)."""
    return home() / "rasa" / "models" / f"hani-{inputs_hash()}.tar.gz"
