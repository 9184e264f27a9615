"""A television raises the bar of commands; a resident who tries in vain, a story and a question do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import Language, Reading
from robot.speech.company import LEAST_STRETCHES, SURE_IN_COMPANY, WITHIN_S, Company
from robot.speech.recognizer import FinalResult

pytestmark = pytest.mark.unit


def final(confidence: float) -> FinalResult:
    return FinalResult((Reading("大声点", Language.ZH, confidence),), confidence, 0.2)


FAINT, SURE = final(SURE_IN_COMPANY - 0.1), final(SURE_IN_COMPANY)


def talked(stretches: int, long_s: float, every_s: float) -> tuple[Company, float]:
    """So many stretches of speech that is no phrase; and when the last one ended."""
    company = Company()
    for number in range(stretches):
        company.heard(False, number * every_s, number * every_s + long_s)
    return company, (stretches - 1) * every_s + long_s


def test_beside_a_television_only_what_is_surer_is_believed() -> None:
    company, now_s = talked(10, 4.0, 5.0)
    assert company.talks(now_s)
    assert not company.believes(FAINT, now_s)
    assert company.believes(SURE, now_s)


def test_in_a_quiet_room_the_usual_bar_holds() -> None:
    assert Company().believes(FAINT, 0.0)
    assert not Company().believes(final(0.1), 0.0)


@pytest.mark.parametrize(("later_s", "believed"), [(-1.0, True), (0.0, True), (20.0, True), (21.0, False)])
def test_while_an_answer_is_expected_everybody_is_heard_as_in_a_quiet_room(later_s: float, believed: bool) -> None:
    """Also who spoke over the question, or was decoded late."""
    company, now_s = talked(10, 4.0, 5.0)
    company.expect_answer(now_s + 20.0)
    company.expect_answer(now_s + 10.0)
    assert company.believes(FAINT, now_s + later_s) is believed
    assert company.talks(now_s + later_s) is not believed
    assert not company.believes(final(0.1), now_s + later_s)


def test_whoever_cries_again_and_again_is_nobodys_company() -> None:
    company = Company()
    for number in range(10):
        company.heard(False, number * 8.0, number * 8.0 + 5.0)
        company.cried(number * 8.0 + 6.0)
    assert not company.talks(80.0)
    for number in range(10, 20):
        company.cried(number * 8.0 + 5.0)
        company.heard(False, number * 8.0, number * 8.0 + 5.0)
    assert not company.talks(160.0)


@pytest.mark.parametrize(
    ("stretches", "long_s", "every_s"),
    [
        pytest.param(8, 1.5, 6.0, id="a resident tries eight short commands in vain"),
        pytest.param(LEAST_STRETCHES - 1, 15.0, 18.0, id="somebody tells a story"),
        pytest.param(20, 4.0, 25.0, id="a word now and then"),
    ],
)
def test_what_is_no_company(stretches: int, long_s: float, every_s: float) -> None:
    company, now_s = talked(stretches, long_s, every_s)
    assert not company.talks(now_s)


def test_it_is_over_a_minute_after_the_television() -> None:
    company, now_s = talked(10, 4.0, 5.0)
    assert not company.talks(now_s + WITHIN_S)


def test_what_was_believed_is_nobodys_company() -> None:
    company = Company()
    for number in range(20):
        company.heard(True, number * 5.0, number * 5.0 + 4.0)
    assert not company.talks(99.0)


def test_a_clock_that_was_set_back_forgets() -> None:
    company, now_s = talked(10, 4.0, 5.0)
    assert not company.talks(now_s - 3600.0)
    company.heard(False, now_s - 3604.0, now_s - 3600.0)
    assert not company.talks(now_s)


@given(
    st.lists(st.tuples(st.booleans(), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=30),
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.floats(0.0, 1.0),
)
def test_company_never_makes_anything_believed(
    heard: list[tuple[bool, float, float]], asked_s: float, at_s: float, confidence: float
) -> None:
    company = Company()
    for believed, began_s, ended_s in heard:
        company.heard(believed, began_s, ended_s)
    company.expect_answer(asked_s)
    company.cried(asked_s)
    one = final(confidence)
    assert not company.believes(one, at_s) or one.accepted
    assert company.believes(final(1.0), at_s), "what is sure passes everywhere"
