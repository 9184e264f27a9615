from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.messages import Language, Reading, SafetyKind
from robot.speech.recognizer import FinalResult
from robot.speech.safety import SafetySpotter

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN
PHRASES = {
    (ZH, "救命"): SafetyKind.HELP,
    (ZH, "救我"): SafetyKind.HELP,
    (ZH, "我摔倒了"): SafetyKind.FALL,
    (ZH, "摔了"): SafetyKind.FALL,
    (ZH, "摔倒了"): SafetyKind.FALL,
    (ZH, "喘不上气"): SafetyKind.BREATH,
    (ZH, "着火了"): SafetyKind.FIRE,
    (MN, "авраарай"): SafetyKind.HELP,
    (MN, "авраач"): SafetyKind.HELP,
    (MN, "туслаарай"): SafetyKind.HELP,
    (MN, "би уналаа"): SafetyKind.FALL,
    (MN, "би унав"): SafetyKind.FALL,
    (MN, "цээж минь өвдөж байна"): SafetyKind.PAIN,
}
SPOTTER = SafetySpotter(PHRASES, {ZH: ["救命恩人"], MN: ["тусламж хэрэггүй"]})


def heard(language: Language, text: str, confidence: float = 0.9, known: float = 0.95) -> FinalResult:
    return FinalResult((Reading(text, language, confidence),), known)


@pytest.mark.parametrize(("phrase", "kind"), PHRASES.items(), ids=lambda value: str(value))
def test_every_phrase_itself_is_certain(phrase: tuple[Language, str], kind: SafetyKind) -> None:
    word = SPOTTER.spot(heard(*phrase), 5.0)
    assert word is not None
    assert (word.kind, word.language, word.certain, word.heard_at_s) == (kind, phrase[0], True, 5.0)


@pytest.mark.parametrize("text", ["救命啊！", "快救我", "我摔倒了呀", "Би уналаа!"])
def test_calls_and_particles_around_a_phrase_change_nothing(text: str) -> None:
    word = SPOTTER.spot(heard(MN if text[0] == "Б" else ZH, text), 0.0)
    assert word is not None
    assert word.certain


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (ZH, "就我"),  # the same sounds as 救我
        (ZH, "奶奶摔倒了我也不知道怎么办"),
        (ZH, "船不上气"),
        (MN, "надад хоол хийхэд туслаарай"),  # help with the cooking, or with worse
        (MN, "авраараи"),
        (MN, "цээж мин өвдөж байна"),
    ],
)
def test_a_likeness_makes_hani_ask(language: Language, text: str) -> None:
    word = SPOTTER.spot(heard(language, text), 0.0)
    assert word is not None
    assert not word.certain


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (ZH, "我没有摔倒"),
        (ZH, "我没摔倒"),
        (ZH, "昨天我摔了一个碗"),
        (ZH, "我摔了一个碗"),
        (ZH, "救命恩人的故事"),
        (ZH, "就我一个人"),
        (ZH, "今天星期几"),
        (MN, "амраарай"),  # have a rest: one letter from авраарай
        (MN, "намайг аваач"),
        (MN, "гэрийн ажилд туслах"),
        (MN, "тусламж хэрэггүй"),
        (MN, "би унаагүй"),
        (MN, "сайн байна уу"),
    ],
)
def test_denials_tales_and_everyday_words_are_let_pass(language: Language, text: str) -> None:
    assert SPOTTER.spot(heard(language, text), 0.0) is None


def test_a_phrase_of_the_grammar_is_not_suspected_for_its_likeness() -> None:
    """би унтлаа (I slept) is one letter from би уналаа (I fell); the recogniser has already weighed both."""
    slept = Reading("би унтлаа", MN, 0.9)
    assert SPOTTER.spot_text(slept) is not None
    assert SafetySpotter(PHRASES, everyday=[(MN, slept.text)]).spot_text(slept) is None


def test_a_phrase_that_counts_only_alone_is_nothing_inside_a_sentence() -> None:
    """As in the dialogue: "help me" inside a sentence is about the kitchen."""
    alone = SafetySpotter(PHRASES, alone=[(MN, "туслаарай"), (ZH, "救我")])
    assert alone.spot(heard(MN, "надад хоол хийхэд туслаарай"), 0.0) is None
    assert alone.spot(heard(ZH, "他来救我们吗"), 0.0) is None
    for phrase in ((MN, "туслаарай"), (ZH, "快救我")):
        word = alone.spot(heard(*phrase), 0.0)
        assert word is not None
        assert word.certain


@pytest.mark.parametrize(
    ("language", "text"), [(ZH, "救命救命"), (ZH, "我摔倒了我摔倒了我摔倒了"), (MN, "авраарай авраарай")]
)
def test_a_phrase_said_several_times_in_one_breath_is_that_phrase(language: Language, text: str) -> None:
    word = SPOTTER.spot(heard(language, text), 0.0)
    assert word is not None
    assert word.certain


def test_a_harmless_reading_that_is_as_likely_makes_hani_ask() -> None:
    final = FinalResult((Reading("救我", ZH, 0.9), Reading("舅舅来了", ZH, 0.9)), 0.95)
    word = SPOTTER.spot(final, 0.0)
    assert word is not None
    assert not word.certain


def test_a_phrase_that_the_recogniser_did_not_choose_is_worth_a_question_only() -> None:
    second = FinalResult((Reading("现在几点了", ZH, 0.6), Reading("救命", ZH, 0.35)), 0.95)
    rejected = FinalResult((Reading("救命", ZH, 0.4),), 0.4)
    faint = FinalResult((Reading("现在几点了", ZH, 0.9), Reading("救命", ZH, 0.1)), 0.95)
    assert [w and w.certain for w in (SPOTTER.spot(f, 0.0) for f in (second, rejected, faint))] == [False, False, None]


def test_while_hani_speaks_only_exact_believed_phrases_pass() -> None:
    assert SPOTTER.spot(heard(ZH, "救命"), 0.0, strict=True) is not None
    assert SPOTTER.spot(heard(ZH, "就我"), 0.0, strict=True) is None
    assert SPOTTER.spot(heard(ZH, "救命", 0.4, known=0.4), 0.0, strict=True) is None


@given(st.text(max_size=12), st.sampled_from(list(Language)), st.floats(0.0, 1.0), st.booleans())
@settings(deadline=None)
def test_any_text_is_answered_and_strict_never_finds_more(
    text: str, language: Language, confidence: float, strict: bool
) -> None:
    final = heard(language, text, confidence, known=confidence)
    word = SPOTTER.spot(final, 0.0, strict=strict)
    if word and strict:
        assert SPOTTER.spot(final, 0.0) is not None
        assert SPOTTER.spot_text(final.readings[0]).exact
