"""How often something may be tried. Kept in the database: a restart forgives nothing."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from robot.fleet.people.tables import Limit

FORGOTTEN_AFTER_S = 24 * 3600.0
WRITES_A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Pauses:
    """After `free` failures each further one doubles the pause, from 1 s to `longest_s`."""

    free: int
    longest_s: float

    def pause_s(self, failures: int) -> float:
        """How long nothing is tried after so many failures in a row."""
        return 0.0 if failures < self.free else min(self.longest_s, 2.0 ** min(failures - self.free, 30))


BY_PAIR = Pauses(free=5, longest_s=900.0)
"""Of a name from an address: a hundred guesses a day, and whoever guesses shuts out only their own address."""

BY_NAME = Pauses(free=100, longest_s=5.0)
"""Of a name from everywhere: slows down who has many addresses, and never keeps its owner out for long."""

BY_ADDRESS = Pauses(free=50, longest_s=5.0)
"""Of an address over all names, the same: a house's people share one."""

BY_BROWSER = Pauses(free=5, longest_s=300.0)
"""Of a name from a browser in which it has signed in before: nothing that others do counts there."""


def key(kind: str, value: str) -> str:
    """The key of a limit; what was typed as a name (perhaps a password) is not kept."""
    return f"{kind}:{hashlib.sha256(value.encode()).hexdigest()}"


def by_address(address: str) -> str:
    """The key of an address; an IPv6 customer has a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return key("address", "unknown")
    if parsed.version == 6:
        parsed = ipaddress.ip_network((parsed, 64), strict=False).network_address
    return key("address", str(parsed))


def try_once(session: Session, limits: dict[str, Pauses], now_s: float) -> float:
    """Count one try against each key. Returns 0, or for how many seconds nothing is tried (and nothing was counted).

    Counted before the answer is known, so that many tries at once do not slip through; `forgive` takes it back.
    """
    rows = [(_row(session, key_, now_s), limits[key_]) for key_ in sorted(limits)]  # in one order: no deadlock
    wait_s = max(_wait_s(row, pauses, now_s) for row, pauses in rows)
    if wait_s > 0:
        return wait_s
    for row, pauses in rows:
        if abs(now_s - row.since_at_s) > FORGOTTEN_AFTER_S:
            row.count = 0
        row.count, row.since_at_s = row.count + 1, now_s
        row.until_at_s = now_s + pauses.pause_s(row.count)
    return 0.0


def _wait_s(row: Limit, pauses: Pauses, now_s: float) -> float:
    """A pause that is longer than any comes from a clock that was ahead, and counts for nothing."""
    wait_s = row.until_at_s - now_s
    return wait_s if 0 < wait_s <= pauses.longest_s else 0.0


def forgive(session: Session, anew: Iterable[str], this_once: Iterable[str] = ()) -> None:
    """It was the right password: the keys `anew` start anew, those of `this_once` get this one try back."""
    fresh = set(anew)
    for key_ in sorted({*fresh, *this_once}):  # in the same order as above
        row = session.get(Limit, key_, with_for_update=True)
        if row is not None:
            count = 0 if key_ in fresh else max(0, row.count - 1)
            row.count, row.until_at_s = count, row.since_at_s


def spend(session: Session, key_: str, now_s: float, allowed: int = WRITES_A_MINUTE, window_s: float = 60.0) -> bool:
    """Count one use of something that is free `allowed` times in a window; False when they are used up."""
    row = _row(session, key_, now_s)
    if abs(now_s - row.since_at_s) >= window_s:  # a clock may have been ahead
        row.count, row.since_at_s = 0, now_s
    row.count += 1
    return row.count <= allowed


def _row(session: Session, key_: str, now_s: float) -> Limit:
    """The limit's row, made if need be and held until the end of the transaction."""
    made = "INSERT INTO limits (key, count, since_at_s, until_at_s) VALUES (:key, 0, :now, :now) ON CONFLICT DO NOTHING"
    session.execute(text(made), {"key": key_, "now": now_s})
    return session.get_one(Limit, key_, with_for_update=True)
