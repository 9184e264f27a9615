"""The bridge's loop: from the database's notes into the outbox, over to the platform, and what came of it back."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from robot.errors import BadConfiguration, BadInput, LinkFault
from robot.fleet.database import Database
from robot.fleet.government import outbox, retry
from robot.fleet.government.config import Bridge as Settings
from robot.fleet.government.config import Retry
from robot.fleet.government.connectors import Connector
from robot.fleet.government.letters import Letter, Writer
from robot.fleet.government.retry import Answer, Kind
from robot.fleet.government.tables import DEAD, WORKER, GovernmentItem
from robot.fleet.tables import Worker
from robot.locks import exclusive

TURN_S = 0.25
BEAT_S = 4.0
PRUNE_S = 3600.0
DATABASE_PAUSE_S = 1.0
DAY_S = 86_400.0
LEADER = 0x474F5642  # "GOVB": the advisory lock of PostgreSQL that only one bridge holds

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Flight:
    """An item on its way."""

    item: GovernmentItem
    digest: str


class Bridge:
    """Works until `stop`. One bridge a database: see `alone`."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        connector: Connector,
        region_of: Callable[[str], str],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database, self._settings, self._connector = database, settings, connector
        self._region_of, self._clock, self._monotonic, self._chance = region_of, clock, monotonic, chance
        self._writer = Writer(settings)
        self._choice = outbox.Choice(settings.send.tests, settings.send.technical, settings.send.care, settings.told)
        self._policy = policy_of(settings.retry)
        self._circuit = retry.Circuit(self._policy)
        self._flying: dict[Future[Answer], Flight] = {}
        self._stop = threading.Event()
        self._beat_at_s = self._pruned_at_s = float("-inf")
        self._was_well = True
        self._has_doubted = False
        with database.read() as session:
            self._first_start = session.get(Worker, WORKER) is None

    def stop(self) -> None:
        self._stop.set()

    def run(self, still_alone: Callable[[], None]) -> None:
        """Work until `stop`; a database that refuses for a while is waited for."""
        with ThreadPoolExecutor(self._settings.retry.lanes, thread_name_prefix="lane") as lanes:
            while not self._stop.is_set():
                try:
                    still_alone()
                    busy = self.turn(lanes)
                except DBAPIError as error:
                    logger.error("database refuses: %s", type(error.orig).__name__)
                    self._stop.wait(DATABASE_PAUSE_S)
                    continue
                if self._flying:
                    wait(self._flying, timeout=TURN_S, return_when=FIRST_COMPLETED)
                elif not busy:
                    self._stop.wait(TURN_S)
            wait(self._flying)
        with suppress(DBAPIError):  # what cannot be noted now is sent once more by the next bridge, under the same key
            self._land()

    def turn(self, lanes: Executor) -> bool:
        """Look for what is new, settle what is answered, send what may go. Returns whether there may be more to do."""
        if not self._has_doubted:
            with self._database.write() as session:
                outbox.doubt(session)
            self._has_doubted = True
        looked_at = self._collect()
        self._land()
        started = self._start(lanes)
        self._keep_time()
        return bool(looked_at or started)

    def _collect(self) -> int:
        with self._database.read() as session:
            if not outbox.is_pending(session):
                self._first_start = False
                return 0
        now_s = self._clock()
        with self._database.write() as session:
            looked_at, made = outbox.collect(session, self._choice, now_s, first_start=self._first_start)
        if looked_at < outbox.BATCH:
            self._first_start = False
        if made:
            logger.info("queued %d items", made)
        return looked_at

    def _land(self) -> None:
        for future in [future for future in self._flying if future.done()]:
            flight = self._flying[future]
            answer = _outcome(future)
            with self._database.write() as session:
                self._settle(session, flight.item, answer, flight.digest)
            del self._flying[future]  # only after the commit: a database that refuses must not cost the answer
            self._circuit.heard(answer, self._monotonic(), self._chance())
        if self._circuit.is_well != self._was_well:
            self._was_well = self._circuit.is_well
            logger.warning("the platform answers again" if self._was_well else "the platform does not take letters")

    def _settle(self, session: Session, item: GovernmentItem, answer: Answer, digest: str | None) -> None:
        now_s = self._clock()
        trial = outbox.trial(session, item, now_s)
        verdict = retry.decide(answer, trial, now_s, self._chance(), self._policy)
        outbox.settle(session, item, verdict, digest, now_s)
        if verdict.state == DEAD:
            logger.error("dead letter %s; see `python -m robot.fleet.government dead-letters list`", item.key)
        elif not answer.is_taken:
            logger.info("item %s waits: attempt %d was %s", item.key, trial.attempts, answer.kind.value)

    def _start(self, lanes: Executor) -> int:
        room = self._circuit.room(len(self._flying), self._settings.retry.lanes, self._monotonic())
        if room == 0:
            return 0
        now_s = self._clock()
        flying = {flight.item.alarm_id for flight in self._flying.values()}
        ready: list[tuple[GovernmentItem, Letter]] = []
        refused: list[tuple[GovernmentItem, Answer]] = []
        with self._database.read() as session:
            for item in outbox.heads(session, now_s, room, self._policy.longest_s, flying):
                letter = self._write(session, item, now_s)
                if isinstance(letter, Answer):
                    refused.append((item, letter))
                else:
                    ready.append((item, letter))
        if refused:
            with self._database.write() as session:
                for item, answer in refused:
                    self._settle(session, item, answer, None)
        for item, letter in ready:
            self._flying[lanes.submit(self._connector.deliver, letter)] = Flight(item, letter.digest)
        return len(ready) + len(refused)

    def _write(self, session: Session, item: GovernmentItem, now_s: float) -> Letter | Answer:
        """The item's letter, or what keeps it from being written."""
        try:
            facts = outbox.facts_of(session, item, self._region_of)
            if facts is None:
                return Answer(Kind.REFUSED, "the alarm has been erased; drop this letter")
            return self._writer.write(facts, now_s)
        except BadInput as error:
            return Answer(Kind.REFUSED, str(error))
        except BadConfiguration as error:  # the lookup file is being edited: that is not the item's fault
            logger.error("letters cannot be written: %s", error)
            return Answer(Kind.DOWN, str(error))

    def _keep_time(self) -> None:
        now_s = self._clock()
        if self._first_start or abs(now_s - self._beat_at_s) < BEAT_S:
            return
        self._beat_at_s = now_s
        with self._database.write() as session:
            session.merge(Worker(name=WORKER, beat_at_s=now_s, linked=self._circuit.is_well))
            if abs(now_s - self._pruned_at_s) >= PRUNE_S:
                self._pruned_at_s = now_s
                outbox.prune(session, now_s - self._settings.retry.keep_delivered_days * DAY_S)


