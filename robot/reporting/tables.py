"""The outbox's tables, and the way from those of earlier releases."""

from __future__ import annotations

import sqlite3

from robot.database import make_tables, transaction
from robot.errors import DeviceFault

_TABLES = """
create table if not exists outbox(
    seq integer primary key autoincrement,
    id text not null unique,
    priority integer not null,
    kind text not null,
    leaf text not null,
    body text not null,
    made_at_s real not null,
    boot text not null,
    test integer not null,
    acked_at_s real,
    mono_s real,
    prev blob,
    hash blob
);
create index if not exists outbox_pending on outbox(priority, seq) where acked_at_s is null;
create table if not exists receipts(
    id text primary key,
    kind text not null,
    alarm_id text not null,
    by_whom text,
    reason text,
    at_s real not null,
    delivered integer not null default 0,
    revision integer
);
create index if not exists receipts_waiting on receipts(at_s) where delivered = 0;
create table if not exists holes(
    first integer primary key,
    last integer not null,
    prev blob,
    hash blob,
    reported integer not null default 0
);
create table if not exists drills(
    alarm_id text primary key,
    begun_at_s real not null,
    closed_at_s real
);
"""

_LATER = {
    ("outbox", "mono_s"): "real",
    ("outbox", "prev"): "blob",
    ("outbox", "hash"): "blob",
    ("receipts", "revision"): "integer",
}
"""Columns that a file of an earlier release lacks."""


def make(connection: sqlite3.Connection) -> None:
    """Make what is missing, outside any transaction. Raises DeviceFault when the disk refuses."""
    make_tables(connection, _TABLES)
    if not _missing(connection):
        return
    try:
        with transaction(connection):  # of two processes that start at once, the second finds nothing missing
            for table, column in _missing(connection):
                connection.execute(f"alter table {table} add column {column} {_LATER[table, column]}")
    except sqlite3.Error as error:
        raise DeviceFault(f"cannot write the database; check the disk's space and rights ({error})") from error


def _missing(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    present = {
        (table, name)
        for table in {table for table, _ in _LATER}
        for _, name, *_ in connection.execute(f"pragma table_info({table})")
    }
    return [column for column in _LATER if column not in present]
