"""One run: everything started, alarms made, faults injected by the plan, everything healed, silence awaited."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from tests.chaos import people, skew
from tests.chaos.disk import Disk
from tests.chaos.faults import Fault, faults, round_of
from tests.chaos.government import Government
from tests.chaos.pages import Person
from tests.chaos.parts import Part, Platform
from tests.chaos.proxy import Mode, Network
from tests.chaos.record import Injected, Plan, Record

HOSTS, ROBOTS = 3, 8
WORKERS = 2
NOISE = 0.03  # always; a "noise" fault makes it worse
WORSE_NOISE = 0.4
RESTART_AFTER_S = 1.0
ROBOT_DISK_MIB, PLATFORM_DISK_MIB = 256, 640
STILL_S = 3.0


class Chaos:
    """A run in `folder`. Use as a context; `run` gives the record, and the platform still runs then."""

    def __init__(self, folder: Path, plan: Plan, say: Callable[[str], None] = lambda _line: None) -> None:
        self.folder, self.plan, self._say = folder, plan, say
        self.record = Record()
        self.ledger = folder / "ledger"
        self.ledger.mkdir(parents=True)
        (folder / "logs").mkdir()
        self._clocks = {name: folder / f"{name}.clock" for name in (*self._host_names(), "platform")}
        for path in self._clocks.values():
            skew.write(path, 0.0)
        self._disks = {
            name: Disk(folder / name, ROBOT_DISK_MIB, partial(self._family, name)) for name in self._host_names()
        }
        self._disks["platform"] = Disk(folder / "platform", PLATFORM_DISK_MIB, self._platform_writers)
        self.networks = {name: Network(plan.seed + number, NOISE) for number, name in enumerate(self._host_names())}
        self.networks["platform"] = Network(plan.seed)
        self.government = Government(folder)
        self.platform = Platform(
            folder,
            plan.store,
            workers=WORKERS,
            ingest_port=self.networks["platform"].port,
            clock=self._clocks["platform"],
            data=folder / "platform",
            bridge=self.government.file,
        )
        for network in self.networks.values():
            network.target = self.platform.broker_port
        self.parts: dict[str, Part] = dict(self.platform.parts)
        for number, name in enumerate(self._host_names()):
            self.parts[name] = self._host(number, name)
        self.people: list[Person] = []
        self.keep = False  # what lies on the small disks, for whoever looks for a fault
        self._undo: dict[str, tuple[float, Fault, float, Callable[[], None]]] = {}
        self._restart_at_s: dict[str, float] = {}
        self._stop = threading.Event()
        self._busy = threading.Event()

    def __enter__(self) -> Chaos:
        try:
            self.platform.start()
            if self.plan.store == "postgres":
                self._keep_log_small()
            self.people.extend(Person(self.platform, f"person-{number}") for number in range(2))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        with contextlib.ExitStack() as ending:  # from the last to the first; each, whatever becomes of the others
            for name, disk in self._disks.items():
                ending.callback(disk.close, self.folder / f"{name}-as-it-was" if self.keep else None)
            for network in self.networks.values():
                ending.callback(network.close)
            ending.callback(self.government.close)
            ending.callback(self.platform.stop)
            for person in self.people:
                ending.callback(person.close)
            for name in self._host_names():
                ending.callback(self.parts[name].kill)

    # --- the run --------------------------------------------------------------------------------------------------

    def run(self) -> Record:
        """Make all alarms while faults happen, heal everything, wait until nothing is under way any more."""
        began_s = time.monotonic()
        for name in self._host_names():
            self.parts[name].start()
        self._busy.set()
        answering, watching = self.people
        work = (
            partial(people.answer_alarms, answering, self.record, self.plan.seed, self._busy, self._stop),
            partial(people.watch_page, watching, self.record, self._stop),
        )
        watchers = [threading.Thread(target=one, daemon=True) for one in work]
        for watcher in watchers:
            watcher.start()
        self._disturb(began_s)
        self._busy.clear()
        self._heal_everything()
        self.record.busy_s = time.monotonic() - began_s
        self._say(f"all alarms made after {self.record.busy_s:.0f} s; healed, waiting for silence")
        self.record.quiet_s = self._await_silence()
        self._stop.set()
        for watcher in watchers:
            watcher.join(90)  # of a request or two that hang
        self.record.fell = {name: part.fell for name, part in self.parts.items() if part.fell}
        self.record.network = sum((network.counts for network in self.networks.values()), Counter())
        self.record.refused = sum(status.get("refused", 0) for status in self.statuses())
        return self.record

    def _disturb(self, began_s: float) -> None:
        targets = [name for name in self.parts if name != "database"] + ["database"]
        links = [*self._host_names(), "platform"]
        plan = faults(self.plan.seed, targets, links, self.plan.gap_s)
        upcoming, due_s = next(plan), began_s + 3.0
        said_s = began_s
        begun, first_round = 0, round_of(targets, links)
        while (self._to_make() > 0 or begun < first_round) and time.monotonic() < began_s + self.plan.limit_s:
            now_s = time.monotonic()
            self._heal_due(now_s)
            self._supervise(now_s)
            if now_s >= due_s and not self._is_hit(upcoming):
                self._inject(upcoming, now_s)
                begun += 1
                upcoming = next(plan)
                due_s = max(due_s, now_s - 1.0) + upcoming.after_s
            if now_s - said_s > 20.0:
                said_s = now_s
                self._say(f"{now_s - began_s:.0f} s: {len(self.record.injected)} faults, {self._to_make()} to make")
            time.sleep(0.05)

    def _inject(self, fault: Fault, now_s: float) -> None:
        undo = getattr(self, f"_do_{fault.kind}")(fault)
        self._undo[_place(fault.kind, fault.target)] = (now_s + fault.seconds, fault, now_s, undo)

    def _is_hit(self, fault: Fault) -> bool:
        """Whether the same thing, or for the store any of its users, is under such a fault already."""
        place, users = _place(fault.kind, fault.target), {_place("kill", name) for name in self._store_users()}
        if place == "process database" and self.plan.store == "sqlite":
            return bool(self._undo.keys() & users)
        return place in self._undo or (place in users and "process database" in self._undo)

    def _heal_due(self, now_s: float) -> None:
        for place, (until_s, fault, began_s, undo) in list(self._undo.items()):
            if now_s >= until_s:
                del self._undo[place]
                undo()
                self.record.injected.append(Injected(fault, began_s, time.monotonic()))
                with (self.folder / "faults.txt").open("a", encoding="utf-8") as file:
                    file.write(f"{began_s:.2f} {time.monotonic():.2f} {fault.kind} {fault.target} {fault.how}\n")

    def _heal_everything(self) -> None:
        self._heal_due(float("inf"))
        for network in self.networks.values():
            network.noise = 0.0

    def _supervise(self, now_s: float) -> None:
        """As the launch file does: what ended by itself is started again after a moment."""
        for name, part in self.parts.items():
            if part.wanted and not part.running and not part.paused:
                due_s = self._restart_at_s.setdefault(name, now_s + RESTART_AFTER_S)
                if now_s >= due_s:
                    del self._restart_at_s[name]
                    part.look()

    def _await_silence(self) -> float | None:
        """Seconds until every outbox was empty, every command confirmed and the bridge at rest, for a while."""
        began_s = time.monotonic()
        still_since_s: float | None = None
        while (now_s := time.monotonic()) < began_s + self.plan.quiet_s:
            self._supervise(now_s)
            still_since_s = (still_since_s or now_s) if self._is_still() else None
            if still_since_s is not None and now_s - still_since_s >= STILL_S:
                return still_since_s - began_s
            time.sleep(0.25)
        return None

    def _is_still(self) -> bool:
        self.record.unrest = " ".join(self._unrest())
        return not self.record.unrest

    def _unrest(self) -> Iterator[str]:
        """What is still under way."""
        statuses = self.statuses()
        if len(statuses) < HOSTS or any(status["depth"] or status["to_make"] for status in statuses):
            yield f"in the outboxes: {[status['depth'] for status in statuses]}."
        waiting = self.platform.rows("SELECT count(*) FROM commands WHERE confirmed_at_s IS NULL")
        if waiting is None or waiting[0][0]:
            yield f"commands without confirmation: {waiting and waiting[0][0]}."
        if not self.government.is_still(self.platform):
            yield "the bridge has something to tell."

    # --- faults ---------------------------------------------------------------------------------------------------

    def _do_kill(self, fault: Fault) -> Callable[[], None]:
        hit = [self.parts[name] for name in self._meant(fault.target)]
        for part in hit:
            part.kill()

        def start() -> None:
            for part in hit:
                part.start()

        return start

    def _do_pause(self, fault: Fault) -> Callable[[], None]:
        hit = [self.parts[name] for name in self._meant(fault.target)]
        for part in hit:
            part.pause()

        def resume() -> None:
            for part in hit:
                part.resume()

        return resume

    def _do_network(self, fault: Fault) -> Callable[[], None]:
        network = self.networks[fault.target]
        mode: Mode = fault.how  # type: ignore[assignment]  # drawn from these
        network.set(mode)
        return lambda: network.set("open")

    def _do_noise(self, fault: Fault) -> Callable[[], None]:
        network = self.networks[fault.target]
        network.noise = WORSE_NOISE

        def calm() -> None:
            network.noise = NOISE

        return calm

    def _do_disk(self, fault: Fault) -> Callable[[], None]:
        disk = self._disks[fault.target]
        disk.fill()
        return disk.free

    def _do_clock(self, fault: Fault) -> Callable[[], None]:
        clock = self._clocks[fault.target]
        skew.write(clock, float(fault.how.split()[0]))
        return lambda: skew.write(clock, 0.0)

    def _meant(self, target: str) -> list[str]:
        """SQLite has no server: its users die all at once instead."""
        return self._store_users() if target == "database" and self.plan.store == "sqlite" else [target]

    def _store_users(self) -> list[str]:
        return [name for name in self.platform.parts if name not in ("broker", "database")]

    # --- helpers --------------------------------------------------------------------------------------------------

    def statuses(self) -> list[dict[str, Any]]:
        """What the robots' processes said last, of those that have said anything."""
        return [status for name in self._host_names() if (status := self.status_of(name))]

    def status_of(self, name: str) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.ledger / f"{name}.status").read_text(encoding="utf-8"))
            return found
        return {}

    def _to_make(self) -> int:
        statuses = self.statuses()
        return sum(status["to_make"] for status in statuses) if len(statuses) == HOSTS else self.plan.alarms

    def _host(self, number: int, name: str) -> Part:
        share = self.plan.alarms // HOSTS + (1 if number < self.plan.alarms % HOSTS else 0)
        arguments = {
            "host": number,
            "robots": ROBOTS,
            "folder": self.folder / name,
            "ledger": self.ledger,
            "port": self.networks[name].port,
            "alarms": share,
            "rate": self.plan.rate / HOSTS,
            "clock": self._clocks[name],
            "seed": self.plan.seed,
        }
        command = [part for key, value in arguments.items() for part in (f"--{key}", str(value))]
        return Part(name, ["tests.chaos.robots", *command], self.folder / "logs" / f"{name}.log")

    def _family(self, name: str) -> list[psutil.Process]:
        return self.parts[name].family()

    def _platform_writers(self) -> Iterator[psutil.Process]:
        for part in self.platform.parts.values():
            yield from part.family()

    def _keep_log_small(self) -> None:
        """PostgreSQL's log of changes must fit the small disk."""
        self.platform.order("ALTER SYSTEM SET max_wal_size = '128MB'", "SELECT pg_reload_conf()")

    @staticmethod
    def _host_names() -> list[str]:
        return [f"robots-{number}" for number in range(HOSTS)]


def _place(kind: str, target: str) -> str:
    """What a fault occupies: a process cannot be killed while it is stopped, but its network may be cut meanwhile."""
    return f"{'process' if kind in ('kill', 'pause') else kind} {target}"
