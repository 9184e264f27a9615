from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadInput, MissingPart
from robot.messages import Language, Phrase
from robot.speech.ipa import ipa_tokens
from robot.speech.lexicon import MOST_WAYS, Lexicon
from robot.speech.ways import best_first
from tests.unit.hearing.conftest import MODEL, clips

pytestmark = pytest.mark.unit

LEXICON = Lexicon.of_model(MODEL)
CYRILLIC = st.text(alphabet="абвгдеёжзийклмноөпрстуүфхцчшщъыьэюя", min_size=1, max_size=15)
HAN = st.text(alphabet="我你给打电话医生单解血谁那得还一会儿花这大夫十两百", min_size=1, max_size=8)


def said(language: Language, text: str) -> tuple[tuple[str, ...], ...]:
    """The ways to say a text, checked; none when it is refused in one line."""
    refusal = ""
    try:
        ways = LEXICON.pronounce(Phrase(language, text))
    except BadInput as error:
        ways, refusal = (), str(error)
    assert len(refusal.splitlines()) == (0 if ways else 1)
    if not ways:
        return ()
    assert len(ways) <= MOST_WAYS
    assert len(set(ways)) == len(ways)
    assert all(way and set(way) <= set(LEXICON.tokens[1:]) for way in ways)
    return ways


@given(CYRILLIC)
def test_any_cyrillic_word_but_bare_signs_is_said_in_the_model_s_tokens(word: str) -> None:
    assert said(Language.MN, word) or not set(word) - set("ъь")


def test_every_common_han_character_is_said_in_the_model_s_tokens() -> None:
    """The 3,755 characters of GB 2312, level 1."""
    codes = [bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    characters = [code.decode("gb2312", errors="ignore") for code in codes]
    assert [text for text in characters if text and not said(Language.ZH, text)] == []


SCRIPTS = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.characters(min_codepoint=0x1800, max_codepoint=0x18AF),
        st.characters(min_codepoint=0x400, max_codepoint=0x4FF),
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
        st.sampled_from("0123456789.:/-%,CTxk \u202f\u180e"),
    ),
    max_size=20,
)


@given(st.sampled_from(list(Language)), SCRIPTS)
def test_any_text_at_all_is_said_or_refused_in_one_line(language: Language, text: str) -> None:
    said(language, text)


@given(st.sampled_from(list(Language)), st.lists(st.one_of(HAN, CYRILLIC), min_size=1, max_size=4))
def test_the_same_phrase_is_always_said_the_same(language: Language, words: list[str]) -> None:
    phrase = " ".join(words)
    assert said(language, phrase) == said(language, phrase)


@given(HAN, CYRILLIC)
def test_both_languages_in_one_phrase_join_what_each_says_alone(han: str, cyrillic: str) -> None:
    """No sound is lost where the two meet, and neither hears the other."""
    alone = said(Language.ZH, han), said(Language.MN, cyrillic)
    for language in Language:
        for text in (f"{han} {cyrillic}", f"{han}{cyrillic}"):
            mixed = said(language, text)
            if all(alone):
                assert mixed[0] == alone[0][0] + alone[1][0]
            if mixed:
                assert set(mixed) <= {zh + mn for zh in alone[0] for mn in alone[1] or [()]}


def test_code_switched_phrases_are_said_in_either_language() -> None:
    for language in Language:
        assert LEXICON.pronounce(Phrase(language, "给 хүү 打电话")) == (
            ("g", "Zei", "x", "uː", "d", "Za", "d", "Zian", "x", "Zua"),
        )


@given(
    st.lists(st.lists(st.text("abc", min_size=1, max_size=2).map(lambda t: (t,)), min_size=1, max_size=4), max_size=6)
)
def test_ways_are_joined_best_first(parts: list[list[tuple[str, ...]]]) -> None:
    ways = best_first(parts, 5)
    assert ways[0] == tuple(part[0][0] for part in parts)
    assert len(ways) <= 5


@pytest.mark.parametrize(
    ("language", "text"),
    [(Language.ZH, "打开Maps"), (Language.MN, "сайн ελλ"), (Language.ZH, "？"), (Language.MN, ""), (Language.ZH, "Ω")],
)
def test_what_the_model_cannot_say_is_refused_by_name(language: Language, text: str) -> None:
    with pytest.raises(BadInput, match=repr(text)[1:-1].split()[-1][:1] if text else "''"):
        LEXICON.pronounce(Phrase(language, text))


def test_names_given_to_the_lexicon_are_read_as_names() -> None:
    named = Lexicon(LEXICON.tokens, names=["单明", "尉迟恭"])
    assert named.pronounce(Phrase(Language.ZH, "给单明打电话"))[0][:4] == ("g", "Zei", "Sh", "Zan")
    assert named.pronounce(Phrase(Language.ZH, "尉迟恭"))[0] == ("Zv", "Ch", "Zih", "g", "Zong")
    assert LEXICON.pronounce(Phrase(Language.ZH, "给单明打电话"))[0][2] == "d"


def test_ipa_overrides_the_spelling() -> None:
    said = LEXICON.pronounce(Phrase(Language.MN, "та дахиад нэг хэлэх үү", "tɑː dæxɑːd nəg xəlxuː"))
    assert said == (("t", "ɑː", "d", "æ", "x", "ɑː", "d", "n", "ə", "g", "x", "ə", "l", "x", "uː"),)


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


def test_a_sound_that_the_model_lacks_is_named() -> None:
    with pytest.raises(BadInput, match="'Zer'"):
        Lexicon(("<blk>", "n", "Zv")).pronounce(Phrase(Language.ZH, "女儿"))
