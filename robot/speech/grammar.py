"""The grammar of one recogniser: templates with slots, classes of words, and how they become a graph. Pure.

Costs are nats, the lower the likelier: -ln(weight) for a phrase. A form of a class costs `_SHARE` of -ln(its share of
the class), so a phrase with many values does not win by their number. All of it, as for a true probability, would be
8 nats for a time of day and would lose such sentences to the filler.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from robot.errors import BadInput
from robot.messages import Grammar, Language, Phrase, PhraseKind
from robot.speech.ctc_graph import CtcGraph, Place
from robot.speech.graph_format import Slot, pieces_of
from robot.speech.lexicon import Lexicon
from robot.speech.ways import Pronunciation

_SHARE = 0.5
_LEAST_WEIGHT = 1e-9
ClassKey = tuple[Language, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A phrase or a form, entered once however often it was given: all its pronunciations, its lowest cost."""

    language: Language
    text: str
    kind: PhraseKind
    cost: float
    ipa: tuple[str | None, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(piece for piece in pieces_of(self.text) if isinstance(piece, Slot))


class Rows:
    """A grammar in numbered rows: word `p7` of its graph is `phrases[7]`, word `c12` is `forms[12]`.

    Raises `BadInput` naming the phrase, for a weight that is not above 0, an unknown class, or a class within itself.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.phrases = _merged(grammar.phrases)
        if not self.phrases:
            raise BadInput("There is no phrase to listen for; give at least one.")
        self.forms: list[Row] = []
        self.classes: dict[ClassKey, range] = {}
        self._source = grammar.classes
        for row in self.phrases:
            self._enter_classes(row, ())

    def _enter_classes(self, row: Row, within: tuple[ClassKey, ...]) -> None:
        for slot in row.slots:
            key = (row.language, slot.key)
            if key in within:
                raise BadInput(f"Phrase {row.text!r} stands within its own class {slot.key}; a class must end.")
            if key in self.classes:
                continue
            forms = _merged(self._source.get(key, ()), class_of=True)
            if not forms:
                raise BadInput(f"Phrase {row.text!r} has the slot {{{slot.key}}}, but there is no such class.")
            for form in forms:
                self._enter_classes(form, (*within, key))
            self.classes[key] = range(len(self.forms), len(self.forms) + len(forms))
            self.forms += forms


def _merged(phrases: tuple[Phrase, ...], *, class_of: bool = False) -> list[Row]:
    found: dict[tuple[Language, str], list[Phrase]] = {}
    for phrase in phrases:
        if not (phrase.weight >= _LEAST_WEIGHT and math.isfinite(phrase.weight)):
            raise BadInput(f"Phrase {phrase.text!r} has weight {phrase.weight}; it must be above 0.")
        found.setdefault((phrase.language, phrase.text), []).append(phrase)
    weights = {key: max(phrase.weight for phrase in same) for key, same in found.items()}
    whole, share = (sum(weights.values()), _SHARE) if class_of else (1.0, 1.0)
    return [
        Row(
            language,
            text,
            same[0].kind,
            share * -math.log(weights[language, text] / whole),
            tuple(dict.fromkeys(phrase.pronunciation for phrase in same)),
        )
        for (language, text), same in found.items()
    ]


class Compiler:
    """Writes the rows of a grammar into a graph; `tokens_of` is the least length of a row's own literals."""

    def __init__(self, rows: Rows, lexicon: Lexicon) -> None:
        self.graph = CtcGraph(lexicon.tokens)
        self._rows = rows
        self._lexicon = lexicon
        self._spoken: dict[tuple[Language, str, str | None], tuple[Pronunciation, ...]] = {}
        for number, row in enumerate(rows.phrases):
            for place in self._places(row, self.graph.start):
                self.graph.finish(place, f"p{number}", row.cost)

    def tokens_of(self, row: Row) -> int:
        """Tokens of the shortest way to say what stands between the slots of `row`."""
        return min(
            sum(min(map(len, part)) for part in parts if not isinstance(part, Slot)) for parts in self._parts(row)
        )

    def _places(self, row: Row, start: Place) -> Iterator[Place]:
        """Where `row` ends when it begins at `start`: a place for each way to say its last literal."""
        seen: dict[int, Place] = {}
        for parts in self._parts(row):
            place = start
            *body, last = parts
            for part in body:
                place = self._slot(place, row, part) if isinstance(part, Slot) else self.graph.say(place, part)
            ends = (
                [self._slot(place, row, last)]
                if isinstance(last, Slot)
                else [self.graph.say(place, (way,)) for way in last]
            )
            seen.update({id(end): end for end in ends})
        yield from seen.values()

    def _slot(self, place: Place, row: Row, slot: Slot) -> Place:
        key = (row.language, slot.key)

        def forms(entry: Place) -> Iterator[tuple[Place, str, float]]:
            for number in self._rows.classes[key]:
                form = self._rows.forms[number]
                for end in self._places(form, entry):
                    yield end, f"c{number}", form.cost

        return self.graph.fill(place, key, forms)

    def _parts(self, row: Row) -> list[list[tuple[Pronunciation, ...] | Slot]]:
        """The row with each literal as the ways to say it, once for each pronunciation that was given."""
        return [self._spoken_parts(row, ipa) for ipa in row.ipa]

    def _spoken_parts(self, row: Row, ipa: str | None) -> list[tuple[Pronunciation, ...] | Slot]:
        pieces = pieces_of(row.text)
        if not row.slots:
            return [self._ways(row, row.text, ipa)]
        said = pieces_of(ipa) if ipa else None
        if said is not None and [piece for piece in said if isinstance(piece, Slot)] != list(row.slots):
            raise BadInput(f"Phrase {row.text!r} must have the same slots in its pronunciation {ipa!r}.")
        literals = (piece for piece in (said or pieces))
        parts: list[tuple[Pronunciation, ...] | Slot] = []
        for piece in literals:
            if isinstance(piece, Slot):
                parts.append(piece)
            elif any(mark.isalnum() for mark in piece):
                parts.append(self._ways(row, piece.strip(), piece if said else None))
        return parts

    def _ways(self, row: Row, text: str, ipa: str | None) -> tuple[Pronunciation, ...]:
        key = (row.language, text, ipa)
        if key not in self._spoken:
            try:
                self._spoken[key] = self._lexicon.pronounce(Phrase(row.language, text, ipa))
            except BadInput as error:
                if row.text in str(error):
                    raise
                raise BadInput(f"Phrase {row.text!r}: {error}") from None
        return self._spoken[key]
