"""Whatever a decoder fails on, the stream goes on soon, and nothing is left out without need."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.speech.quarantine import Quarantine

pytestmark = pytest.mark.unit

STRETCH = 10  # chunks
CHUNKS = 60

Fails = Callable[[list[int]], bool]
"""Whether the decoder fails on the last of the chunks that it has heard in this stretch; -1 is silence."""


def played(fails: Fails) -> tuple[list[list[int]], int, int]:
    """A stream of stretches: what was heard of each, how often the decoder failed, and how often a thing was left out.

    As the link does: after a failure everything is played again from the beginning of the stretch.
    """
    quarantine, failures = Quarantine(), 0
    heard: dict[int, list[int]] = {}
    now: list[int] = []
    at = 0
    while at < CHUNKS:
        now = [*now, -1 if at in quarantine else at]
        if fails(now):
            failures += 1
            assert failures < 1000
            at, now = quarantine.failed(at, at - at % STRETCH), []
            continue
        at += 1
        if at % STRETCH == 0:
            heard[at // STRETCH], now = now, []
    return [heard.get(number + 1, []) for number in range(CHUNKS // STRETCH)], failures, quarantine.left_out


@given(st.sets(st.integers(0, CHUNKS // STRETCH - 1)), st.integers(0, STRETCH - 1))
def test_one_bad_chunk_in_a_stretch_costs_two_failures_and_nothing_but_itself(stretches: set[int], place: int) -> None:
    bad = {number * STRETCH + place for number in stretches}
    heard, failures, left_out = played(lambda now: now[-1] in bad)
    assert list(chain.from_iterable(heard)) == [-1 if at in bad else at for at in range(CHUNKS)]
    assert failures == 2 * len(bad)
    assert left_out == len(bad)


@given(st.sets(st.integers(0, CHUNKS - 1)), st.integers(0, STRETCH))
def test_what_is_bad_because_of_what_was_before_ends_after_four_failures_a_stretch(
    spoils: set[int], after: int
) -> None:
    """The lattice of a stretch, say: a chunk in the middle is to blame, and any later one crashes."""

    def fails(now: list[int]) -> bool:
        return any(chunk in spoils for chunk in now[: len(now) - after])

    heard, failures, _ = played(fails)
    assert failures <= 4 * STRETCH * (CHUNKS // STRETCH)
    for number, chunks in enumerate(heard):
        whole = list(range(number * STRETCH, (number + 1) * STRETCH))
        if not spoils.intersection(whole):
            assert chunks == whole


@given(st.sets(st.integers(0, 400), max_size=40))
def test_chance_leaves_nothing_out(failing: set[int]) -> None:
    """Failures that do not come twice in one place, such as a process that somebody ends."""
    calls, last = iter(range(10_000)), [-1]

    def fails(now: list[int]) -> bool:
        failed = next(calls) in failing and now[-1] != last[0]
        last[0] = now[-1] if failed else last[0]
        return failed

    heard, _, left_out = played(fails)
    assert list(chain.from_iterable(heard)) == list(range(CHUNKS))
    assert left_out == 0


def test_old_chunks_are_forgotten() -> None:
    quarantine = Quarantine()
    assert [quarantine.failed(7, 5), quarantine.failed(7, 5)] == [5, 5]
    assert 7 in quarantine
    quarantine.forget_before(8)
    assert 7 not in quarantine
