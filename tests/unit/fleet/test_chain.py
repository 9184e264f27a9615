"""A robot's chain: whole in any order, and what is missing, changed or begun anew is seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.fleet.chain import YOUNG, Link, Reached, follow

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


@given(st.permutations(links(9)), st.integers(1, 9))
def test_a_robot_that_is_heard_for_the_first_time_may_be_heard_in_any_order(order: list[Link], size: int) -> None:
    reached = in_batches(order, size)
    assert reached is not None
    assert (reached.seq, reached.first, reached.missing, reached.broken, reached.restarts) == (9, 1, 0, 0, 0)


def test_a_report_whose_prev_is_not_the_digest_before_is_seen() -> None:
    whole = links(3, first=YOUNG)
    reached = follow(None, [whole[0], whole[1]._replace(digest="other"), whole[2]])
    assert reached is not None
    assert (reached.broken, reached.missing, reached.restarts) == (1, 0, 0)


def test_reports_with_one_number_make_no_error() -> None:
    again = Link(2, None, "other", 3.0)
    assert follow(None, [*links(2), again]) == Reached(2, "other", 3.0, restarts=1, first=2)


def test_an_outbox_that_began_anew_begins_a_new_chain() -> None:
    before = follow(None, links(5))
    anew = [Link(1, None, "new-1", 100.0), Link(2, "new-1", "new-2", 101.0)]
    assert follow(before, anew) == Reached(2, "new-2", 101.0, restarts=1)


def new_links(length: int) -> list[Link]:
    """Of a robot that lost its outbox and whose clock then stood in 1970."""
    return [
        Link(number, f"new-{number - 1}" if number > 1 else None, f"new-{number}", 10.0 + number)
        for number in range(1, length + 1)
    ]


@given(st.integers(1, 12), st.integers(1, 12), st.permutations(new_links(15)), st.integers(1, 15))
def test_an_outbox_that_began_anew_never_looks_like_a_forged_one(
    first: int, length: int, order: list[Link], size: int
) -> None:
    before = follow(None, [link._replace(sent_at_s=1e9) for link in links(length, first)])
    reached = before
    for begin in range(0, len(order), size):
        reached = follow(reached, order[begin : begin + size])
    reached = follow(reached, [Link(16, "new-15", "new-16", 1e9 + 1), Link(17, "new-16", "new-17", 1e9 + 2)])
    assert reached is not None
    assert (reached.seq, reached.broken) == (17, 0)


def test_an_outbox_that_began_anew_is_told_from_a_long_chain_of_which_some_is_missing() -> None:
    old = [link._replace(sent_at_s=1e9) for link in links(500) if link.seq not in (7, 8, 9)]
    for before in (old, old[200:]):
        reached = follow(None, before)
        for link in new_links(502):
            reached = follow(reached, [link])
        assert reached == Reached(502, "new-502", 512.0, restarts=1)


def test_reports_outside_an_outbox_and_robots_without_a_chain_are_not_blamed() -> None:
    assert follow(None, [Link(0, None, "a", 1.0)]) is None
    assert follow(None, [Link(number, None, f"d{number}", 1.0) for number in (1, 2, 3)]) == Reached(3, "d3", 1.0)
