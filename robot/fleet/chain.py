"""How far a robot's chain of reports has come: numbers that are missing, links that do not fit. Pure.

Reports come in any order, through several workers; only the highest number is remembered. So a late report fills a gap
by its number alone, and only a report that comes right after the highest one has its `prev` compared.

A robot that lost its outbox begins a new chain at number 1, perhaps with a clock that is wrong, and its alarms overtake
its first reports. That must not look like a forged report: so a chain is known by its numbers, not by times. A number
that has come already begins a new chain; so does a `prev` that does not fit among the first YOUNG numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

YOUNG = 100  # no robot has more reports than 64 under way, so that no more can overtake its first


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
    first: int = 1  # the lowest number seen; what lies below is not called missing

    def worse_than(self, before: Reached) -> bool:
        """Whether something was found out since."""
        found = (self.missing - before.missing, self.broken - before.broken, self.restarts - before.restarts)
        return any(difference > 0 for difference in found)


def follow(reached: Reached | None, links: Iterable[Link]) -> Reached | None:
    """Take reports that came for the first time. A report with the number 0 never stood in an outbox and is none."""
    for link in sorted((link for link in links if link.seq > 0), key=lambda link: link.seq):
        reached = _step(reached, link) if reached is not None else _begin(link)
    return reached


def _begin(link: Link) -> Reached:
    return Reached(link.seq, link.digest, link.sent_at_s, first=link.seq)


def _step(reached: Reached, link: Link) -> Reached:
    ahead = link.seq - reached.seq
    if ahead > 0:
        broken = ahead == 1 and link.prev is not None and link.prev != reached.digest
        if broken and link.seq <= YOUNG:
            return _begin_anew(reached, link)
        return reached._replace(
            seq=link.seq,
            digest=link.digest,
            sent_at_s=link.sent_at_s,
            missing=reached.missing + ahead - 1,
            broken=reached.broken + broken,
        )
    if _is_anew(reached, link):
        return _begin_anew(reached, link)
    if link.seq < reached.first:  # the first reports of a chain have been overtaken
        return reached._replace(first=link.seq, missing=reached.missing + reached.first - link.seq - 1)
    return reached._replace(missing=max(0, reached.missing - 1))


def _is_anew(reached: Reached, link: Link) -> bool:
    """Whether a report that is not ahead belongs to another chain."""
    if link.seq >= reached.first and reached.missing == 0:
        return True
    begins = link.seq == 1 and link.prev is None
    return begins and (reached.first == 1 or reached.first > YOUNG or link.sent_at_s > reached.sent_at_s)


def _begin_anew(reached: Reached, link: Link) -> Reached:
    return _begin(link)._replace(broken=reached.broken, restarts=reached.restarts + 1)
