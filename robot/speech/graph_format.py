"""What the builder of graphs and their reader agree on. Pure, and light: a recogniser that has died loads it anew.

The builder's own modules bring the lexicon with them, whose dictionaries take longer to load than the model.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from robot.errors import BadInput

UNKNOWN_WORD = "[unk]"
"""The output word of the filler, a free loop over all tokens."""
LATTICE_BEAM = 8.0
"""Nats below the best path at which alternatives are dropped."""
PHRASES_FILE = "phrases.json"
"""{"phrases": [[language, template, tokens, kind], ...], "forms": [[template, tokens], ...]}; slots are not counted."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A `{name}` or `{name:case}` in a template. The class is found by `key`, the value is told by `name`."""

    name: str
    case: str = ""

    @property
    def key(self) -> str:
        """The slot as written, without braces."""
        return f"{self.name}:{self.case}" if self.case else self.name


Piece = str | Slot


def pieces_of(template: str) -> tuple[Piece, ...]:
    """A template cut into literals and slots. Raises `BadInput` naming a template that is not well formed."""
    pieces: list[Piece] = []
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError:
        raise BadInput(f"Phrase {template!r} has a brace without its partner; write slots as {{name}}.") from None
    for literal, name, case, conversion in parsed:
        if literal:
            pieces.append(literal)
        if name is None:
            continue
        if not name.isidentifier() or conversion:
            raise BadInput(f"Phrase {template!r} has a slot that is no name; write slots as {{name}}.")
        pieces.append(Slot(name, case or ""))
    names = [piece.name for piece in pieces if isinstance(piece, Slot)]
    if len(set(names)) != len(names):
        raise BadInput(f"Phrase {template!r} has two slots of one name; give them different ones.")
    return tuple(pieces)
