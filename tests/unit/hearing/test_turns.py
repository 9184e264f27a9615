from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import Language, Reading
from robot.speech.patience import (
    CLOSED_PATIENCE_S,
    COMPLETE_PATIENCE_S,
    LEAST_PATIENCE_S,
    MOST_PATIENCE_S,
    OPEN_QUESTION_FACTOR,
    Question,
)
from robot.speech.turns import LONGEST_TURN_S, Stretch, Turns, joined

pytestmark = pytest.mark.unit

STEP_S = 0.1


def stretch(began_at_s: float, ended_at_s: float, text: str = "好", language: Language = Language.ZH) -> Stretch:
    return Stretch((Reading(text, language, 0.9),), began_at_s, ended_at_s)


def closes_at(turns: Turns, from_s: float, *, speaking: bool = False) -> float:
    """When polling from `from_s` on first hands out the turn."""
    for step in range(400):
        now_s = from_s + step * STEP_S
        if turns.poll(now_s, now_s if speaking else float("-inf")):
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


def test_what_was_just_said_is_waited_for_though_the_recogniser_has_not_answered_yet() -> None:
    """The final of a second stretch comes half a second after its end; the turn must not close in that gap."""
    turns = Turns()
    turns.add(stretch(0.0, 1.0, "给女儿"))
    assert turns.poll(3.0, 2.6) is None
    turns.add(stretch(2.0, 2.6, "打电话"))
    assert [s.readings[0].text for s in turns.poll(3.9, 2.6) or ()] == ["给女儿", "打电话"]


def test_a_voice_that_gives_no_final_does_not_hold_the_turn_for_ever() -> None:
    turns = Turns()
    turns.add(stretch(0.0, 1.0))
    assert turns.poll(2.7, 1.6) is None
    assert turns.poll(2.9, 1.6) is not None


def test_a_stretch_between_two_texts_of_ours_is_weighed_against_both() -> None:
    """Only the last text used to count: what was said over the one before came out as the resident's words."""
    turns = Turns()
    for began_s, ended_s in ((0.0, 2.0), (2.1, 4.0)):
        turns.mute(began_s)
        turns.unmute(ended_s)
    turns.add(stretch(0.5, 2.5))
    assert turns.poll(30.0) is None
    turns.add(stretch(3.5, 5.0))
    assert turns.poll(30.0) is not None


def test_an_answer_to_us_teaches_nothing_about_pauses() -> None:
    """Who speaks after Hani has begun to answer was not cut off."""
    turns = Turns()
    turns.add(stretch(0.0, 1.0))
    closed_s = closes_at(turns, 1.0)
    turns.mute(closed_s + 0.2)
    turns.unmute(closed_s + 0.8)
    turns.add(stretch(closed_s + 1.0, closed_s + 1.6))
    assert turns.patience_s == pytest.approx(1.2)


def test_a_complete_command_is_not_waited_for_unless_we_asked_an_open_question() -> None:
    for question, wait_s in (
        (Question.NONE, COMPLETE_PATIENCE_S),
        (Question.CLOSED, COMPLETE_PATIENCE_S),
        (Question.OPEN, 1.2 * OPEN_QUESTION_FACTOR),
    ):
        turns = Turns(complete=lambda reading: reading.text == "关灯")
        turns.ask(question)
        turns.add(stretch(0.0, 1.0, "关灯"))
        assert closes_at(turns, 1.0) == pytest.approx(1.0 + wait_s, abs=STEP_S)


def test_a_complete_phrase_with_speech_behind_it_is_waited_for() -> None:
    turns = Turns(complete=lambda reading: reading.text == "关灯")
    turns.add(stretch(0.0, 1.0, "关灯"))
    turns.add(Stretch((), 1.3, 2.0))
    assert closes_at(turns, 2.0) == pytest.approx(3.2, abs=STEP_S)


def test_a_television_behind_a_command_does_not_hold_it_back_to_the_cap() -> None:
    turns = Turns()
    turns.add(stretch(0.0, 1.0, "关灯"))
    now_s = 1.0
    while not (turn := turns.poll(now_s, now_s)):
        now_s += 1.0
        turns.add(Stretch((), now_s - 0.9, now_s))
    assert now_s < 9.0
    assert joined(turn)[0].text == "关灯"


def test_a_television_before_a_command_does_not_use_up_its_time() -> None:
    turns = Turns()
    for second in range(18):
        turns.add(Stretch((), float(second), second + 0.9))
        assert turns.poll(second + 1.0) is None
    turns.add(stretch(18.0, 20.5, "关灯"))
    assert turns.poll(20.6) is None
    turns.add(stretch(21.0, 21.5, "好"))
    assert [s.began_at_s for s in turns.poll(23.0) or ()] == [18.0, 21.0]


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
    told += turns.poll(now_s + MOST_PATIENCE_S * OPEN_QUESTION_FACTOR + STEP_S) or ()
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


@pytest.mark.parametrize("voice_until_s", [float("-inf"), 1001.0])
def test_a_clock_set_back_ends_the_turn_and_those_after_it_end_as_ever(voice_until_s: float) -> None:
    turns = Turns()
    turns.add(stretch(1000.0, 1001.0))
    assert turns.poll(500.0, voice_until_s) == (stretch(1000.0, 1001.0),)
    patience_s = turns.patience_s
    turns.add(stretch(501.0, 502.0))
    assert turns.patience_s == patience_s
    assert turns.poll(502.1, voice_until_s) is None
    assert turns.poll(502.0 + MOST_PATIENCE_S, voice_until_s) == (stretch(501.0, 502.0),)


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
