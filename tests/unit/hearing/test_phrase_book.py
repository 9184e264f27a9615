from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import MissingPart
from robot.messages import Language, PhraseKind
from robot.speech.graph_format import PHRASES_FILE
from robot.speech.phrase_book import Known, PhraseBook

pytestmark = pytest.mark.unit

BOOK = PhraseBook(
    [
        (Language.ZH, "给{person}打电话", 8, PhraseKind.COMMAND),
        (Language.ZH, "{time}叫我吃{medicine}", 9, PhraseKind.FREE),
        (Language.MN, "{person:to} утасдаач", 7, PhraseKind.COMMAND),
        (Language.ZH, "救命", 4, PhraseKind.SAFETY),
    ],
    [("儿子", 3), ("хүү", 3), ("早上{hour}点", 7), ("八", 2), ("钙片", 4), ("儿子 руу", 5)],
)


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("c0 p0", Known(0, Language.ZH, "给儿子打电话", 11, {"person": "儿子"}, PhraseKind.COMMAND)),
        ("c1 p0", Known(0, Language.ZH, "给 хүү 打电话", 11, {"person": "хүү"}, PhraseKind.COMMAND)),
        ("c5 p2", Known(2, Language.MN, "儿子 руу утасдаач", 12, {"person": "儿子 руу"}, PhraseKind.COMMAND)),
        (
            "c3 c2 c4 p1",
            Known(1, Language.ZH, "早上八点叫我吃钙片", 22, {"time": "早上八点", "medicine": "钙片"}, PhraseKind.FREE),
        ),
        ("p3", Known(3, Language.ZH, "救命", 4, {}, PhraseKind.SAFETY)),
    ],
)
def test_words_are_read_as_the_sentence_that_was_said(words: str, known: Known) -> None:
    assert BOOK.read(words) == known


@pytest.mark.parametrize(
    "words",
    ["", "[unk]", "p0", "c0", "c0 c0 p0", "c2 p0", "p0 c0", "c9 p0", "c0 p4", "c0 p-1", "p٣", "[unk] p3", "<eps>"],
)
def test_what_is_no_sentence_is_none(words: str) -> None:
    assert BOOK.read(words) is None


@given(st.text() | st.lists(st.sampled_from(["c0", "c2", "c3", "c4", "p0", "p1", "p3", "[unk]"])).map(" ".join))
def test_no_words_break_it(words: str) -> None:
    known = BOOK.read(words)
    assert known is None or "{" not in known.text


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"phrases": [["zh", "a"]], "forms": []}', '{"phrases": 3}'])
def test_a_file_that_is_none_says_what_to_do(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / PHRASES_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(MissingPart, match="built again"):
        PhraseBook.of_graph(tmp_path)
