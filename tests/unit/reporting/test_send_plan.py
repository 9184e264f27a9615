"""The plan of sending: no row is forgotten, none is sent after its acknowledgement, alarms are never stuck."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from robot.reporting.outbox import Row
from robot.reporting.pacing import LONGEST_WAIT_S, SHORTEST_WAIT_S, Backoff, Pacing, SendPlan

pytestmark = pytest.mark.unit

NOW_S = 1_790_000_000.0
PACING = Pacing(window=8, reserved_for_alarms=2, first_retry_s=3.0, max_retry_s=30.0, jitter=0.2)
KINDS = {"alarm": 0, "event": 1, "telemetry": 2}


def row(seq: int, kind: str = "event") -> Row:
    return Row(seq, f"message-{seq}", KINDS[kind], kind, "e/event", "{}", NOW_S, "", False)


def plan(chance: float = 0.0) -> SendPlan:
    return SendPlan(PACING, chance=lambda: chance)


def test_a_new_row_goes_at_once_and_again_ever_more_slowly() -> None:
    sending = plan()
    times = [second for second in range(200) if sending.due([row(1)], NOW_S + second)]
    assert times == [0, 3, 9, 21, 45, 75, 105, 135, 165, 195]


def test_to_a_platform_that_acknowledges_no_telemetry_it_goes_ever_less_often() -> None:
    sending = plan()
    times = [second for second in range(7200) if sending.due([row(1, "telemetry")], NOW_S + second)]
    assert times[-1] - times[-2] == 600
    assert len(times) < 20


def test_jitter_only_lengthens_the_wait() -> None:
    sending = plan(chance=1.0)
    sending.due([row(1)], NOW_S)
    assert not sending.due([row(1)], NOW_S + 3.5)
    assert sending.due([row(1)], NOW_S + 3.6)


def test_after_a_reconnection_everything_is_due_at_once_in_order() -> None:
    sending, rows = plan(), [row(1), row(2), row(3)]
    sending.due(rows, NOW_S)
    sending.reconnected()
    assert sending.due(rows, NOW_S) == rows


def test_rows_that_are_never_answered_do_not_stop_the_others() -> None:
    sending = plan()
    deaf = [row(seq) for seq in range(1, 41)]
    for second in range(300):
        if row(99) in sending.due([*deaf, row(99)][: sending.reach()], NOW_S + second):
            return
    pytest.fail("a good row waits behind unanswered ones")


def test_an_alarm_finds_a_place_while_events_fill_the_window() -> None:
    sending = plan()
    events = [row(seq) for seq in range(1, 20)]
    assert len(sending.due(events, NOW_S)) == 6
    assert sending.due([row(99, "alarm"), *events], NOW_S) == [row(99, "alarm")]


def test_a_clock_that_was_set_back_delays_nothing() -> None:
    sending = plan()
    sending.due([row(1)], NOW_S)
    assert sending.due([row(1)], NOW_S - 86_400) == [row(1)]


@pytest.mark.parametrize("jump_s", [-1.7e9, -3600.0, 3600.0, 1e9])
def test_an_alarm_after_a_jump_of_the_clock_goes_at_once(jump_s: float) -> None:
    sending = plan()
    events = [row(seq) for seq in range(1, 7)]
    sending.due(events, NOW_S)
    assert sending.due([row(99, "alarm"), *events], NOW_S + jump_s)[0] == row(99, "alarm")


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_fleet_that_lost_its_broker_does_not_come_back_in_one_moment(seed: int) -> None:
    """The broker away for 60 s: in no second half of the fleet knocks, at its return a quarter in none, and all
    are back in time. Doubled waits with a jittered bound only, as MQTT clients have them, bring all in one second.
    """
    fleet, outage_s = 500, 60.0
    chance = random.Random(seed).random
    knocks: Counter[int] = Counter()
    back: list[float] = []
    for _ in range(fleet):
        backoff, at_s = Backoff(chance), 0.0
        while at_s < outage_s:
            at_s += backoff.next_s()
            knocks[int(at_s)] += 1
        back.append(at_s)
    assert max(count for second, count in knocks.items() if second < outage_s) < fleet / 2
    assert max(back) <= outage_s + LONGEST_WAIT_S
    assert max(Counter(int(at_s) for at_s in back).values()) < fleet / 4


def test_after_a_connection_the_waits_begin_short_again() -> None:
    backoff = Backoff(chance=lambda: 1.0)
    assert [backoff.next_s() for _ in range(5)] == [4.0, 8.0, 15.0, 15.0, 15.0]
    backoff.connected()
    assert backoff.next_s() == 4.0
    assert Backoff(chance=lambda: 0.0).next_s() == SHORTEST_WAIT_S


class Link(RuleBasedStateMachine):
    """A robot, a link that may lose anything, a platform that answers some time, and restarts."""

    on_the_way = Bundle("on_the_way")

    def __init__(self) -> None:
        super().__init__()
        self.plan = plan()
        self.now_s = NOW_S
        self.outbox: list[Row] = []
        self.appended = 0
        self.acked: set[str] = set()

    def pending(self) -> list[Row]:
        return sorted(self.outbox, key=lambda row: (row.priority, row.seq))[: self.plan.reach()]

    @rule(kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=12))
    def append(self, kinds: list[str]) -> None:
        for kind in kinds:
            self.appended += 1
            self.outbox.append(row(self.appended, kind))

    @rule(target=on_the_way, wait_s=st.floats(-5, 40) | st.sampled_from([-1e9, -90_000.0, 90_000.0, 1e9]))
    def pump(self, wait_s: float) -> object:
        self.now_s += wait_s
        chosen = self.plan.due(self.pending(), self.now_s)
        assert len(chosen) <= PACING.window
        assert not self.acked & {row.id for row in chosen}
        return multiple(*(row.id for row in chosen))

    @rule(message_id=consumes(on_the_way))
    def answer(self, message_id: str) -> None:
        self.acknowledge([message_id])

    @rule(message_id=consumes(on_the_way))
    def lose(self, message_id: str) -> None:
        pass

    @rule()
    def reconnect(self) -> None:
        self.plan.reconnected()

    @rule()
    def restart(self) -> None:
        self.plan = plan()

    @invariant()
    def nothing_is_forgotten(self) -> None:
        assert len(self.outbox) + len(self.acked) == self.appended

    def acknowledge(self, ids: list[str]) -> None:
        self.outbox = [row for row in self.outbox if row.id not in ids]
        self.acked.update(ids)
        self.plan.acked(ids)

    def teardown(self) -> None:
        """From now on the platform answers everything: the outbox must run empty."""
        for _ in range(self.appended * 12 + 40):
            self.now_s += 1.0
            self.acknowledge([row.id for row in self.plan.due(self.pending(), self.now_s)])
        assert not self.outbox


TestLink = Link.TestCase
TestLink.settings = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine is no failure
