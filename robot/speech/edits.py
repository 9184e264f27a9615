"""How far two spellings or pronunciations are apart."""

from __future__ import annotations

from collections.abc import Sequence


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein distance."""
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    one, other = one[same:], other[same:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    row = list(range(len(other) + 1))
    for i, item in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, mark in enumerate(other, 1):
            cheapest = last if item == mark else 1 + min(last, row[j], row[j - 1])
            last, row[j] = row[j], cheapest
    return row[-1]
