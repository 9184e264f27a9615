from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import Language, Phrase, Reading
from robot.speech.evaluation.holdout import held_out
from robot.speech.evaluation.scoring import (
    Hearing,
    Outcome,
    Score,
    firmness,
    most_per_hour,
    outcome,
    percentile,
    score,
    share_between,
    threshold_keeping,
)
from robot.speech.evaluation.tables import Table, markdown
from robot.speech.recognizer import FinalResult

pytestmark = pytest.mark.unit

OPEN = Phrase(Language.ZH, "打开红豆")


def heard(text: str, language: Language = Language.ZH, known: float = 0.9) -> FinalResult:
    return FinalResult((Reading(text, language, known),), known)


def test_the_rule_for_texts_left_out_is_the_same_for_ever() -> None:
    """Models were trained by it: another rule would measure them on what they have learnt."""
    golden = {("mn", "ɑːb"): True, ("mn", "us"): False, ("mn", "sæːn"): True, ("mn", "jix"): False}
    assert {(language, text): held_out(language, text) for language, text in golden} == golden


def test_about_one_text_in_three_is_left_out() -> None:
    assert 0.30 < sum(held_out("mn", str(number)) for number in range(3000)) / 3000 < 0.37


def test_each_outcome_is_told_apart() -> None:
    assert outcome(OPEN, Reading("打开红豆", Language.ZH, 0.9)) is Outcome.RIGHT
    assert outcome(OPEN, Reading("打开存在", Language.ZH, 0.9)) is Outcome.WRONG
    assert outcome(OPEN, Reading("打开红豆", Language.MN, 0.9)) is Outcome.WRONG_LANGUAGE
    assert outcome(OPEN, None) is Outcome.REJECTED


def test_a_stretch_without_a_voice_is_no_guess_beside_one_that_has_a_voice() -> None:
    click = replace(heard("别的", known=0.9), voiced=False)
    assert Hearing((heard("打开红豆", known=0.3), click)).guess == heard("打开红豆", known=0.3).readings[0]
    assert Hearing((click,)).guess is not None


def test_every_clip_is_counted_once_and_a_right_guess_need_not_be_believed() -> None:
    finals = [
        (heard("打开红豆"),),
        (heard("打开红豆", known=0.2),),
        (heard("别的"),),
        (heard("ɑːb", Language.MN),),
        (FinalResult((), 0.0),),
        (),
    ]
    assert score((OPEN, Hearing(one)) for one in finals) == Score(
        clips=6, guessed=2, right=1, wrong=1, wrong_language=1, rejected=3
    )


def test_the_surest_final_of_a_clip_counts() -> None:
    hearing = Hearing((heard("别的", known=0.6), heard("打开红豆", known=0.9)))
    assert hearing.believed == hearing.guess == Reading("打开红豆", Language.ZH, 0.9)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_what_the_product_believes_is_exactly_what_is_firm_from_0_on(known: float, bar: float) -> None:
    final = FinalResult((Reading("好", Language.ZH, known),), known, bar)
    assert final.accepted is (firmness(final) >= 0.0)


def test_evidence_that_points_at_no_one_phrase_is_firm_at_no_bar() -> None:
    assert firmness(FinalResult((Reading("好", Language.ZH, 0.1),), 0.95)) == -math.inf
    assert firmness(FinalResult((), 0.9)) == -math.inf


@given(st.lists(st.floats(-20, 20), min_size=1), st.floats(0.05, 1.0))
def test_the_threshold_keeps_at_least_the_share_asked_for(scores: list[float], share: float) -> None:
    bar = threshold_keeping(share, scores)
    assert sum(one >= bar for one in scores) >= share * len(scores) - 1e-9


def test_the_threshold_says_when_the_share_cannot_be_kept() -> None:
    assert threshold_keeping(0.97, [1.0, -math.inf]) == -math.inf
    assert threshold_keeping(0.97, []) == -math.inf


@given(st.integers(0, 50), st.integers(1, 50))
def test_the_interval_holds_the_share(right: int, more: int) -> None:
    low, high = share_between(right, right + more)
    assert 0.0 <= low <= right / (right + more) <= high <= 1.0


def test_no_event_in_three_hours_still_allows_about_one_an_hour() -> None:
    assert most_per_hour(0, 3.0) == pytest.approx(1.0, abs=0.01)  # the rule of three
    assert most_per_hour(0, 0.0) == math.inf
    assert most_per_hour(10, 10.0) == pytest.approx(1.70, abs=0.01)  # Poisson tables: 16.96 for 10


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 0.95) == 3.0
    assert percentile([], 0.5) == 0.0


def test_a_table_keeps_its_protocol_beside_its_figures() -> None:
    lines = list(markdown([Table("Name", "How.", ("a", "b"), (("x", 1),))]))
    assert lines == ["### Name", "How.", "", "| a | b |", "| --- | --- |", "| x | 1 |", ""]
