"""The night is told in both languages, without digits, and what nobody knows is said to be unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.night import night_words
from dialogue.words import answer, safety_kind
from robot.messages import Answer, BedExit, Language, NightSummary

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN
H = 3600.0


def night(in_bed_h: float = 7.4, unknown_h: float = 0.0, exits: int = 2, **vitals: float) -> NightSummary:
    left = tuple(BedExit(float(n), n + 1.0) for n in range(exits))
    return NightSummary(0.0, 9 * H, in_bed_h * H, unknown_h * H, (*left, BedExit(8 * H, None)), **vitals)


@pytest.mark.parametrize(
    ("summary", "zh", "mn"),
    [
        (
            night(),
            "昨晚您在床上大约七个半小时，中间起来两次。",
            "Шөнө та орондоо ойролцоогоор долоон цаг хагас байсан, хоёр удаа боссон.",
        ),
        (
            night(8.1, exits=0),
            "昨晚您在床上大约八个小时，中间没有起来。",
            "Шөнө та орондоо ойролцоогоор найман цаг байсан, нэг ч удаа босоогүй.",
        ),
        (
            None,
            "我不知道您昨晚睡得怎么样，床垫没有数据。",
            "Таны шөнө хэрхэн унтсаныг би мэдэхгүй байна. Матрасын мэдээлэл алга.",
        ),
    ],
)
def test_a_night(summary, zh, mn):
    assert (night_words(summary, ZH), night_words(summary, MN)) == (zh, mn)


def test_rest_is_told_only_when_both_are_known():
    assert "心跳每分钟大约五十八下，呼吸十四下" in night_words(night(heart_rate_bpm=57.6, breath_rate_bpm=14.2), ZH)
    assert "心跳" not in night_words(night(heart_rate_bpm=57.6), ZH)


def test_with_a_gap_nobody_is_said_to_have_stayed_in_bed():
    told = night_words(night(5.0, unknown_h=3.0, exits=0), ZH)
    assert told == "昨晚我知道的，您在床上大约五个小时。有大约三个小时床垫没有数据，我不知道那时怎么样。"


@given(
    st.floats(0, 24),
    st.floats(0, 24),
    st.integers(0, 120),
    st.none() | st.floats(20, 250),
    st.none() | st.floats(3, 60),
    st.sampled_from(Language),
)
def test_no_night_has_digits_or_sounds_like_an_answer_or_a_cry(in_bed_h, unknown_h, exits, heart, breath, language):
    """The robot hears itself."""
    summary = night(in_bed_h, unknown_h, exits, heart_rate_bpm=heart, breath_rate_bpm=breath)
    told = night_words(summary, language)
    assert told
    assert not any(sign.isdigit() or sign in "{}" for sign in told)
    assert safety_kind(told, language) is None
    assert answer(told, language) is Answer.UNCLEAR
