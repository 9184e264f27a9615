from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadInput
from robot.messages import Language, Phrase
from robot.speech.lexicon import Lexicon
from robot.speech.traditional_script import to_cyrillic
from tests.unit.hearing.conftest import MODEL

pytestmark = pytest.mark.unit

MVS, NNBSP, FVS1 = "\u180e", "\u202f", "\u180b"


def cyrillic(text: str) -> str:
    return " ".join(to_cyrillic(text).split())


@pytest.mark.parametrize(
    ("traditional", "expected"),
    [
        ("ᠮᠣᠩᠭᠣᠯ", "монгол"),
        (f"ᠠᠬ{MVS}ᠠ", "ах"),
        (f"ᠪᠠᠶᠢᠨ{MVS}ᠠ", "байна"),
        (f"ᠭᠡᠷ{NNBSP}ᠲᠦ", "гэрт"),
        (f"ᠭᠡᠷ{NNBSP}ᠡᠴᠡ", "гэрээс"),
        (f"ᠡᠮᠴᠢ{NNBSP}ᠶᠢᠨ", "эмчийн"),
        (f"ᠮᠣᠩᠭᠣᠯ{NNBSP}ᠢᠶᠠᠷ", "монголоор"),
        (f"ᠬᠦᠦ{NNBSP}ᠳᠦ", "хүүд"),
        (f"ᠬᠦᠦ{NNBSP}ᠲᠡᠢ", "хүүтэй"),
        (f"ᠬᠦᠦ{NNBSP}ᠪᠡᠨ", "хүүгээ"),
        (f"ᠴᠢᠰᠤᠨ{NNBSP}ᠤ", "цусны"),
        (f"ᠤᠰᠤᠨ{NNBSP}ᠳᠤ", "усанд"),
        (f"ᠮᠣᠷᠢ{NNBSP}ᠪᠠᠷ", "мориор"),
        (f"ᠴᠢᠳᠠᠬᠤ{NNBSP}ᠦᠭᠡᠢ", "чадахгүй"),
        (f"ᠪᠠᠭᠰᠢ{NNBSP}ᠨᠠᠷ", "багш нар"),
        (f"ᠰᠦ{FVS1}{NNBSP}ᠲᠡᠢ", "сүүтэй"),
        ("ᠭᠡᠷ ᠡᠴᠡ", "гэрээс"),
        ("ᠲᠣᠯᠣᠭᠠᠢ ᠮᠢᠨᠢ ᠡᠪᠡᠳᠴᠦ ᠪᠠᠶᠢᠨ᠎ᠠ᠃", "толгой минь өвдөж байна"),
        ("给 ᠬᠦᠦ 打电话", "给 хүү 打电话"),
    ],
)
def test_certain_words_and_their_suffixes_are_read(traditional: str, expected: str) -> None:
    assert cyrillic(traditional) == expected


@pytest.mark.parametrize("typed", ["ᠮᠤᠩᠭᠤᠯ", "ᠮᠣᠩᠭᠤᠯ"])
def test_letters_that_look_alike_may_be_typed_for_each_other(typed: str) -> None:
    assert cyrillic(typed) == "монгол"


@pytest.mark.parametrize("word", ["ᠬᠠᠷᠠᠩᠬᠤᠢ", "ᠣᠨᠣᠯ", f"ᠭᠡᠷ{NNBSP}ᠬᠡᠨ", "ᠠ", "ᡥᠠ"])
def test_what_is_not_certain_is_refused_by_name(word: str) -> None:
    with pytest.raises(BadInput, match="traditional spelling") as refusal:
        to_cyrillic(f"ᠭᠡᠷ, {word}.")
    assert word.split(NNBSP)[0] in str(refusal.value)


def test_both_spellings_sound_the_same() -> None:
    lexicon = Lexicon.of_model(MODEL)
    traditional, plain = ("ᠨᠠᠮᠠᠶᠢ ᠠᠪᠤᠷᠠᠭᠠᠷᠠᠢ", "намайг авраарай")
    assert lexicon.pronounce(Phrase(Language.MN, traditional)) == lexicon.pronounce(Phrase(Language.MN, plain))


@given(st.text(alphabet=st.characters(max_codepoint=0x17FF), max_size=15))
def test_other_text_stays_as_it_is(text: str) -> None:
    assert to_cyrillic(text) == text


@given(st.text(alphabet=st.sampled_from("ᠠᠡᠢᠣᠤᠥᠦᠨᠩᠪᠬᠭᠮᠯᠰᠲᠳᠴᠵᠶᠷ \u180e\u202f\u180b᠃"), max_size=12))
def test_no_letter_of_the_script_is_left_over(text: str) -> None:
    try:
        read = to_cyrillic(text)
    except BadInput:
        return
    assert not any("\u1820" <= mark <= "\u18af" for mark in read)
