"""The order in which nodes become active, and what to do when one is missing or hangs. Pure.

Every node may configure as soon as it is there (loading models takes the longest). Nodes become active in the given
order, but nobody waits for a missing one longer than `patience_s`: safety never waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

_ANSWER_LOST_S = 3.0
"""A request to a process that has just returned may still go to the dead one; after so long it is asked again."""
_AWAY_S = 3.0
"""Whoever did not look for so long (a stalled machine) has not heard the heartbeats that wait to be read."""
_STALE_HEARTBEAT_S = 2.5
"""A heartbeat (one a second) that left before a transition ended may arrive after the answer to it."""


class NodeState(int, Enum):
    """Primary states of lifecycle_msgs/State."""

    UNKNOWN = 0
    UNCONFIGURED = 1
    INACTIVE = 2
    ACTIVE = 3
    FINALIZED = 4


class Step(str, Enum):
    CONFIGURE = "configure"
    ACTIVATE = "activate"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class Order:
    """`node` shall do `step`. `pid` is the process of its last heartbeat."""

    node: str
    step: Step
    pid: int


@dataclass(slots=True)
class _Seen:
    state: NodeState = NodeState.UNKNOWN
    pid: int = 0
    at_s: float | None = None
    busy_since_s: float | None = None
    step: Step | None = None
    retry_at_s: float = 0.0
    believe_at_s: float = 0.0


class Bringup:
    """Feed heartbeats and results, ask `due` what to do now."""

    def __init__(
        self,
        order: Sequence[str],
        started_at_s: float,
        *,
        patience_s: float,
        hung_after_s: float,
        transition_limit_s: float = 90.0,
        retry_after_s: float = 2.0,
    ) -> None:
        self._order = tuple(order)
        self._seen = {node: _Seen() for node in order}
        self._started_at_s = started_at_s
        self._patience_s = patience_s
        self._hung_after_s = hung_after_s
        self._transition_limit_s = transition_limit_s
        self._retry_after_s = retry_after_s
        self._looked_at_s: float | None = None

    def heartbeat(self, node: str, state: int, pid: int, now_s: float) -> None:
        """A node says that it lives. A new pid means a new process, whatever was going on with the old one."""
        seen = self._seen.get(node)
        if seen is None:
            return
        if pid != seen.pid:
            seen.busy_since_s, seen.retry_at_s = None, 0.0
        if now_s >= seen.believe_at_s or pid != seen.pid:
            seen.state = NodeState(state) if state in NodeState._value2member_map_ else NodeState.UNKNOWN
        seen.pid, seen.at_s = pid, now_s
        if seen.busy_since_s is not None and now_s - seen.busy_since_s > _ANSWER_LOST_S:
            # a node does one thing at a time: if it has time for a heartbeat, it is not in the transition (any more)
            seen.busy_since_s = None

    def done(self, node: str, pid: int, succeeded: bool, now_s: float) -> None:
        """A transition ended. A failed one is tried again later; heartbeats sent before a success count no more."""
        seen = self._seen[node]
        if pid != seen.pid or seen.busy_since_s is None:
            return
        seen.busy_since_s = None
        if succeeded:
            seen.state = NodeState.INACTIVE if seen.step is Step.CONFIGURE else NodeState.ACTIVE
            seen.believe_at_s = now_s + _STALE_HEARTBEAT_S
        else:
            seen.retry_at_s = now_s + self._retry_after_s

    def due(self, now_s: float) -> tuple[Order, ...]:
        """What to do now; a step is ordered once until `done`. Ask about five times a second."""
        if self._looked_at_s is not None and now_s - self._looked_at_s > _AWAY_S:
            self._forgive(now_s)
        self._looked_at_s = now_s
        return tuple(order for node in self._order if (order := self._next(node, now_s)) is not None)

    def all_active(self) -> bool:
        return all(seen.state is NodeState.ACTIVE for seen in self._seen.values())

    def _forgive(self, now_s: float) -> None:
        """The manager was away itself: who is silent now is not known yet, and all would be ended at once."""
        for seen in self._seen.values():
            if seen.at_s is not None:
                seen.at_s = now_s

    def _next(self, node: str, now_s: float) -> Order | None:
        seen = self._seen[node]
        if seen.at_s is None:
            return None
        limit_s = self._hung_after_s if seen.busy_since_s is None else self._transition_limit_s
        if now_s - max(seen.at_s, seen.busy_since_s or 0.0) > limit_s:
            # a process that does not answer is ended; whoever started it starts it again
            order = Order(node, Step.KILL, seen.pid)
            self._seen[node] = _Seen()
            return order
        if seen.busy_since_s is not None or now_s < seen.retry_at_s:
            return None
        if seen.state is NodeState.UNCONFIGURED:
            step = Step.CONFIGURE
        elif seen.state is NodeState.INACTIVE and self._may_activate(node, now_s):
            step = Step.ACTIVATE
        else:
            return None
        seen.busy_since_s, seen.step = now_s, step
        return Order(node, step, seen.pid)

    def _may_activate(self, node: str, now_s: float) -> bool:
        if now_s - self._started_at_s > self._patience_s:
            return True
        before = self._order[: self._order.index(node)]
        return all(self._seen[other].state is NodeState.ACTIVE for other in before)
