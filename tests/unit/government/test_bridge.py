"""The bridge with a platform that does what it likes: nothing lost, nothing twice, order kept, the newest word last."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import select

from robot.fleet import handling
from robot.fleet.database import Database, open_database
from robot.fleet.desk import ENDED
from robot.fleet.government import outbox
from robot.fleet.government.bridge import Bridge
from robot.fleet.government.config import Bridge as Settings
from robot.fleet.government.letters import Letter
from robot.fleet.government.retry import Answer, Kind
from robot.fleet.government.tables import DEAD, DELIVERED, WAITING, GovernmentItem, GovernmentPending
from robot.fleet.tables import Alarm, Worker
from tests.fleet.government_alarms import change
from tests.unit.fleet.conftest import ALARM, Home

pytestmark = pytest.mark.unit

SETTINGS = Settings.model_validate(
    {
        "target": {"kind": "file", "folder": "unused"},
        "retry": {"give_up_attempts": 3, "lanes": 2},
        "messages": [
            {
                "events": ["raised", "reopened", "severity", "acknowledged", "closed", "cancelled"],
                "fields": [{"to": name, "from": name} for name in ("key", "alarm_id", "event", "phase", "region")],
            }
        ],
    }
)
MEMORY = Path("/dev/shm")  # where it exists, a commit costs no disk
ANSWERS = [kind for kind in Kind if kind is not Kind.DUPLICATE]  # the region says that by itself, and only if it is so
NEXT = {
    None: ("suspected", "raised"),
    "suspected": ("checking", "raised", "acknowledged", "cancelled", "closed"),
    "checking": ("raised", "acknowledged", "cancelled", "closed"),
    "raised": ("raised", "acknowledged", "cancelled", "closed"),
    "acknowledged": ("acknowledged", "raised", "cancelled", "closed"),
    "cancelled": ("suspected", "raised", "cancelled"),
    "closed": ("closed",),
}


@cache
def empty_platform() -> Path:
    """A migrated database to copy: migrating takes longer than a test."""
    folder = Path(tempfile.mkdtemp(prefix="hani-government-"))
    open_database(folder).close()
    return folder / "platform.db"


def platform(folder: Path) -> Database:
    shutil.copy(empty_platform(), folder / "platform.db")
    return open_database(folder)


class AtOnce(Executor):
    """Runs what is submitted before it returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Region:
    """The region's platform: takes each key once and keeps what it took, in order."""

    def __init__(self) -> None:
        self.mood: Callable[[Letter], Kind] = lambda _letter: Kind.ACCEPTED
        self.taken: dict[str, list[tuple[str, str]]] = defaultdict(list)  # by alarm: event and phase
        self.keys: list[str] = []
        self.forgets = False

    def deliver(self, letter: Letter) -> Answer:
        kind = self.mood(letter)
        if kind is Kind.ACCEPTED:
            if letter.key in self.keys:
                kind = Kind.DUPLICATE
            else:
                self.keys.append(letter.key)
                values = letter.values
                self.taken[str(values["alarm_id"])].append((str(values["event"]), str(values["phase"])))
        return Answer(Kind.FAILED if self.forgets and kind is Kind.ACCEPTED else kind, "because")

    def close(self) -> None: ...


class Rig:
    """A bridge that can be killed between any two turns."""

    def __init__(self, folder: Path) -> None:
        self.database = platform(folder)
        self.region = Region()
        self.now_s = 1_000_000.0
        self.begin()
        self.bridge.turn(AtOnce())  # the first start ever is over

    def begin(self) -> None:
        self.bridge = Bridge(
            self.database,
            SETTINGS,
            self.region,
            lambda _device: "150102",
            clock=lambda: self.now_s,
            monotonic=lambda: self.now_s,
            chance=lambda: 0.5,
        )

    def change(self, alarm_id: str, phase: str, **fields: Any) -> None:
        with self.database.write() as session:
            change(session, alarm_id, phase, self.now_s, **fields)

    def turns(self, number: int = 30, seconds: float = 70.0) -> None:
        for _ in range(number):
            self.bridge.turn(AtOnce())
            self.now_s += seconds

    def drain(self) -> None:
        """Turn until nothing is left to send."""
        for _ in range(60):
            self.turns(2)
            if not self.items(WAITING):
                return

    def items(self, state: str) -> list[GovernmentItem]:
        with self.database.read() as session:
            query = select(GovernmentItem).where(GovernmentItem.state == state).order_by(GovernmentItem.position)
            return list(session.scalars(query))

    def replay(self) -> None:
        with self.database.write() as session:
            for item in {item.alarm_id: item for item in reversed(outbox.dead_letters(session))}.values():
                outbox.replay(session, item, "tester", self.now_s)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.database.close()


