from __future__ import annotations

import pytest

from robot.messages import Grammar, Language, Phrase, PhraseKind, Reading
from robot.speech.completeness import Completeness

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN


def command(text: str, language: Language = ZH) -> Phrase:
    return Phrase(language, text, kind=PhraseKind.COMMAND)


GRAMMAR = Grammar(
    (
        command("关灯"),
        command("停"),
        command("停下来"),
        command("给{person}打电话"),
        command("给我"),
        command("{person}在哪"),
        command("儿子"),
        command("гэрэл унтраа", MN),
        command("гэрэл", MN),
        command("сайн байна уу сайхан амарсан уу", MN),
        Phrase(ZH, "下雨了"),
    ),
    {(ZH, "person"): (Phrase(ZH, "儿子"), Phrase(MN, "хүү"))},
)


@pytest.mark.parametrize(
    ("text", "language", "complete"),
    [
        ("关灯", ZH, True),
        ("停下来", ZH, True),
        ("停 下来", ZH, True),
        ("гэрэл унтраа", MN, True),
        ("停", ZH, False),  # 停下来
        ("给我", ZH, False),  # a person may be called 我...
        ("儿子", ZH, False),  # 儿子在哪
        ("гэрэл", MN, False),
        ("下雨了", ZH, False),  # talk goes on
        ("сайн байна уу сайхан амарсан уу", MN, False),  # not short
        ("关灯", MN, False),
        ("不认识", ZH, False),
    ],
)
def test_a_short_command_is_complete_when_nothing_longer_begins_with_it(
    text: str, language: Language, complete: bool
) -> None:
    assert Completeness(GRAMMAR)(Reading(text, language, 0.95)) is complete


def test_what_is_not_sure_is_not_complete() -> None:
    assert not Completeness(GRAMMAR)(Reading("关灯", ZH, 0.5))


def test_a_sentence_that_may_begin_with_anything_makes_nothing_complete() -> None:
    open_start = Grammar((command("关灯"), command("{unknown}怎么样")), {})
    assert not Completeness(open_start)(Reading("关灯", ZH, 0.95))
