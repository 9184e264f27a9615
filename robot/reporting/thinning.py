"""What the outbox gives up when space or time runs out: telemetry, then events, never an alarm.

Of the oldest rows one in `KEEP_ONE_IN` stays, so that a long absence is told coarsely rather than cut off. A run of
rows that went leaves a hole: its first and last number, the digest of the row before it and of its last row. So the
chain of digests can be followed across it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

KEEP_ONE_IN = 8
BATCH = 800
TELEMETRY, EVENT = 2, 1  # priorities; an alarm's, 0, is never thinned

_NEWEST = "(select max(seq) from outbox)"  # the next row is chained to it


ROW_BYTES = 140
"""Of a row beside its texts: digests, clocks, indices, its share of unused page space. Measured: 309 B in all for a
summary of the bed, 169 B of them text."""


def is_larger(connection: sqlite3.Connection, most_bytes: int) -> bool:
    """Whether the outbox takes more than `most_bytes`: it alone, without what else lies in the file."""
    return used_bytes(connection) > most_bytes and own_bytes(connection) > most_bytes


def own_bytes(connection: sqlite3.Connection) -> int:
    """What the outbox's rows take, estimated from their texts (the id twice: its index)."""
    query = f"""
        select total({ROW_BYTES} + length(body) + length(leaf) + length(kind) + length(boot) + 2 * length(id))
        from outbox
    """  # noqa: S608 (a constant of this file)
    (size,) = connection.execute(query).fetchone()
    return int(size)


def used_bytes(connection: sqlite3.Connection) -> int:
    """The file's pages in use."""
    return (_pragma(connection, "page_count") - _pragma(connection, "freelist_count")) * _page_bytes(connection)


def spare_bytes(connection: sqlite3.Connection) -> int:
    """The file's free pages: space that nobody else can take."""
    return _pragma(connection, "freelist_count") * _page_bytes(connection)


def expired(connection: sqlite3.Connection, priority: int, keep_s: float, now_s: float, boot: str, up_s: float) -> int:
    """Remove waiting rows older than `keep_s`; their number. Within this boot the age is by the clock nobody sets."""
    age = "case when boot = ? and boot <> '' and mono_s is not null then ? - mono_s else ? - made_at_s end"
    query = f"""
        select seq from outbox where acked_at_s is null and priority = ? and seq < {_NEWEST} and {age} > ? order by seq
    """  # noqa: S608 (both parts are constants of this file)
    seqs = [seq for (seq,) in connection.execute(query, (priority, boot, up_s, now_s, keep_s))]
    _remove(connection, seqs)
    return len(seqs)


def thinned(connection: sqlite3.Connection) -> int:
    """Give up a batch: answered rows, else waiting telemetry, else waiting events. Its size; 0: nothing is left."""
    query = f"""
        delete from outbox where seq in (
            select seq from outbox where acked_at_s is not null and seq < {_NEWEST} order by seq limit {BATCH})
    """  # noqa: S608 (constants of this file)
    if (answered := connection.execute(query).rowcount) > 0:
        return answered
    for priority in (TELEMETRY, EVENT):
        seqs = _least_wanted(connection, priority)
        if seqs:
            _remove(connection, seqs)
            return len(seqs)
    return 0


def _least_wanted(connection: sqlite3.Connection, priority: int) -> list[int]:
    """Of the oldest waiting rows all but one in `KEEP_ONE_IN`; of the few that are left at last, all."""
    query = f"""
        select seq from outbox where acked_at_s is null and priority = ? and seq < {_NEWEST} order by seq
    """  # noqa: S608 (a constant of this file)
    seqs = [seq for (seq,) in connection.execute(query, (priority,))]
    if len(seqs) < KEEP_ONE_IN:
        return seqs
    start = _densest(seqs)
    return [seq for place, seq in enumerate(seqs[start : start + BATCH]) if place % KEEP_ONE_IN]


def _densest(seqs: list[int]) -> int:
    """Where the oldest stretch begins that has not been thinned yet; 0 when all has been."""
    for start in range(len(seqs) - 1):
        if seqs[start + 1] - seqs[start] < KEEP_ONE_IN:
            return start
    return 0


def _remove(connection: sqlite3.Connection, seqs: Iterable[int]) -> None:
    for first, last in _runs(seqs):
        (prev,) = connection.execute("select prev from outbox where seq = ?", (first,)).fetchone()
        (hash_,) = connection.execute("select hash from outbox where seq = ?", (last,)).fetchone()
        connection.execute("delete from outbox where seq between ? and ?", (first, last))
        _dig(connection, first, last, prev, hash_)


def _dig(connection: sqlite3.Connection, first: int, last: int, prev: bytes | None, hash_: bytes | None) -> None:
    """Add a hole; one with its neighbours, so that their number stays small."""
    before = connection.execute("select first, prev from holes where last = ?", (first - 1,)).fetchone()
    if before is not None:
        first, prev = before
    after = connection.execute("select last, hash from holes where first = ?", (last + 1,)).fetchone()
    if after is not None:
        last, hash_ = after
    connection.execute("delete from holes where first between ? and ?", (first, last))
    connection.execute("insert into holes(first, last, prev, hash) values (?, ?, ?, ?)", (first, last, prev, hash_))


def _runs(seqs: Iterable[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1] = (runs[-1][0], seq)
        else:
            runs.append((seq, seq))
    return runs


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"pragma {name}").fetchone()
    return int(value)


def _page_bytes(connection: sqlite3.Connection) -> int:
    return _pragma(connection, "page_size")
