"""The live feed: server-sent events with persistent ids, replayed after `Last-Event-ID`.

alarm   the alarm's row as it stands now, to be swapped in by its id     id: see below
robot   the device's name: its panels ask again                          id: see below
health  what is wrong with the platform or out of reach, every 5 s; also the page's proof that the feed lives
gone    the session has ended: sign in again
resync  what came in between is no longer kept: load the page again

What changed at the same time goes out together, alarms first. Only the last event of a batch carries the new change id,
the others the one before: who is cut off in between gets the batch again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from queue import SimpleQueue

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from robot.fleet.looking import Platform, Rows, Standing
from robot.fleet.people import Person, Sight, readings

LOOK_S = 0.15  # how often the database is asked for something new, once for all readers
HEALTH_S = 5.0
LOOK_AGAIN_S = 2.0  # so soon a disabled person's page ends, and a changed grant counts
NOTE_S = 1.0  # what was shown is written into the audit so soon after
BATCHES_KEPT = 200  # in memory: a reader who is further behind asks the database
ROWS_AT_ONCE = 20  # so many rows are drawn before they are sent: others wait for the processor meanwhile

logger = logging.getLogger(__name__)

Change = tuple[int, str, str | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """The changes after an id up to another, oldest first, and the alarms among them as they stood then."""

    after: int
    newest: int
    changes: tuple[Change, ...]
    rows: Rows


class Feed:
    """Looks at what changed, once for all readers, and writes down who was shown it. `stop` ends every stream."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._newest: int | None = None  # not known before the first look
        self._batches: deque[Batch] = deque(maxlen=BATCHES_KEPT)
        self._stopped = False
        self._woken = asyncio.Event()
        self._standing: Standing | None = None
        self._standing_until_s = 0.0
        self._asking = asyncio.Lock()
        self._shown: SimpleQueue[tuple[Person, frozenset[str]]] = SimpleQueue()

    @property
    def stopped(self) -> bool:
        return self._stopped

    def stop(self) -> None:
        """May be called from a signal handler: readers notice within a second."""
        self._stopped = True

    async def run(self) -> None:
        """Look for changes until stopped. A database that does not answer is asked again."""
        notes = asyncio.create_task(self._write_readings())
        while not self._stopped:
            try:
                if await run_in_threadpool(self._look):
                    self._woken.set()
                    self._woken = asyncio.Event()
            except SQLAlchemyError as error:
                logger.warning("the live feed could not look: %s", type(error).__name__)
            await asyncio.sleep(LOOK_S)
        self._woken.set()
        await notes

    def _look(self) -> bool:
        """Keep what has changed since the last look; whether there was something."""
        newest = self._platform.newest_change()
        if newest == self._newest:
            return False
        batch = self._batch(self._newest) if self._newest is not None else None
        if batch is None:  # the first look, or another database: readers ask for themselves what they missed
            self._batches.clear()
            self._newest = newest
        else:
            self._batches.append(batch)
            self._newest = batch.newest
        return True

    def _batch(self, after: int) -> Batch | None:
        changes = self._platform.changes(after)
        if changes is None:
            return None
        alarm_ids = {alarm_id for _, _, alarm_id in changes if alarm_id}
        rows = self._platform.rows(sorted(alarm_ids)) if alarm_ids else Rows()
        return Batch(after, changes[-1][0] if changes else after, tuple(changes), rows)

    async def since(self, after: int) -> list[Batch] | None:
        """What came after an id; None if some of it is no longer kept, or the id is from another time."""
        if after == self._newest:
            return []
        if self._batches and self._batches[0].after <= after < self._batches[-1].newest:
            return [batch for batch in self._batches if batch.newest > after]
        batch = await run_in_threadpool(self._batch, after)
        return None if batch is None else [batch]

    async def wait(self, after: int, timeout_s: float) -> None:
        """Return when there is something after `after`, at the latest after `timeout_s`."""
        if (self._newest is None or self._newest <= after) and not self._stopped:
            try:
                await asyncio.wait_for(self._woken.wait(), timeout_s)
            except asyncio.TimeoutError:
                return

    async def standing(self) -> Standing:
        """How the platform stands, asked for once in HEALTH_S for all readers."""
        async with self._asking:
            now_s = asyncio.get_running_loop().time()
            if self._standing is None or now_s >= self._standing_until_s:
                self._standing = await run_in_threadpool(self._platform.standing)
                self._standing_until_s = now_s + HEALTH_S
            return self._standing

    def note(self, person: Person, devices: Iterable[str]) -> None:
        """This person is being shown alarms of these devices: into the audit, soon, and in nobody's way. Any thread."""
        self._shown.put((person, frozenset(devices)))

    async def _write_readings(self) -> None:
        while not self._stopped:
            await asyncio.sleep(NOTE_S)
            await run_in_threadpool(self._write_shown)
        await run_in_threadpool(self._write_shown)

    def _write_shown(self) -> None:
        shown: dict[Person, set[str]] = {}
        while not self._shown.empty():
            person, devices = self._shown.get()
            shown.setdefault(person, set()).update(devices)
        for person, seen in shown.items():
            try:
                readings.note(self._platform.database, person, seen, "alarms", self._platform.clock())
            except SQLAlchemyError as error:
                logger.warning("who was shown what could not be written yet: %s", type(error).__name__)
                self.note(person, seen)


