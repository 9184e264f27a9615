from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import Language, Reading
from robot.speech.turns import (
    CLOSED_PATIENCE_S,
    LEAST_PATIENCE_S,
    LONGEST_TURN_S,
    MOST_PATIENCE_S,
    Question,
    Stretch,
    Turns,
    joined,
)

pytestmark = pytest.mark.unit

STEP_S = 0.1


def stretch(began_at_s: float, ended_at_s: float, text: str = "好", language: Language = Language.ZH) -> Stretch:
    return Stretch((Reading(text, language, 0.9),), began_at_s, ended_at_s)


def closes_at(turns: Turns, from_s: float, *, speaking: bool = False) -> float:
    """When polling from `from_s` on first hands out the turn."""
    for step in range(400):
        now_s = from_s + step * STEP_S
        if turns.poll(now_s, speaking=speaking):
            return now_s
    raise AssertionError("the turn never ended")


def test_a_pause_shorter_than_the_patience_does_not_part_a_sentence() -> None:
    turns = Turns()
    turns.add(stretch(0.0, 1.0, "今天"))
    assert turns.poll(2.1) is None
    turns.add(stretch(2.1, 3.0, "星期几"))
    turn = turns.poll(4.3)
    assert turn is not None
    assert joined(turn)[0].text == "今天 星期几"
    assert turns.poll(9.0) is None


@pytest.mark.parametrize(
    ("question", "wait_s"), [(Question.NONE, 1.2), (Question.OPEN, 1.8), (Question.CLOSED, CLOSED_PATIENCE_S)]
)
def test_the_wait_follows_what_was_asked_once(question: Question, wait_s: float) -> None:
    turns = Turns()
    turns.ask(question)
    turns.add(stretch(0.0, 1.0))
    assert closes_at(turns, 1.0) == pytest.approx(1.0 + wait_s, abs=STEP_S)
    assert turns.question is Question.NONE


def test_a_voice_keeps_the_turn_open_but_not_past_the_cap() -> None:
    """A television must not swallow an answer for ever."""
    turns = Turns()
    turns.add(stretch(0.0, 1.0))
    assert closes_at(turns, 1.0, speaking=True) == pytest.approx(LONGEST_TURN_S, abs=STEP_S)


def test_what_was_said_into_our_own_voice_is_dropped() -> None:
    turns = Turns()
    turns.mute(0.0)
    turns.add(stretch(0.5, 1.5))
    turns.unmute(2.0)
    turns.add(stretch(1.0, 2.4))  # most of it before the voice ended
    assert turns.poll(30.0) is None


def test_an_answer_that_begins_before_our_last_word_is_kept() -> None:
    turns = Turns()
    turns.mute(0.0)
    turns.unmute(2.0)
    turns.add(stretch(1.8, 3.0))
    assert turns.poll(30.0) is not None


def test_who_was_interrupted_is_given_more_time_next_time() -> None:
    turns = Turns()
    turns.add(stretch(0.0, 1.0))
    closed_s = closes_at(turns, 1.0)
    before_s = turns.patience_s
    turns.add(stretch(closed_s + 0.5, closed_s + 1.0))
    assert turns.patience_s > before_s


PAUSES = st.lists(st.tuples(st.floats(0.0, 8.0), st.floats(0.1, 6.0)), max_size=12)


@given(PAUSES, st.sampled_from(list(Question)), st.floats(-10.0, 10.0))
def test_every_stretch_comes_out_exactly_once_in_order_and_never_late(
    pauses: list[tuple[float, float]], question: Question, patience_s: float
) -> None:
    turns = Turns(patience_s)
    now_s, said, told = 0.0, [], []
    for pause_s, length_s in pauses:
        began_s = now_s + pause_s
        while now_s < began_s:
            now_s += STEP_S
            turn = turns.poll(now_s)
            if turn:
                assert now_s - turn[-1].ended_at_s >= CLOSED_PATIENCE_S or now_s - turn[0].began_at_s >= LONGEST_TURN_S
                told += turn
        now_s += length_s
        said.append(stretch(began_s, now_s))
        turns.ask(question)
        turns.add(said[-1])
        assert LEAST_PATIENCE_S <= turns.patience_s <= MOST_PATIENCE_S
    told += turns.poll(now_s + MOST_PATIENCE_S * 1.5 + STEP_S) or ()
    assert told == said
    assert turns.close(now_s) is None


@given(st.lists(st.tuples(st.sampled_from(["mute", "unmute", "add", "poll"]), st.floats(0.0, 5.0)), max_size=40))
def test_nothing_said_while_muted_ever_comes_out(steps: list[tuple[str, float]]) -> None:
    turns = Turns()
    now_s = 0.0
    for action, passed_s in steps:
        began_s, now_s = now_s, now_s + passed_s
        if action == "mute":
            turns.mute(now_s)
        elif action == "unmute":
            turns.unmute(now_s)
        elif action == "add" and passed_s > 0.0:
            turns.add(stretch(began_s, now_s, "muted" if turns.muted else "heard"))
        else:
            assert all(s.readings[0].text == "heard" for s in turns.poll(now_s) or ())


def test_a_joined_turn_takes_the_language_of_most_letters_and_the_least_confidence() -> None:
    turn = [
        Stretch((Reading("好", Language.ZH, 0.9),), 0.0, 1.0),
        Stretch((), 1.0, 2.0),
        Stretch((Reading("одоо хэдэн цаг вэ", Language.MN, 0.6),), 2.0, 3.0),
    ]
    assert joined(turn) == (Reading("好 одоо хэдэн цаг вэ", Language.MN, 0.6),)


def test_one_stretch_keeps_its_alternatives() -> None:
    readings = (Reading("救我", Language.ZH, 0.6), Reading("就我", Language.ZH, 0.6))
    assert joined([Stretch((), 0.0, 1.0), Stretch(readings, 1.0, 2.0)]) == readings
    assert joined([Stretch((), 0.0, 1.0)]) == ()
