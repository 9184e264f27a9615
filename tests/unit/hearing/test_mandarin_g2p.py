from __future__ import annotations

import pytest

from robot.errors import BadInput
from robot.speech.mandarin_g2p import mandarin_tokens, pinyin_tokens

pytestmark = pytest.mark.unit


def ways(text: str, names: tuple[str, ...] = ()) -> list[str]:
    return [" ".join(way) for way in mandarin_tokens(text, names)]


def pinyin(syllables: str) -> str:
    return " ".join(token for syllable in syllables.split() for token in pinyin_tokens(syllable))


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("谁来了", ["shei lai le", "shui lai le"]),
        ("流血", ["liu xie", "liu xue"]),
        ("血压", ["xue ya", "xie ya"]),
        ("这个", ["zhe ge", "zhei ge"]),
        ("还书", ["huan shu"]),
        ("还没吃", ["hai mei chi"]),
        ("我得走了", ["wo dei zou le", "wo de zou le"]),
        ("觉得", ["jue de"]),
        ("调大", ["tiao da"]),
        ("调查", ["diao cha"]),
        ("重庆", ["chong qing"]),
        ("睡着了", ["shui zhao le"]),
        ("动不了", ["dong bu liao"]),
        ("家人参加", ["jia ren can jia"]),
        ("胳膊", ["ge bo", "ge be"]),
    ],
)
def test_context_decides_a_reading_and_what_it_leaves_open_is_said_both_ways(text: str, readings: list[str]) -> None:
    expected = [pinyin(reading) if "be" not in reading.split() else None for reading in readings]
    found = ways(text)
    assert len(found) == len(readings)
    assert all(way == want for way, want in zip(found, expected, strict=True) if want is not None)


@pytest.mark.parametrize(
    ("text", "coloured", "full"),
    [
        ("一会儿", "Zi x Zu Zer", "Zi x Zuei Zer"),
        ("一点儿", "Zi d Zia Zer", "Zi d Zian Zer"),
        ("没事儿", "m Zei Sh Zer", "m Zei Sh Zih Zer"),
        ("明儿", "m Zi Zer", "m Zing Zer"),
    ],
)
def test_a_coloured_ending_comes_before_the_full_one(text: str, coloured: str, full: str) -> None:
    assert ways(text) == [coloured, full]


@pytest.mark.parametrize("text", ["女儿", "婴儿", "儿子", "我儿子", "儿媳妇", "小儿麻痹"])
def test_a_child_is_a_syllable_of_its_own(text: str) -> None:
    assert all("Zer" in way.split() for way in ways(text))
    assert len(ways(text)) == 1


@pytest.mark.parametrize(
    ("text", "family"),
    [("单大夫", "shan"), ("老解", "lao xie"), ("曾护士", "zeng"), ("小查", "xiao zha"), ("区阿姨", "ou")],
)
def test_a_family_name_by_a_title_is_a_name_first(text: str, family: str) -> None:
    assert ways(text)[0].startswith(pinyin(family) + " ") or ways(text)[0] == pinyin(family)


def test_a_word_that_ends_like_a_family_name_is_no_name() -> None:
    assert ways("调查护士") == [pinyin("diao cha hu shi")]


def test_given_names_are_names_anywhere() -> None:
    assert ways("叫解明来", ("解明",)) == [pinyin("jiao xie ming lai")]
    assert ways("叫盖明来", ("盖明",)) == [pinyin("jiao ge ming lai"), pinyin("jiao gai ming lai")]


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("打120", ["da yao er ling", "da yi er ling", "da yi bai er shi", "da yi bai er"]),
        ("404房间", ["si ling si fang jian", "si bai ling si fang jian"]),
        ("80岁", ["ba shi sui"]),
        ("2个", ["liang ge"]),
        ("2点半", ["liang dian ban"]),
        ("8:30", ["ba dian ban", "ba dian san shi"]),
        ("36.5度", ["san shi liu dian wu du"]),
        ("50%", ["bai fen zhi wu shi"]),
        ("10mg", ["shi hao ke"]),
        ("2026年", ["er ling er liu nian"]),
        ("200毫升", ["er bai hao sheng", "liang bai hao sheng"]),
        ("８０岁", ["ba shi sui"]),
        ("二〇二六", ["er ling er liu"]),
    ],
)
def test_numbers_are_said_in_every_usual_way(text: str, readings: list[str]) -> None:
    assert ways(text) == [pinyin(reading) for reading in readings]


@pytest.mark.parametrize("text", ["CT", "做ct", "B超", "X光", "WiFi", "KTV", "维生素C"])
def test_abbreviations_of_daily_life_are_spelt(text: str) -> None:
    assert ways(text)


@pytest.mark.parametrize("text", ["打开Maps", "Ωмега", "хүү", "你ก", "", "？！", "👍"])
def test_what_is_not_mandarin_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"Mandarin phrase|Latin word"):
        mandarin_tokens(text)


@pytest.mark.parametrize(
    ("syllable", "tokens"), [("lü", "l Zv"), ("zhi", "Zh Zih"), ("si", "s Zis"), ("weng", "Zu Zeng")]
)
def test_one_syllable(syllable: str, tokens: str) -> None:
    assert " ".join(pinyin_tokens(syllable)) == tokens


def test_what_is_no_syllable_is_refused() -> None:
    with pytest.raises(BadInput, match="'zzz'"):
        pinyin_tokens("zzz")
