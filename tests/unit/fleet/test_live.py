"""The live feed: nothing is missed, nothing is shown twice, and it ends when the server ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from robot.fleet import live
from robot.fleet.people import ALL, Sight
from tests.unit.fleet.conftest import ALARM, DEVICE, Home

pytestmark = pytest.mark.unit

READER = live.Reader(ALL, lambda id_: f"<row {id_}>", lambda: "")


def events(home: Home, after: int, count: int, act: object = None) -> list[dict[str, str]]:
    """The first `count` events after an id, health left out; `act` happens once the first has come."""

    async def read() -> list[dict[str, str]]:
        feed = live.Feed(home.platform)
        watcher = asyncio.create_task(feed.run())
        frames: AsyncIterator[str] = live.stream(home.platform, feed, after, lambda: READER)
        found: list[dict[str, str]] = []
        async for frame in frames:
            fields = dict(line.split(": ", 1) for line in frame.splitlines() if ": " in line)
            if "event" in fields and fields["event"] != "health":
                found.append(fields)
            if callable(act) and len(found) == 1:
                act()
            if len(found) >= count:
                break
        feed.stop()
        await watcher
        return found

    return asyncio.run(asyncio.wait_for(read(), 20))


def test_a_reader_who_comes_back_gets_what_was_missed_once_as_it_stands_now(home: Home) -> None:
    home.alarm("suspected", 1)
    seen = home.platform.newest_change()
    home.alarm("checking", 2)
    home.alarm("raised", 3)
    [alarm, robot] = events(home, seen, 2)
    newest = str(home.platform.newest_change())
    assert alarm == {"id": newest, "event": "alarm", "data": f"<row {ALARM}>"}
    assert robot == {"id": newest, "event": "robot", "data": DEVICE}


def test_a_change_arrives_while_the_reader_waits(home: Home) -> None:
    home.alarm("suspected", 1)
    sent: list[int] = []

    def raise_once() -> None:
        if not sent:
            sent.append(1)
            home.alarm("raised", 2)

    ids = [int(event["id"]) for event in events(home, 1, 3, raise_once)]
    assert ids == sorted(ids)
    assert ids[-1] == home.platform.newest_change()


def test_a_reader_from_another_time_must_load_the_page_again(home: Home) -> None:
    home.alarm()
    [event] = events(home, 10_000, 1)
    assert (event["event"], event["id"]) == ("resync", str(home.platform.newest_change()))


def test_stopping_ends_the_stream_of_a_waiting_reader(home: Home) -> None:
    async def read() -> int:
        feed = live.Feed(home.platform)
        count = 0
        async for _ in live.stream(home.platform, feed, 0, lambda: READER):
            count += 1
            feed.stop()
        return count

    assert asyncio.run(asyncio.wait_for(read(), 20)) >= 1


def test_line_breaks_cannot_forge_an_event() -> None:
    assert live.frame("alarm", "a\n\nevent: x\r\nb", 7) == (
        "id: 7\nevent: alarm\ndata: a\ndata: \ndata: event: x\ndata: b\n\n"
    )


def test_a_reader_hears_nothing_of_what_they_may_not_see(home: Home) -> None:
    async def read() -> list[str]:
        feed = live.Feed(home.platform)
        stranger = live.Reader(Sight(frozenset({"hani-0002"})), READER.row, READER.health)
        found = []
        async for frame in live.stream(home.platform, feed, 0, lambda: stranger):
            found.append(frame)
            if "event: health" in frame:
                feed.stop()
        return found

    home.alarm()
    frames = "".join(asyncio.run(asyncio.wait_for(read(), 20)))
    assert DEVICE not in frames
    assert ALARM not in frames


def test_the_stream_ends_with_the_session(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_AGAIN_S", 0.0)
    readers = [READER, READER, None]

    async def read() -> list[str]:
        stream = live.stream(home.platform, live.Feed(home.platform), 0, lambda: readers.pop(0))
        return [frame async for frame in stream]

    home.alarm()
    assert asyncio.run(asyncio.wait_for(read(), 20))[-1] == "event: gone\ndata: gone\n\n"
