"""What must reach the platform, and what came back: two SQLite tables that outlive every process.

`outbox` holds the messages up until the platform's `Ack`; `receipts` holds the answers about alarms until the alarm
manager has read them, even if it was dead when they came. The alarm manager appends, the platform reporter sends and
marks: two processes on one file, hence WAL and a busy timeout.

Every method is atomic by itself, and on a borrowed connection it joins the caller's transaction. The alarm's journal
and its message are written together or not at all:

    connection = open_database(path)
    outbox = Outbox(connection)
    with transaction(connection):
        journal.write(alarm)
        outbox.append(body, now_s)

Each row holds the digest of the row before it. Rows carry wall time, boot and boot clock; their order is that of `seq`,
which no clock touches. Alarms wait for ever; telemetry and events may age out and are thinned when the file grows past
`MOST_BYTES` (see `thinning`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uuid6

from robot.database import Connection, open_database, reopened, transaction
from robot.errors import DeviceFault
from robot.messages import Receipt, ReceiptKind
from robot.reporting import boot as this_boot
from robot.reporting import tables, thinning
from robot.reporting.contract import VERSION, AlarmBody, BedBody, EventBody, digest
from robot.reporting.reserve import Reserve, is_full

DAY_S = 86_400.0
KEEP_DAYS = 7  # answered rows
KEEP_TELEMETRY_S = 7 * DAY_S  # facts: 72 h at least; the robot's own detail is kept 7 days
KEEP_EVENTS_S = 30 * DAY_S
MOST_BYTES = 32 * 1024 * 1024
"""Of the outbox alone; 72 h of ordinary life take 1.5 MB (tests/bench/outbox.py)."""
HOLES_TOLD_AT_ONCE = 16
TELEMETRY_AT_ONCE = 256
TESTS_KEPT = 100

Body = AlarmBody | EventBody | BedBody

# priority, kind, leaf: alarms overtake events, events overtake telemetry
_ROUTES: dict[type[Body], tuple[int, str, str]] = {
    AlarmBody: (0, "alarm", "e/alarm"),
    EventBody: (thinning.EVENT, "event", "e/event"),
    BedBody: (thinning.TELEMETRY, "telemetry", "t/bed"),
}


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
    mono_s: float | None = None
    prev: bytes | None = None

    def report(self) -> dict[str, Any]:
        """The message but for the device. The body was checked when it was appended; an update must not strand it."""
        return {
            "v": VERSION,
            "id": self.id,
            "seq": self.seq,
            "ts": self.made_at_s,
            "ts_mono": self.mono_s,
            "boot": self.boot,
            "test": self.test,
            "prev": None if self.prev is None else self.prev.hex(),
            "kind": self.kind,
            "body": json.loads(self.body),
        }

    def encode(self, device: str) -> bytes:
        """The payload for the wire."""
        return json.dumps({**self.report(), "dev": device}, ensure_ascii=False, separators=(",", ":")).encode()

    def digest(self) -> bytes:
        """What the next row is chained to."""
        return bytes.fromhex(digest(self.report()))

    @property
    def raised_alarm_id(self) -> str | None:
        """The alarm that this message raises, or None for every other message."""
        if self.kind != "alarm":
            return None
        body: dict[str, Any] = json.loads(self.body)
        return str(body["alarm_id"]) if body["phase"] == "raised" else None


@dataclass(frozen=True, slots=True)
class Tests:
    """The newest test alarm's beginning, and if it has not come back, since when it waits; when one last came back."""

    __test__ = False  # pytest would take the name for tests

    begun_at_s: float | None
    waiting_since_s: float | None
    ok_at_s: float | None


