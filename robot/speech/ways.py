"""Ways to say a phrase, from the ways to say its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

Pronunciation = tuple[str, ...]
"""One way to say something: tokens of the acoustic model."""

MOST_WAYS = 8
"""No phrase has more: each way is one more path in the graph, and rare ways cost more confusion than they win."""


def best_first(parts: Iterable[Sequence[Pronunciation]], most: int = MOST_WAYS) -> tuple[Pronunciation, ...]:
    """At most `most` different ways to say all `parts` in a row; each part lists its own ways, best first.

    The first way joins the best of every part; the others follow by how far from the best their parts are.
    """
    found: list[tuple[int, tuple[Pronunciation, ...]]] = [(0, ())]
    for ways in parts:
        longer = [(cost + rank, (*before, way)) for cost, before in found for rank, way in enumerate(ways)]
        found = sorted(longer, key=lambda one: one[0])[:most]
    return tuple(dict.fromkeys(tuple(chain.from_iterable(way)) for _, way in found))