class BridgeMachine(RuleBasedStateMachine):
    """Kills, refusals, failures and lost answers in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.rig = Rig(Path(self.folder.name))
        self.phases: dict[str, str] = {}

    @rule(number=st.integers(0, 2), choices=st.lists(st.integers(0, 9), min_size=1, max_size=4))
    def an_alarm_changes(self, number: int, choices: list[int]) -> None:
        alarm_id = f"alarm-000{number}"
        for choice in choices:
            ways = NEXT[self.phases.get(alarm_id)]
            self.phases[alarm_id] = ways[choice % len(ways)]
            self.rig.change(alarm_id, self.phases[alarm_id])

    @rule(kinds=st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3), forgets=st.booleans())
    def a_turn(self, kinds: list[Kind], forgets: bool) -> None:
        answers = iter(kinds * 10)
        self.rig.region.forgets = forgets

        def mood(letter: Letter) -> Kind:
            self.check_order(letter)
            return next(answers)

        self.rig.region.mood = mood
        self.rig.bridge.turn(AtOnce())

    def check_order(self, letter: Letter) -> None:
        waiting = [item for item in self.rig.items(WAITING) if item.alarm_id == letter.values["alarm_id"]]
        assert waiting[0].key == letter.key, "an earlier letter of the alarm still waits"

    @rule(seconds=st.sampled_from([0.3, 5.0, 70.0, 4000.0, -90_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.rig.now_s += seconds

    @rule()
    def the_bridge_is_killed(self) -> None:
        self.rig.begin()

    @precondition(lambda self: self.rig.items(DEAD))
    @rule()
    def somebody_replays(self) -> None:
        self.rig.replay()

    def teardown(self) -> None:
        if not hasattr(self, "rig"):
            return
        try:
            self.the_region_knows_everything()
        finally:
            self.rig.database.close()
            self.folder.cleanup()

    def the_region_knows_everything(self) -> None:
        region = self.rig.region
        region.mood, region.forgets = lambda _letter: Kind.ACCEPTED, False
        self.rig.begin()
        self.rig.drain()
        self.rig.replay()
        self.rig.drain()
        assert self.rig.items(WAITING) == self.rig.items(DEAD) == []
        assert len(region.keys) == len(set(region.keys)) == len(self.rig.items(DELIVERED))
        for alarm_id, phase in self.phases.items():
            taken = region.taken[alarm_id]
            if phase in ("raised", "acknowledged") or (taken and phase in ENDED):
                assert taken[-1][1] == phase
            assert not taken or "raised" in {event for event, _ in taken}


BridgeMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
TestBridge = BridgeMachine.TestCase


def test_a_replay_behind_a_letter_whose_answer_got_lost_keeps_the_last_word(rig: Rig) -> None:
    rig.change("alarm-0000", "raised")
    rig.region.mood = lambda _letter: Kind.REFUSED
    rig.drain()
    assert [item.event for item in rig.items(DEAD)] == ["raised"]
    rig.change("alarm-0000", "closed")
    rig.region.mood, rig.region.forgets = lambda _letter: Kind.ACCEPTED, True
    rig.bridge.turn(AtOnce())
    rig.bridge.turn(AtOnce())
    assert [item.event for item in rig.items(WAITING)] == ["closed"]
    rig.region.forgets = False
    rig.replay()
    rig.now_s += 4000
    rig.drain()
    assert rig.items(WAITING) == []
    assert rig.region.taken["alarm-0000"][-1][1] == "closed"


def test_a_replay_beside_a_letter_that_is_on_its_way_keeps_the_last_word(rig: Rig) -> None:
    rig.region.mood = lambda letter: Kind.REFUSED if letter.event == "raised" else Kind.ACCEPTED
    rig.change("alarm-0000", "raised")
    rig.turns(2)
    rig.change("alarm-0000", "acknowledged")
    rig.bridge.turn(AtOnce())  # sent; its answer is looked at in the next turn
    assert [(item.event, item.attempts) for item in rig.items(WAITING)] == [("acknowledged", 0)]
    rig.region.mood = lambda _letter: Kind.ACCEPTED
    rig.replay()
    rig.drain()
    assert [event for event, _ in rig.region.taken["alarm-0000"]] == ["acknowledged", "raised", "acknowledged"]


def test_a_replay_of_several_whose_newest_had_been_taken_keeps_the_last_word(rig: Rig) -> None:
    rig.change("alarm-0000", "raised")
    rig.change("alarm-0000", "closed")
    rig.region.forgets = True
    answers = {"raised": iter([Kind.REFUSED]), "closed": iter([Kind.ACCEPTED, Kind.REFUSED])}
    rig.region.mood = lambda letter: next(answers[letter.event])
    rig.turns(6)
    assert [item.event for item in rig.items(DEAD)] == ["raised", "closed"]
    rig.region.mood, rig.region.forgets = lambda _letter: Kind.ACCEPTED, False
    rig.replay()
    rig.drain()
    assert [event for event, _ in rig.region.taken["alarm-0000"]] == ["closed", "raised", "closed"]


def test_a_replay_after_a_kill_that_cost_the_newest_letters_answer_keeps_the_last_word(rig: Rig) -> None:
    rig.change("alarm-0000", "raised")
    rig.change("alarm-0000", "closed")
    answers = {"raised": iter([Kind.REFUSED]), "closed": iter([Kind.ACCEPTED, Kind.REFUSED])}
    rig.region.mood = lambda letter: next(answers[letter.event])
    while not rig.region.taken:
        rig.bridge.turn(AtOnce())
    rig.begin()
    rig.turns(3)
    assert [item.event for item in rig.items(DEAD)] == ["raised", "closed"]
    rig.region.mood = lambda _letter: Kind.ACCEPTED
    rig.replay()
    rig.drain()
    assert [event for event, _ in rig.region.taken["alarm-0000"]] == ["closed", "raised", "closed"]


def test_a_replay_of_what_was_refused_at_once_tells_nothing_twice(rig: Rig) -> None:
    """As after a mistake in the mapping: a region that refuses a second "closed" would make a new dead letter of it."""
    rig.region.mood = lambda _letter: Kind.REFUSED
    for phase in ("raised", "acknowledged", "closed"):
        rig.change("alarm-0000", phase)
    rig.drain()
    rig.region.mood = lambda _letter: Kind.ACCEPTED
    rig.replay()
    rig.drain()
    assert [event for event, _ in rig.region.taken["alarm-0000"]] == ["raised", "acknowledged", "closed"]


def test_what_the_desk_and_the_robot_do_to_an_alarm_is_told_in_order(tmp_path: Path) -> None:
    """Through the platform's own intake and handling: the trigger notes it, whoever writes the log."""
    rig = Rig(tmp_path)
    home = Home(rig.database)
    home.alarm("checking", 1)
    home.alarm("raised", 2)
    assert handling.acknowledge(rig.database, ALARM, "王芳", home.now_s + 5)
    assert handling.close(rig.database, ALARM, "王芳", "helped", home.now_s + 9)
    rig.turns()
    assert rig.region.taken == {ALARM: [("raised", "raised"), ("acknowledged", "acknowledged"), ("closed", "closed")]}


