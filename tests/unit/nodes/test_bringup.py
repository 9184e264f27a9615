"""The lifecycle manager's core: an order, no waiting for a missing node, an end for a hung one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.nodes.bringup import Bringup, NodeState, Order, Step

pytestmark = pytest.mark.unit

ORDER = ("reporter", "alarms", "voice")


def bringup() -> Bringup:
    return Bringup(ORDER, 0.0, patience_s=10.0, hung_after_s=5.0)


def test_all_configure_at_once_but_activate_in_order() -> None:
    core = bringup()
    for number, node in enumerate(ORDER):
        core.heartbeat(node, NodeState.UNCONFIGURED, 100 + number, 1.0)
    assert [order.step for order in core.due(1.0)] == [Step.CONFIGURE] * 3
    for number, node in enumerate(ORDER):
        core.done(node, 100 + number, succeeded=True, now_s=2.0)
    assert core.due(2.0) == (Order("reporter", Step.ACTIVATE, 100),)
    core.done("reporter", 100, succeeded=True, now_s=2.5)
    assert core.due(2.6) == (Order("alarms", Step.ACTIVATE, 101),)


def test_a_missing_node_does_not_keep_the_others_from_watching() -> None:
    """Safety never waits: after `patience_s` later nodes become active without the missing one."""
    core = bringup()
    core.heartbeat("alarms", NodeState.INACTIVE, 7, 9.0)
    assert core.due(9.0) == ()
    core.heartbeat("alarms", NodeState.INACTIVE, 7, 11.0)
    assert core.due(11.0) == (Order("alarms", Step.ACTIVATE, 7),)


def test_a_returned_process_is_brought_up_again_even_if_the_old_one_was_busy() -> None:
    core = bringup()
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 1.0)
    core.due(1.0)
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 2, 3.0)
    assert core.due(3.0) == (Order("reporter", Step.CONFIGURE, 2),)


def test_the_answer_of_an_old_process_says_nothing_about_the_new_one() -> None:
    core = bringup()
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 1.0)
    core.due(1.0)
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 2, 3.0)
    core.due(3.0)
    core.done("reporter", 1, succeeded=False, now_s=3.1)
    assert core.due(3.2) == ()


def test_a_failed_transition_is_tried_again_after_a_while() -> None:
    core = bringup()
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 1.0)
    core.due(1.0)
    core.done("reporter", 1, succeeded=False, now_s=1.5)
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 2.0)
    assert core.due(2.0) == ()
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 3.6)
    assert core.due(3.6) == (Order("reporter", Step.CONFIGURE, 1),)


def test_a_heartbeat_from_before_a_success_does_not_repeat_the_transition() -> None:
    core = bringup()
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 1.0)
    core.due(1.0)
    core.done("reporter", 1, succeeded=True, now_s=2.0)
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 2.01)
    assert core.due(2.02) == (Order("reporter", Step.ACTIVATE, 1),)
    core.done("reporter", 1, succeeded=True, now_s=2.1)
    core.heartbeat("reporter", NodeState.INACTIVE, 1, 2.2)
    assert core.due(2.3) == ()


def test_a_node_that_really_fell_back_is_brought_up_again() -> None:
    core = bringup()
    core.heartbeat("reporter", NodeState.INACTIVE, 1, 1.0)
    core.due(1.0)
    core.done("reporter", 1, succeeded=True, now_s=2.0)
    core.heartbeat("reporter", NodeState.INACTIVE, 1, 5.0)
    assert core.due(5.0) == (Order("reporter", Step.ACTIVATE, 1),)


def test_a_lost_request_is_repeated_and_a_lost_answer_is_not_waited_for() -> None:
    """A service call to a respawned node can vanish; its heartbeat tells that it is not busy."""
    core = bringup()
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 1.0)
    core.due(1.0)
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 2.0)
    assert core.due(2.0) == ()
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 4.5)
    assert core.due(4.5) == (Order("reporter", Step.CONFIGURE, 1),)
    core.heartbeat("reporter", NodeState.INACTIVE, 1, 8.0)
    assert core.due(8.0) == (Order("reporter", Step.ACTIVATE, 1),)


def test_a_silent_process_is_ended_once() -> None:
    core = bringup()
    core.heartbeat("reporter", NodeState.ACTIVE, 1, 1.0)
    assert core.due(5.9) == ()
    assert core.due(6.1) == (Order("reporter", Step.KILL, 1),)
    assert core.due(20.0) == ()


def test_a_process_that_loads_models_may_be_silent_for_longer() -> None:
    core = bringup()
    core.heartbeat("reporter", NodeState.UNCONFIGURED, 1, 1.0)
    assert core.due(1.0) == (Order("reporter", Step.CONFIGURE, 1),)
    assert [order for second in range(2, 92) for order in core.due(float(second))] == []
    assert core.due(92.0) == (Order("reporter", Step.KILL, 1),)


def test_a_manager_that_was_away_itself_ends_nobody() -> None:
    """After a stall of the whole machine every node seems silent; their heartbeats wait to be read."""
    core = bringup()
    for node in ORDER:
        core.heartbeat(node, NodeState.ACTIVE, 1, 1.0)
    core.due(1.2)
    assert core.due(21.0) == ()
    core.heartbeat("reporter", NodeState.ACTIVE, 1, 21.1)
    assert [order for tenth in range(211, 261) for order in core.due(tenth / 10)] == []
    core.heartbeat("reporter", NodeState.ACTIVE, 1, 26.0)
    core.heartbeat("alarms", NodeState.ACTIVE, 1, 26.0)
    assert core.due(26.2) == (Order("voice", Step.KILL, 1),), "who is still silent then really hangs"


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ORDER),
            st.sampled_from([NodeState.UNCONFIGURED, NodeState.INACTIVE, NodeState.ACTIVE]),
            st.integers(1, 2),
            st.floats(0.01, 3.0),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_never_two_orders_to_a_busy_process(
    script: list[tuple[str, NodeState, int, float, bool]],
) -> None:
    core, now_s, open_orders = bringup(), 0.0, dict[tuple[str, int], float]()
    pids = dict.fromkeys(ORDER, 0)
    for node, state, pid, wait_s, answers in script:
        now_s += wait_s
        if pids[node] != pid:
            open_orders = {known: at_s for known, at_s in open_orders.items() if known[0] != node}
        pids[node] = pid
        core.heartbeat(node, state, pid, now_s)
        for order in core.due(now_s):
            process = (order.node, order.pid)
            if order.step is Step.KILL:
                open_orders.pop(process, None)
                continue
            asked_at_s = open_orders.get(process)
            assert asked_at_s is None or now_s - asked_at_s > 3.0, "asked again while it may be at work"
            open_orders[process] = now_s
        if answers and (node, pid) in open_orders:
            core.done(node, pid, succeeded=True, now_s=now_s)
            del open_orders[node, pid]
