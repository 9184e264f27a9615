"""Figures as tables: printed for people, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """One table: `protocol` says in a sentence or two what was done, so that figure and method never part."""

    name: str
    protocol: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def share(part: int, of: int) -> str:
    """`94.2 %`, or a dash of none."""
    return f"{100 * part / of:.1f} %" if of else "-"


def markdown(tables: Sequence[Table]) -> Iterator[str]:
    """Tables as Markdown lines, ready for a model card."""
    for table in tables:
        yield f"### {table.name}"
        yield table.protocol
        yield ""
        yield f"| {' | '.join(table.columns)} |"
        yield f"|{' --- |' * len(table.columns)}"
        for row in table.rows:
            yield f"| {' | '.join(str(cell) for cell in row)} |"
        yield ""
