"""An ingest worker: MQTT to database, acknowledged after the commit; commands to robots until they confirm.

    python -m robot.fleet.ingest --broker-port 1883 --data .hani/fleet

Any number of workers may run on one database: they share the messages (`$share/ingest/...`), and a message that two of
them got is one row. A worker has two lanes, each with its own connection to the broker and its own thread: alarms and
confirmations are written as they come, everything else in batches, so that telemetry never delays an alarm. What a
robot sends above its share is left to its outbox, which repeats it.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from robot.errors import LinkFault
from robot.fleet import handling, intake, partitions, process, resend
from robot.fleet.database import Database, open_database
from robot.fleet.link import Broker, Link, Received
from robot.fleet.quarantine import Refused
from robot.fleet.shares import Share, Shares
from robot.fleet.tables import Worker
from robot.reporting.contract import ACK_IDS, Ack, RequestTest, topic

TURN_S = 0.2  # how often commands made by the desk are looked for
BEAT_S = 4.0
HOUSEKEEPING_S = 3600.0
RETRY_S = 1.0
COMMAND_EXPIRY_S = 30  # an unreachable robot's queue must not fill with repeats
UNANSWERED_KEPT = 20_000  # of messages at QoS 0, which nobody holds back while the database is away
IN_VAIN = 20  # tries without one success: then it is not the messages
NAME = "ingest"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """What a lane listens to; how far apart its batches begin at least, and how many messages make one at most.

    So what comes alone is written at once, and what comes in a flood is written together. `share` is one robot's: after
    three days away it has some 180 reports of alarms, and an outbox that nobody answers sends 21 messages a second.
    """

    leaves: tuple[str, ...]
    apart_s: float
    batch: int
    share: Share


ALARMS = Pace(("e/alarm", "cmd/ack"), apart_s=0.03, batch=200, share=Share(burst=1000, per_s=20.0))
ORDINARY = Pace(("t/bed", "state", "e/event"), apart_s=0.1, batch=1000, share=Share(burst=250, per_s=25.0))


class Lane:
    """One connection to the broker and the thread that writes what comes over it."""

    def __init__(self, pace: Pace, database: Database, broker: Broker, stop: threading.Event) -> None:
        self.shares = Shares(pace.share)
        admits = lambda device: self.shares.admits(device, time.monotonic())  # noqa: E731 (only for the link)
        self.link = Link(broker, pace.leaves, admits, self._take)
        self.thread = threading.Thread(target=self._run, name=f"lane {pace.leaves[0]}")
        self._pace = pace
        self._database = database
        self._stop = stop
        self._waiting: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._begun_at_s = 0.0
        self._in_vain = 0

    def _take(self, received: Received) -> None:
        if received.qos == 0 and self._waiting.qsize() >= UNANSWERED_KEPT:
            return
        self._waiting.put(received)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                batch = self._gather()
                if batch:
                    self.settle(batch)
        except LinkFault as error:
            logger.error("%s", error)
        finally:
            self._stop.set()  # a worker with one lane would look alive

    def _gather(self) -> list[Received]:
        """What has arrived, once the last batch is long enough ago or a full one is waiting."""
        try:
            batch = [self._waiting.get(timeout=TURN_S)]
        except queue.Empty:
            return []
        soon_s = self._begun_at_s + self._pace.apart_s - time.monotonic()
        if soon_s > 0 and self._waiting.qsize() < self._pace.batch:
            self._stop.wait(soon_s)
        self._begun_at_s = time.monotonic()
        while len(batch) < self._pace.batch:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch

    def settle(self, batch: Sequence[Received]) -> None:
        """Commit the batch, then acknowledge it. Asks a database that refuses again; a poisonous message goes alone.

        Raises LinkFault when that does not help: a database that is there and takes nothing is broken.
        """
        while not self._stop.is_set():
            try:
                safe = intake.commit(self._database, [received.item for received in batch])
                break
            except Exception as error:  # whatever one message brings about must not hold up the others
                if _is_the_databases(error):
                    logger.error("database refuses, batch of %d is kept: %s", len(batch), _name(error))
                    if not isinstance(error, OperationalError):  # one that is only away is waited for
                        self._count_in_vain(error)
                    self._stop.wait(RETRY_S)
                elif len(batch) > 1:
                    self.settle(batch[: len(batch) // 2])
                    self.settle(batch[len(batch) // 2 :])
                    return
                else:
                    self._count_in_vain(error)
                    batch = [_refuse(batch[0], error)]
        else:
            return
        if any(isinstance(received.item, intake.Arrival) for received in batch):
            self._in_vain = 0
        for device, ids in safe.items():
            for begin in range(0, len(ids), ACK_IDS):
                self.link.acknowledge(topic(device, "ack"), Ack(ids=tuple(ids[begin : begin + ACK_IDS])).encode())
        for received in batch:
            self.link.done(received)

    def _count_in_vain(self, error: Exception) -> None:
        self._in_vain += 1
        if self._in_vain >= IN_VAIN:
            raise LinkFault(f"the database takes nothing ({_name(error)}); check it, then start again") from error


def _is_the_databases(error: Exception) -> bool:
    """Whether the database is at fault and not what it was given: its schema, its rights, its connections."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or not isinstance(error, (DataError, IntegrityError))
    return isinstance(error, NoConnection)


