"""What must reach the platform, and what came back: two SQLite tables that outlive every process.

`outbox` holds the messages up until the platform's `Ack`; `receipts` holds the answers about alarms until the alarm
manager has read them, even if it was dead when they came. The alarm manager appends, the platform reporter sends and
marks: two processes on one file, hence WAL, a busy timeout and one statement a call.

Every method is a single SQL statement, so it is atomic by itself, and on a borrowed connection it joins the caller's
transaction. The alarm's journal and its message are written together or not at all:

    connection = open_database(path)
    outbox = Outbox(connection)
    with transaction(connection):
        journal.write(alarm)
        outbox.append(body, now_s)
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uuid6

from robot.database import make_tables, open_database
from robot.messages import Receipt, ReceiptKind
from robot.reporting.contract import AlarmBody, BedBody, Envelope, EventBody

KEEP_DAYS = 7
DAY_S = 86_400.0

Body = AlarmBody | EventBody | BedBody

# priority, kind, leaf: alarms overtake events, events overtake telemetry
_ROUTES: dict[type[Body], tuple[int, str, str]] = {
    AlarmBody: (0, "alarm", "e/alarm"),
    EventBody: (1, "event", "e/event"),
    BedBody: (2, "telemetry", "t/bed"),
}

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
    acked_at_s real
);
create index if not exists outbox_pending on outbox(priority, seq) where acked_at_s is null;
create table if not exists receipts(
    id text primary key,
    kind text not null,
    alarm_id text not null,
    by_whom text,
    reason text,
    at_s real not null,
    delivered integer not null default 0
);
create index if not exists receipts_waiting on receipts(at_s) where delivered = 0;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One message of the outbox. `seq` counts the rows of this device and is never used twice; `body` is JSON."""

    seq: int
    id: str
    priority: int
    kind: str
    leaf: str
    body: str
    made_at_s: float
    boot: str
    test: bool

    def encode(self, device: str) -> bytes:
        """The payload for the wire. The body was checked when it was appended; an update must not strand old rows."""
        envelope = Envelope(id=self.id, dev=device, seq=self.seq, ts=self.made_at_s, boot=self.boot, test=self.test)
        message = envelope.model_dump() | {"kind": self.kind, "body": json.loads(self.body)}
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def raised_alarm_id(self) -> str | None:
        """The alarm that this message raises, or None for every other message."""
        if self.kind != "alarm":
            return None
        body: dict[str, Any] = json.loads(self.body)
        return str(body["alarm_id"]) if body["phase"] == "raised" else None


class Outbox:
    """The outbox and the receipts, in a file of its own opening or on a borrowed connection and in its transaction."""

    def __init__(self, database: sqlite3.Connection | Path, boot: str = "") -> None:
        self._owned = not isinstance(database, sqlite3.Connection)
        self._connection = database if isinstance(database, sqlite3.Connection) else open_database(database)
        self._boot = boot
        make_tables(self._connection, _TABLES)

    def close(self) -> None:
        """Close the database, unless it was borrowed."""
        if self._owned:
            self._connection.close()

    # --- messages up ---------------------------------------------------------------------------------------------

    def append(self, body: Body, now_s: float, *, test: bool = False) -> str:
        """Keep a message until the platform has acknowledged it; kind and leaf follow from the body. Gives its id."""
        priority, kind, leaf = _ROUTES[type(body)]
        message_id = str(uuid6.uuid7())
        self._connection.execute(
            "insert into outbox(id, priority, kind, leaf, body, made_at_s, boot, test) values (?, ?, ?, ?, ?, ?, ?, ?)",
            (message_id, priority, kind, leaf, body.model_dump_json(), now_s, self._boot, test),
        )
        return message_id

    def pending(self, limit: int) -> list[Row]:
        """The first `limit` messages without acknowledgement: alarms, then events, then telemetry, each in order."""
        return self._rows("acked_at_s is null order by priority, seq limit ?", (limit,))

    def rows(self, ids: Iterable[str]) -> list[Row]:
        """Those of `ids` that are still without acknowledgement."""
        return self._rows("acked_at_s is null and id in (select value from json_each(?))", (json.dumps(list(ids)),))

    def _rows(self, where: str, arguments: tuple[object, ...]) -> list[Row]:
        columns = "seq, id, priority, kind, leaf, body, made_at_s, boot, test"
        query = f"select {columns} from outbox where {where}"  # noqa: S608 (both parts are constants of this file)
        return [
            Row(seq, id_, priority, kind, leaf, body, made_at_s, boot, bool(test))
            for seq, id_, priority, kind, leaf, body, made_at_s, boot, test in self._connection.execute(
                query, arguments
            )
        ]

    def mark_acked(self, ids: Iterable[str], now_s: float) -> None:
        """The platform has committed these; unknown ids and repetitions change nothing."""
        self._connection.execute(
            "update outbox set acked_at_s = ? where acked_at_s is null and id in (select value from json_each(?))",
            (now_s, json.dumps(list(ids))),
        )

    def depth(self) -> int:
        """How many messages wait for the platform."""
        (count,) = self._connection.execute("select count(*) from outbox where acked_at_s is null").fetchone()
        return int(count)

    # --- answers about alarms -------------------------------------------------------------------------------------

    def record_receipt(self, receipt: Receipt) -> bool:
        """Keep an answer for the alarm manager. False if its id is known: a command counts once, restarts included."""
        cursor = self._connection.execute(
            "insert or ignore into receipts(id, kind, alarm_id, by_whom, reason, at_s) values (?, ?, ?, ?, ?, ?)",
            (receipt.id, receipt.kind.value, receipt.alarm_id, receipt.by, receipt.reason, receipt.at_s),
        )
        return cursor.rowcount == 1

    def undelivered_receipts(self, limit: int = 100) -> list[Receipt]:
        """Answers that the alarm manager has not yet taken, in the order in which they were recorded."""
        query = """
            select id, alarm_id, kind, at_s, by_whom, reason from receipts where delivered = 0 order by rowid limit ?
        """
        return [
            Receipt(id_, alarm_id, ReceiptKind(kind), at_s, by, reason)
            for id_, alarm_id, kind, at_s, by, reason in self._connection.execute(query, (limit,))
        ]

    def mark_receipts_delivered(self, ids: Iterable[str]) -> None:
        """The alarm manager has applied these (best in the transaction that writes its journal)."""
        self._connection.execute(
            "update receipts set delivered = 1 where id in (select value from json_each(?))", (json.dumps(list(ids)),)
        )

    # --- housekeeping ---------------------------------------------------------------------------------------------

    def purge(self, now_s: float, keep_days: float = KEEP_DAYS) -> None:
        """Forget messages acknowledged, and answers delivered, more than `keep_days` ago; all others stay for ever."""
        before_s = now_s - keep_days * DAY_S
        self._connection.execute("delete from outbox where acked_at_s < ?", (before_s,))
        self._connection.execute("delete from receipts where delivered = 1 and at_s < ?", (before_s,))
