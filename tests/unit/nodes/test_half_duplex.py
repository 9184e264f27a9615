"""Half duplex: Hani does not hear itself, and never stays deaf."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import Language, Spoken, SpokenState
from robot.nodes.half_duplex import HalfDuplex
from robot.speech.patience import Question

pytestmark = pytest.mark.unit


class Ear:
    """Stands in for the listener."""

    def __init__(self) -> None:
        self.muted = False
        self.question = Question.NONE

    def mute(self, now_s: float) -> None:
        self.muted = True

    def unmute(self, now_s: float, question: Question = Question.NONE) -> None:
        self.muted, self.question = False, question

    def barge_in(self, began_at_s: float) -> None:
        self.muted = False


def spoken(
    say_id: str, state: SpokenState, at_s: float, duration_s: float | None = 2.0, question: str = "closed"
) -> Spoken:
    return Spoken(say_id, state, at_s, duration_s, "check_in_1", Language.ZH, question)


def test_muted_while_a_text_is_said_and_the_answer_is_waited_for() -> None:
    ear = Ear()
    half = HalfDuplex(ear)
    half.spoken(spoken("a", SpokenState.STARTED, 10.0))
    assert ear.muted
    half.spoken(spoken("a", SpokenState.FINISHED, 12.0))
    assert (ear.muted, ear.question) == (False, Question.CLOSED)


@pytest.mark.parametrize("state", [SpokenState.INTERRUPTED, SpokenState.FAILED])
def test_a_text_dropped_unsaid_does_not_let_hani_hear_the_one_that_is_being_said(state: SpokenState) -> None:
    """The second prompt drops what still waits of the first, while the first is being said."""
    ear = Ear()
    half = HalfDuplex(ear)
    half.spoken(spoken("a", SpokenState.STARTED, 10.0))
    half.spoken(spoken("b", state, 11.0))
    assert ear.muted
    half.spoken(spoken("a", SpokenState.FINISHED, 12.0))
    assert not ear.muted


@pytest.mark.parametrize(("duration_s", "deaf_until_s"), [(2.0, 15.0), (None, 133.0)])
def test_a_voice_that_died_in_the_middle_of_a_text_leaves_nobody_deaf(
    duration_s: float | None, deaf_until_s: float
) -> None:
    ear = Ear()
    half = HalfDuplex(ear)
    half.spoken(spoken("a", SpokenState.STARTED, 10.0, duration_s))
    half.check(deaf_until_s - 0.1)
    assert ear.muted
    half.check(deaf_until_s + 0.1)
    assert not ear.muted


def test_who_barges_in_is_heard_while_the_voice_stops() -> None:
    ear = Ear()
    half = HalfDuplex(ear)
    half.barged_in(5.0, 5.1)
    assert not half.speaking
    half.spoken(spoken("a", SpokenState.STARTED, 10.0, 8.0))
    half.barged_in(11.0, 11.4)
    assert not ear.muted
    half.check(11.6)
    half.spoken(spoken("a", SpokenState.INTERRUPTED, 11.7))
    half.check(14.0)
    assert not ear.muted


def test_a_safety_text_that_goes_on_over_a_barge_in_is_not_taken_for_the_resident() -> None:
    ear = Ear()
    half = HalfDuplex(ear)
    half.spoken(spoken("a", SpokenState.STARTED, 10.0, 8.0))
    half.barged_in(11.0, 11.4)
    half.check(12.5)
    assert ear.muted
    half.barged_in(13.0, 13.4)
    assert ear.muted
    half.spoken(spoken("a", SpokenState.FINISHED, 18.0))
    assert not ear.muted


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(SpokenState), st.floats(0.0, 5.0)), max_size=30))
def test_whatever_the_voice_tells_hani_hears_again(script: list[tuple[str, SpokenState, float]]) -> None:
    ear, now_s = Ear(), 0.0
    half = HalfDuplex(ear)
    for say_id, state, wait_s in script:
        now_s += wait_s
        half.spoken(spoken(say_id, state, now_s))
        half.check(now_s)
        assert not (ear.muted and state is not SpokenState.STARTED and half._say_id is None)
    half.check(now_s + 5.1)
    assert not ear.muted


def test_the_end_of_a_text_whose_voice_died_is_told_once() -> None:
    half_duplex = HalfDuplex(Ear())
    assert not half_duplex.check(99.0)
    half_duplex.spoken(spoken("a", SpokenState.STARTED, 100.0))
    assert [at_s for at_s in range(100, 130) if half_duplex.check(float(at_s))] == [106]
