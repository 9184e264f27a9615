from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadInput
from robot.speech.loan_words import LOANS
from robot.speech.mongolian_g2p import mongolian_tokens
from robot.speech.mongolian_words import NAME_PARTS, STEMS, WORDS
from robot.speech.ways import MOST_WAYS

pytestmark = pytest.mark.unit


def ways(text: str) -> list[str]:
    return [" ".join(way) for way in mongolian_tokens(text)]


def test_chakhar_comes_first_and_khalkha_last() -> None:
    assert ways("цэцэг") == ["ʧ i ʧ ə~ g", "Zc e Zc ə~ g"]
    assert ways("зуун") == ["ʤ ʊː n", "Zz ʊː ŋ"]
    assert ways("аав") == ["ɑː b", "ɑː w"]


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("надтай", "n ɑ d t æː"),
        ("гэртэй", "g ə r t eː"),
        ("гэртэй", "g ə r t æː"),
        ("цусны", "ʧ ʊ s n æː"),
        ("эмийг", "ə m i g"),
        ("болохгүй", "b ɔ l ə~ x g u e"),
        ("хэрэггүй", "x ə r ə~ g u e"),
        ("явна", "j æ b n ɑː"),
        ("явна", "j æ b n"),
        ("болжээ", "b ɔ l ʤ e"),
        ("идэхээр", "i d x əː r"),
        ("унтуулах", "ʊ n t ʊː l ə~ x"),
        ("боллоо", "b ɔ l l ɔː"),
        ("ажиллаж", "ɑ ʤ ə~ l ʤ"),
        ("дөрөвдүгээр", "d o r ə~ b d ʊ g ɑː r"),
        ("өмнө", "o m ə~ n"),
        ("улс", "ʊ l ə~ s"),
        ("давхарга", "d ɑ b x ə~ r g"),
        ("бага", "b ɑ g"),
        ("ажил", "ɑ ʤ ə~ l"),
        ("хорин", "x œ r ə~ n"),
        ("хувь", "x œ b"),
        ("далай", "d æ l æː"),
        ("орой", "œ r œ"),
    ],
)
def test_endings_and_vowels_sound_as_the_site_spells_them(text: str, way: str) -> None:
    assert way in ways(text)


def test_a_question_after_the_verb_shortens_it_first() -> None:
    assert ways("явна уу")[0] == "j æ b n ʊː"
    assert ways("явна")[0] == "j æ b n ɑː"


@pytest.mark.parametrize(("text", "begins"), [("машинаар", "m ɑ ʃ iː n ɑː r"), ("телевизээ", "t ə l w ə~ s əː")])
def test_loan_words_keep_their_sound_with_endings(text: str, begins: str) -> None:
    assert ways(text)[0] == begins


def test_a_short_loan_word_is_not_looked_for_inside_native_words() -> None:
    assert ways("жанжин")[0].startswith("ʤ ɑ n ʤ")


@pytest.mark.parametrize(
    ("name", "way"),
    [("Сарангэрэл", "s ɑ r ə~ n g ə r ə~ l"), ("Мөнхбат", "m o ŋ x b ɑ t"), ("Батбаярт", "b ɑ t b ɑ j ə~ r t")],
)
def test_each_part_of_a_name_keeps_its_first_vowel(name: str, way: str) -> None:
    assert ways(name)[0] == way


@pytest.mark.parametrize(
    ("digits", "words"),
    [("5", "тав"), ("20 минут", "хорин минут"), ("8:30", "найман цаг хагас"), ("50%", "тавин хувь")],
)
def test_digits_are_said_as_their_words(digits: str, words: str) -> None:
    assert ways(digits) == ways(words)


def test_longer_numbers_are_also_said_digit_by_digit() -> None:
    said = ways("404")
    assert ways("дөрвөн зуун дөрөв")[0] in said
    assert ways("дөрөв тэг дөрөв")[0] in said


def test_letters_that_old_fonts_used_for_others_are_understood() -> None:
    assert ways("єнєєдєр") == ways("өнөөдөр")
    assert ways("хїї") == ways("хүү")


@pytest.mark.parametrize(
    ("text", "named"), [("хүү ελ", "ε"), ("你好", "你"), ("ь", "no word"), ("", "no word"), ("hello", "hello")]
)
def test_what_is_not_mongolian_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        mongolian_tokens(text)


ENDINGS = "ын ийн д т аас ээс аар ээр тай тэй ыг ийг руу рүү аа ээ гүй сан сэн ж ч на нэ лаа лээ вал вэл маар аад ууд"


@given(
    st.sampled_from(sorted({*WORDS, *STEMS, *LOANS, *NAME_PARTS})),
    st.lists(st.sampled_from(ENDINGS.split()), max_size=2),
)
def test_every_listed_word_is_said_with_every_ending(word: str, endings: list[str]) -> None:
    said = mongolian_tokens(word + "".join(endings))
    assert 1 <= len(said) <= MOST_WAYS
    assert all(said)
