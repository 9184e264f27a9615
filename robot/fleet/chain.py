"""How far a robot's chain of reports has come: numbers that are missing, links that do not fit. Pure.

Reports come in any order, through several workers; only the highest number is remembered. So a late report fills a gap
by its number alone, and only a report that comes right after the highest one has its `prev` compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Link(NamedTuple):
    """What a report says of its place. `prev` None: the robot does not chain, or this is the first."""

    seq: int
    prev: str | None
    digest: str
    sent_at_s: float


class Reached(NamedTuple):
    """The highest report seen, and what was found out on the way (see robot.fleet.tables.Chain)."""

    seq: int
    digest: str
    sent_at_s: float
    missing: int = 0
    broken: int = 0
    restarts: int = 0

    def worse_than(self, before: Reached) -> bool:
        """Whether something was found out since."""
        found = (self.missing - before.missing, self.broken - before.broken, self.restarts - before.restarts)
        return any(difference > 0 for difference in found)


def follow(reached: Reached | None, links: Iterable[Link]) -> Reached | None:
    """Take reports that came for the first time. A report with the number 0 never stood in an outbox and is none."""
    for link in sorted(link for link in links if link.seq > 0):
        reached = _step(reached, link) if reached is not None else Reached(link.seq, link.digest, link.sent_at_s)
    return reached


def _step(reached: Reached, link: Link) -> Reached:
    ahead = link.seq - reached.seq
    if ahead > 0:
        broken = ahead == 1 and link.prev is not None and link.prev != reached.digest
        return reached._replace(
            seq=link.seq,
            digest=link.digest,
            sent_at_s=link.sent_at_s,
            missing=reached.missing + ahead - 1,
            broken=reached.broken + broken,
        )
    if link.prev is None and link.seq == 1 and link.sent_at_s > reached.sent_at_s:  # an outbox that began anew
        return Reached(1, link.digest, link.sent_at_s, 0, reached.broken, reached.restarts + 1)
    return reached._replace(missing=max(0, reached.missing - 1))
