"""An ingest worker: MQTT to database, acknowledged after the commit; commands to robots until they confirm.

    python -m robot.fleet.ingest --broker-port 1883 --data .hani/fleet

Any number of workers may run on one database: they share the messages (`$share/ingest/...`), and a message that two of
them got is one row. A worker has two lanes, each with its own connection to the broker and its own thread: alarms and
confirmations are written as they come, everything else in batches, so that telemetry never delays an alarm.
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
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from robot.errors import LinkFault
from robot.fleet import handling, intake, partitions, process, resend
from robot.fleet.database import Database, open_database
from robot.fleet.link import Broker, Link, Received
from robot.fleet.quarantine import Refused
from robot.fleet.tables import Worker
from robot.reporting.contract import ACK_IDS, Ack, RequestTest, topic

TURN_S = 0.2  # how often commands made by the desk are looked for
BEAT_S = 4.0
HOUSEKEEPING_S = 3600.0
RETRY_S = 1.0
COMMAND_EXPIRY_S = 30  # an unreachable robot's queue must not fill with repeats
UNANSWERED_KEPT = 20_000  # of messages at QoS 0, which nobody holds back while the database is away
NAME = "ingest"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """What a lane listens to; how far apart its batches begin at least, and how many messages make one at most.

    So what comes alone is written at once, and what comes in a flood is written together.
    """

    leaves: tuple[str, ...]
    apart_s: float
    batch: int


ALARMS = Pace(("e/alarm", "cmd/ack"), apart_s=0.03, batch=200)
ORDINARY = Pace(("t/bed", "state", "e/event"), apart_s=0.1, batch=1000)


class Lane:
    """One connection to the broker and the thread that writes what comes over it."""

    def __init__(self, pace: Pace, database: Database, broker: Broker, stop: threading.Event) -> None:
        self.link = Link(broker, pace.leaves, self._take)
        self.thread = threading.Thread(target=self._run, name=f"lane {pace.leaves[0]}")
        self._pace = pace
        self._database = database
        self._stop = stop
        self._waiting: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._begun_at_s = 0.0

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
        """Commit the batch, then acknowledge it. Asks a database that refuses again; a poisonous message goes alone."""
        while not self._stop.is_set():
            try:
                safe = intake.commit(self._database, [received.item for received in batch])
                break
            except OperationalError as error:
                logger.error("database refuses, batch of %d is kept: %s", len(batch), type(error.orig).__name__)
                self._stop.wait(RETRY_S)
            except Exception as error:  # whatever one message brings about must not hold up the others
                if len(batch) > 1:
                    self.settle(batch[: len(batch) // 2])
                    self.settle(batch[len(batch) // 2 :])
                    return
                batch = [_refuse(batch[0], error)]
        else:
            return
        for device, ids in safe.items():
            for begin in range(0, len(ids), ACK_IDS):
                self.link.acknowledge(topic(device, "ack"), Ack(ids=tuple(ids[begin : begin + ACK_IDS])).encode())
        for received in batch:
            self.link.done(received)


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
        while not self._stop.wait(TURN_S):
            try:
                self._send_commands()
                self._keep_time()
            except SQLAlchemyError as error:
                logger.error("database refuses: %s", type(getattr(error, "orig", error)).__name__)
                self._stop.wait(RETRY_S)
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
        if abs(now_s - self._cleaned_at_s) >= HOUSEKEEPING_S:
            with self._database.write() as session:
                partitions.make_ahead(session, now_s)
                silent = Worker.beat_at_s < now_s - HOUSEKEEPING_S
                session.execute(delete(Worker).where(Worker.name.startswith(NAME), silent))
            self._cleaned_at_s = now_s


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
