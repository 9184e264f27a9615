"""Commands are repeated until confirmed: after 1 s, then ever more slowly, but never more than 10 s apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.fleet.resend import LONGEST_PAUSE_S, Resender

pytestmark = pytest.mark.unit


def test_a_command_is_sent_at_once_and_then_with_growing_pauses() -> None:
    resender = Resender()
    sent = [now_s for now_s in range(40) if resender.due(["a"], float(now_s))]
    assert sent == [0, 1, 3, 7, 15, 25, 35]


def test_a_confirmed_command_is_sent_no_more_and_a_lost_link_starts_over() -> None:
    resender = Resender()
    assert resender.due(["a", "b"], 0.0) == ["a", "b"]
    assert resender.due(["b"], 1.0) == ["b"]
    resender.forget()
    assert resender.due(["b"], 1.0) == ["b"]


@given(st.lists(st.floats(0.01, 5), min_size=1, max_size=80))
def test_no_pause_is_longer_than_ten_seconds_and_a_look(steps_s: list[float]) -> None:
    resender, now_s, last_s = Resender(), 0.0, 0.0
    for step_s in steps_s:
        now_s += step_s
        if resender.due(["a"], now_s):
            last_s = now_s
        assert now_s - last_s <= LONGEST_PAUSE_S + step_s
