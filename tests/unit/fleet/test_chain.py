"""A robot's chain: whole in any order, and what is missing, changed or begun anew is seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.fleet.chain import Link, Reached, follow

pytestmark = pytest.mark.unit


def links(length: int, first: int = 1) -> list[Link]:
    return [
        Link(number, f"digest-{number - 1}" if number > 1 else None, f"digest-{number}", float(number))
        for number in range(first, first + length)
    ]


def in_batches(order: list[Link], size: int) -> Reached | None:
    reached = None
    for begin in range(0, len(order), size):
        reached = follow(reached, order[begin : begin + size])
    return reached


@given(st.permutations(links(9)[1:]), st.integers(1, 9))
def test_a_whole_chain_is_whole_in_any_order_and_any_batches(rest: list[Link], size: int) -> None:
    reached = in_batches([*links(1), *rest], size)
    assert reached == Reached(9, "digest-9", 9.0)


@given(st.sets(st.integers(2, 8)), st.randoms(use_true_random=False), st.integers(1, 9))
def test_what_never_comes_stays_missing(lost: set[int], luck: object, size: int) -> None:
    rest = [link for link in links(9)[1:] if link.seq not in lost]
    luck.shuffle(rest)  # type: ignore[attr-defined]  # hypothesis's Random
    reached = in_batches([*links(1), *rest], size)
    assert reached is not None
    assert (reached.missing, reached.broken, reached.restarts) == (len(lost), 0, 0)


def test_a_report_whose_prev_is_not_the_digest_before_is_seen() -> None:
    whole = links(3)
    reached = follow(None, [whole[0], whole[1]._replace(digest="other"), whole[2]])
    assert reached is not None
    assert (reached.broken, reached.missing) == (1, 0)


def test_an_outbox_that_began_anew_begins_a_new_chain() -> None:
    before = follow(None, links(5))
    anew = [Link(1, None, "new-1", 100.0), Link(2, "new-1", "new-2", 101.0)]
    assert follow(before, anew) == Reached(2, "new-2", 101.0, restarts=1)


def test_reports_outside_an_outbox_and_robots_without_a_chain_are_not_blamed() -> None:
    assert follow(None, [Link(0, None, "a", 1.0)]) is None
    assert follow(None, [Link(number, None, f"d{number}", 1.0) for number in (1, 2, 3)]) == Reached(3, "d3", 1.0)