def test_a_line_that_was_rolled_back_is_not_noted(rig: Rig) -> None:
    with rig.database.write() as session:
        change(session, "alarm-0001", "raised", rig.now_s)
        session.rollback()
    with rig.database.read() as session:
        assert session.scalar(select(GovernmentPending.log_id)) is None


@pytest.mark.parametrize("fields", [{"test": True}, {"type": "device"}, {"type": "wet"}])
def test_tests_wet_beds_and_technical_alarms_stay_here(rig: Rig, fields: dict[str, Any]) -> None:
    rig.change("alarm-0001", "raised", **fields)
    rig.change("alarm-0002", "raised")
    rig.turns()
    assert list(rig.region.taken) == ["alarm-0002"]


def test_an_alarm_that_nobody_raised_or_that_ended_before_stays_here(rig: Rig) -> None:
    for phase in ("suspected", "checking", "cancelled"):
        rig.change("alarm-0001", phase)
    rig.turns()
    assert rig.region.taken == {}


def test_a_severity_that_rises_is_told(rig: Rig) -> None:
    rig.change("alarm-0001", "raised", severity="low")
    rig.turns()
    rig.change("alarm-0001", "raised", severity="high")
    rig.turns()
    assert [event for event, _ in rig.region.taken["alarm-0001"]] == ["raised", "severity"]


