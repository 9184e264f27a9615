"""The live feed: server-sent events with persistent ids, replayed after `Last-Event-ID`.

alarm   the alarm's row as it stands now, to be swapped in by its id     id: change id
robot   the device's name: its panels ask again                          id: change id
health  what is wrong with the platform or out of reach, every 5 s; also the page's proof that the feed lives
gone    the session has ended: sign in again
resync  what came in between is no longer kept: load the page again
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from robot.fleet.looking import Platform
from robot.fleet.people import Sight

LOOK_S = 0.15  # how often the database is asked for something new, once for all readers
HEALTH_S = 5.0
LOOK_AGAIN_S = 2.0  # so soon a disabled person's page ends, and a changed grant counts


class Feed:
    """Watches the newest change for all readers. `stop` ends every reader's stream."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._newest = 0
        self._stopped = False
        self._woken = asyncio.Event()

    @property
    def stopped(self) -> bool:
        return self._stopped

    def stop(self) -> None:
        """May be called from a signal handler: readers notice within a second."""
        self._stopped = True

    async def run(self) -> None:
        """Look for changes until stopped. A database that does not answer is asked again."""
        while not self._stopped:
            try:
                newest = await run_in_threadpool(self._platform.newest_change)
            except SQLAlchemyError:
                newest = self._newest
            if newest != self._newest:
                self._newest = newest
                self._woken.set()
                self._woken = asyncio.Event()
            await asyncio.sleep(LOOK_S)
        self._woken.set()

    async def wait(self, after: int, timeout_s: float) -> None:
        """Return when there is something after `after`, at the latest after `timeout_s`."""
        if self._newest <= after and not self._stopped:
            try:
                await asyncio.wait_for(self._woken.wait(), timeout_s)
            except asyncio.TimeoutError:
                return


def frame(event: str, data: str, id_: int | None = None) -> str:
    """One event on the wire; line breaks in the data become data lines."""
    head = f"id: {id_}\n" if id_ is not None else ""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"{head}event: {event}\n{lines}\n"


@dataclass(frozen=True)
class Reader:
    """Somebody before an open page: what they may see, how a row and the platform's state are shown to them."""

    sight: Sight
    row: Callable[[str], str | None]
    health: Callable[[], str]


async def stream(platform: Platform, feed: Feed, after: int, look: Callable[[], Reader | None]) -> AsyncIterator[str]:
    """Events after a change id, until the session ends. `look` says who reads now, with what grants; None: nobody."""
    yield "retry: 1000\n\n"
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
        changes = await run_in_threadpool(platform.changes, after)
        if changes is None:
            after = await run_in_threadpool(platform.newest_change)
            yield frame("resync", "resync", after)
            continue
        for id_, device, alarm_id in _newest_of_each(changes):
            if reader.sight.sees(device):
                html = await run_in_threadpool(reader.row, alarm_id) if alarm_id else None
                if html is not None:
                    yield frame("alarm", html, id_)
                yield frame("robot", device, id_)
            after = id_
        if loop.time() >= health_due_at:
            health_due_at = loop.time() + HEALTH_S
            yield frame("health", await run_in_threadpool(reader.health))
        await feed.wait(after, timeout_s=min(1.0, HEALTH_S))


def _newest_of_each(changes: list[tuple[int, str, str | None]]) -> list[tuple[int, str, str | None]]:
    """Rows are shown as they stand now, so only the newest change of each alarm or device counts."""
    newest = {(device, alarm_id): id_ for id_, device, alarm_id in changes}
    return sorted(((id_, device, alarm_id) for (device, alarm_id), id_ in newest.items()), key=lambda change: change[0])
