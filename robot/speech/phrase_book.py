"""What the words that Vosk returns mean: the sentence as said, its slots, its kind. Pure but for reading one file.

A graph's output words are row numbers: `p7` is phrase 7, `c12` form 12 of a class. A form's word comes where the form
ends, so a sentence arrives in postfix order: `c12 p7` is phrase 7 whose slot is filled by form 12, and a form that has
slots itself (a time of hour and minute) takes the values before it in the same way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from robot.errors import MissingPart
from robot.messages import Language, PhraseKind
from robot.speech.graph_format import PHRASES_FILE, Slot, pieces_of

_SCRIPTS_MEET = re.compile("(?<=[\u3400-\u9fff])(?=[\u0400-\u04ff])|(?<=[\u0400-\u04ff])(?=[\u3400-\u9fff])")


@dataclass(frozen=True, slots=True)
class Known:
    """A sentence of the grammar as it was said.

    `row` is the phrase's place in the grammar, `tokens` the length of the sentence in tokens of the model, `slots` maps
    each slot's name to the form that was said ("person" -> "хүү рүү").
    """

    row: int
    language: Language
    text: str
    tokens: int
    slots: Mapping[str, str] = field(default_factory=dict)
    kind: PhraseKind = PhraseKind.FREE


class PhraseBook:
    """The phrases and forms of one graph."""

    def __init__(
        self, phrases: Sequence[tuple[Language, str, int, PhraseKind]], forms: Sequence[tuple[str, int]] = ()
    ) -> None:
        self._phrases = [(language, pieces_of(text), tokens, kind) for language, text, tokens, kind in phrases]
        self._forms = [(pieces_of(text), tokens) for text, tokens in forms]

    @classmethod
    def of_graph(cls, graph_dir: Path) -> PhraseBook:
        """The book of a graph folder. Raises `MissingPart` when its file cannot be used."""
        try:
            book = json.loads((graph_dir / PHRASES_FILE).read_text(encoding="utf-8"))
            return cls(
                [
                    (Language(language), text, int(tokens), PhraseKind(kind))
                    for language, text, tokens, kind in book["phrases"]
                ],
                [(text, int(tokens)) for text, tokens in book["forms"]],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MissingPart(
                f"The speech graph {graph_dir} cannot be loaded; delete it, it will be built again."
            ) from error

    def __len__(self) -> int:
        """How many phrases, slots counted once."""
        return len(self._phrases)

    def read(self, words: str) -> Known | None:
        """The sentence that the output words of one path stand for; None for silence, `[unk]` and anything else."""
        values: list[tuple[str, int]] = []
        *before, last = words.split() or [""]
        for word in before:
            row = _row(word, "c", len(self._forms))
            filled = _fill(*self._forms[row], values) if row is not None else None
            if filled is None:
                return None
            text, tokens, slots = filled
            values = [*values[: len(values) - len(slots)], (text, tokens)]
        row = _row(last, "p", len(self._phrases))
        if row is None:
            return None
        language, pieces, length, kind = self._phrases[row]
        filled = _fill(pieces, length, values)
        if filled is None or len(filled[2]) != len(values):
            return None
        text, tokens, slots = filled
        return Known(row, language, text, tokens, MappingProxyType(slots), kind)


def _row(word: str, letter: str, rows: int) -> int | None:
    number = word[1:]
    if word[:1] != letter or not (number.isascii() and number.isdecimal()) or int(number) >= rows:
        return None
    return int(number)


def _fill(
    pieces: Sequence[str | Slot], tokens: int, values: Sequence[tuple[str, int]]
) -> tuple[str, int, dict[str, str]] | None:
    """The template with its slots filled by the last of `values`; None when there are too few."""
    slots = [piece for piece in pieces if isinstance(piece, Slot)]
    if len(slots) > len(values):
        return None
    taken = values[len(values) - len(slots) :]
    waiting = iter(taken)
    text = "".join(piece if isinstance(piece, str) else next(waiting)[0] for piece in pieces)
    said = {slot.name: value for slot, (value, _) in zip(slots, taken, strict=True)}
    return _SCRIPTS_MEET.sub(" ", text), tokens + sum(length for _, length in taken), said
