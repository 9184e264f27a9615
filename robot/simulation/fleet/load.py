"""The fleet's connections: one thread, one epoll, thousands of sockets."""

from __future__ import annotations

import errno
import heapq
import random
import resource
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from robot.errors import BadInput, LinkFault
from robot.reporting.contract import ROOT
from robot.simulation.fleet import wire
from robot.simulation.fleet.arrivals import Arrival, Kind, Step, arrivals
from robot.simulation.fleet.member import Kept, Member, Message

KEEPALIVE_S = 20  # as the uplink
PING_AFTER_S = 15.0
CONNECTING = 80  # mosquitto lets a hundred wait at its door
CONNECT_LIMIT_S = 60.0
TAKEN_BACK_AFTER_S = 5.0  # how long a resident needs to answer "I am all right"
SENT_A_TURN = 100  # then answers are read, however late the schedule is
SETTLE_S = 15.0
SPARE_FILES = 64
READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Done:
    """A kept report that the platform has acknowledged; `first` is an alarm's first. Times are Unix seconds."""

    leaf: str
    alarm_id: str | None
    first: bool
    intended_s: float
    acked_s: float


@dataclass
class Tally:
    """What happened since the step began. Bytes are MQTT's, without TCP/IP."""

    sent: Counter[str] = field(default_factory=Counter)
    bytes_up: Counter[str] = field(default_factory=Counter)
    bytes_down: int = 0
    packets_down: int = 0
    repeated: int = 0
    late_s: list[float] = field(default_factory=list)  # how late the generator itself was, for each message
    done: list[Done] = field(default_factory=list)
    settle_s: float = 0.0  # from the step's end until all was acknowledged
    unacknowledged: int = 0


class Connection:
    """One robot's socket. What does not fit into the kernel's buffer waits in `outgoing`."""

    __slots__ = ("incoming", "member", "outgoing", "packet_id", "sent_s", "sock")

    def __init__(self, member: Member, sock: socket.socket) -> None:
        self.member, self.sock = member, sock
        self.incoming = self.outgoing = b""
        self.packet_id, self.sent_s = 0, 0.0


