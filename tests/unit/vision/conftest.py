from __future__ import annotations

from pathlib import Path

import pytest

from robot.vision.movenet import default_model_path, load_engine
from robot.vision.pose import PoseEngine

CLIPS = Path(__file__).parents[2] / "data" / "vision"


@pytest.fixture(scope="session")
def engine() -> PoseEngine:
    """The real model. It belongs to the set-up: a test that silently skipped it would prove nothing."""
    if not default_model_path().is_file():
        pytest.fail(f"{default_model_path()} is missing: run `python -m models.fetch_movenet`, or `make test`")
    return load_engine()


@pytest.fixture(scope="session")
def clips() -> Path:
    return CLIPS
