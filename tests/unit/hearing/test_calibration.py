from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from robot.errors import BadConfiguration
from robot.speech.calibration import (
    CALIBRATION_FILE,
    UNFITTED,
    Bar,
    Calibration,
    CalibrationState,
    Provenance,
    in_use,
    logistic,
    model_sha256,
)

pytestmark = pytest.mark.unit


def model(tmp_path: Path, sound: bytes = b"acoustic") -> Path:
    (tmp_path / "am").mkdir(exist_ok=True)
    (tmp_path / "am" / "final.mdl").write_bytes(sound)
    return tmp_path


def fitted(model_dir: Path) -> Calibration:
    provenance = Provenance(
        date="2026-11-22", data="speech", model_sha256=model_sha256(model_dir), counts={"right": 1}, point="97 %"
    )
    return UNFITTED.model_copy(update={"bias": 0.25, "provenance": provenance})


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    calibration = fitted(model(tmp_path))
    (tmp_path / CALIBRATION_FILE).write_text(calibration.model_dump_json(indent=1), encoding="utf-8")
    assert Calibration.of_model(tmp_path) == calibration


def test_a_model_without_one_is_heard_unfitted(tmp_path: Path) -> None:
    assert Calibration.of_model(tmp_path) is UNFITTED


def test_the_numbers_of_another_model_are_not_used(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(fitted(model(tmp_path)).model_dump_json(), encoding="utf-8")
    model(tmp_path, b"retrained")
    assert Calibration.of_model(tmp_path) is UNFITTED


@pytest.mark.parametrize(
    "change",
    [
        {"margin": -0.1},
        {"pace": -0.1},
        {"temperature": 0.0},
        {"bias": "NaN"},
        {"bars": []},
        {"bars": [{"from_tokens": 3, "least_known": 0.5}]},
        {"bars": [{"from_tokens": 0, "least_known": 0.5}, {"from_tokens": 0, "least_known": 0.6}]},
        {"safety_lower": 0.95, "safety_upper": 0.9},
        {"safety_upper": 1.5},
        {"version": 2},
        {"weight": 1.0},
    ],
    ids=str,
)
def test_a_file_that_would_mislead_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    content = {**UNFITTED.model_dump(), **change}
    (tmp_path / CALIBRATION_FILE).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadConfiguration, match="calibrate"):
        Calibration.of_model(tmp_path)


@given(st.lists(st.integers(1, 50), unique=True, max_size=6), st.integers(0, 80))
@settings(deadline=None)
def test_every_length_has_the_bar_of_its_class(starts: list[int], tokens: int) -> None:
    ascending = [0, *sorted(starts)]
    bars = tuple(Bar(from_tokens=start, least_known=start / 100) for start in ascending)
    by = Calibration(**{**UNFITTED.model_dump(), "bars": bars})
    assert by.least_known(tokens) == max(start for start in ascending if start <= tokens) / 100


@given(st.floats(allow_nan=False))
@settings(deadline=None)
def test_the_logistic_function_never_overflows(odds: float) -> None:
    assert 0.0 <= logistic(odds) <= 1.0
    assert logistic(odds) + logistic(-odds) == pytest.approx(1.0)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        UNFITTED.bias = 1.0  # type: ignore[misc] -- that is the point


@pytest.mark.parametrize("content", [b"", b'{"version": 1, "bi', b"\xff\xfe"])
def test_a_broken_file_never_makes_the_robot_deaf(tmp_path: Path, content: bytes) -> None:
    assert in_use(model(tmp_path)) == (UNFITTED, CalibrationState.NONE)
    (tmp_path / CALIBRATION_FILE).write_bytes(content)
    assert in_use(tmp_path) == (UNFITTED, CalibrationState.BROKEN)
    own = fitted(tmp_path)
    (tmp_path / CALIBRATION_FILE).write_text(own.model_dump_json(), encoding="utf-8")
    assert in_use(tmp_path) == (own, CalibrationState.OWN)
