"""When a command is sent again: at once, after 1 s, then doubling to 10 s, until the robot confirms. Pure."""

from __future__ import annotations

from collections.abc import Iterable

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 10.0


class Resender:
    """Remembers when each pending command is due. A restart starts over, which at worst sends one time too many."""

    def __init__(self) -> None:
        self._next: dict[str, tuple[float, float]] = {}  # id -> (due_at_s, pause_s)

    def due(self, pending: Iterable[str], now_s: float) -> list[str]:
        """Of the pending ids those to be sent now, in their order; ids that are no longer pending are forgotten."""
        ids = list(pending)
        self._next = {id_: plan for id_, plan in self._next.items() if id_ in set(ids)}
        due = [id_ for id_ in ids if self._next.get(id_, (now_s, 0.0))[0] <= now_s]
        for id_ in due:
            pause_s = self._next[id_][1] if id_ in self._next else FIRST_PAUSE_S
            self._next[id_] = (now_s + pause_s, min(2 * pause_s, LONGEST_PAUSE_S))
        return due

    def forget(self) -> None:
        """Send everything at once, as after a lost link."""
        self._next.clear()
