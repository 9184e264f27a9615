"""What can still be read of a damaged database goes into a new one, table by table, whatever the tables mean."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

MOST_GAPS = 20_000
"""How many stretches of a table are tried; each costs microseconds, a damaged page of small rows some hundreds."""
_BEYOND = 100_000  # numbers looked at behind the last readable row when a table's end is damaged

log = logging.getLogger(__name__)


def copy_readable(damaged: Path, fresh: Path) -> int:
    """Copy every row of `damaged` that can be read into `fresh`, which must be empty; their number.

    Indices are not read but built anew: most damage lies in them. Raises sqlite3.OperationalError when `fresh` cannot
    be written.
    """
    rows = 0
    with closing(_connect(damaged)) as old, closing(_connect(fresh)) as new:
        old.text_factory = lambda text: text.decode(errors="replace")
        # in one transaction, and durable when it ends
        new.execute("BEGIN IMMEDIATE")
        for name, script in _schema(old, "table"):
            new.execute(script)
            rows += _copy(old, new, name)
        for _, script in _schema(old, "index"):
            new.execute(script)
        _copy_numbers(old, new)
        new.execute("COMMIT")
    return rows


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=5.0)


def _schema(old: sqlite3.Connection, kind: str) -> list[tuple[str, str]]:
    query = "SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    try:
        return old.execute(query, (kind,)).fetchall()
    except sqlite3.DatabaseError as error:
        log.error("nothing of the damaged database can be read: %s", error)
        return []


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> int:
    name = '"' + table.replace('"', '""') + '"'
    columns = [f'"{column}"' for _, column, *_ in new.execute(f"PRAGMA table_info({name})")]
    marks = ", ".join("?" * (len(columns) + 1))
    # with its row number: some tables are read in the order in which they were written
    script = f"INSERT OR IGNORE INTO {name}(rowid, {', '.join(columns)}) VALUES ({marks})"  # noqa: S608 (quoted names)
    return sum(new.execute(script, row).rowcount for row in _rows(old, name))


def _rows(old: sqlite3.Connection, name: str) -> Iterator[tuple[Any, ...]]:
    """From the front up to the damage, from the back down to it, and so on in the halves of what lies between."""
    stretches, tried, first = [(1, 2**63 - 1)], 0, True
    while stretches and tried < MOST_GAPS:
        low, high = stretches.pop()
        tried += 1
        for row in _read(old, name, low, high, "ASC"):
            if row is None:
                break
            low = int(row[0]) + 1
            yield row
        else:
            continue
        backwards = False
        for row in _read(old, name, low, high, "DESC"):
            if row is None:
                break
            high, backwards = int(row[0]) - 1, True
            yield row
        else:
            continue
        if first and not backwards:
            high = low + _BEYOND
        first = False
        if low < high:
            middle = (low + high) // 2
            stretches += [(middle + 1, high), (low, middle)]


def _read(old: sqlite3.Connection, name: str, low: int, high: int, order: str) -> Iterator[tuple[Any, ...] | None]:
    """The rows between two numbers; None, and the end, at damage."""
    query = f"SELECT rowid, * FROM {name} NOT INDEXED WHERE rowid BETWEEN ? AND ? ORDER BY rowid {order}"  # noqa: S608
    try:
        yield from old.execute(query, (low, high))
    except sqlite3.DatabaseError:
        yield None


def _copy_numbers(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Numbers that were given stay given, also when their rows are lost."""
    try:
        numbers = old.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
    except sqlite3.DatabaseError:
        return  # no such table, or damaged: then the rows themselves have told
    for name, seq in numbers:
        if new.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (seq, name)).rowcount == 0:
            new.execute("INSERT INTO sqlite_sequence(name, seq) VALUES (?, ?)", (name, seq))
