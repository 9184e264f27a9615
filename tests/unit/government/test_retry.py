"""When something is sent again: no letter is given up for what the platform did, and no pause lasts for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from robot.fleet.government.retry import Answer, Circuit, Kind, Policy, Trial, backoff_s, decide
from robot.fleet.government.tables import DEAD, DELIVERED, WAITING

pytestmark = pytest.mark.unit

POLICY = Policy()
KINDS = st.sampled_from(list(Kind))
CHANCE = st.floats(0, 1)


@given(st.integers(1, 10_000), CHANCE)
def test_a_wait_is_never_nothing_and_never_longer_than_the_longest(attempts: int, chance: float) -> None:
    wait_s = backoff_s(attempts, chance, POLICY)
    assert POLICY.first_s / 2 <= wait_s <= POLICY.longest_s


def test_waits_double_before_chance_shortens_them() -> None:
    assert [backoff_s(n, 0.0, POLICY) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff_s(3, 1.0, POLICY) == 2


@given(KINDS, st.integers(1, 1000), st.none() | st.floats(0, 1e9), CHANCE)
def test_only_a_refusal_or_failing_alone_makes_a_dead_letter(
    kind: Kind, attempts: int, accepted_at_s: float | None, chance: float
) -> None:
    since_s = 5e8
    verdict = decide(Answer(kind, "why"), Trial(attempts, since_s, accepted_at_s), 6e8, chance, POLICY)
    alone = accepted_at_s is not None and accepted_at_s > since_s and attempts >= POLICY.give_up_attempts
    expected = {
        Kind.ACCEPTED: DELIVERED,
        Kind.DUPLICATE: DELIVERED,
        Kind.REFUSED: DEAD,
        Kind.FAILED: DEAD if alone else WAITING,
        Kind.DOWN: WAITING,
    }[kind]
    assert verdict.state == expected
    assert verdict.due_at_s > 6e8 or expected != WAITING
    assert expected == DELIVERED or "why" in (verdict.reason or "")


class CircuitMachine(RuleBasedStateMachine):
    """Whatever the platform answers, sending goes on after at most the longest pause or the longest wish."""

    @initialize(lanes=st.integers(1, 8))
    def begin(self, lanes: int) -> None:
        self.circuit, self.lanes, self.flying, self.now_s = Circuit(POLICY), lanes, 0, 0.0
        self.failures = 0

    @rule(seconds=st.floats(0, 5000))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def send(self) -> None:
        room = self.circuit.room(self.flying, self.lanes, self.now_s)
        assert room <= self.lanes - self.flying or self.flying > self.lanes
        if self.failures >= POLICY.pause_after:
            assert room <= 1
        self.flying += room

    @rule(kind=KINDS, wish_s=st.none() | st.floats(-10, 1e12), chance=CHANCE)
    def answer(self, kind: Kind, wish_s: float | None, chance: float) -> None:
        if self.flying:
            self.flying -= 1
            self.circuit.heard(Answer(kind, "", wish_s), self.now_s, chance)
            self.failures = self.failures + 1 if kind in (Kind.FAILED, Kind.DOWN) else 0

    @invariant()
    def it_goes_on_in_the_end(self) -> None:
        later_s = self.now_s + max(POLICY.longest_pause_s, POLICY.longest_retry_after_s)
        assert self.circuit.room(0, self.lanes, later_s) >= 1


TestCircuit = CircuitMachine.TestCase


def test_a_wish_to_wait_is_kept_even_when_all_was_well() -> None:
    circuit = Circuit(POLICY)
    circuit.heard(Answer(Kind.DOWN, "", 30.0), 100.0, 0.0)
    assert circuit.room(0, 4, 129.9) == 0
    assert circuit.room(0, 4, 130.0) == 4


def test_after_failures_in_a_row_one_letter_tries_and_its_success_opens_all_lanes() -> None:
    circuit = Circuit(POLICY)
    for _ in range(POLICY.pause_after):
        circuit.heard(Answer(Kind.FAILED), 0.0, 0.0)
    assert circuit.room(0, 4, 1.9) == 0
    assert (circuit.room(0, 4, 2.0), circuit.room(1, 4, 2.0)) == (1, 0)
    circuit.heard(Answer(Kind.ACCEPTED), 2.5, 0.0)
    assert circuit.room(0, 4, 2.5) == 4
