"""Two witnesses, a repetition or great certainty make a cry certain; the budget limits questions and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.messages import Language, Reading, SafetyKind, SafetyWord
from robot.speech.calibration import UNFITTED
from robot.speech.likeness import FRUITLESS
from robot.speech.recognizer import FinalResult
from robot.speech.safety import SafetySpotter
from robot.speech.safety_decoder import LIKELY
from robot.speech.safety_watch import FAINT_IN_COMPANY, REPEATED_WITHIN_S, WAIT_S, WITNESS_S, AskBudget, SafetyWatch

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN
SPOTTER = SafetySpotter(
    {
        (ZH, "救命"): SafetyKind.HELP,
        (ZH, "我摔倒了"): SafetyKind.FALL,
        (ZH, "着火了"): SafetyKind.FIRE,
        (MN, "авраарай"): SafetyKind.HELP,
    }
)
BARS = UNFITTED.model_copy(update={"safety_lower": 0.4, "safety_upper": 0.9})
FAINT, CLEAR = 0.6, 0.95


def final(text: str = "救命", confidence: float = FAINT) -> FinalResult:
    return FinalResult((Reading(text, ZH, confidence),), max(confidence, 0.95))


def watch(per_hour: int = 100, *, there: bool = True) -> SafetyWatch:
    one = SafetyWatch(SPOTTER, BARS, AskBudget(per_hour, per_hour))
    one.decoder_there = there
    return one


def polled(one: SafetyWatch, until_s: float, since_s: float = 0.0) -> list[tuple[float, bool]]:
    """What a poll every tenth of a second brings: when, and whether it is certain."""
    steps = range(round(since_s * 10), round(until_s * 10) + 1)
    return [(step / 10, word.certain) for step in steps for word in one.poll(step / 10)]


def test_a_clear_cry_is_certain_at_once() -> None:
    one = watch()
    one.decoded(final(confidence=CLEAR), 5.0)
    (word,) = one.poll(5.0)
    assert (word.kind, word.language, word.certain, word.heard_at_s) == (SafetyKind.HELP, ZH, True, 5.0)


def in_company(per_hour: int = 100) -> SafetyWatch:
    one = watch(per_hour)
    one.company = True
    return one


def test_while_others_talk_a_clear_cry_alone_is_asked_about() -> None:
    one = in_company()
    one.decoded(final(confidence=CLEAR), 5.0)
    assert polled(one, 20.0, 5.0) == [(5.0 + WAIT_S, False)]


def test_while_others_talk_a_clear_cry_that_both_hear_or_that_comes_again_is_certain() -> None:
    both = in_company()
    both.decoded(final(confidence=CLEAR), 5.0)
    both.heard(final(), 5.2)
    assert [certain for _, certain in polled(both, 20.0, 5.0)] == [True]
    again = in_company()
    again.decoded(final(confidence=CLEAR), 5.0)
    assert polled(again, 8.9, 5.0) == [(5.0 + WAIT_S, False)]
    again.decoded(final(), 9.0)
    assert polled(again, 20.0, 9.0) == [(9.0, True)]


def test_while_others_talk_what_is_only_likely_is_not_certain_by_the_other_ear() -> None:
    one = in_company()
    one.decoded(final(confidence=max(LIKELY, FAINT)), 5.0)
    one.heard(final(), 5.2)
    assert [certain for _, certain in polled(one, 20.0, 5.0)] == [False]


@pytest.mark.parametrize("confidences", [(0.2, 0.2), (0.2, CLEAR), (CLEAR, 0.2)])
def test_while_others_talk_a_faint_phrase_makes_nothing_certain_but_is_asked_about(
    confidences: tuple[float, float],
) -> None:
    one = SafetyWatch(SPOTTER, BARS.model_copy(update={"safety_lower": 0.1}))
    one.decoder_there = one.company = True
    assert 0.2 < FAINT_IN_COMPANY <= FAINT
    first, second = confidences
    one.decoded(final(confidence=first), 60.0)
    assert polled(one, 63.9, 60.0) == [(60.0 + WAIT_S, False)]
    one.decoded(final(confidence=second), 64.0)
    assert polled(one, 80.0, 64.0) == [(64.0 + WAIT_S, False)]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 1.0), st.floats(0.1, 30.0), st.booleans()), max_size=12))
def test_whoever_talks_no_cry_is_lost(heard: list[tuple[bool, float, float, bool]]) -> None:
    """Company turns certain cries into questions, and takes none away: as many words are told at least."""
    told = []
    for company in (False, True):
        one = watch()
        one.company, at_s, words = company, 0.0, 0
        for by_decoder, confidence, after_s, voiced in heard:
            cry = replace(final(confidence=confidence), voiced=voiced)
            (one.decoded if by_decoder else one.heard)(cry, at_s)
            words += len(polled(one, at_s + after_s, at_s))
            at_s += after_s + 0.1
        told.append(words + len(polled(one, at_s + 10.0, at_s)))
    assert (told[0] > 0) == (told[1] > 0)


@pytest.mark.parametrize("there", [True, False])
def test_while_others_talk_the_main_recognisers_word_alone_is_asked_about(there: bool) -> None:
    one = in_company()
    one.decoder_there = there
    one.heard(final(confidence=CLEAR), 5.0)
    assert [certain for _, certain in polled(one, 20.0, 5.0)] == [False]


def test_a_likeness_that_the_other_ear_hears_first_holds_no_phrase_back() -> None:
    one = watch()
    for at_s in range(0, 30 * FRUITLESS, 30):
        one.heard(final("就命"), at_s)
        assert len(polled(one, at_s + 20.0, at_s)) == 1
    one.heard(final("就命"), 200.0)
    one.decoded(final(), 200.5)
    assert [certain for _, certain in polled(one, 220.0, 200.0)] == [False]


def test_what_has_no_voice_in_it_is_never_certain_however_often_it_comes() -> None:
    one = watch()
    for at_s in (5.0, 5.5, 8.0, 11.0):
        one.decoded(replace(final(confidence=CLEAR), voiced=False), at_s)
        one.heard(replace(final(confidence=CLEAR), voiced=False), at_s + 0.2)
    words = polled(one, 20.0, 5.0)
    assert words
    assert not any(certain for _, certain in words)


def test_a_faint_cry_alone_is_asked_about_when_the_other_ear_had_its_time() -> None:
    one = watch()
    one.decoded(final(), 5.0)
    assert polled(one, 20.0, 5.0) == [(5.0 + WAIT_S, False)]


@pytest.mark.parametrize("main_first", [False, True])
@pytest.mark.parametrize("between_s", [0.0, 0.4, 0.9])
def test_a_cry_that_both_heard_is_certain_once(main_first: bool, between_s: float) -> None:
    one = watch()
    hear = [one.decoded, one.heard]
    first, second = reversed(hear) if main_first else hear
    first(final(), 5.0)
    told = polled(one, 5.0 + between_s, 5.0) if between_s else []
    second(final(), 5.0 + between_s)
    told += polled(one, 20.0, 5.0 + between_s)
    assert [certain for _, certain in told] == [True]


def test_a_second_view_that_comes_after_the_question_still_confirms() -> None:
    one = watch()
    one.decoded(final(), 5.0)
    told = polled(one, 6.5, 5.0)
    one.heard(final(), 6.5)
    assert [certain for _, certain in told + polled(one, 20.0, 6.5)] == [False, True]


def test_hearing_the_same_cry_in_different_kinds_is_no_agreement() -> None:
    one = watch()
    one.decoded(final("救命"), 5.0)
    one.heard(final("我摔倒了"), 5.1)
    assert {certain for _, certain in polled(one, 20.0, 5.0)} == {False}


@pytest.mark.parametrize("per_hour", [100, 0])
@pytest.mark.parametrize("doubt", ["救命", "我摔倒了"])
def test_a_doubt_that_times_out_with_the_same_chunk_takes_no_certain_cry_with_it(doubt: str, per_hour: int) -> None:
    one = watch(per_hour)
    one.heard(final(doubt), 1.0)
    assert polled(one, 1.9, 1.0) == []
    one.decoded(final("我摔倒了", 0.99), 2.0)
    assert [word.kind for word in one.poll(2.0) if word.certain] == [SafetyKind.FALL]


LIKENESS = "救命的人来了"


def test_a_likeness_that_comes_again_within_eight_seconds_is_asked_about_without_a_budget_until_it_is_distrusted() -> (
    None
):
    one = watch(per_hour=0)
    told = []
    for at_s in range(5, 655, 5):
        assert one.television is (len(told) >= FRUITLESS)
        one.heard(final(LIKENESS), float(at_s))
        told += polled(one, at_s + 4.9, at_s)
    assert {certain for _, certain in told} == {False}
    assert [at_s for at_s, _ in told] == [11, 16, 21, 26, 31, 36, 336, 636]
    assert one.withheld == 130 - len(told)


def test_a_lone_likeness_is_asked_about_three_times_in_an_hour() -> None:
    one = watch()
    told = []
    for at_s in range(5, 4000, 60):
        one.heard(final(LIKENESS), float(at_s))
        told += polled(one, at_s + 20, at_s)
    assert [at_s for at_s, _ in told] == [6, 66, 126, 3606, 3666, 3726]


@pytest.mark.parametrize("said_yes", [True, False])
def test_likenesses_are_trusted_again_when_somebody_did_need_help(said_yes: bool) -> None:
    one = watch()
    for at_s in (5, 65, 125):
        one.heard(final(LIKENESS), float(at_s))
        assert polled(one, at_s + 20, at_s)
    assert one.television
    if said_yes:
        one.somebody_needs_help()
    else:
        one.decoded(final("我摔倒了", CLEAR), 160.0)
    polled(one, 170.0, 160.0)
    assert not one.television
    one.heard(final(LIKENESS), 185.0)
    assert polled(one, 200.0, 185.0)


EXACT = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.5, 1.1, 3.0, 9.0]),
        st.sampled_from(["decoder", "main"]),
        st.sampled_from(["救命", "我摔倒了", "救命救命", "你好"]),
        st.sampled_from([0.1, 0.35, FAINT, CLEAR]),
        st.booleans(),
    ),
    max_size=12,
)


@given(EXACT, st.booleans())
@settings(deadline=None)
def test_a_phrase_that_was_said_as_it_is_is_never_distrusted(events: list, there: bool) -> None:
    """After a film full of likenesses the same becomes of it as in a silent house, if the decoder, where there is one,
    has found it.
    """
    events = [event for event in events if event[1] == "decoder" or not there]
    quiet, loud = watch(there=there), watch(there=there)
    for at_s in range(-90, -60, 3):
        loud.heard(final(LIKENESS), float(at_s))
        loud.poll(at_s + WAIT_S)
    assert loud.withheld > 1  # beyond the last bar of `likeness`
    assert loud.television
    assert [replace(word, id="") for word in played(loud, events)] == [
        replace(word, id="") for word in played(quiet, events)
    ]


def test_a_cry_in_a_dictated_text_is_asked_about_once() -> None:
    cry = Reading("奶奶在喊救命呢快去看看", ZH, 0.9)
    one = watch()
    assert not one.dictated(Reading("今天真冷", ZH, 0.9), 1.0, 4.0)
    assert one.dictated(cry, 1.0, 4.0)
    assert [word.certain for word in one.poll(6.0)] == [False]
    assert one.dictated(cry, 1.0, 4.0)  # and known already
    assert polled(one, 30.0, 6.1) == []


@pytest.mark.parametrize("waits", [True, False])
def test_a_cry_that_was_heard_before_it_was_dictated_is_one_cry(waits: bool) -> None:
    """A second word while somebody is being asked would raise the alarm."""
    one = watch()
    one.heard(final(LIKENESS), 4.0)
    told = [] if waits else polled(one, 15.0, 4.0)  # as long as any dictation may take
    assert one.dictated(Reading("救命的人来了", ZH, 0.9), 1.0, 4.0)
    assert [certain for _, certain in told + polled(one, 30.0, 15.0)] == [False]


@pytest.mark.parametrize("fire_s", [1.0, 1.9, 2.5])
@pytest.mark.parametrize("confidence", [FAINT, CLEAR])
def test_fire_after_help_is_another_cry(fire_s: float, confidence: float) -> None:
    one = watch()
    one.decoded(final(confidence=confidence), 1.0)
    told = [word for step in range(10, round(fire_s * 10)) for word in one.poll(step / 10)]
    one.heard(final("着火了"), fire_s)
    told += [word for step in range(round(fire_s * 10), 60) for word in one.poll(step / 10)]
    assert [word.kind for word in told] == [SafetyKind.HELP, SafetyKind.FIRE]


@pytest.mark.parametrize(("after_s", "certain"), [(1.5, True), (7.9, True), (8.1, False)])
def test_a_repetition_within_eight_seconds_is_certain(after_s: float, certain: bool) -> None:
    one = watch()
    one.decoded(final(), 5.0)
    first = polled(one, 5.0 + after_s - 0.1, 5.0)
    one.decoded(final("我摔倒了"), 5.0 + after_s)
    assert [sure for _, sure in first] == [False]
    assert [sure for _, sure in polled(one, 30.0, 5.0 + after_s)] == [certain]


def test_what_the_budget_withheld_still_confirms_a_repetition() -> None:
    one = watch(per_hour=0)
    one.decoded(final(), 5.0)
    assert polled(one, 9.0, 5.0) == []
    assert one.withheld == 1
    one.decoded(final(), 9.0)
    assert [certain for _, certain in polled(one, 20.0, 9.0)] == [True]


def test_below_the_lower_bar_nothing_was_heard() -> None:
    one = watch()
    one.decoded(final(confidence=0.39), 5.0)
    assert polled(one, 20.0, 5.0) == []


def test_a_harmless_reading_that_is_as_likely_needs_a_second_witness() -> None:
    one = watch()
    one.decoded(FinalResult((Reading("救命", ZH, 0.95), Reading("今天星期几", ZH, 0.95)), 0.95), 5.0)
    assert [certain for _, certain in polled(one, 20.0, 5.0)] == [False]


def test_several_cries_in_one_breath_are_a_cry() -> None:
    one = watch()
    one.decoded(final("救命救命救命", CLEAR), 5.0)
    assert [word.certain for word in one.poll(5.0)] == [True]


def test_over_hanis_own_voice_only_what_is_certain_passes() -> None:
    """Its own words may come back through the microphone, in both languages, one after the other."""
    faint, clear = watch(), watch()
    for at_s in (5.0, 8.0):
        faint.decoded(final(), at_s, muted=True)
        assert polled(faint, at_s + 2.9, at_s) == []
    clear.decoded(final(confidence=CLEAR), 5.0, muted=True)
    assert [certain for _, certain in polled(clear, 8.0, 5.0)] == [True]


def test_a_cry_over_hanis_voice_counts_when_it_is_repeated_after() -> None:
    one = watch()
    one.decoded(final(), 5.0, muted=True)
    one.decoded(final(), 9.0)
    assert [certain for _, certain in polled(one, 20.0, 5.0)] == [True]


@pytest.mark.parametrize(("text", "certain"), [("救命", True), ("奶奶摔倒了我摔倒了怎么办", False)])
def test_without_the_safety_decoder_the_main_recogniser_decides_at_once(text: str, certain: bool) -> None:
    one = watch(there=False)
    one.heard(final(text, CLEAR), 5.0)
    assert [word.certain for word in one.poll(5.0)] == [certain]


def test_a_clock_set_back_asks_at_once_rather_than_never() -> None:
    one = watch()
    one.decoded(final(), 1000.0)
    assert [word.certain for word in one.poll(10.0)] == [False]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.5, 1.1, 3.0, 9.0]),
        st.sampled_from(["decoder", "main"]),
        st.sampled_from(["救命", "我摔倒了", "救命救命", "救火的命", "救命的人来了", "你好"]),
        st.sampled_from([0.1, 0.35, FAINT, CLEAR]),
        st.booleans(),
    ),
    max_size=30,
)


def played(one: SafetyWatch, events: list[tuple[float, str, str, float, bool]]) -> list[SafetyWord]:
    now_s, told = 0.0, []
    for after_s, ear, text, confidence, muted in events:
        for step in range(round(after_s * 10)):
            told += one.poll(now_s + (step + 1) / 10)
        now_s += after_s
        (one.decoded if ear == "decoder" else one.heard)(final(text, confidence), now_s, muted=muted)
        told += one.poll(now_s)
    return told + one.poll(now_s + WAIT_S)


@given(EVENTS, st.booleans())
@settings(deadline=None)
def test_the_budget_never_withholds_a_certain_cry(events: list, there: bool) -> None:
    generous, stingy = watch(there=there), watch(0, there=there)
    told, told_stingily = played(generous, events), played(stingy, events)
    certain = [replace(word, id="") for word in told if word.certain]
    assert [replace(word, id="") for word in told_stingily if word.certain] == certain
    # the generous one may distrust what it has asked about
    assert len(told_stingily) + stingy.withheld == len(told) + generous.withheld


@given(EVENTS)
@settings(deadline=None)
def test_no_exact_cry_in_a_silent_house_passes_unnoticed(events: list) -> None:
    """Each leads to a word within the time that it waits, unless one has just been told for the same sound."""
    told = played(watch(), events)
    now_s = 0.0
    for after_s, ear, text, confidence, muted in events:
        now_s += after_s
        if ear == "decoder" and not muted and confidence >= FAINT and text in {"救命", "我摔倒了", "救命救命"}:
            kind = SafetyKind.FALL if text == "我摔倒了" else SafetyKind.HELP
            assert any(word.kind is kind and abs(word.heard_at_s - now_s) <= WITNESS_S for word in told)


@given(EVENTS)
@settings(deadline=None)
def test_a_faint_cry_without_witness_is_never_certain(events: list) -> None:
    """Every certain word has another exact final near it, or was clear by itself."""
    told = played(watch(), events)
    times, now_s = [], 0.0
    for after_s, ear, text, confidence, _ in events:
        now_s += after_s
        clear = ear == "decoder" and confidence == CLEAR
        if text in {"救命", "我摔倒了", "救命救命"} and confidence >= 0.3:
            times.append((now_s, clear))
    for word in told:
        if word.certain:
            near = [clear for at_s, clear in times if abs(at_s - word.heard_at_s) <= REPEATED_WITHIN_S + 0.01]
            assert len(near) >= 2 or any(near)


@given(st.lists(st.tuples(st.floats(0, 5000), st.booleans()), max_size=60), st.integers(0, 5), st.integers(0, 5))
def test_no_hour_and_no_night_holds_more_questions_than_allowed(
    steps: list[tuple[float, bool]], per_hour: int, per_night: int
) -> None:
    night: list[bool] = [False]
    budget = AskBudget(per_hour, per_night, lambda _at_s: night[0])
    now_s, asked = 0.0, []
    for step_s, night[0] in steps:
        now_s += step_s
        if budget.take(now_s):
            asked.append((now_s, night[0]))
    for at_s, _ in asked:
        assert sum(0 <= other_s - at_s < 3600 for other_s, _ in asked) <= per_hour
        assert sum(was and 0 <= other_s - at_s < 12 * 3600 for other_s, was in asked) <= per_night


def test_a_clock_set_back_does_not_close_the_budget_for_ever() -> None:
    budget = AskBudget(1, 1)
    assert budget.take(1e9)
    assert budget.take(5.0)


@given(EVENTS, st.lists(st.floats(0, 60), max_size=6))
@settings(deadline=None)
def test_a_dictated_cry_makes_nothing_certain(events: list, at: list[float]) -> None:
    plain, dictating = watch(), watch()
    for end_s in at:
        dictating.dictated(Reading("救命", ZH, 1.0), end_s, end_s)
    certain = [replace(word, id="") for word in played(plain, events) if word.certain]
    assert [replace(word, id="") for word in played(dictating, events) if word.certain] == certain


def test_what_has_no_voice_in_it_is_distrusted_like_a_likeness() -> None:
    one, kettle = watch(), replace(final(confidence=CLEAR), voiced=False)
    for at_s in (5, 65, 125, 185):
        one.decoded(kettle, float(at_s))
        assert len(polled(one, at_s + 20, at_s)) == (at_s < 185)


def test_a_very_faint_phrase_is_no_likeness() -> None:
    """Other looks may bear out a phrase from 0.2 on: who cries so faintly is asked, however a television cried."""
    faint = FinalResult((Reading("救命", ZH, 0.2),), 0.2, 0.15)
    assert faint.accepted
    one = watch(there=False)
    for at_s in (5, 65, 125):
        one.heard(final(LIKENESS), float(at_s))
        assert polled(one, at_s + 20, at_s)
    for at_s in (205, 265):
        one.heard(faint, float(at_s))
        assert [certain for _, certain in polled(one, at_s + 20, at_s)] == [False]


def test_what_the_decoder_does_not_find_is_a_likeness_however_often_the_other_finds_it() -> None:
    """A television makes the main recogniser find cries where the decoder, which listens for nothing else, has none."""
    one = watch()
    for at_s in (5, 65, 125):
        one.heard(final(confidence=CLEAR), float(at_s))
        assert [certain for _, certain in polled(one, at_s + 20, at_s)] == [False]
    one.heard(final(confidence=CLEAR), 205.0)
    assert polled(one, 208.0, 205.0) == []
    one.heard(final(confidence=CLEAR), 208.0)
    assert [certain for _, certain in polled(one, 230.0, 208.0)] == [False]


def test_a_cry_that_the_decoder_finds_too_is_never_distrusted() -> None:
    one = watch()
    for at_s in (5, 65, 125):
        one.heard(final(LIKENESS), float(at_s))
        assert polled(one, at_s + 20, at_s)
    one.decoded(final(confidence=0.45), 205.0)
    one.heard(final(confidence=0.45), 205.5)
    assert [certain for _, certain in polled(one, 220.0, 205.0)] == [False]


@pytest.mark.parametrize(("confidence", "certain"), [(LIKELY - 0.01, False), (LIKELY, True)])
def test_what_the_decoder_hardly_believes_no_witness_makes_certain(confidence: float, certain: bool) -> None:
    """Both recognisers share the acoustic model: what imitates a cry deceives both."""
    one = watch()
    one.decoded(final(confidence=confidence), 5.0)
    one.heard(final(confidence=CLEAR), 5.2)
    assert [told for _, told in polled(one, 20.0, 5.0)] == [certain]


def test_a_dictated_cry_of_another_kind_in_the_same_breath_is_one_cry() -> None:
    """The recognisers may have caught the other half of the sentence; a second word raises the alarm."""
    one = watch()
    one.heard(final(LIKENESS), 4.0)
    told = polled(one, 8.0, 4.0)
    assert one.dictated(Reading("奶奶说我摔倒了快来人", ZH, 0.9), 1.0, 4.0)
    assert [certain for _, certain in told + polled(one, 30.0, 8.1)] == [False]
