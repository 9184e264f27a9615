"""What is wrong on the way to the region, for the desk and the pages: a silent bridge, no way through, dead letters."""

from __future__ import annotations

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from robot.fleet.government.tables import DEAD, DELIVERED, WAITING, WORKER, GovernmentItem
from robot.fleet.tables import Worker

REGION_UNTOLD = "region_untold"  # the bridge is silent, or the region takes nothing from it
LETTERS_DEAD = "letters_dead"
UNTOLD_AFTER_S = 300.0
BEAT_LOST_S = 12.0  # three heartbeats of the bridge


def troubles(session: Session, now_s: float) -> dict[str, float]:
    """Since when there is what trouble; none where no bridge has ever run.

    A bridge that was just started says that it is linked although it has told nothing yet: what counts is what waits.
    """
    worker = session.get(Worker, WORKER)
    if worker is None:
        return {}
    found = {}
    untold_since_s = worker.beat_at_s if _is_silent(worker, now_s) else _failing_since_s(session)
    if untold_since_s is not None and abs(now_s - untold_since_s) >= UNTOLD_AFTER_S:
        found[REGION_UNTOLD] = untold_since_s
    newest = select(func.max(GovernmentItem.settled_at_s)).where(GovernmentItem.state == DEAD)
    dead_at_s = session.scalar(newest)
    if dead_at_s is not None:
        found[LETTERS_DEAD] = dead_at_s
    return found


def is_over(session: Session, cause: str, now_s: float) -> bool:
    """Whether the trouble has gone; that nothing is known is not enough."""
    if cause == LETTERS_DEAD:
        return not session.scalar(select(exists().where(GovernmentItem.state == DEAD)))
    worker = session.get(Worker, WORKER)
    return worker is not None and not _is_silent(worker, now_s) and _failing_since_s(session) is None


def _is_silent(worker: Worker, now_s: float) -> bool:
    return abs(now_s - worker.beat_at_s) >= BEAT_LOST_S


def _failing_since_s(session: Session) -> float | None:
    """Since when letters have only failed; None when none of those that wait has failed since the last was taken."""
    taken = select(func.max(GovernmentItem.settled_at_s)).where(GovernmentItem.state == DELIVERED)
    taken_at_s = session.scalar(taken) or 0.0
    failing = select(func.min(GovernmentItem.failing_since_s)).where(GovernmentItem.state == WAITING)
    return session.scalar(failing.where(GovernmentItem.failing_since_s >= taken_at_s))
