"""Space, age, clocks and the chain: whatever runs short, no alarm goes, and what went can be accounted for."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robot.database import open_database, transaction
from robot.reporting import thinning
from robot.reporting.contract import AlarmBody, BedBody, EventBody, digest_of
from robot.reporting.outbox import (
    DAY_S,
    KEEP_EVENTS_S,
    KEEP_TELEMETRY_S,
    MOST_BYTES,
    TELEMETRY_AT_ONCE,
    Body,
    Outbox,
    Row,
)
from robot.reporting.reserve import Reserve, is_full

pytestmark = pytest.mark.unit

UNHURRIED = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
NOW_S = 1_790_000_000.0
DEVICE = "hani-0001"
BED = BedBody(in_bed=True, heart_rate_bpm=61.25, breath_rate_bpm=13.5, fresh=True)
FIRST_RELEASE = """
create table outbox(
    seq integer primary key autoincrement, id text not null unique, priority integer not null, kind text not null,
    leaf text not null, body text not null, made_at_s real not null, boot text not null, test integer not null,
    acked_at_s real
);
insert into outbox(id, priority, kind, leaf, body, made_at_s, boot, test) values
    ('message-1', 0, 'alarm', 'e/alarm', '{"alarm_id":"alarm-0001","phase":"raised"}', 1.0, '', 0),
    ('message-2', 1, 'event', 'e/event', '{"name":"started","detail":{}}', 2.0, '', 0);
