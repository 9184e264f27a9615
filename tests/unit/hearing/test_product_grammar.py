"""The product's grammar with the product's lexicon: what is pronounced piece by piece is what is said as a whole."""

from __future__ import annotations

import random

import pytest

from dialogue.classes import filled, slots_of
from dialogue.grammar import resident_grammar
from dialogue.words import words
from robot.messages import Grammar, OwnName, Phrase
from robot.speech.grammar import Compiler, Rows
from robot.speech.lexicon import Lexicon
from robot.speech.phrase_book import PhraseBook
from tests.unit.hearing.conftest import MODEL
from tests.unit.hearing.walker import heard

pytestmark = pytest.mark.unit

NAMES = (OwnName("person", "单明", "Саран"), OwnName("medicine", "硝苯地平", "нифедипин"))
GRAMMAR = resident_grammar(words(), NAMES)
SLOTTED = [phrase for phrase in GRAMMAR.phrases if slots_of(phrase.text)]


@pytest.fixture(scope="module")
def compiled() -> tuple[Compiler, PhraseBook, Lexicon]:
    rows, lexicon = Rows(GRAMMAR), Lexicon.of_model(MODEL, GRAMMAR.names)
    compiler = Compiler(rows, lexicon)
    phrases = [(row.language, row.text, compiler.tokens_of(row), row.kind) for row in rows.phrases]
    return compiler, PhraseBook(phrases, [(form.text, compiler.tokens_of(form)) for form in rows.forms]), lexicon


def sentence(grammar: Grammar, phrase: Phrase, draw: random.Random) -> str:
    slots = [(phrase.language, f"{name}:{case}" if case else name) for name, case in slots_of(phrase.text)]
    return filled(phrase.text, [sentence(grammar, draw.choice(grammar.classes[slot]), draw) for slot in slots])


@pytest.mark.parametrize("seed", range(3))
def test_a_sentence_is_heard_as_the_lexicon_says_it_whole(
    compiled: tuple[Compiler, PhraseBook, Lexicon], seed: int
) -> None:
    """Characters whose reading hangs on their neighbours (了, 还, 得) must not change at the edge of a slot."""
    compiler, book, lexicon = compiled
    number = {token: k for k, token in enumerate(lexicon.tokens)}
    draw = random.Random(seed)
    for phrase in SLOTTED:
        text = sentence(GRAMMAR, phrase, draw)
        way = lexicon.pronounce(Phrase(phrase.language, text))[0]
        frames = [0, *(frame for token in way for frame in (number[token], 0))]
        read = [known for said in heard(compiler.graph, frames) if (known := book.read(" ".join(said)))]
        same = [known for known in read if known.text.replace(" ", "") == text.replace(" ", "")]
        assert [known.language for known in same] == [phrase.language], text
        assert set(same[0].slots) == {name for name, _ in slots_of(phrase.text)}
        assert same[0].tokens <= len(way)
