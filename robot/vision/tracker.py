"""Who is who from frame to frame: several people, also after somebody was hidden for a while. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from robot.vision.findings import State
from robot.vision.numbers import FallRules
from robot.vision.pose import Person
from robot.vision.posture import Posture, posture_of
from robot.vision.rules import FallMachine
from robot.vision.scale import CHILD_H, RoomScale

SAME_PERSON_SIZES = 0.35  # two detections nearer than this (in body sizes) are one person; prototype
ERECT_DEG, LYING_DEG = 35.0, 55.0  # torso from the vertical; as in the rules
ERECT_ASPECT, FLAT_ASPECT = 0.7, 1.1  # width by height of who stands, of who lies; as in the rules
REACH_SIZES = 0.6  # how far a person may be from where they were last seen; prototype
REACH_SIZES_S = 0.5  # and how much further for each second (up to one) unseen; prototype
REMEMBERED_S = 1.0  # unseen for longer, a track yields to any that is in view; chosen
FORGET_S = 2.5  # a standing person unseen for so long is gone; prototype
FORGET_LOW_S = 30.0  # lying people are often missed (arms over the head: score 0.07), so wait longer for them; chosen
HELPER_HEIGHT_H = 0.7  # after that, whoever is taller than this is a helper, not the one who lay there; chosen
FORGET_ALARMED_S = 120.0  # and for someone already reported, so that flicker reports nobody twice
COAST_S = 0.6  # a walker who is hidden is looked for further along their way, for so long; chosen
MOVED_SIZES = 0.25  # whoever never moved so far may be a picture on the wall; chosen
GONE_S = 120.0  # who vanished on their feet is remembered for so long: what appears there is them; chosen
GONE_REACH_H = 0.6  # of their height from where they stood: the hips are 0.5 H above the feet; anatomy
STANDS_WEIGHT = 0.05  # of each look at who is on their feet: two seconds of walking; chosen
THERE_S = 3.0  # who neither moved nor was there for so long may be a ghost of the model; chosen
STILL_S = 60.0  # an upright figure that did not move for so long since it appeared is one; chosen


@dataclass(slots=True)
class Track:
    """One person. `number` counts from 1; `moved` says that they ever left the spot where they were first seen;
    `is_large` that they ever were large enough to be judged; `walked_alone` that they ever did, for a while;
    `stands_h` is how tall they stand, in the height of people there (a running mean; None until they stood where
    others did).
    """

    number: int
    machine: FallMachine
    posture: Posture
    seen_at_s: float
    began_at_s: float
    moved: bool = False
    is_picture: bool = False
    is_large: bool = False
    walked_alone: bool = False
    stands_h: float | None = None
    velocity_px_s: tuple[float, float] = (0.0, 0.0)
    _first_px: tuple[float, float] = field(default=(0.0, 0.0))

    def distance(self, posture: Posture, at_s: float) -> float | None:
        """How far this posture is from the track, in body sizes; None when it cannot be the same person."""
        unseen_s = at_s - self.seen_at_s
        standing_px = self.machine.height_px or self.posture.size_px
        if unseen_s > FORGET_S and posture.height_px > HELPER_HEIGHT_H * standing_px:
            return None
        coast_s = min(unseen_s, COAST_S)
        here, there = (
            math.hypot(
                posture.centre_x_px - self.posture.centre_x_px - self.velocity_px_s[0] * s,
                posture.centre_y_px - self.posture.centre_y_px - self.velocity_px_s[1] * s,
            )
            for s in (0.0, coast_s)
        )
        size_px = max(posture.size_px, self.posture.size_px)
        falls = self.machine.sinking or self.machine.state is State.FALLING  # and lies as far off as they were tall
        reach_sizes = REACH_SIZES + REACH_SIZES_S * min(1.0, unseen_s)
        near = min(here, there) < reach_sizes * (max(size_px, standing_px) if falls else size_px)
        return min(here, there) / size_px if near else None

    def take(self, posture: Posture, at_s: float) -> None:
        """This posture is theirs."""
        passed_s = at_s - self.seen_at_s
        if 0 < passed_s <= COAST_S:
            self.velocity_px_s = (
                (posture.centre_x_px - self.posture.centre_x_px) / passed_s,
                (posture.centre_y_px - self.posture.centre_y_px) / passed_s,
            )
        elif passed_s > COAST_S:
            self.velocity_px_s = (0.0, 0.0)
        self.posture, self.seen_at_s = posture, at_s
        first_x_px, first_y_px = self._first_px
        away_px = math.hypot(posture.centre_x_px - first_x_px, posture.centre_y_px - first_y_px)
        self.moved = self.moved or away_px > MOVED_SIZES * posture.size_px

    def compare(self, stands_px: float | None) -> None:
        """They are on their feet where people stand `stands_px` tall; after a fall it may only look so."""
        if stands_px is None or self.machine.state not in (State.UNKNOWN, State.UPRIGHT):
            return
        now_h = (self.machine.height_px or self.posture.height_px) / stands_px
        before_h = now_h if self.stands_h is None else self.stands_h
        self.stands_h = before_h + STANDS_WEIGHT * (now_h - before_h)

    @property
    def is_short(self) -> bool:
        """Whether they stand much shorter than those who walk there: a child, or somebody who stoops or sits."""
        return self.stands_h is not None and self.stands_h < CHILD_H

    def is_there(self, at_s: float) -> bool:
        """Whether somebody upright can be nobody's ghost: a curtain or a coat, for a look or some."""
        return self.moved or at_s - self.began_at_s >= THERE_S

    def stands_still(self, at_s: float) -> bool:
        """An upright figure that never moved: a poster, a coat, a statue."""
        return not self.moved and not self.machine.low and at_s - self.began_at_s > STILL_S

    def is_gone(self, at_s: float) -> bool:
        if self.machine.state in (State.ALARMED, State.IN_BED):
            return at_s - self.seen_at_s > FORGET_ALARMED_S
        return at_s - self.seen_at_s > (FORGET_LOW_S if self.machine.low or self.machine.slid else FORGET_S)


