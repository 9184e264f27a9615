"""Who is in the room beside the one who lives there: guests, children, and whether who dropped out of sight is back.

Pure. Children drop, lie and hide on purpose, and grown-ups about them see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from robot.vision.findings import State
from robot.vision.tracker import Track

GUEST_H = 0.92  # beside the resident, who is smaller than this is another: a child of ten; chosen
BACK_S = 2.0  # as many on their feet again, for so long; chosen
ALIKE_H = 0.15  # two looks at one who stands differ by less; chosen
TOGETHER_S = 1.0  # who was seen so shortly before somebody vanished was there; chosen
HIDES_S = 20.0  # who dropped out of sight in company has so long to be seen again; chosen


class Company:
    """`see` takes each moment; `lives_alone` False: of two residents one may be short and stoop, nobody is a guest."""

    def __init__(self, lives_alone: bool) -> None:
        self._lives_alone = lives_alone
        self._seen: Sequence[Track] = ()
        self.is_recent = False

    def see(self, seen: Sequence[Track], is_recent: bool) -> None:
        """`seen` are the people in view; `is_recent`: several were, lately. Who walks there alone lives there,
        if as tall as ever: a guest may be left alone for a while.
        """
        self._seen, self.is_recent = seen, is_recent
        if len(seen) == 1 and not is_recent:
            alone = seen[0]
            alone.walked_alone = alone.walked_alone or (alone.moved and _is_as_tall_as_ever(alone))

    def watches(self, track: Track) -> bool:
        """Whether somebody else in view, who has not fallen nor lies, sees what becomes of this one.

        Who sits on a low sofa is low, too. A child is no help to the resident; beside a visitor whoever looks like one
        may be the resident, who stoops.
        """
        return any(
            other is not track
            and other.moved
            and other.machine.state is State.UPRIGHT
            and not other.machine.reclines
            and not (track.walked_alone and self.is_guest(other))
            for other in self._seen
        )

    def is_guest(self, track: Track) -> bool:
        """Whether somebody in company is much shorter than who walks there alone, or, beside them, somewhat shorter or
        of unknown height: a child is seldom there alone.
        """
        if not (self._lives_alone and self.is_recent):
            return False
        if track.is_short:
            return True
        # the tracks of people who meet may be exchanged: then the height is not theirs
        beside = any(other.walked_alone and _is_as_tall_as_ever(other) for other in self._seen)
        smaller = track.stands_h is None or track.stands_h < GUEST_H
        return beside and smaller and not track.walked_alone


def _is_as_tall_as_ever(track: Track) -> bool:
    return track.stands_h is not None and GUEST_H <= track.stands_h <= 1 / GUEST_H


@dataclass(slots=True)
class OutOfSight:
    """One who dropped out of sight in company; `people` were in view then, they among them."""

    lost: Track
    people: int
    _back_since_s: float | None = None

    @classmethod
    def of(cls, lost: Track, tracks: Sequence[Track]) -> OutOfSight:
        since_s = lost.seen_at_s - TOGETHER_S
        return cls(lost, sum(track is lost or (track.moved and track.seen_at_s >= since_s) for track in tracks))

    def is_back(self, at_s: float, seen: Sequence[Track]) -> bool:
        """Whether as many are off the floor again; of one, whether who is there now is as tall."""
        up = [track for track in seen if track.moved and not track.machine.low]
        alike = self.people > 1 or any(self._is_like(track) for track in up)
        if len(up) < self.people or not alike:
            self._back_since_s = None
        elif self._back_since_s is None:
            self._back_since_s = at_s
        return self._back_since_s is not None and at_s - self._back_since_s >= BACK_S

    def _is_like(self, track: Track) -> bool:
        if track.stands_h is None or self.lost.stands_h is None:
            return False
        return abs(track.stands_h - self.lost.stands_h) < ALIKE_H