"""


def alarm(number: int = 1, revision: int = 1) -> AlarmBody:
    return AlarmBody(
        alarm_id=f"0199a1b2-0000-7000-8000-{number:012}",
        type="fall",
        phase="raised",
        revision=revision,
        severity="high",
        confidence=0.9137,
        onset_ts=NOW_S,
        reasons=("fast_drop", "long_on_floor", "no_answer"),
    )


class Clock:
    """A boot clock that a test moves."""

    def __init__(self) -> None:
        self.up_s = 1000.0

    def __call__(self) -> float:
        return self.up_s


class Home:
    """An outbox whose commits the tests do not wait for."""

    def __init__(self, path: Path, boot: str = "boot-1") -> None:
        self.path, self.clock = path, Clock()
        self.connection = open_database(path)
        self.connection.execute("pragma synchronous = off")
        self.outbox = Outbox(self.connection, boot, self.clock)

    def fill(self, kinds: str) -> None:
        """`a` an alarm, `e` an event, `b` a bed."""
        bodies: dict[str, Body] = {"a": alarm(), "e": EventBody(name="started"), "b": BED}
        with transaction(self.connection):
            for kind in kinds:
                self.outbox.append(bodies[kind], NOW_S)

    def rows(self) -> list[Row]:
        ids = [id_ for (id_,) in self.connection.execute("select id from outbox")]
        return sorted(self.outbox.rows(ids), key=lambda row: row.seq)

    def holes(self) -> list[tuple[int, int, bytes, bytes]]:
        return self.connection.execute("select first, last, prev, hash from holes order by first").fetchall()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "robot.db")


def follow(rows: list[Row], holes: list[tuple[int, int, bytes, bytes]]) -> None:
    """What a platform does that has received all rows and has been told of the holes: nothing is unaccounted for."""
    digests = {row.seq: digest_of(row.encode(DEVICE)) for row in rows}
    digests |= {last: hash_.hex() for _, last, _, hash_ in holes}
    links = {row.seq: row.prev for row in rows} | {first: prev for first, _, prev, _ in holes}
    accounted = {row.seq for row in rows} | {seq for first, last, *_ in holes for seq in range(first, last + 1)}
    assert accounted == set(range(1, max(accounted) + 1))
    for seq, prev in links.items():
        assert (None if prev is None else prev.hex()) == digests.get(seq - 1)


def test_every_row_is_chained_to_the_one_before_as_the_wire_tells(home: Home) -> None:
    home.fill("abeabbe")
    follow(home.rows(), [])


def test_a_changed_or_a_missing_row_breaks_the_chain(home: Home) -> None:
    home.fill("abe")
    home.connection.execute("update outbox set made_at_s = made_at_s + 1 where seq = 2")
    with pytest.raises(AssertionError):
        follow(home.rows(), [])
    home.connection.execute("delete from outbox where seq = 2")
    with pytest.raises(AssertionError):
        follow(home.rows(), [])


def test_the_chain_goes_on_after_the_answered_rows_are_forgotten(home: Home) -> None:
    home.fill("aa")
    last = digest_of(home.rows()[-1].encode(DEVICE))
    home.outbox.mark_acked([row.id for row in home.rows()], NOW_S)
    home.outbox.purge(NOW_S + 30 * DAY_S)
    home.fill("a")
    [row] = home.rows()
    assert row.prev is not None
    assert (row.seq, row.prev.hex()) == (3, last)


def test_two_processes_append_to_one_chain(home: Home) -> None:
    other = Home(home.path)
    for _ in range(5):
        home.fill("a")
        other.fill("b")
    follow(home.rows(), [])


@UNHURRIED
@given(kinds=st.text(st.sampled_from("aebbbbbb"), min_size=1, max_size=300), times=st.integers(1, 12))
def test_thinning_never_takes_an_alarm_and_the_chain_can_be_followed_across_it(
    tmp_path_factory: pytest.TempPathFactory, kinds: str, times: int
) -> None:
    home = Home(tmp_path_factory.mktemp("home") / "robot.db")
    home.fill(kinds)
    before = [row for row in home.rows() if row.kind == "alarm"]
    for _ in range(times):
        events = sum(row.kind == "event" for row in home.rows())
        beds = sum(row.kind == "telemetry" for row in home.rows())
        thinning.thinned(home.connection)
        if beds > 1:
            assert events == sum(row.kind == "event" for row in home.rows()), "telemetry goes first"
    assert [row for row in home.rows() if row.kind == "alarm"] == before
    assert home.outbox.thinned() == len(kinds) - len(home.rows())
    follow(home.rows(), home.holes())


def test_a_platform_that_acknowledges_no_telemetry_gets_the_newest_only_and_all_of_the_rest(home: Home) -> None:
    home.fill("b" * 1000 + "ae")
    assert [row.seq for row in home.outbox.pending(5000)] == [1001, 1002, *range(1000, 1000 - TELEMETRY_AT_ONCE, -1)]


def test_a_long_absence_is_told_coarsely_not_cut_off(home: Home) -> None:
    home.fill("b" * 3000)
    thinning.thinned(home.connection)
    kept = [row.seq for row in home.rows()]
    assert kept[:4] == [1, 9, 17, 25]
    assert kept[-2200:] == list(range(801, 3001))


def test_the_platform_is_told_of_every_hole_once(home: Home) -> None:
    home.fill("b" * 160)
    thinning.thinned(home.connection)
    for _ in range(4):
        home.outbox.tell_holes(NOW_S)
    told = [json.loads(row.body)["detail"] for row in home.rows() if row.kind == "event"]
    assert [(hole["first"], hole["last"]) for hole in told] == [(first, last) for first, last, *_ in home.holes()]
    assert len(told) == 20
    follow(
        home.rows(),
        [(hole["first"], hole["last"], bytes.fromhex(hole["prev"]), bytes.fromhex(hole["hash"])) for hole in told],
    )


def test_tidying_keeps_the_file_within_its_bound_but_for_alarms(home: Home) -> None:
    home.fill("b" * 4000 + "e" * 1000 + "a" * 50)
    most = thinning.used_bytes(home.connection) // 3
    home.outbox.tidy(NOW_S, most)
    assert thinning.own_bytes(home.connection) <= most
    assert thinning.used_bytes(home.connection) <= 1.2 * most
    kinds = {kind: sum(row.kind == kind for row in home.rows()) for kind in ("alarm", "event", "telemetry")}
    assert kinds["alarm"] == 50
    assert kinds["event"] == 1000, "telemetry was enough"
    home.outbox.tidy(NOW_S, 0)
    assert {row.kind for row in home.rows()} == {"alarm"}


def test_what_else_lies_in_the_file_costs_the_outbox_nothing(home: Home) -> None:
    home.fill("b" * 50 + "e" * 50)
    home.connection.execute("create table journal(body blob)")
    home.connection.execute("insert into journal values (zeroblob(?))", (MOST_BYTES + 1,))
    assert thinning.used_bytes(home.connection) > MOST_BYTES
    home.outbox.tidy(NOW_S)
    assert len(home.rows()) == 100


@pytest.mark.parametrize("kinds", ["a" * 4000, "e" * 4000, "b" * 4000])
def test_the_outbox_knows_its_own_size(home: Home, kinds: str) -> None:
    home.fill(kinds)
    assert thinning.own_bytes(home.connection) == pytest.approx(thinning.used_bytes(home.connection), rel=0.15)


def test_three_days_of_ordinary_life_without_a_platform_fit_eight_times_over_and_nothing_goes(home: Home) -> None:
    """A summary a minute and one at each of 30 changes a day, 20 events and 10 alarms of 6 revisions a day."""
    day = "b" * (1440 + 30) + "e" * 20 + "a" * 60
    home.fill(day * 3)
    home.clock.up_s += 3 * DAY_S
    home.outbox.tidy(NOW_S + 3 * DAY_S)
    assert len(home.rows()) == len(day) * 3
    assert thinning.used_bytes(home.connection) < MOST_BYTES / 8


def test_telemetry_and_events_age_out_and_alarms_never(home: Home) -> None:
    home.fill("aeba")
    for age_s, left in ((KEEP_TELEMETRY_S - 1, 4), (KEEP_TELEMETRY_S + 1, 3), (KEEP_EVENTS_S + 1, 2), (1e10, 2)):
        home.clock.up_s = 1000.0 + age_s
        home.outbox.tidy(NOW_S + age_s)
        assert len(home.rows()) == left
    follow(home.rows(), home.holes())


@UNHURRIED
@given(jump_s=st.floats(-1.7e9, 1e10))
def test_a_wall_clock_that_jumps_neither_ages_nor_reorders(
    tmp_path_factory: pytest.TempPathFactory, jump_s: float
) -> None:
    home = Home(tmp_path_factory.mktemp("home") / "robot.db")
    home.fill("aeb")
    first = home.rows()
    home.outbox.append(alarm(2), NOW_S + jump_s)
    home.clock.up_s += 60.0
    home.outbox.tidy(NOW_S + jump_s)
    assert home.rows()[:3] == first
    assert [row.kind for row in home.outbox.pending(2)] == ["alarm", "alarm"]
    assert [row.seq for row in home.outbox.pending(2)] == [1, 4]
    assert [row.mono_s for row in home.outbox.pending(2)] == [1000.0, 1000.0]


def test_rows_of_another_boot_age_by_the_wall_clock(home: Home) -> None:
    home.fill("ba")
    after = Home(home.path, boot="boot-2")
    after.clock.up_s = 5.0
    after.outbox.tidy(NOW_S + KEEP_TELEMETRY_S + 1)
    assert [row.kind for row in after.rows()] == ["alarm"]


def test_a_file_of_the_first_release_is_taken_over_with_what_waits_in_it(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "robot.db") as old:
        old.executescript(FIRST_RELEASE)
    home = Home(tmp_path / "robot.db")
    again = Home(tmp_path / "robot.db")
    home.fill("a")
    again.fill("a")
    rows = home.rows()
    assert [(row.seq, row.id) for row in rows[:2]] == [(1, "message-1"), (2, "message-2")]
    assert [row.prev for row in rows[:3]] == [None, None, None], "unknown"
    assert [row.mono_s for row in rows[:2]] == [None, None]
    assert rows[3].prev == rows[2].digest()
    assert json.loads(rows[1].encode(DEVICE)) == {
        "v": 1, "id": "message-2", "dev": DEVICE, "seq": 2, "ts": 2.0, "ts_mono": None, "boot": "", "test": False,
        "prev": None, "kind": "event", "body": {"name": "started", "detail": {}},
    }  # fmt: skip


def limited(home: Home) -> None:
    """From here on the database is as full as a disk can be."""
    (pages,) = home.connection.execute("pragma page_count").fetchone()
    home.connection.execute(f"pragma max_page_count = {pages}")


def test_what_sqlite_says_of_a_full_disk_is_understood(home: Home) -> None:
    limited(home)
    with pytest.raises(sqlite3.OperationalError) as caught:
        home.fill("a" * 100)
    assert is_full(caught.value)
    assert not is_full(sqlite3.OperationalError("database is locked"))


def test_the_reserve_takes_real_space_and_gives_it_up_once(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "robot.db", 1024 * 1024)
    assert not reserve.release()
    assert not reserve.hold()
    [file] = tmp_path.iterdir()
    assert file.stat().st_blocks * 512 >= 1024 * 1024
    assert reserve.held
    assert reserve.release()
    assert not reserve.release()
    assert not reserve.held


def test_a_disk_that_is_nearly_full_is_not_filled_by_the_reserve(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "robot.db", 2**60)
    assert reserve.hold(), "too full"
    assert not reserve.held
    assert list(tmp_path.iterdir()) == []