@dataclass(frozen=True, slots=True)
class _Gone:
    """Somebody who vanished on their feet."""

    at_s: float
    hip_px: tuple[float, float]
    height_px: float
    is_large: bool
    machine: FallMachine


class Tracker:
    """Gives each posture to a track; `tracks` holds everybody who is remembered."""

    def __init__(self, rules: FallRules) -> None:
        self._rules = rules
        self._count = 0
        self._started_at_s: float | None = None
        self.tracks: list[Track] = []
        self._gone: list[_Gone] = []
        self.scale = RoomScale()

    def follow(self, postures: Sequence[Posture], at_s: float) -> list[Track]:
        """The tracks seen now, in the order of the postures."""
        if self._started_at_s is None:
            self._started_at_s = at_s
        taken: dict[int, Track] = {}
        for _, _, _, n, track in self._near(postures, at_s):
            if n not in taken and track not in taken.values():
                taken[n] = track
        seen = []
        for n, posture in enumerate(postures):
            track = taken.get(n) or self._new(posture, at_s)
            track.take(posture, at_s)
            seen.append(track)
        return seen

    def misses_somebody(self, at_s: float) -> bool:
        """Whether somebody who is remembered is not seen, or vanished on their feet, and not at the frame's edge."""
        vanished = any(at_s - gone.at_s <= FORGET_LOW_S for gone in self._gone)
        return vanished or any(track.seen_at_s < at_s for track in self.tracks)

    def forget(self, at_s: float) -> None:
        """Drop whoever is gone; who stood a moment before, and did not leave the picture, is remembered."""
        self._gone = [gone for gone in self._gone if at_s - gone.at_s <= GONE_S]
        for track in self.tracks:
            machine, height_px = track.machine, track.machine.height_px
            stood = track.seen_at_s - machine.stood_at_s <= self._rules.stood_s
            left = track.seen_at_s - machine.edge_at_s <= self._rules.stood_s
            is_person = track.moved and not track.is_picture
            if height_px is not None and track.is_gone(at_s) and is_person and stood and not left:
                hip_px = track.posture.hip_x_px, track.posture.hip_y_px
                self._gone.append(_Gone(track.seen_at_s, hip_px, height_px, track.is_large, machine))
        self.tracks = [track for track in self.tracks if not track.is_gone(at_s)]

    def _near(self, postures: Sequence[Posture], at_s: float) -> list[tuple[bool, float, int, int, Track]]:
        """Every possible pair, the nearest first.

        Who was seen a moment ago comes before whoever is only remembered: a new fall on the spot of an old one must not
        be taken for the old one, which was told long ago.
        """
        pairs = [
            (at_s - track.seen_at_s > REMEMBERED_S, distance, track.number, n, track)
            for n, posture in enumerate(postures)
            for track in self.tracks
            if (distance := track.distance(posture, at_s)) is not None
        ]
        return sorted(pairs, key=lambda pair: pair[:4])

    def _new(self, posture: Posture, at_s: float) -> Track:
        self._count += 1
        started_at_s = at_s if self._started_at_s is None else self._started_at_s
        here_at_start = at_s - started_at_s <= self._rules.start_s
        gone = self._take_gone(posture)  # whoever lies along the line of sight looks like a small figure that stands
        machine = FallMachine(self._rules, here_at_start, gone.height_px if gone else None)
        if gone is not None and at_s - gone.at_s <= FORGET_LOW_S:
            is_pet = posture.size_px < self._rules.small_h * gone.height_px
            if gone.machine.sank or not is_pet:
                machine.follow_on(gone.machine, at_s)
        first_px = (posture.centre_x_px, posture.centre_y_px)
        track = Track(self._count, machine, posture, at_s, at_s, moved=gone is not None, _first_px=first_px)
        track.is_large = gone is not None and gone.is_large
        self.tracks.append(track)
        return track

    def _take_gone(self, posture: Posture) -> _Gone | None:
        """Who vanished nearest to where this posture appears."""

        def away_h(gone: _Gone) -> float:
            return math.hypot(posture.hip_x_px - gone.hip_px[0], posture.hip_y_px - gone.hip_px[1]) / gone.height_px

        nearest = min(self._gone, key=away_h, default=None)
        if nearest is None or away_h(nearest) > GONE_REACH_H:
            return None
        self._gone.remove(nearest)
        return nearest


def postures_of(people: Sequence[Person]) -> list[Posture]:
    """The people's postures, the surest first, each person once (the model sometimes draws one person twice)."""
    kept: list[Posture] = []
    for person in sorted(people, key=lambda p: -p.score):
        posture = posture_of(person)
        if posture is None:
            continue
        if not any(_is_same(posture, other) for other in kept):
            kept.append(posture)
    return kept


def _is_same(one: Posture, other: Posture) -> bool:
    """Whether two postures are one person drawn twice: near each other, and not one bent over the other who lies."""
    if (_is_erect(one) and _is_flat(other)) or (_is_flat(one) and _is_erect(other)):
        return False
    apart_px = math.hypot(one.centre_x_px - other.centre_x_px, one.centre_y_px - other.centre_y_px)
    return apart_px <= SAME_PERSON_SIZES * max(one.size_px, other.size_px)


def _is_erect(posture: Posture) -> bool:
    return posture.torso_deg is not None and posture.torso_deg < ERECT_DEG and posture.aspect < ERECT_ASPECT


def _is_flat(posture: Posture) -> bool:
    lies = posture.torso_deg is None or posture.torso_deg > LYING_DEG
    return lies and posture.aspect > FLAT_ASPECT
