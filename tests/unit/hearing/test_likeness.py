"""Questions about likenesses end, and never quite."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import SafetyKind
from robot.speech.likeness import FRUITLESS, REST_S, VERY_FRUITLESS, Likenesses

pytestmark = pytest.mark.unit

HELP, FALL = SafetyKind.HELP, SafetyKind.FALL
STEPS = st.lists(st.tuples(st.integers(0, 900), st.sampled_from([HELP, FALL]), st.integers(1, 5)), max_size=120)


def asked(steps: list[tuple[int, SafetyKind, int]]) -> list[tuple[float, SafetyKind]]:
    """Likenesses so many seconds apart, of a kind, the so manyth in a row; what is asked about."""
    likenesses, now_s, found = Likenesses(), 0.0, []
    for step_s, kind, in_a_row in steps:
        now_s += step_s
        if likenesses.allows(kind, in_a_row, now_s):
            likenesses.asked(kind, now_s)
            found.append((now_s, kind))
    return found


@given(STEPS)
def test_no_hour_holds_more_questions_of_a_kind_than_a_resident_can_bear(steps: list) -> None:
    found = asked(steps)
    for at_s, kind in found:
        in_hour = [other_s for other_s, other in found if other is kind and 0 <= other_s - at_s < 3600]
        assert len(in_hour) <= VERY_FRUITLESS + 3600 / REST_S


@given(STEPS, st.sampled_from([HELP, FALL]))
def test_whoever_goes_on_calling_is_asked_within_five_minutes(steps: list, kind: SafetyKind) -> None:
    """However much was fruitless before."""
    likenesses, now_s = Likenesses(), 0.0
    for step_s, other, _ in steps:
        now_s += step_s
        likenesses.asked(other, now_s)
    assert likenesses.allows(kind, 3, now_s + REST_S)


@given(STEPS)
def test_the_kinds_of_cries_are_counted_apart(steps: list) -> None:
    assert [at_s for at_s, kind in asked(steps) if kind is HELP] == [at_s for at_s, _ in asked(only(HELP, steps))]


def only(kind: SafetyKind, steps: list[tuple[int, SafetyKind, int]]) -> list[tuple[int, SafetyKind, int]]:
    """The same likenesses at the same times without those of other kinds."""
    kept, waited_s = [], 0
    for step_s, other, in_a_row in steps:
        waited_s += step_s
        if other is kind:
            kept.append((waited_s, kind, in_a_row))
            waited_s = 0
    return kept


def test_a_clock_set_back_trusts_again() -> None:
    likenesses = Likenesses()
    for _ in range(FRUITLESS):
        likenesses.asked(HELP, 1e9)
    assert likenesses.distrusted(1e9)
    assert likenesses.allows(HELP, 1, 5.0)
    assert not likenesses.distrusted(5.0)


def test_what_was_fruitless_is_forgotten_after_an_hour() -> None:
    likenesses = Likenesses()
    for at_s in range(FRUITLESS):
        likenesses.asked(HELP, float(at_s))
    assert not likenesses.allows(HELP, 1, 3600.0 - 1.0 + 0.5)
    assert likenesses.allows(HELP, 1, 3601.0)