def test_the_first_start_ever_passes_over_what_has_ended_and_later_starts_pass_over_nothing(tmp_path: Path) -> None:
    database = platform(tmp_path)
    with database.write() as session:
        for alarm_id, phases in (("alarm-0001", ("raised", "closed")), ("alarm-0002", ("raised",))):
            for phase in phases:
                change(session, alarm_id, phase, 1.0)
    database.close()
    rig = Rig.__new__(Rig)
    rig.database, rig.region, rig.now_s = open_database(tmp_path), Region(), 2.0
    rig.begin()
    rig.turns()
    assert list(rig.region.taken) == ["alarm-0002"]
    with rig.database.read() as session:
        assert session.get(Worker, "government") is not None
    rig.change("alarm-0003", "raised")
    rig.change("alarm-0003", "closed")
    rig.begin()
    rig.turns()
    assert len(rig.region.taken["alarm-0003"]) == 2


def test_a_letter_that_must_wait_holds_back_the_later_ones_of_its_alarm_and_no_other_alarms(rig: Rig) -> None:
    rig.region.mood = lambda letter: (
        Kind.FAILED if letter.event == "raised" and rig.now_s < 1_000_500 else Kind.ACCEPTED
    )
    rig.change("alarm-0001", "raised")
    rig.turns(1)
    rig.change("alarm-0001", "acknowledged")
    rig.change("alarm-0001", "closed")
    rig.turns(3)
    assert rig.region.taken == {}
    rig.turns()
    assert [event for event, _ in rig.region.taken["alarm-0001"]] == ["raised", "acknowledged", "closed"]


def test_a_dead_letter_lets_the_newest_state_pass_and_a_replay_ends_with_it(rig: Rig) -> None:
    rig.region.mood = lambda letter: Kind.REFUSED if letter.event == "raised" else Kind.ACCEPTED
    rig.change("alarm-0001", "raised")
    rig.turns()
    rig.change("alarm-0001", "acknowledged")
    rig.change("alarm-0001", "closed")
    rig.turns()
    assert [event for event, _ in rig.region.taken["alarm-0001"]] == ["acknowledged", "closed"]
    assert [item.reason for item in rig.items(DEAD)] == ["because"]
    rig.region.mood = lambda _letter: Kind.ACCEPTED
    rig.replay()
    rig.turns()
    assert [event for event, _ in rig.region.taken["alarm-0001"]] == ["acknowledged", "closed", "raised", "closed"]
    assert len(set(rig.region.keys)) == 4


def test_a_letter_that_fails_alone_is_given_up_and_never_one_that_fails_with_all(rig: Rig) -> None:
    rig.region.mood = lambda _letter: Kind.FAILED
    for number in range(3):
        rig.change(f"alarm-000{number}", "raised")
    rig.turns(100, 100.0)
    assert len(rig.items(WAITING)) == 3
    rig.region.mood = lambda letter: Kind.FAILED if letter.values["alarm_id"] == "alarm-0001" else Kind.ACCEPTED
    rig.turns(20, 100.0)
    assert sorted(rig.region.taken) == ["alarm-0000", "alarm-0002"]
    assert [(item.alarm_id, (item.reason or "")[:6]) for item in rig.items(DEAD)] == [("alarm-0001", "failed")]


def test_an_alarm_that_was_erased_cannot_be_told_and_says_so(rig: Rig) -> None:
    rig.region.mood = lambda _letter: Kind.DOWN
    rig.change("alarm-0001", "raised")
    rig.turns(2)
    with rig.database.write() as session:
        session.delete(session.get(Alarm, "alarm-0001"))
    rig.turns()
    assert [item.reason for item in rig.items(DEAD)] == ["the alarm has been erased; drop this letter"]


def test_what_was_delivered_is_forgotten_in_time_and_what_waits_or_is_dead_never(rig: Rig) -> None:
    rig.region.mood = lambda letter: Kind.REFUSED if letter.values["alarm_id"] == "alarm-0002" else Kind.ACCEPTED
    for alarm_id in ("alarm-0001", "alarm-0002"):
        rig.change(alarm_id, "raised")
        rig.change(alarm_id, "closed")
    rig.change("alarm-0003", "raised")
    rig.turns()
    rig.now_s += 91 * 86_400
    rig.turns()
    assert {item.alarm_id for item in rig.items(DELIVERED)} == {"alarm-0003"}  # still open
    assert len(rig.items(DEAD)) == 2
