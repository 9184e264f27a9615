"""A graph accepts exactly the sentences of its grammar, whatever meets at the edges of a slot."""

from __future__ import annotations

import math
from itertools import groupby, product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from robot.errors import BadInput
from robot.messages import Grammar, Language, Phrase
from robot.speech.ctc_graph import CtcGraph
from robot.speech.grammar import Compiler, Row, Rows
from robot.speech.graph_format import Slot, pieces_of
from robot.speech.lexicon import Lexicon
from robot.speech.phrase_book import PhraseBook
from robot.speech.ways import Pronunciation
from tests.unit.hearing.walker import heard

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN
LETTERS = "ab"
Sentence = tuple[tuple[str, ...], tuple[str, ...]]


class Letters(Lexicon):
    """A lexicon whose tokens are letters; in a text, x is said a or b."""

    def pronounce(self, phrase: Phrase) -> tuple[Pronunciation, ...]:
        spelt = "".join(letter for letter in phrase.pronunciation or phrase.text if letter.isalpha())
        if not spelt:
            raise BadInput("nothing to say")
        return tuple(product(*("ab" if letter == "x" else letter for letter in spelt)))


LEXICON = Letters(("<blk>", *LETTERS))


def sentences(rows: Rows, row: Row, word: str) -> list[Sentence]:
    """All (tokens, words) of a row: the specification of the compiler."""
    found: list[Sentence] = [((), ())]
    for piece in pieces_of(row.text):
        if isinstance(piece, Slot):
            numbers = rows.classes[row.language, piece.key]
            ways = [one for number in numbers for one in sentences(rows, rows.forms[number], f"c{number}")]
        else:
            ways = [(way, ()) for way in LEXICON.pronounce(Phrase(row.language, piece))]
        found = [(tokens + more, words + said) for tokens, words in found for more, said in ways]
    return [(tokens, (*words, word)) for tokens, words in found]


def compiled(grammar: Grammar) -> tuple[CtcGraph, list[Sentence], Rows]:
    rows = Rows(grammar)
    graph = Compiler(rows, LEXICON).graph
    everything = [one for number, row in enumerate(rows.phrases) for one in sentences(rows, row, f"p{number}")]
    return graph, everything, rows


def expected(everything: list[Sentence], frames: list[int]) -> set[tuple[str, ...]]:
    """CTC: equal frames in a row are one token, blanks part and vanish."""
    tokens = tuple(LETTERS[k - 1] for k, _ in groupby(frames) if k)
    return {words for said, words in everything if said == tokens} or ({()} if not tokens else set())


words = st.text(alphabet="abx", min_size=1, max_size=3)
templates = st.lists(st.sampled_from(["{one}", "{two}", "a", "b", "ab", "x"]), min_size=1, max_size=4, unique=True).map(
    "".join
)


@st.composite
def grammars(draw: st.DrawFn) -> Grammar:
    inner = tuple(Phrase(ZH, text) for text in draw(st.lists(words, min_size=1, max_size=3)))
    outer = draw(st.lists(words | st.sampled_from(["{two}", "{two}a", "b{two}"]), min_size=1, max_size=3))
    phrases = tuple(Phrase(ZH, text) for text in draw(st.lists(templates, min_size=1, max_size=4)))
    return Grammar(phrases, {(ZH, "one"): tuple(Phrase(ZH, text) for text in outer), (ZH, "two"): inner})


@given(grammars(), st.data())
def test_every_sentence_is_accepted_however_long_its_sounds_are_held(grammar: Grammar, data: st.DataObject) -> None:
    graph, everything, _ = compiled(grammar)
    tokens, said = data.draw(st.sampled_from(everything))
    frames: list[int] = []
    for token in tokens:
        k = LETTERS.index(token) + 1
        apart = data.draw(st.integers(1 if frames and frames[-1] == k else 0, 2))
        frames += [0] * apart + [k] * data.draw(st.integers(1, 2))
    frames += [0] * data.draw(st.integers(0, 2))
    assert said in heard(graph, frames)


@given(grammars(), st.lists(st.integers(0, 2), min_size=1, max_size=10))
def test_nothing_but_its_sentences_is_accepted(grammar: Grammar, frames: list[int]) -> None:
    graph, everything, _ = compiled(grammar)
    assert set(heard(graph, frames)) == expected(everything, frames)


def test_equal_neighbours_at_the_edges_of_a_slot_need_a_blank() -> None:
    grammar = Grammar((Phrase(ZH, "a{one}a"),), {(ZH, "one"): (Phrase(ZH, "a"), Phrase(ZH, "ab"))})
    graph, _, _ = compiled(grammar)
    assert not heard(graph, [1, 1, 1])
    assert set(heard(graph, [1, 0, 1, 0, 1])) == {("c0", "p0")}
    assert not heard(graph, [1, 2, 1])
    assert set(heard(graph, [1, 0, 1, 2, 1])) == {("c1", "p0")}