def policy_of(settings: Retry) -> retry.Policy:
    """The figures of the settings file."""
    return retry.Policy(**settings.model_dump(exclude={"lanes", "keep_delivered_days"}))


def _outcome(future: Future[Answer]) -> Answer:
    try:
        return future.result()
    except Exception as error:  # a connector's bug must cost an attempt, not the bridge
        logger.exception("connector failed")
        return Answer(Kind.FAILED, f"connector failed ({type(error).__name__})")


class Lead:
    """PostgreSQL's advisory lock, held by a connection of its own and taken anew when that breaks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")  # no transaction stays open for days
        self._connection: Connection | None = None

    def check(self) -> None:
        """Hold the lock. Raises LinkFault when another bridge has it, DBAPIError while the database refuses."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
                if not self._connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": LEADER}):
                    raise LinkFault("another bridge works on this database; stop it first")
            else:
                self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            self.leave()
            raise

    def leave(self) -> None:
        """End the connection, and with it the lock."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


@contextmanager
def alone(database: Database, data: Path) -> Iterator[Callable[[], None]]:
    """Be the only bridge of this database; yields a check to be made at each turn.

    A lock file keeps a second bridge from this data folder, PostgreSQL's lock one from another machine. Raises
    BadConfiguration or LinkFault when there is one.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(data / "government.lock", wait=False))
        except BlockingIOError as error:
            raise BadConfiguration(f"another bridge works on {data}; stop it first") from error
        with database.read() as session:
            engine = session.get_bind().engine
        if engine.dialect.name != "postgresql":
            yield lambda: None
            return
        lead = Lead(engine)
        stack.callback(lead.leave)
        lead.check()
        yield lead.check