class Outbox:
    """The outbox and the receipts, in a file of its own opening or on a borrowed connection and in its transaction.

    `boot` and `uptime_s` are this machine's unless a test gives others. On a full disk an outbox that opens its own
    file uses the reserve for that.
    """

    def __init__(
        self,
        database: sqlite3.Connection | Path,
        boot: str | None = None,
        uptime_s: Callable[[], float] = this_boot.uptime_s,
    ) -> None:
        self._owned = not isinstance(database, sqlite3.Connection)
        self._connection = database if isinstance(database, sqlite3.Connection) else _open(database)
        self._boot = this_boot.boot_id() if boot is None else boot
        self._uptime_s = uptime_s
        tables.make(self._connection)
        (_, _, file), *_ = self._connection.execute("pragma database_list")
        self._reserve = Reserve(Path(file)) if file else None

    def close(self) -> None:
        """Close the database, unless it was borrowed."""
        if self._owned:
            self._connection.close()

    def follow(self, error: Exception | None = None) -> bool:
        """Go over to the new file if this one was replaced, or is damaged as `error` says; whether that was done.

        For an outbox that opened its own file; a borrowed connection is its owner's affair. Raises DeviceFault.
        """
        if not self._owned or not isinstance(self._connection, Connection):
            return False
        fresh = reopened(self._connection, error)
        if fresh is None:
            return False
        _make(fresh)
        self._connection.close()
        self._connection = fresh
        return True

    # --- messages up ---------------------------------------------------------------------------------------------

    def append(self, body: Body, now_s: float, *, test: bool = False) -> str:
        """Keep a message until the platform has acknowledged it; kind and leaf follow from the body. Gives its id.

        On a full disk an alarm uses the reserve, unless the caller's transaction is open: SQLite has ended that one.
        """
        alone = not self._connection.in_transaction
        try:
            return self._append(body, now_s, test)
        except sqlite3.OperationalError as error:
            spare = isinstance(body, AlarmBody) and alone and is_full(error) and self._reserve is not None
            if not spare or self._reserve is None or not self._reserve.release():
                raise
            return self._append(body, now_s, test)

    def _append(self, body: Body, now_s: float, test: bool) -> str:
        priority, kind, leaf = _ROUTES[type(body)]
        message_id, text = str(uuid6.uuid7()), body.model_dump_json()
        with self._together():
            seq, prev = self._end()
            row = Row(seq + 1, message_id, priority, kind, leaf, text, now_s, self._boot, test, self._uptime_s(), prev)
            self._connection.execute(
                "insert into outbox(seq, id, priority, kind, leaf, body, made_at_s, boot, test, mono_s, prev, hash)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row.seq, row.id, priority, kind, leaf, text, now_s, row.boot, test, row.mono_s, prev, row.digest()),
            )
        return message_id

    def _end(self) -> tuple[int, bytes | None]:
        """The last number ever given, and its row's digest; None when that row is of an earlier release or gone."""
        found = self._connection.execute("select seq from sqlite_sequence where name = 'outbox'").fetchone()
        seq = 0 if found is None else int(found[0])
        row = self._connection.execute("select hash from outbox where seq = ?", (seq,)).fetchone()
        return seq, None if row is None else row[0]

    @contextmanager
    def _together(self) -> Iterator[None]:
        """In the caller's transaction, or in one of our own."""
        if self._connection.in_transaction:
            yield
        else:
            with transaction(self._connection):
                yield

    def pending(self, limit: int) -> list[Row]:
        """The first `limit` messages without acknowledgement: alarms, then events, each in order; then telemetry, the
        newest first, because the page wants to know how the bed is now. A platform that acknowledges no telemetry, as
        the first release did not, sees the newest `TELEMETRY_AT_ONCE` only.
        """
        rows = self._rows("acked_at_s is null and priority < 2 order by priority, seq limit ?", (limit,))
        most = min(limit - len(rows), TELEMETRY_AT_ONCE)
        if most > 0:
            rows += self._rows("acked_at_s is null and priority = 2 order by seq desc limit ?", (most,))
        return rows

    def rows(self, ids: Iterable[str]) -> list[Row]:
        """Those of `ids` that are still without acknowledgement."""
        return self._rows("acked_at_s is null and id in (select value from json_each(?))", (json.dumps(list(ids)),))

    def _rows(self, where: str, arguments: tuple[object, ...]) -> list[Row]:
        columns = "seq, id, priority, kind, leaf, body, made_at_s, boot, test, mono_s, prev"
        query = f"select {columns} from outbox where {where}"  # noqa: S608 (both parts are constants of this file)
        return [
            Row(seq, id_, priority, kind, leaf, body, made_at_s, boot, bool(test), mono_s, prev)
            for seq, id_, priority, kind, leaf, body, made_at_s, boot, test, mono_s, prev in self._connection.execute(
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
        new = self._record(receipt)
        if self.follow():  # the file was replaced under it: whoever confirms the answer must find it in the new one
            new = self._record(receipt) or new
        return new

    def _record(self, receipt: Receipt) -> bool:
        cursor = self._connection.execute(
            "insert or ignore into receipts(id, kind, alarm_id, by_whom, reason, at_s, revision)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (
                receipt.id,
                receipt.kind.value,
                receipt.alarm_id,
                receipt.by,
                receipt.reason,
                receipt.at_s,
                receipt.revision,
            ),
        )
        return cursor.rowcount == 1

    def undelivered_receipts(self, limit: int = 100) -> list[Receipt]:
        """Answers that the alarm manager has not yet taken, in the order in which they were recorded."""
        query = """
            select id, alarm_id, kind, at_s, by_whom, reason, revision from receipts
            where delivered = 0 order by rowid limit ?
        """
        return [
            Receipt(id_, alarm_id, ReceiptKind(kind), at_s, by, reason, revision)
            for id_, alarm_id, kind, at_s, by, reason, revision in self._connection.execute(query, (limit,))
        ]

    def mark_receipts_delivered(self, ids: Iterable[str]) -> None:
        """The alarm manager has applied these (best in the transaction that writes its journal)."""
        self._connection.execute(
            "update receipts set delivered = 1 where id in (select value from json_each(?))", (json.dumps(list(ids)),)
        )

    # --- test alarms ----------------------------------------------------------------------------------------------

    def expect_tests(self, now_s: float) -> None:
        """Count the time to the first test from now on."""
        self._connection.execute("insert or ignore into drills(alarm_id, begun_at_s) values ('', ?)", (now_s,))

    def append_test(self, alarm_id: str, now_s: float) -> None:
        """Append a test alarm; an id that is known changes nothing."""
        body = AlarmBody(
            alarm_id=alarm_id,
            type="device",
            phase="raised",
            revision=1,
            severity="low",
            confidence=None,
            onset_ts=now_s,
            reasons=("test",),
        )
        with self._together():
            query = "insert or ignore into drills(alarm_id, begun_at_s) values (?, ?)"
            if self._connection.execute(query, (alarm_id, now_s)).rowcount == 1:
                self._append(body, now_s, test=True)

    def settle_tests(self) -> None:
        """Note which tests the platform has closed; its answers are among the receipts. Forget the oldest tests."""
        with self._together():
            self._connection.execute(
                "update drills set closed_at_s = ("
                " select min(at_s) from receipts where receipts.alarm_id = drills.alarm_id and receipts.kind = 'closed'"
                ") where closed_at_s is null"
            )
            self._connection.execute(
                f"delete from drills where rowid <= (select max(rowid) from drills) - {TESTS_KEPT}"  # noqa: S608 (a constant)
            )

    def tests(self) -> Tests:
        """How the test alarms stand."""
        newest = self._connection.execute(
            "select alarm_id, begun_at_s, closed_at_s from drills order by rowid desc limit 1"
        ).fetchone()
        (ok_at_s,) = self._connection.execute("select max(closed_at_s) from drills").fetchone()
        if newest is None:
            return Tests(None, None, None)
        alarm_id, begun_at_s, closed_at_s = newest
        return Tests(begun_at_s, begun_at_s if alarm_id and closed_at_s is None else None, ok_at_s)

    # --- housekeeping ---------------------------------------------------------------------------------------------

    def purge(self, now_s: float, keep_days: float = KEEP_DAYS) -> None:
        """Forget messages acknowledged, and answers delivered, more than `keep_days` ago; the last row stays always."""
        before_s = now_s - keep_days * DAY_S
        with self._together():
            self._connection.execute(
                "delete from outbox where acked_at_s < ? and seq < (select max(seq) from outbox)", (before_s,)
            )
            self._connection.execute("delete from receipts where delivered = 1 and at_s < ?", (before_s,))

    def tidy(self, now_s: float, most_bytes: int = MOST_BYTES) -> None:
        """Purge, let telemetry and events age out, and thin them while the outbox is larger than `most_bytes`.

        While the disk has no room for the reserve, its size is freed inside the file, where nobody else can take it.
        """
        self.purge(now_s)
        for priority, keep_s in ((thinning.TELEMETRY, KEEP_TELEMETRY_S), (thinning.EVENT, KEEP_EVENTS_S)):
            with self._together():
                thinning.expired(self._connection, priority, keep_s, now_s, self._boot, self._uptime_s())
        short = self._reserve is not None and self._reserve.hold()
        while thinning.is_larger(self._connection, most_bytes) or (
            short and self._reserve is not None and thinning.spare_bytes(self._connection) < self._reserve.size
        ):
            with self._together():
                if not thinning.thinned(self._connection):
                    return

    def thinned(self) -> int:
        """How many rows were given up so far, none of them an alarm."""
        (count,) = self._connection.execute("select coalesce(sum(last - first + 1), 0) from holes").fetchone()
        return int(count)

    def tell_holes(self, now_s: float) -> None:
        """Append an event for each of the next holes that the platform has not been told of."""
        query = "select first, last, prev, hash from holes where reported = 0 order by first limit ?"
        with self._together():
            for first, last, prev, hash_ in self._connection.execute(query, (HOLES_TOLD_AT_ONCE,)).fetchall():
                detail = {"first": first, "last": last, "prev": prev and prev.hex(), "hash": hash_ and hash_.hex()}
                self._append(EventBody(name="outbox_thinned", detail=detail), now_s, test=False)
                self._connection.execute("update holes set reported = 1 where first = ?", (first,))


def _open(path: Path) -> Connection:
    try:
        return _make(open_database(path))
    except DeviceFault:
        if not Reserve(path).release():
            raise
        return _make(open_database(path))


def _make(connection: Connection) -> Connection:
    try:
        tables.make(connection)
    except DeviceFault:
        connection.close()
        raise
    return connection