def _name(error: Exception) -> str:
    return type(getattr(error, "orig", None) or error).__name__


def _refuse(received: Received, error: Exception) -> Received:
    """Turn a message that the database cannot hold into one that is only counted."""
    item = received.item
    if isinstance(item, Refused):
        raise error
    logger.error("a message is put aside: %s", type(error).__name__)
    reason = f"the database cannot hold it ({type(error).__name__})"
    return received._replace(item=Refused(item.device, item.message.encode(), reason, item.received_at_s))


class Ingest:
    """The worker: its lanes, and what has to be done from time to time."""

    def __init__(self, database: Database, broker: Broker, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._stop = threading.Event()
        self._name = f"{NAME}-{socket.gethostname()}-{os.getpid()}"
        self._alarms, self._ordinary = (Lane(pace, database, broker, self._stop) for pace in (ALARMS, ORDINARY))
        self._beat_at_s = 0.0
        self._beat_linked: bool | None = None
        self._cleaned_at_s = 0.0
        self._exceeded = 0
        self._stopped = False

    def stop(self) -> None:
        """May be called from a signal handler."""
        self._stopped = True
        self._stop.set()

    def run(self) -> None:
        """Work until `stop`. A database that refuses for a while is waited for: nothing is acknowledged meanwhile.

        Raises LinkFault when a lane has ended by itself.
        """
        lanes = (self._alarms, self._ordinary)
        for lane in lanes:
            lane.thread.start()
            lane.link.start()
        try:
            while not self._stop.wait(TURN_S):
                try:
                    self._send_commands()
                    self._keep_time()
                except SQLAlchemyError as error:
                    logger.error("database refuses: %s", _name(error))
                    self._stop.wait(RETRY_S)
        finally:  # without this thread nobody would beat, or send a command
            self._stop.set()
            for lane in lanes:
                lane.link.stop()
                lane.thread.join()
        if not self._stopped:
            raise LinkFault("a lane of the ingest worker has ended by itself; see the log above and start it again")

    def _send_commands(self) -> None:
        if self._alarms.link.up.is_set():
            for device, command in resend.claim(self._database, self._clock()):
                leaf = "cmd/test" if isinstance(command, RequestTest) else "cmd/alarm"
                self._alarms.link.command(topic(device, leaf), command.encode(), COMMAND_EXPIRY_S)

    def _keep_time(self) -> None:
        now_s, linked = self._clock(), self._alarms.link.up.is_set() and self._ordinary.link.up.is_set()
        if linked != self._beat_linked or abs(now_s - self._beat_at_s) >= BEAT_S:
            handling.beat(self._database, self._name, linked, now_s)
            self._beat_at_s, self._beat_linked = now_s, linked
            self._tell_of_floods()
        if abs(now_s - self._cleaned_at_s) >= HOUSEKEEPING_S:
            with self._database.write() as session:
                partitions.make_ahead(session, now_s)
                silent = Worker.beat_at_s < now_s - HOUSEKEEPING_S
                session.execute(delete(Worker).where(Worker.name.startswith(NAME), silent))
            self._cleaned_at_s = now_s

    def _tell_of_floods(self) -> None:
        exceeded = self._alarms.shares.exceeded + self._ordinary.shares.exceeded
        if exceeded > self._exceeded:
            logger.warning(
                "%d messages were above their robots' shares and are left to them", exceeded - self._exceeded
            )
            self._exceeded = exceeded


def work(arguments: argparse.Namespace) -> None:
    """Work until SIGINT or SIGTERM."""
    with ExitStack() as stack:
        database = open_database(arguments.data, arguments.database_url)
        stack.callback(database.close)
        broker = Broker(
            arguments.broker_host,
            arguments.broker_port,
            arguments.broker_ca,
            arguments.broker_cert,
            arguments.broker_key,
        )
        ingest = Ingest(database, broker)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ingest.stop())
        ingest.run()


def main(argv: Sequence[str] | None = None) -> int:
    """Work. Returns 0, or 1 after one line on stderr."""
    parser = process.arguments("ingest", "an ingest worker of the platform")
    parser.add_argument("--broker-host", default="127.0.0.1")
    parser.add_argument("--broker-port", type=int, default=1883)
    parser.add_argument("--broker-ca", type=Path, help="the broker's authority, in PEM: switches TLS on")
    parser.add_argument("--broker-cert", type=Path, help="this platform's certificate, in PEM")
    parser.add_argument("--broker-key", type=Path, help="its key; may stand in the certificate's file")
    arguments = parser.parse_args(argv)
    return process.run("ingest", lambda: work(arguments))


if __name__ == "__main__":
    sys.exit(main())
