"""Where things lie: the checkout (or share folder) with models and configuration, and the folder for run-time data."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository, or the folder that an installation put robot/, models/ and config/ into."""


def home(setting: str = "") -> Path:
    """The folder for everything that is built or written: the setting, else HANI_HOME, else .hani of the checkout."""
    return Path(setting or os.environ.get("HANI_HOME") or ROOT / ".hani")


def database(home_folder: Path) -> Path:
    """The robot's one database: alarms, outbox, receipts and reminders."""
    return home_folder / "robot.db"


SPEECH_MODEL = ROOT / "models" / "speech" / "bilingual-v3"
"""The acoustic model of the catalogue."""


def python_path() -> str:
    """PYTHONPATH for a child process that runs a module of the robot; an empty entry would mean any folder."""
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def graph_cache() -> Path:
    """Compiled speech graphs: beside every home's own data, so that a home that starts anew need not compile again."""
    return home() / "cache" / "graphs"