@given(grammars(), st.data())
def test_the_words_of_a_sentence_are_read_back_as_it_was_said(grammar: Grammar, data: st.DataObject) -> None:
    _, everything, rows = compiled(grammar)
    book = PhraseBook(
        [(row.language, row.text, 1, row.kind) for row in rows.phrases], [(f.text, 1) for f in rows.forms]
    )
    tokens, said = data.draw(st.sampled_from(everything))
    known = book.read(" ".join(said))
    assert known is not None
    assert all(one in (letter, "x") for one, letter in zip(known.text, tokens, strict=True))
    assert known.row == int(said[-1][1:])
    assert set(known.slots) == {slot.name for slot in rows.phrases[known.row].slots}


def test_a_class_does_not_win_by_the_number_of_its_values() -> None:
    """Each of many values costs more than a plain phrase of that weight, and a rare one more than a frequent one."""
    many = (Phrase(ZH, "b", weight=3.0), *(Phrase(ZH, "b" * count) for count in range(2, 30)))
    graph, _, rows = compiled(Grammar((Phrase(ZH, "a{one}"), Phrase(ZH, "ab")), {(ZH, "one"): many}))
    costs = heard(graph, [1, 2])
    assert costs["p1",] == 0.0
    frequent = costs["c0", "p0"]
    rare = heard(graph, [1, 2, 0, 2])["c1", "p0"]
    assert 0.0 < frequent < rare
    assert math.isclose(frequent, 0.5 * math.log(31 / 3))
    assert len(rows.forms) == 29


def test_weights_are_costs_and_the_same_phrase_counts_once() -> None:
    graph, _, rows = compiled(Grammar((Phrase(ZH, "a", weight=0.5), Phrase(ZH, "a", "b", weight=2.0)), {}))
    assert len(rows.phrases) == 1
    assert math.isclose(heard(graph, [1])["p0",], -math.log(2.0))
    assert math.isclose(heard(graph, [2])["p0",], -math.log(2.0))


def test_one_copy_of_a_class_serves_all_phrases_that_begin_alike() -> None:
    values = tuple(Phrase(ZH, "".join(letters)) for letters in product(LETTERS, repeat=4))
    one = len(compiled(Grammar((Phrase(ZH, "a{one}b"),), {(ZH, "one"): values}))[0].arcs)
    two = len(compiled(Grammar((Phrase(ZH, "a{one}b"), Phrase(ZH, "a{one}ab")), {(ZH, "one"): values}))[0].arcs)
    assert two - one < 10


def test_a_pronunciation_with_the_same_slots_overrides_the_lexicon() -> None:
    grammar = Grammar((Phrase(ZH, "a{one}", "b{one}b"),), {(ZH, "one"): (Phrase(ZH, "a"),)})
    graph, _, _ = compiled(grammar)
    assert heard(graph, [2, 1, 2])
    assert not heard(graph, [1, 0, 1])


@pytest.mark.parametrize(
    ("phrase", "classes", "named"),
    [
        (Phrase(ZH, "a{nobody}"), {}, "nobody"),
        (Phrase(ZH, "a{one"), {}, "brace"),
        (Phrase(ZH, "a{0}"), {}, "no name"),
        (Phrase(ZH, "a{one!r}"), {}, "no name"),
        (Phrase(ZH, "{one}{one}"), {(ZH, "one"): (Phrase(ZH, "a"),)}, "two slots"),
        (Phrase(ZH, "{one}"), {(ZH, "one"): (Phrase(ZH, "a{one}"),)}, "own class"),
        (Phrase(ZH, "{one}"), {(MN, "one"): (Phrase(MN, "a"),)}, "no such class"),
        (Phrase(ZH, "a{one}", "b"), {(ZH, "one"): (Phrase(ZH, "a"),)}, "same slots"),
        (Phrase(ZH, "a", weight=0.0), {}, "weight"),
        (Phrase(ZH, "a", weight=math.nan), {}, "weight"),
        (Phrase(ZH, "…"), {}, "…"),
    ],
)
def test_what_cannot_be_compiled_is_refused_and_named(
    phrase: Phrase, classes: dict[tuple[Language, str], tuple[Phrase, ...]], named: str
) -> None:
    with pytest.raises(BadInput, match=named):
        compiled(Grammar((phrase,), classes))


@given(st.text())
def test_no_text_breaks_the_reading_of_templates(text: str) -> None:
    try:
        pieces = pieces_of(text)
    except BadInput:
        assert "{" in text or "}" in text
        return
    assume("{" not in text and "}" not in text)
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == text
