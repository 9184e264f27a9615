"""Follows people from frame to frame, runs the fall rules for each, and speaks in `FallEvent`s. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import uuid6

from robot.messages import FallEvent
from robot.vision.pose import Person
from robot.vision.posture import Posture, posture_of
from robot.vision.rules import FallMachine, FallRules, Finding, State
from robot.vision.zones import Polygon, contains

SAME_PERSON_SIZES = 0.35  # two detections nearer than this (in body sizes) are one person; prototype
REACH_SIZES = 0.6  # how far a person may be from where they were last seen; prototype
REACH_SIZES_S = 0.5  # and how much further for each second (up to one) unseen; prototype
REMEMBERED_S = 1.0  # unseen for longer, a track yields to any that is in view; chosen
FORGET_S = 2.5  # a standing person unseen for so long is gone; prototype
FORGET_LOW_S = 10.0  # lying people are often missed (arms over the head: score 0.07), so wait longer for them
HELPER_HEIGHT_H = 0.7  # after that, whoever is taller than this is a helper, not the one who lay there; chosen
FORGET_ALARMED_S = 120.0  # and for someone already reported, so that flicker reports nobody twice


@dataclass(slots=True)
class _Track:
    number: int
    machine: FallMachine
    posture: Posture
    seen_at_s: float

    def takes(self, posture: Posture, at_s: float) -> float | None:
        """How far this posture is from the track, in body sizes; None when it cannot be the same person."""
        unseen_s = at_s - self.seen_at_s
        standing_px = self.machine.height_px or self.posture.size_px
        if unseen_s > FORGET_S and posture.height_px > HELPER_HEIGHT_H * standing_px:
            return None
        distance = math.hypot(
            posture.centre_x_px - self.posture.centre_x_px, posture.centre_y_px - self.posture.centre_y_px
        ) / max(posture.size_px, self.posture.size_px)
        return distance if distance < REACH_SIZES + REACH_SIZES_S * min(1.0, unseen_s) else None

    def is_gone(self, at_s: float) -> bool:
        if self.machine.state in (State.ALARMED, State.IN_BED):
            return at_s - self.seen_at_s > FORGET_ALARMED_S
        return at_s - self.seen_at_s > (FORGET_LOW_S if self.machine.low else FORGET_S)


class FallDetector:
    """People in, fall events out.

    `bed` is the bed's polygon in fractions of the frame. It silences nothing by itself: only while `bed_occupied` is
    True (the mattress says so, freshly), one person is in view, and their hip is inside. None, unknown, never silences.
    """

    def __init__(
        self,
        rules: FallRules | None = None,
        bed: Polygon | None = None,
        new_id: Callable[[], str] = lambda: str(uuid6.uuid7()),
    ) -> None:
        self._rules = rules or FallRules()
        self._bed = bed
        self._new_id = new_id
        self._tracks: list[_Track] = []
        self._count = 0
        self._started_at_s: float | None = None

    @property
    def is_falling(self) -> bool:
        """Whether somebody is in a drop that is not yet confirmed: the wrong moment to save frames."""
        return any(track.machine.state is State.FALLING for track in self._tracks)

    def step(
        self,
        people: Sequence[Person],
        t_s: float,
        now_at_s: float,
        frame_size_px: tuple[int, int],
        bed_occupied: bool | None = None,
    ) -> list[FallEvent]:
        """Take everybody seen at `t_s` (any steady clock) = `now_at_s` (Unix time) in a frame of (width, height)."""
        if self._started_at_s is None:
            self._started_at_s = t_s
        seen = self._follow(_postures(people), t_s)
        in_view = sum(not self._is_small(track, frame_size_px) for track in seen)
        events = []
        for track in self._tracks:
            in_bed = bed_occupied is True and in_view <= 1 and self._hip_in_bed(track.posture, frame_size_px)
            if track not in seen:
                finding = track.machine.miss(t_s, in_bed)
            elif self._is_small(track, frame_size_px):
                continue
            else:
                finding = track.machine.see(t_s, track.posture, in_bed)
            if finding is not None:
                events.append(self._event(track, finding, t_s, now_at_s))
        self._tracks = [track for track in self._tracks if not track.is_gone(t_s)]
        return events

    def _follow(self, postures: Sequence[Posture], t_s: float) -> list[_Track]:
        """Give each posture to the nearest free track, or to a new one; returns the tracks seen now."""
        seen: list[_Track] = []
        for posture in postures:
            # who was seen a moment ago comes before whoever is only remembered: a new fall on the spot of an old one
            # must not be taken for the old one, which was told long ago
            near = [
                (t_s - track.seen_at_s > REMEMBERED_S, distance, track.number, track)
                for track in self._tracks
                if track not in seen and (distance := track.takes(posture, t_s)) is not None
            ]
            track = min(near)[3] if near else self._new_track(posture, t_s)
            track.posture, track.seen_at_s = posture, t_s
            seen.append(track)
        return seen

    def _new_track(self, posture: Posture, t_s: float) -> _Track:
        self._count += 1
        started_at_s = t_s if self._started_at_s is None else self._started_at_s
        machine = FallMachine(self._rules, here_at_start=t_s - started_at_s <= self._rules.start_s)
        track = _Track(self._count, machine, posture, t_s)
        self._tracks.append(track)
        return track

    def _is_small(self, track: _Track, frame_size_px: tuple[int, int]) -> bool:
        size_px = max(track.machine.height_px or 0.0, track.posture.size_px)
        return size_px < self._rules.small_share * frame_size_px[1]

    def _hip_in_bed(self, posture: Posture, frame_size_px: tuple[int, int]) -> bool:
        width, height = frame_size_px
        return self._bed is not None and contains(self._bed, posture.hip_x_px / width, posture.hip_y_px / height)

    def _event(self, track: _Track, finding: Finding, t_s: float, now_at_s: float) -> FallEvent:
        return FallEvent(
            id=self._new_id(),
            reason=finding.reason,
            confidence=finding.confidence,
            track=track.number,
            onset_at_s=now_at_s - (t_s - finding.onset_s),
            suspected_at_s=now_at_s,
            recovered=finding.recovered,
        )


def _postures(people: Sequence[Person]) -> list[Posture]:
    """The people's postures, the surest first, each person once (the model sometimes draws one person twice)."""
    kept: list[Posture] = []
    for person in sorted(people, key=lambda p: -p.score):
        posture = posture_of(person)
        if posture is None:
            continue
        if all(
            math.hypot(posture.centre_x_px - other.centre_x_px, posture.centre_y_px - other.centre_y_px)
            > SAME_PERSON_SIZES * max(posture.size_px, other.size_px)
            for other in kept
        ):
            kept.append(posture)
    return kept
