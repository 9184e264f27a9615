from __future__ import annotations

import csv

import pytest

from robot.messages import Language, Phrase
from robot.speech.lexicon import MOST_WAYS, Lexicon
from tests.unit.hearing.conftest import DATA, MODEL

pytestmark = pytest.mark.unit

LEXICON = Lexicon.of_model(MODEL)
with (DATA / "lexicon.tsv").open(encoding="utf-8", newline="") as lines:
    ROWS = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['language']}-{row['text']}" for row in ROWS])
def test_a_word_is_said_as_it_was_checked(row: dict[str, str]) -> None:
    ways = LEXICON.pronounce(Phrase(Language(row["language"]), row["text"]))
    assert " | ".join(" ".join(way) for way in ways) == row["ways"]


@pytest.mark.parametrize("language", list(Language))
def test_the_golden_file_holds_enough_of_each_language_once(language: Language) -> None:
    texts = [row["text"] for row in ROWS if row["language"] == language.value]
    assert len(texts) >= 250
    assert len(set(texts)) == len(texts)


def test_checked_rows_are_bounded_and_known_to_the_model() -> None:
    for row in ROWS:
        ways = [way.split() for way in row["ways"].split(" | ")]
        assert len(ways) <= MOST_WAYS
        assert all(way and set(way) <= set(LEXICON.tokens[1:]) for way in ways), row["text"]
