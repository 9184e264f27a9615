"""What is written becomes what is spoken, in the right voice, and nothing is lost on the way."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import Language
from robot.speech import mongolian_numbers
from robot.speech.normalise import can_be_spoken, split_by_script, spoken_text

pytestmark = pytest.mark.unit

DATA = Path(__file__).parents[2] / "data" / "voice"
LANGUAGES = st.sampled_from(list(Language))
MIXED = st.text(
    st.sampled_from(
        "您好吃药两点片次元第度年月日分之血压心率 сайнцагөүрнд-т°℃%％/.,:：；-–~ \n()0123456789０１½²٣Hanikgml,，。¥"
    ),
    max_size=40,
)


def golden(language: Language) -> list[tuple[str, str]]:
    lines = (DATA / f"spoken_{language.value}.tsv").read_text(encoding="utf-8").splitlines()
    return [(written, spoken) for written, spoken in (line.split("\t") for line in lines)]


@pytest.mark.parametrize(("written", "spoken"), golden(Language.ZH))
def test_mandarin_is_spoken_as_the_golden_file_says(written: str, spoken: str) -> None:
    assert spoken_text(written, Language.ZH) == spoken


@pytest.mark.parametrize(("written", "spoken"), golden(Language.MN))
def test_mongolian_is_spoken_as_the_golden_file_says(written: str, spoken: str) -> None:
    assert spoken_text(written, Language.MN) == spoken


@given(st.one_of(MIXED, st.text(max_size=40)), LANGUAGES)
def test_no_decimal_digit_reaches_the_voice_whatever_the_text(text: str, language: Language) -> None:
    assert not any(character.isdecimal() for character in spoken_text(text, language))


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("length", [12, 13, 18, 5000])  # 5000: Python refuses to make an integer of it
def test_a_number_of_any_length_is_spoken(length: int, language: Language) -> None:
    assert can_be_spoken(spoken_text("7" * length, language))


@given(st.text(max_size=60), LANGUAGES)
def test_split_parts_are_the_text_and_neighbours_differ(text: str, language: Language) -> None:
    parts = split_by_script(text, language)
    assert "".join(part for _, part in parts) == text
    assert all(before[0] is not after[0] for before, after in pairwise(parts))
    assert all(part for _, part in parts)


@given(MIXED, LANGUAGES)
def test_no_voice_gets_letters_of_the_other_script(text: str, language: Language) -> None:
    for side, part in split_by_script(text, language):
        strange = "сайнцагөүрндт" if side is Language.ZH else "您好吃药两点片次元第度年月日分之血压心率"
        assert not set(part) & set(strange)


@pytest.mark.parametrize(
    ("text", "language", "parts"),
    [
        ("Сайн байна уу, 你好", "mn", [("mn", "Сайн байна уу, "), ("zh", "你好")]),
        ("您的 эмч 2 点来", "zh", [("zh", "您的 "), ("mn", "эмч"), ("zh", " 2 点来")]),
        ("请拨打120 руу", "mn", [("zh", "请拨打"), ("mn", "120 руу")]),
        ("12:30 болно", "zh", [("mn", "12:30 болно")]),
        ("12:30", "mn", [("mn", "12:30")]),
        ("ᠰᠠᠶᠢᠨ 您好", "zh", [("mn", "ᠰᠠᠶᠢᠨ "), ("zh", "您好")]),
        ("", "zh", []),
    ],
)
def test_numbers_between_scripts_follow_the_language_of_the_text(
    text: str, language: str, parts: list[tuple[str, str]]
) -> None:
    assert split_by_script(text, Language(language)) == [(Language(side), part) for side, part in parts]


# An independent reading of Mongolian numerals, so that the property below is no mirror of the code under test.
VALUES = {
    **dict(zip(["нэг", "хоёр", "гурав", "дөрөв", "тав", "зургаа", "долоо", "найм", "ес"], range(1, 10), strict=True)),
    **dict(zip(["гурван", "дөрвөн", "таван", "зургаан", "долоон", "найман", "есөн"], range(3, 10), strict=True)),
    **dict(zip(["арав", "хорь", "гуч", "дөч", "тавь", "жар", "дал", "ная", "ер"], range(10, 100, 10), strict=True)),
    **dict(
        zip(
            ["арван", "хорин", "гучин", "дөчин", "тавин", "жаран", "далан", "наян", "ерэн"],
            range(10, 100, 10),
            strict=True,
        )
    ),
    "тэг": 0,
}
SCALES = {"мянга": 10**3, "мянган": 10**3, "сая": 10**6, "тэрбум": 10**9}


def value_of(words: str) -> int:
    total = part = 0
    for word in words.split():
        if word in ("зуу", "зуун"):
            part = max(part, 1) * 100
        elif word in SCALES:
            total, part = total + max(part, 1) * SCALES[word], 0
        else:
            part += VALUES[word]
    return total + part


@given(st.integers(min_value=0, max_value=mongolian_numbers.LARGEST), st.booleans())
def test_a_mongolian_number_in_words_has_its_value(number: int, before_noun: bool) -> None:
    assert value_of(mongolian_numbers.cardinal(number, before_noun=before_noun)) == number


@given(st.integers(min_value=0, max_value=mongolian_numbers.LARGEST))
def test_every_mongolian_number_has_an_ordinal(number: int) -> None:
    assert mongolian_numbers.ordinal(number).endswith(("дугаар", "дүгээр"))


@given(st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_day_keeps_hour_and_minute(hour: int, minute: int) -> None:
    hours, _, minutes = mongolian_numbers.spell_out(f"{hour:02}:{minute:02}").partition(" цаг")
    assert value_of(hours) == hour
    assert (30 if minutes == " хагас" else value_of(minutes.replace("минут", ""))) == minute