class Fleet:
    """`connect` once, then `run` step by step, then `close`. Raises LinkFault when the broker fails the fleet."""

    def __init__(self, robots: int, host: str, port: int, *, prefix: str = "load", first: int = 0) -> None:
        allow_files(robots + SPARE_FILES)
        self._host, self._port, self._wanted, self._prefix, self._first = host, port, robots, prefix, first
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._order: list[Connection] = []
        self._taken_back: list[tuple[float, int, str, Connection]] = []
        self._tally = Tally()
        self._looked_s = 0.0
        self._ready = 0

    def connect(self) -> float:
        """Connect and subscribe all robots. Returns the seconds that took."""
        began_s = time.monotonic()
        while len(self._order) < self._wanted or self._waiting():
            if time.monotonic() - began_s > CONNECT_LIMIT_S:
                raise LinkFault(f"{self._waiting()} robots got no connection; look at the broker's log and limits")
            if len(self._order) < self._wanted and self._waiting() < CONNECTING:
                self._open(self._first + len(self._order))
            self._read(0.0 if len(self._order) < self._wanted and self._waiting() < CONNECTING else 0.05)
        return time.monotonic() - began_s

    def run(self, step: Step, seed: int, on_done: Callable[[Done], None] = lambda _done: None) -> Tally:
        """Play one step, then wait up to 15 s until the platform has acknowledged everything."""
        self._tally = tally = Tally()
        begin_s = time.time()
        schedule: Iterator[Arrival] = arrivals(step, len(self._order), seed)
        upcoming = next(schedule, None)
        while upcoming is not None or time.time() < begin_s + step.seconds:
            for _ in range(SENT_A_TURN):
                if upcoming is None or begin_s + upcoming.at_s > time.time():
                    break
                self._say(upcoming, begin_s + upcoming.at_s)
                upcoming = next(schedule, None)
            self._turn(begin_s + (step.seconds if upcoming is None else upcoming.at_s))
        end_s = time.time()
        while self._keeping() and time.time() < end_s + SETTLE_S:
            self._turn(time.time() + 0.05)
        tally.settle_s = time.time() - end_s
        tally.unacknowledged = self._keeping()
        for done in tally.done:
            on_done(done)
        return tally

    def close(self) -> None:
        """Say goodbye in order, so that no last will is sent, and let go of every socket."""
        for connection in self._order:
            connection.sock.setblocking(True)
            try:
                goodbye = connection.member.state(time.time(), online=False)
                self._send(connection, goodbye)
                connection.sock.sendall(connection.outgoing + wire.DISCONNECT)
            except OSError:
                pass
            connection.sock.close()
        self._epoll.close()

    # --- one turn -------------------------------------------------------------------------------------------------

    def _turn(self, until_s: float) -> None:
        """Take what came, and what has become due by itself."""
        now_s = time.time()
        self._read(min(max(until_s - now_s, 0.0), 0.02))
        now_s = time.time()
        while self._taken_back and self._taken_back[0][0] <= now_s:
            due_s, _, alarm_id, connection = heapq.heappop(self._taken_back)
            self._late(now_s - due_s)
            self._send(connection, connection.member.alarm(now_s, due_s, alarm_id))
        if now_s - self._looked_s >= 1.0:
            self._looked_s = now_s
            self._look_after(now_s)

    def _say(self, arrival: Arrival, intended_s: float) -> None:
        connection, now_s = self._order[arrival.robot], time.time()
        self._late(now_s - intended_s)
        member = connection.member
        if arrival.kind is Kind.STATE:
            message = member.state(now_s)
        elif arrival.kind is Kind.BED:
            message = member.bed(now_s, intended_s)
        elif arrival.kind is Kind.EVENT:
            message = member.event(now_s, intended_s)
        else:
            message = member.alarm(now_s, intended_s)
            alarm_id = member.kept[str(message.id)].alarm_id
            entry = (intended_s + TAKEN_BACK_AFTER_S, len(self._tally.late_s), str(alarm_id), connection)
            heapq.heappush(self._taken_back, entry)
        self._send(connection, message)

    def _late(self, seconds: float) -> None:
        self._tally.late_s.append(seconds)

    def _look_after(self, now_s: float) -> None:
        """Once a second: repeat what was not acknowledged, ping where nothing was said."""
        for connection in self._order:
            for message in connection.member.again(now_s) if connection.member.kept else ():
                self._tally.repeated += 1
                self._send(connection, message)
            if now_s - connection.sent_s > PING_AFTER_S:
                self._write(connection, wire.PINGREQ, "ping")

    def _keeping(self) -> int:
        return sum(len(connection.member.kept) for connection in self._order)

    def _waiting(self) -> int:
        return len(self._order) - self._ready

    # --- sockets --------------------------------------------------------------------------------------------------

    def _open(self, number: int) -> None:
        device = f"{self._prefix}-{number:06d}"
        member = Member(device, random.Random(device))
        sock = socket.create_connection((self._host, self._port), timeout=10.0)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(member, sock)
        self._connections[sock.fileno()] = connection
        self._order.append(connection)
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        hello = wire.connect(device, KEEPALIVE_S, member.topic("state"), member.will(time.time()))
        subscription = wire.subscribe(1, [f"{ROOT}/{device}/{leaf}" for leaf in ("ack", "cmd/alarm")])
        self._write(connection, hello + subscription, "connect")

    def _send(self, connection: Connection, message: Message) -> None:
        packet_id = None
        if message.qos:
            packet_id = connection.packet_id = connection.packet_id % 65_535 + 1
        data = wire.publish(connection.member.topic(message.leaf), message.payload, packet_id, retain=message.retain)
        self._tally.sent[message.leaf] += 1
        self._write(connection, data, message.leaf)

    def _write(self, connection: Connection, data: bytes, what: str) -> None:
        self._tally.bytes_up[what] += len(data)
        connection.sent_s = time.time()
        if connection.outgoing:
            connection.outgoing += data
            return
        written = self._push(connection, data)
        if written < len(data):
            connection.outgoing = data[written:]
            self._epoll.modify(connection.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _push(self, connection: Connection, data: bytes) -> int:
        try:
            return connection.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise LinkFault(
                f"the broker has left {connection.member.device} ({errno.errorcode[error.errno or 0]})"
            ) from error

    def _flush(self, connection: Connection) -> None:
        connection.outgoing = connection.outgoing[self._push(connection, connection.outgoing) :]
        if not connection.outgoing:
            self._epoll.modify(connection.sock.fileno(), select.EPOLLIN)

    def _read(self, timeout_s: float) -> None:
        for number, what in self._epoll.poll(timeout_s):
            connection = self._connections[number]
            if what & select.EPOLLOUT:
                self._flush(connection)
            if what & ~select.EPOLLOUT:
                self._receive(connection)

    def _receive(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise LinkFault(f"the broker has left {connection.member.device}; is it still running?")
        self._tally.bytes_down += len(data)
        packets, connection.incoming = wire.split(connection.incoming + data)
        for packet in packets:
            self._tally.packets_down += 1
            self._take(connection, packet)

    def _take(self, connection: Connection, packet: wire.Packet) -> None:
        if packet.type == wire.PUBLISH:
            publication = wire.read_publish(packet)
            if publication.packet_id is not None:
                self._write(connection, wire.puback(publication.packet_id), "puback")
            leaf = publication.topic.split("/", 3)[3]
            acknowledged, answer = connection.member.hear(leaf, publication.payload)
            if acknowledged:
                self._settle(acknowledged)
            if answer is not None:
                self._send(connection, answer)
        elif packet.type == wire.SUBACK:
            self._ready += 1
        elif packet.type == wire.CONNACK and packet.body[1] >= 0x80:
            raise LinkFault(f"the broker refuses {connection.member.device} (reason {packet.body[1]:#x})")

    def _settle(self, acknowledged: list[Kept]) -> None:
        now_s = time.time()
        for kept in acknowledged:
            self._tally.done.append(Done(kept.message.leaf, kept.alarm_id, kept.first, kept.intended_s, now_s))


def allow_files(wanted: int) -> None:
    """Raise this process's limit of open files. Raises BadInput when the system's hard limit is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BadInput(f"{wanted} open files are needed and {hard} allowed; raise it (ulimit -Hn) or take fewer robots")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
