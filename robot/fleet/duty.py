"""The alarm desk's process: rounds once a second, and the channels by which people are told.

    python -m robot.fleet.duty --data .hani/fleet --contacts contacts.yaml --site site.yaml

Any number may run; one leads (robot.fleet.lease), the others stand by and take over within 10 s.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from robot.fleet import handling, process, retention
from robot.fleet.contacts import Contacts, Retention, Site, load
from robot.fleet.database import Database, open_database
from robot.fleet.lease import Deposed, Leadership
from robot.fleet.notify import outbox
from robot.fleet.notify.channels import Channel, open_channel
from robot.fleet.notify.sender import Sender
from robot.fleet.rounds import SET_BACK_S, Desk, tick
from robot.fleet.tables import Worker

WORKER = "desk"
TICK_S = 1.0
BEAT_S = 4.0
LISTENER = "ingest"  # what the names of all ingest workers begin with
LISTENER_SILENT_S = 12.0  # three of their heartbeats
HOUSEKEEPING_EVERY_S = 900.0
GAP_S = 30.0  # a round that comes so late, or a clock that jumped so far, starts the robots' silence anew

logger = logging.getLogger(__name__)


class Duty:
    """The process's loop."""

    def __init__(
        self,
        database: Database,
        desk_: Desk,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._desk = desk_
        self._clock = clock
        self._stop = threading.Event()
        self.leadership = Leadership(database, WORKER, monotonic)
        self._at_s: float | None = None  # the clock at the newest round of whoever led
        self._listening_since_s: float | None = None
        self._beat_at_s: float | None = None

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Work until `stop`. A database that refuses for a while is waited for."""
        while not self._stop.is_set():
            try:
                self.turn()
            except Deposed as error:
                logger.warning("%s", error)
            except SQLAlchemyError as error:
                logger.error("database refuses: %s", type(error).__name__)
            self._stop.wait(TICK_S)

    def turn(self) -> None:
        """One look: lead if it is our turn, and then one round. Raises Deposed when somebody else leads by now."""
        now_s = self._clock()
        if not self.leadership.leads:
            if not self.leadership.take(now_s):
                return
            with self._database.write() as session:
                outbox.begin_again(session, now_s)
                self.leadership.fence(session)
            self._at_s, self._listening_since_s = self.leadership.noted()
            self._beat_at_s = None
            logger.info("this desk leads")
        set_back_s = max(0.0, (self._at_s or now_s) - now_s)
        listening_since_s = self._listens(now_s)

        def seal(session: Session) -> None:
            self.leadership.note(session, now_s, listening_since_s)
            self.leadership.fence(session)

        tick(
            self._database,
            now_s,
            self._desk,
            listening_since_s=listening_since_s,
            set_back_s=set_back_s,
            fence=seal,
        )
        self._at_s, self._listening_since_s = now_s, listening_since_s
        if self._beat_at_s is None or abs(now_s - self._beat_at_s) >= BEAT_S:
            self._beat_at_s = now_s
            handling.beat(self._database, WORKER, True, now_s)

    def _listens(self, now_s: float) -> float | None:
        """Since when the platform could have heard every robot; None while no ingest worker is in touch."""
        with self._database.read() as session:
            workers = session.scalars(select(Worker).where(Worker.name.startswith(LISTENER), Worker.linked)).all()
        if not any(abs(now_s - worker.beat_at_s) < LISTENER_SILENT_S for worker in workers):
            return None
        gap_s = now_s - self._at_s if self._at_s is not None else 0.0
        steady = -SET_BACK_S <= gap_s < GAP_S
        return self._listening_since_s if steady and self._listening_since_s is not None else now_s


class Housekeeper(threading.Thread):
    """Runs the daily retention beside the rounds, while this desk leads: long deletions must not hold up a call."""

    def __init__(self, database: Database, rules: Retention, leads: Callable[[], bool]) -> None:
        super().__init__(name="housekeeper", daemon=True)
        self._database, self._rules, self._leads = database, rules, leads
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(HOUSEKEEPING_EVERY_S):
            try:
                if self._leads():
                    retention.run_daily(self._database, self._rules, time.time())
            except SQLAlchemyError as error:
                logger.error("retention has to wait: %s", type(error).__name__)

    def stop(self) -> None:
        self._ended.set()


def work(arguments: argparse.Namespace) -> None:
    """Work until SIGINT or SIGTERM."""
    contacts, site = load(Contacts, arguments.contacts), load(Site, arguments.site)
    channels: dict[str, Channel] = {name: open_channel(settings) for name, settings in site.channels.items()}
    with ExitStack() as stack:
        database = open_database(arguments.data, arguments.database_url)
        stack.callback(database.close)
        duty = Duty(database, Desk(contacts, site))
        leadership = duty.leadership
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: duty.stop())
        stack.callback(_release, leadership)
        for name, channel in channels.items():
            timeout_s = site.channels[name].timeout_s
            sender = Sender(database, name, channel, timeout_s, lambda: leadership.leads, leadership.fence)
            sender.start()
            stack.callback(sender.stop)
        housekeeper = Housekeeper(database, site.retention, lambda: leadership.leads)
        housekeeper.start()
        stack.callback(housekeeper.stop)
        duty.run()


def _release(leadership: Leadership) -> None:
    try:
        leadership.release()
    except SQLAlchemyError:
        logger.warning("the lease could not be given back; the next desk waits for it to run out")


def main(argv: Sequence[str] | None = None) -> int:
    """Work. Returns 0, or 1 after one line on stderr."""
    parser = process.arguments("duty", "the platform's alarm desk")
    parser.add_argument("--contacts", type=Path, help="who is called; see config/contacts.example.yaml")
    parser.add_argument("--site", type=Path, help="where this stands and its channels; see config/site.example.yaml")
    arguments = parser.parse_args(argv)
    return process.run("duty", lambda: work(arguments))


if __name__ == "__main__":
    sys.exit(main())
