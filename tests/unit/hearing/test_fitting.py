from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.speech.calibration import UNFITTED, logistic
from robot.speech.confidence import Evidence, confidences, features, known
from robot.speech.fitting import (
    FROM_TOKENS,
    KEPT,
    KEPT_OF_ANY_LENGTH,
    SAFETY_LOWER_LEAST,
    Observed,
    bars,
    best_temperature,
    fit,
    logistic_weights,
    with_safety_bars,
)

pytestmark = pytest.mark.unit

EVIDENCE = st.builds(
    Evidence,
    st.lists(st.floats(0, 6), max_size=4).map(lambda rest: (0.0, *sorted(rest))),
    st.floats(-6, 6),
    st.integers(1, 30),
    st.floats(0, 8),
)
OBSERVED = st.lists(
    st.builds(lambda seen, inside: Observed(seen, inside, 0 if inside else None), EVIDENCE, st.booleans()), min_size=2
).filter(lambda all_: 0 < sum(one.in_grammar for one in all_) < len(all_))


def drawn(count: int, seed: int = 1) -> list[Observed]:
    """Finals from a world whose law is known: log odds = 0.7 x margin + 0.3 x length - 1, and rivals at T = 1.5."""
    rng = np.random.default_rng(seed)
    finals = []
    for _ in range(count):
        tokens = int(rng.integers(1, 16))
        rival = float(rng.uniform(0.2, 6.0))
        seen = Evidence((0.0, rival), float(rng.uniform(-6, 6)), tokens, 0.12 * tokens)
        margin, length, _ = features(seen)
        inside = bool(rng.random() < logistic(0.7 * margin + 0.3 * length - 1.0))
        right = int(rng.random() > logistic(rival / 1.5)) if inside else None
        finals.append(Observed(seen, inside, right))
    return finals


def test_the_fit_finds_the_law_behind_the_sample() -> None:
    found = fit(drawn(6000))
    assert found.margin == pytest.approx(0.7, rel=0.1)
    assert found.length == pytest.approx(0.3, rel=0.25)
    assert found.temperature == pytest.approx(1.5, rel=0.25)


def test_the_fitted_probability_means_what_it_says() -> None:
    """Of fresh finals that are given 80 %, about 80 % are of the grammar, once both kinds are equally frequent."""
    found, fresh = fit(drawn(6000)), drawn(6000, seed=2)
    inside = sum(one.in_grammar for one in fresh)
    weight = {True: 0.5 / inside, False: 0.5 / (len(fresh) - inside)}
    bins: dict[int, list[tuple[float, float, bool]]] = {}
    for one in fresh:
        p = known(one.evidence, found)
        bins.setdefault(min(int(p * 5), 4), []).append((weight[one.in_grammar], p, one.in_grammar))
    for members in bins.values():
        total = sum(w for w, _, _ in members)
        said = sum(w * p for w, p, _ in members) / total
        true = sum(w for w, _, inside_ in members if inside_) / total
        assert true == pytest.approx(said, abs=0.06)


@given(OBSERVED)
@settings(max_examples=50, deadline=None)
def test_any_sample_gives_a_usable_calibration(observed: list[Observed]) -> None:
    """No NaN, no negative evidence, every probability in its bounds: the model refuses anything else."""
    found = fit(observed)
    for one in observed:
        values, sure = confidences(one.evidence, found)
        assert math.isfinite(sure)
        assert all(0.0 <= value <= 1.0 for value in values)


def test_a_sample_that_can_be_parted_keeps_finite_weights() -> None:
    apart = [Observed(Evidence((0.0,), margin, 8, 1.0), margin > 0, 0 if margin > 0 else None) for margin in (-5, 5)]
    assert 0 < fit(apart * 50).margin < 10


def test_evidence_that_points_the_wrong_way_is_left_out() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 500).astype(float)
    x = np.column_stack([y + rng.normal(0, 1, 500), -y + rng.normal(0, 1, 500)])
    _, good, wrong = logistic_weights(x, y, np.ones(500))
    assert good > 0.5
    assert wrong == 0.0


def test_one_kind_alone_cannot_be_fitted() -> None:
    with pytest.raises(ValueError, match="outside"):
        fit([Observed(Evidence((0.0,), 1.0, 8, 1.0), True, 0)] * 3)


@given(st.lists(st.tuples(EVIDENCE, st.booleans()), min_size=1, max_size=60))
def test_the_bars_keep_what_they_promise(drawn_: list[tuple[Evidence, bool]]) -> None:
    """Of phrases heard right that have the evidence to themselves, 97 % pass; of no length fewer than 90 %."""
    observed = [Observed(Evidence((0.0,), s.margin, s.tokens, s.speech_s), True, 0 if ok else None) for s, ok in drawn_]
    chosen = UNFITTED.model_copy(update={"bars": bars(observed, UNFITTED)})
    right = [one for one in observed if one.first]
    passed = [known(one.evidence, chosen) >= chosen.least_known(one.evidence.tokens) for one in right]
    assert sum(passed) >= KEPT * len(right) - 1e-9
    for start, end in zip(FROM_TOKENS, (*FROM_TOKENS[1:], 1000), strict=True):
        of_class = [ok for one, ok in zip(right, passed, strict=True) if start <= one.evidence.tokens < end]
        assert sum(of_class) >= KEPT_OF_ANY_LENGTH * len(of_class) - 1e-9


def test_the_bar_rises_as_high_as_it_may() -> None:
    """A bar of 0 would keep everybody as well, and reject nothing."""
    observed = [Observed(Evidence((0.0,), 0.1 * i, 8, 1.0), True, 0) for i in range(60)]
    chosen = UNFITTED.model_copy(update={"bars": bars(observed, UNFITTED)})
    passed = sum(known(one.evidence, chosen) >= chosen.least_known(8) for one in observed)
    assert passed == math.ceil(KEPT * 60)


def test_readings_that_are_never_right_make_no_temperature() -> None:
    assert best_temperature([Observed(Evidence((0.0,), 1.0, 8, 1.0), True, None)]) == 2.0


def test_no_foreign_speech_passes_the_upper_bar_of_safety_words() -> None:
    words, foreign = [0.3 + one / 100 for one in range(61)], [0.2, 0.5, 0.91]
    found = with_safety_bars(UNFITTED, words, foreign)
    assert sum(one >= found.safety_lower for one in words) >= 0.98 * 61
    assert all(one < found.safety_upper for one in foreign)
    assert found.safety_lower <= found.safety_upper <= 1.0


def test_what_is_hardly_a_safety_word_lowers_no_bar() -> None:
    found = with_safety_bars(UNFITTED, [0.0, 0.01, *[0.9] * 50], [0.2])
    assert (found.safety_lower, found.safety_upper) == (SAFETY_LOWER_LEAST, pytest.approx(0.8, abs=0.001))
