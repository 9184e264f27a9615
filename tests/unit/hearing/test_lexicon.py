from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadInput, MissingPart
from robot.messages import Language, Phrase
from robot.speech.ipa import ipa_tokens
from robot.speech.lexicon import Lexicon
from tests.unit.hearing.conftest import DATA, MODEL, clips

pytestmark = pytest.mark.unit

LEXICON = Lexicon.of_model(MODEL)
GOLDEN = [line.split("\t") for line in (DATA / "pronunciations.tsv").read_text(encoding="utf-8").splitlines()[1:]]


@pytest.mark.parametrize(("language", "text", "tokens"), GOLDEN, ids=[row[1] for row in GOLDEN])
def test_pronunciations_stay_as_they_were_checked(language: str, text: str, tokens: str) -> None:
    ways = LEXICON.pronounce(Phrase(Language(language), text))
    assert " | ".join(" ".join(way) for way in ways) == tokens


def said(language: Language, text: str) -> tuple[tuple[str, ...], ...]:
    """The ways to say a text, checked; none when it is refused."""
    try:
        ways = LEXICON.pronounce(Phrase(language, text))
    except BadInput:
        return ()
    assert ways
    assert all(way and set(way) <= set(LEXICON.tokens[1:]) for way in ways)
    return ways


@given(st.text(alphabet="абвгдеёжзийклмноөпрстуүфхцчшщъыьэюя", min_size=1, max_size=15))
def test_any_cyrillic_word_but_bare_signs_is_said_in_the_model_s_tokens(word: str) -> None:
    assert said(Language.MN, word) or not set(word) - set("ъь")


def test_every_common_han_character_is_said_in_the_model_s_tokens() -> None:
    """The 3,755 characters of GB 2312, level 1."""
    codes = [bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    characters = [code.decode("gb2312", errors="ignore") for code in codes]
    assert [text for text in characters if text and not said(Language.ZH, text)] == []


@given(st.sampled_from(list(Language)), st.text(max_size=20))
def test_no_text_at_all_raises_anything_but_bad_input(language: Language, text: str) -> None:
    said(language, text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (Language.ZH, "打开Maps"),
        (Language.MN, "цаг 5"),
        (Language.MN, "сайн 你好"),
        (Language.ZH, "？"),
        (Language.MN, ""),
    ],
)
def test_what_the_model_cannot_say_is_refused_by_name(language: Language, text: str) -> None:
    with pytest.raises(BadInput, match=repr(text)[1:-1].split()[-1] if text else "''"):
        LEXICON.pronounce(Phrase(language, text))


def test_ipa_overrides_the_spelling() -> None:
    said = LEXICON.pronounce(Phrase(Language.MN, "та дахиад нэг хэлэх үү", "tɑː dæxɑːd nəg xəlxuː"))
    assert said == (tuple("tɑː d æ x ɑː d n ə g x ə l x uː".replace("tɑː", "t ɑː").split()),)


def test_foreign_sounds_in_ipa_are_named() -> None:
    with pytest.raises(BadInput, match="'θ'"):
        ipa_tokens("θɑ")


def test_cyrillic_rules_agree_with_the_site_s_spelling_of_the_clips() -> None:
    """The rules were written against these; one phrase is contracted in speech (хэлэх үү as xəlxuː)."""
    differ = {
        clip.text
        for clip in clips()
        if clip.language is Language.MN
        and ipa_tokens(clip.pronunciation) not in LEXICON.pronounce(Phrase(Language.MN, clip.text))
    }
    assert differ == {"та дахиад нэг хэлэх үү"}


def test_a_model_without_tokens_says_what_to_restore() -> None:
    with pytest.raises(MissingPart, match=r"tokens\.txt"):
        Lexicon.of_model(MODEL / "nowhere")
