from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.speech.pinyin import is_pinyin_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("你好", "ni3 hao3"),
        ("你好！", "Nǐ hǎo!"),
        ("你好", "nǐhǎo"),
        ("救命", "jiu4ming4"),
        ("救命", "jiù mìng"),
        ("救命", "jiu ming"),
        ("吃药", "chī yào"),
        ("绿", "lǜ"),
        ("绿", "lv4"),
        ("妈妈", "ma1 ma5"),
        ("西安", "xi'an"),
    ],
)
def test_pinyin_is_known_with_and_without_tones(text: str, column: str) -> None:
    assert is_pinyin_of(column, text)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("设定", "ʂɤ̂tîŋ"),
        ("你好", "ni˨˩˦ xɑʊ̯˨˩˦"),
        ("那里", "nali"),
        ("妈", "ma55"),
        ("奶奶", "nǎinai"),
        ("鼻", "pí"),
        ("打开 сайн", "da kai"),
        ("баяртай", "bɑjə̌rtʰɑj"),
        ("mama", "mama"),
        ("сайн", "сайн"),
        ("。", ""),
        ("", ""),
    ],
)
def test_ipa_is_not_taken_for_pinyin(text: str, column: str) -> None:
    assert not is_pinyin_of(column, text)


@given(st.text(max_size=8), st.text(max_size=8))
def test_any_text_has_an_answer(text: str, column: str) -> None:
    assert is_pinyin_of(column, text) in (True, False)