def frame(event: str, data: str, id_: int | None = None) -> str:
    """One event on the wire; line breaks in the data become data lines."""
    head = f"id: {id_}\n" if id_ is not None else ""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"{head}event: {event}\n{lines}\n"


@dataclass(frozen=True)
class Reader:
    """Somebody before an open page: what they may see, and how rows and the platform's standing are drawn for them.

    `draw` takes alarms of what everybody may see and gives the rows of those that this reader may; it also has to see
    to it that this is written down.
    """

    sight: Sight
    draw: Callable[[Rows], list[str]]
    health: Callable[[Standing], str]


async def stream(platform: Platform, feed: Feed, after: int, look: Callable[[], Reader | None]) -> AsyncIterator[str]:
    """Events after a change id, until the session or the database ends it: browsers come back by themselves.

    `look` says who reads now, with what grants; None: nobody.
    """
    yield "retry: 1000\n\n"
    try:
        async for event in _events(platform, feed, after, look):
            yield event
    except SQLAlchemyError as error:
        logger.warning("a live page was let go: the database failed: %s", type(error).__name__)


async def _events(platform: Platform, feed: Feed, after: int, look: Callable[[], Reader | None]) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    health_due_at = look_due_at = loop.time()
    reader: Reader | None = None
    while not feed.stopped:
        if loop.time() >= look_due_at:
            look_due_at = loop.time() + LOOK_AGAIN_S
            reader = await run_in_threadpool(look)
        if reader is None:
            yield frame("gone", "gone")
            return
        batches = await feed.since(after)
        if batches is None:
            after = await run_in_threadpool(platform.newest_change)
            yield frame("resync", "resync", after)
            continue
        for batch in batches:
            async for event in _shown(batch, reader, after):
                yield event
            after = batch.newest
        if loop.time() >= health_due_at:
            health_due_at = loop.time() + HEALTH_S
            yield frame("health", reader.health(await feed.standing()))
        await feed.wait(after, timeout_s=min(1.0, HEALTH_S))


async def _shown(batch: Batch, reader: Reader, after: int) -> AsyncIterator[str]:
    """One batch for one reader: the rows of its alarms, then the names of its robots, each once."""
    changed = [change for change in batch.changes if change[0] > after and reader.sight.sees(change[1])]
    mine = {alarm_id for _, _, alarm_id in changed if alarm_id}
    devices = list(dict.fromkeys(device for _, device, _ in changed))
    for some in _portions(batch.rows, mine):
        for html in await run_in_threadpool(reader.draw, some):
            yield frame("alarm", html, after)
    for device in devices:
        yield frame("robot", device, batch.newest if device == devices[-1] else after)


def _portions(rows: Rows, alarm_ids: set[str]) -> Iterator[Rows]:
    mine = [alarm for alarm in rows.alarms if alarm.alarm_id in alarm_ids]
    for start in range(0, len(mine), ROWS_AT_ONCE):
        yield replace(rows, alarms=tuple(mine[start : start + ROWS_AT_ONCE]))
