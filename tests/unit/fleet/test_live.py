"""The live feed: nothing is missed, nothing is shown twice, and it ends when the server ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from robot.fleet import handling, live, pages
from robot.fleet.app import create_app
from robot.fleet.database import note_change
from robot.fleet.looking import Platform
from robot.fleet.people import ALL, Sight, sessions
from tests.unit.fleet.browser import HOST, person
from tests.unit.fleet.conftest import ALARM, DEVICE, Home

pytestmark = pytest.mark.unit

READER = live.Reader(ALL, lambda rows: [f"<row {alarm.alarm_id}>" for alarm in rows.alarms], lambda standing: "")


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
    assert alarm == {"id": str(seen), "event": "alarm", "data": f"<row {ALARM}>"}, "cut off here, it would come again"
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


def test_alarms_go_before_robots_and_only_the_last_event_moves_the_reader_on(home: Home) -> None:
    home.alarm()
    seen = home.platform.newest_change()
    handling.label_devices(home.database, {f"hani-1{number:03}": "x" for number in range(5)}, home.now_s)
    with home.database.write() as session:
        for number in range(5):
            note_change(session, f"hani-1{number:03}", home.now_s)
    home.alarm(alarm_id="alarm-0002")
    found = events(home, seen, 7)
    assert [event["event"] for event in found] == ["alarm"] + 6 * ["robot"]
    assert [event["id"] for event in found] == 6 * [str(seen)] + [str(home.platform.newest_change())]


def test_one_look_serves_all_readers_and_what_they_were_shown_is_written_down(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    for name in ("rows", "changes", "standing"):

        def counted(*given: object, of: object = getattr(home.platform, name), name: str = name) -> object:
            looks.append(name)
            return of(*given)  # type: ignore[operator]

        monkeypatch.setattr(Platform, name, lambda _, *given, counted=counted: counted(*given))
    monkeypatch.setattr(live, "NOTE_S", 0.1)
    asked = asyncio.Event()
    people = [person(home.database, f"person-{number}", now_s=home.now_s) for number in range(4)]
    app = create_app(home.platform, [HOST])

    async def read(token: str) -> str:
        found = ""
        visit = sessions.find(home.database, token, home.now_s, home.platform.site.sign_in)
        assert visit is not None
        reader = pages._reader(home.platform, app.state.feed, visit, None)
        async for part in live.stream(home.platform, app.state.feed, 0, lambda: reader):
            found += part
            asked.set()
            if "event: robot" in found and "event: health" in found:
                break
        return found

    async def all_of_them() -> list[str]:
        watcher = asyncio.create_task(app.state.feed.run())
        readers = [asyncio.create_task(read(token)) for token in people]
        await asyncio.wait_for(asked.wait(), 10)
        home.alarm()
        found = await asyncio.gather(*readers)
        app.state.feed.stop()
        await watcher
        return found

    found = asyncio.run(asyncio.wait_for(all_of_them(), 20))
    assert all(f"alarm-{ALARM}" in part for part in found)
    assert (looks.count("rows"), looks.count("standing")) == (1, 1)
    with home.database.read() as session:
        noted = session.scalar(text("SELECT count(DISTINCT actor) FROM audit WHERE action = 'health.read'"))
    assert noted == len(people)


def test_a_database_that_fails_ends_the_stream_and_says_nothing_of_its_values(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> live.Reader:
        raise OperationalError("SELECT", {}, Exception("Key (name)=(王芳)"))

    async def read() -> list[str]:
        return [part async for part in live.stream(home.platform, live.Feed(home.platform), 0, fails)]

    assert asyncio.run(asyncio.wait_for(read(), 20)) == ["retry: 1000\n\n"]
    assert "OperationalError" in caplog.text
    assert "王芳" not in caplog.text


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
        stranger = live.Reader(Sight(frozenset({"hani-0002"})), READER.draw, READER.health)
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
