"""Who leads: one row, one number. A leader that was paused and wakes cannot write, because its number has passed.

The lease knows no clock but the watcher's own: a leader whose beats stand still for LEASE_S of that is dead. Each of
the leader's transactions ends with the beat that also asks whether the number still is its own.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from robot.errors import LinkFault
from robot.fleet.database import Database
from robot.fleet.desk_tables import Lease

LEASE_S = 6.0  # with a look every second and a second to begin: taken over within 10 s


class Deposed(LinkFault):
    """Somebody else leads by now; the transaction must not be committed."""


class Leadership:
    """One process's view of the lease `name`."""

    def __init__(self, database: Database, name: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._name = name
        self._monotonic = monotonic
        self._holder = uuid.uuid4().hex
        self._number: int | None = None
        self._seen: tuple[tuple[int, int], float] | None = None

    @property
    def leads(self) -> bool:
        """Whether this process led when it last looked. Only `fence` makes sure."""
        return self._number is not None

    def take(self, now_s: float) -> bool:
        """Lead if nobody does: at once when the lease is free, else when its holder has shown no life for LEASE_S."""
        with self._database.read() as session:
            row = session.get(Lease, self._name)
            state = (row.number, row.beats) if row else None
            free = row is not None and row.holder is None
        if state is None:
            return self._begin(now_s)
        if self._seen is None or self._seen[0] != state:
            self._seen = (state, self._monotonic())
        if not free and self._monotonic() - self._seen[1] < LEASE_S:
            return False
        number, beats = state
        with self._database.write() as session:
            mine = update(Lease).where(Lease.name == self._name, Lease.number == number, Lease.beats == beats)
            values = {"holder": self._holder, "number": number + 1, "beats": beats + 1}
            if session.connection().execute(mine.values(values)).rowcount != 1:
                return False
        self._number, self._seen = number + 1, None
        return True

    def _begin(self, now_s: float) -> bool:
        try:
            with self._database.write() as session:
                first = {"name": self._name, "holder": self._holder, "number": 1, "beats": 0, "at_s": now_s}
                session.execute(insert(Lease), first)
        except IntegrityError:
            return False  # another one was quicker
        self._number = 1
        return True

    def fence(self, session: Session) -> None:
        """The last act of a leader's transaction. Raises Deposed, upon which nothing of it may be committed."""
        session.flush()
        beat = update(Lease).where(Lease.name == self._name, Lease.number == (self._number or 0))
        if session.connection().execute(beat.values(beats=Lease.beats + 1)).rowcount != 1:
            self._number = None
            raise Deposed("another desk has taken over; this one stands by")

    def note(self, session: Session, at_s: float, listening_since_s: float | None) -> None:
        """Leave for a successor what it could not know: the leader's clock, and since when robots could be heard."""
        mine = update(Lease).where(Lease.name == self._name, Lease.number == (self._number or 0))
        session.execute(mine.values(at_s=at_s, listening_since_s=listening_since_s))

    def noted(self) -> tuple[float | None, float | None]:
        """(at_s, listening_since_s) as the leader before left them."""
        with self._database.read() as session:
            row = session.execute(select(Lease.at_s, Lease.listening_since_s).where(Lease.name == self._name)).first()
        return (row[0], row[1]) if row else (None, None)

    def release(self) -> None:
        """An orderly end: the next one need not wait."""
        if self._number is None:
            return
        with self._database.write() as session:
            mine = update(Lease).where(Lease.name == self._name, Lease.number == self._number)
            session.execute(mine.values(holder=None, beats=Lease.beats + 1))
        self._number = None
