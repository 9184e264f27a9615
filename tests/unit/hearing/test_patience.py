from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.speech.patience import (
    FIRST_PATIENCE_S,
    LEAST_PATIENCE_S,
    MOST_PATIENCE_S,
    Patience,
    PatienceFile,
    Question,
)

pytestmark = pytest.mark.unit


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.lists(st.tuples(st.sampled_from(["cut_off", "joined", "ended"]), st.floats(0.0, 30.0)), max_size=60),
)
def test_whatever_happens_the_patience_stays_within_its_bounds(first_s: float, steps: list[tuple[str, float]]) -> None:
    patience = Patience(first_s)
    for what, pause_s in steps:
        before_s = patience.patience_s
        getattr(patience, what)(pause_s)
        assert LEAST_PATIENCE_S <= patience.patience_s <= MOST_PATIENCE_S
        assert patience.patience_s <= before_s if what == "ended" else patience.patience_s >= before_s


def test_a_closed_question_waits_less_and_an_open_one_longer() -> None:
    patience = Patience(2.0)
    assert patience.wait_s(Question.CLOSED) < patience.wait_s() < patience.wait_s(Question.OPEN)
    assert patience.wait_s(Question.OPEN) == pytest.approx(3.0)


def test_what_was_learnt_outlives_a_restart_and_belongs_to_one_resident(tmp_path: Path) -> None:
    path = tmp_path / "patience.json"
    assert PatienceFile(path, "a").load() == FIRST_PATIENCE_S
    assert PatienceFile(path, "a").save(2.2)
    assert PatienceFile(path, "b").save(0.95)
    assert PatienceFile(path, "a").load() == pytest.approx(2.2)
    assert PatienceFile(path, "b").load() == pytest.approx(0.95)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": "long"}', '{"a": NaN}', '{"a": null}', "\x00\xff"])
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "patience.json"
    path.write_text(content, encoding="latin-1")
    file = PatienceFile(path, "a")
    assert file.load() == FIRST_PATIENCE_S
    assert file.save(1.5)
    assert PatienceFile(path, "a").load() == pytest.approx(1.5)


def test_a_value_out_of_bounds_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "patience.json"
    path.write_text('{"a": 99}')
    assert PatienceFile(path, "a").load() == MOST_PATIENCE_S


def test_a_disk_that_refuses_is_told_and_not_fatal(tmp_path: Path) -> None:
    assert not PatienceFile(tmp_path / "missing" / "patience.json").save(2.0)
