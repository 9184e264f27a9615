"""Follows everybody in view, runs the fall rules for each, and speaks in `FallEvent`s. Pure: no pixels, no clock.

This is the one entry for whoever has poses, be they from a camera or from a simulation: `FallDetector.step`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import hypot

import uuid6

from robot.messages import FallEvent, FallReason, RoomView, Zone
from robot.vision.company import HIDES_S, Company, OutOfSight
from robot.vision.findings import CONFIDENCE, Finding, Place, State
from robot.vision.numbers import FallRules
from robot.vision.places import Places
from robot.vision.pose import Person
from robot.vision.posture import Posture
from robot.vision.scale import RoomScale
from robot.vision.stature import is_upright, stands
from robot.vision.tracker import FORGET_LOW_S, Track, Tracker, postures_of
from robot.vision.unseen import Unseen
from robot.vision.zones import NO_ZONES, Zones

HOLD_S = 10.0  # somebody stands beside the fallen: time to help them up before others are called; chosen
HELPER_GONE_S = 2.0  # a helper unseen for so long has left; kneeling over the fallen hides one for a moment; chosen
HELPER_STOOD_S = 10.0  # whoever stood so recently is a helper, also while they bend down; chosen
STILL_THERE_SIZES = 0.3  # of the body: the hips are where they were; chosen
LEAVES_S = 0.6  # who goes sideways is at the frame's edge so soon: hidden before it, as where a walker is sought
SET_BACK_S = 1.0  # frames that overtake each other are less apart; a clock that was set back is more; chosen


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """When and how large: `t_s` on any steady clock, `at_s` in Unix time; `brightness` is the mean level, 0..255."""

    t_s: float
    at_s: float
    width_px: int
    height_px: int
    brightness: float | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something like a fall that was not told, and why: `in_bed`, `on_sofa`, `helper_beside`,
    `helped_up`, `picture`, `still_there`, `company`, `child`.
    """

    at_s: float
    track: int
    why: str


@dataclass(slots=True)
class _Held:
    finding: Finding
    track: Track
    since_s: float
    hidden: OutOfSight | None = None


class FallDetector:
    """People in, fall events out.

    A bed's zone silences nothing by itself: only while `bed_occupied` is True (the mattress says so, freshly), one
    person is in view, and their hip is inside (or no lower than it lay inside: from a low camera the bed is a mere
    line). None, unknown, never silences; a fresh False delays a drop onto the bed until it would have been felt.
    Whoever lies with hips and body inside a sofa's zone rests, unless they came from the bed without standing up. While
    another person stands beside the fallen, an event waits `HOLD_S` for them to help. `lives_alone`: who is much
    shorter than who walks there while nobody else is about is a child; of two residents one may be short and stoop.
    Without `has_mattress` whoever lies in the bed's zone rests there, as on a sofa: else they were asked each night.
    """

    def __init__(
        self,
        rules: FallRules | None = None,
        zones: Zones = NO_ZONES,
        new_id: Callable[[], str] = lambda: str(uuid6.uuid7()),
        *,
        lives_alone: bool = True,
        has_mattress: bool = True,
    ) -> None:
        self._rules = rules or FallRules()
        self._places = Places(zones)
        self._new_id, self._lives_alone, self._has_mattress = new_id, lives_alone, has_mattress
        self._tracker = Tracker(self._rules)
        self._seen: list[Track] = []
        self._unseen = Unseen(self._rules)
        self._company = Company(lives_alone)
        self._held: dict[int, _Held] = {}
        self._helped: dict[int, float] = {}
        self._withheld: list[Withheld] = []
        self._frame = FrameInfo(0.0, 0.0, 1, 1)

    @property
    def is_falling(self) -> bool:
        """Whether somebody is in a drop that is not yet confirmed: the wrong moment to save frames."""
        return any(track.machine.state is State.FALLING for track in self._tracker.tracks)

    @property
    def misses_somebody(self) -> bool:
        """Whether somebody who is remembered is not seen: they may lie there, and the model does not see them."""
        return self._tracker.misses_somebody(self._frame.t_s)

    def missed_px(self, people: Sequence[Person], t_s: float) -> list[tuple[float, float]]:
        """Where those were last seen (their middle) who are remembered and can be none of these people."""
        postures = postures_of([person for person in people if not self._places.ignores(person)])
        lately = [track for track in self._tracker.tracks if t_s - track.seen_at_s <= FORGET_LOW_S]
        unseen = [track for track in lately if all(track.distance(posture, t_s) is None for posture in postures)]
        return [(track.posture.centre_x_px, track.posture.centre_y_px) for track in unseen if not track.is_picture]

    @property
    def times_somebody(self) -> bool:
        """Whether somebody's time on the floor is running: too few looks would let one wrong look restart it."""
        return any(track.machine.is_timed for track in self._tracker.tracks)

    def step(self, people: Sequence[Person], frame: FrameInfo, bed_occupied: bool | None = None) -> list[FallEvent]:
        """Take everybody seen in a frame; returns what is to be told now."""
        before = self._frame
        resized = (frame.width_px, frame.height_px) != (before.width_px, before.height_px)
        passed_s = frame.t_s - before.t_s
        events = self._start_anew() if resized or not -SET_BACK_S <= passed_s <= FORGET_LOW_S else []
        self._frame = frame
        self._places = replace(self._places, width_px=frame.width_px, height_px=frame.height_px)
        postures = postures_of([person for person in people if not self._places.ignores(person)])
        self._seen = [track for track in self._tracker.follow(postures, frame.t_s) if self._counts(track)]
        alone = sum(not track.stands_still(frame.t_s) for track in self._seen) <= 1
        self._company.see(self._seen, self._unseen.had_company(frame.t_s))
        for track in self._tracker.tracks:
            if track.seen_at_s == frame.t_s and track not in self._seen:
                continue  # a picture, or too small
            finding = self._judge(track, bed_occupied if alone else None)
            if finding is not None and self._is_still_there(track, finding):
                self._withhold(track, "still_there")
            elif finding is not None and self._is_child_at_play(track, finding):
                track.machine.dismiss()
                self._withhold(track, "child")
            elif finding is not None:
                events += self._tell_or_hold(track, finding)
        events += [*self._release(), *self._miss(bed_occupied)]
        self._tracker.forget(frame.t_s)
        return events

    def finish(self) -> list[FallEvent]:
        """The watch ends or pauses here: what was held back for a helper is to be told now."""
        held, self._held = self._held, {}
        return [self._event_of(h, helped=bool(self._helpers_of(h.track))) for h in held.values()]

    def use_zones(self, zones: Zones) -> None:
        """The caregiver drew other zones."""
        self._places = replace(self._places, zones=zones)

    def look_from_elsewhere(self, zones: Zones) -> None:
        """The camera was moved: the zones lie elsewhere in the picture, and how tall people are where is unknown."""
        self.use_zones(zones)
        self._tracker.scale = RoomScale()

    def view(self) -> RoomView:
        """The room as of the last step."""
        people = [track for track in self._seen if not track.stands_still(self._frame.t_s)]
        places = {track.number: self._places.zone(track.posture) for track in people}
        beside = [track for track in people if track.machine.low and places[track.number] in (None, Zone.FLOOR)]
        upright = sum(track.machine.upright and track.is_there(self._frame.t_s) for track in people)
        return RoomView(
            at_s=self._frame.at_s,
            sees=True,
            people=len(people),
            upright=upright,
            in_bed=sum(place is Zone.BED for place in places.values()) if self._places.zones.bed else None,
            low=len(beside),
            helper=sum(track.machine.upright and track.moved for track in people) >= 2,
        )

    def last_seen(self, track: int) -> tuple[Posture, float] | None:
        """Where a track was last seen, and when (`t_s`); None when it is forgotten."""
        known = (*self._tracker.tracks, *([self._unseen.track] if self._unseen.track else []))
        return next(((t.posture, t.seen_at_s) for t in known if t.number == track), None)

    def take_withheld(self) -> list[Withheld]:
        """What was not told since the last call; each is to be logged and counted."""
        taken, self._withheld = self._withheld, []
        return taken

    # one person

    def _judge(self, track: Track, bed: bool | None) -> Finding | None:
        frame, zone = self._frame, self._places.zone(track.posture)
        below_bed = track.machine.lies_below_bed
        # nobody moves from bed to sofa without standing up, or is on both
        came_lying = below_bed or (bed is True and self._lives_alone and track.machine.here_at_start)
        seated = self._places.on_sofa(track.posture, sits=track.machine.sits)
        lies_on_sofa = track.machine.lies_as_on_sofa and self._places.above(Zone.SOFA, track.posture)
        on_sofa = (seated or lies_on_sofa) and not came_lying and not track.machine.slid
        above_bed = not below_bed and self._places.above(Zone.BED, track.posture)  # who rolled out lies lower
        in_bed = zone is Zone.BED or track.machine.lies_as_in_bed or above_bed
        felt, will_feel = in_bed and (bed is True or not self._has_mattress), bed is False and in_bed
        rested = track.machine.rested
        if track.seen_at_s == frame.t_s:
            rests = on_sofa or felt
            place = Place(
                zone,
                rests,
                will_feel,
                edge=self._places.cuts(track.posture),
                stands_px=self._stands_px(track.posture),
                company=self._company.is_recent,
                child=self._company.is_guest(track),
                watched=self._lives_alone and self._company.watches(track),
            )
            finding = track.machine.see(frame.t_s, track.posture, place)
            self._learn(track)
        else:
            lay_on_sofa = on_sofa and track.machine.low  # who falls before a sofa passes its zone, and may vanish there
            place = Place(zone, lay_on_sofa or felt, will_feel)
            finding = track.machine.miss(frame.t_s, place)
        if track.machine.rested > rested:
            self._withhold(track, "on_sofa" if on_sofa else "in_bed")
        return finding

    def _miss(self, bed_occupied: bool | None) -> list[FallEvent]:
        """Who vanished while they sank, or left the bed in the dim and vanished on their feet.

        One glimpse of somebody low is not seeing them again: it may be a ghost, or them where they lie.
        """
        frame = self._frame
        people = [
            track
            for track in self._seen
            if not (track.stands_still(frame.t_s) or (track.machine.low and track.machine.is_glimpse))
        ]
        first = people[0].posture if people else None
        seats = (Zone.SOFA, Zone.BED) if people and people[0].machine.sinking else (Zone.SOFA,)
        may_leave = first is not None and (self._goes_out(people[0]) or self._places.zone(first) in seats)
        track = self._unseen.see(frame.t_s, people, may_leave, bed_occupied, frame.brightness)
        if track is None or track.machine.state is State.ALARMED:
            return []
        reason = FallReason.LOST_WHILE_FALLING
        return [self._event(track, Finding(reason, track.seen_at_s, CONFIDENCE[reason]))]

    def _is_still_there(self, track: Track, finding: Finding) -> bool:
        """Whether who seemed to vanish in a drop is, as a new track, where they were: a ghost had taken their own."""
        if finding.reason is not FallReason.LOST_WHILE_FALLING or finding.recovered:
            return False
        x_px, y_px = track.machine.stood_hip_px or (track.posture.hip_x_px, track.posture.hip_y_px)
        return any(
            other is not track
            and other.began_at_s >= finding.onset_s
            and not other.machine.low
            and hypot(other.posture.hip_x_px - x_px, other.posture.hip_y_px - y_px)
            < STILL_THERE_SIZES * other.posture.size_px
            for other in self._tracker.tracks
            if other.seen_at_s == self._frame.t_s
        )

    def _is_child_at_play(self, track: Track, finding: Finding) -> bool:
        """Whether a child dropped out of sight: nobody saw it lie."""
        lost = finding.reason is FallReason.LOST_WHILE_FALLING and not finding.recovered
        return lost and self._company.is_guest(track)

    def _learn(self, track: Track) -> None:
        """The room's scale from walkers; and whether an upright figure can be a person at its place."""
        machine, posture, frame, scale = track.machine, track.posture, self._frame, self._tracker.scale
        feet_px = posture.feet_px
        if feet_px is None:
            return
        if is_upright(posture, self._rules) and stands(posture, self._rules):
            track.compare(scale.standing_px(feet_px[1], frame.height_px))
        if not machine.on_feet or machine.height_px is None:
            return
        x, y = feet_px[0] / frame.width_px, feet_px[1] / frame.height_px
        off_floor = bool(self._places.zones.floor) and self._places.zones.at(x, y) is None
        too_small = scale.is_too_small(feet_px[1], machine.height_px, frame.height_px)
        track.is_picture = too_small or (off_floor and not track.moved)
        teaches = not (self._lives_alone and self._company.is_recent)  # guests may be children
        if track.moved and not track.is_picture and teaches:
            scale.learn(feet_px[1], machine.height_px, frame.height_px)

    def _counts(self, track: Track) -> bool:
        if not self._is_large(track):
            return False
        if track.is_picture:
            if track.machine.see(self._frame.t_s, track.posture) is not None:
                self._withhold(track, "picture")
            self._learn(track)  # it may turn out to be a person after all
        return not track.is_picture

    def _is_large(self, track: Track) -> bool:
        """Whether there are, or ever were, enough pixels to judge: of the person as they stand, not as they lie."""
        size_px, stands_px = track.posture.size_px, self._stands_px(track.posture)
        enough_px = self._rules.small_share * self._frame.height_px
        if stands_px is not None and size_px >= self._rules.small_h * stands_px:  # no pet
            size_px = max(size_px, stands_px)
        track.is_large = track.is_large or max(size_px, track.machine.height_px or 0.0) >= enough_px
        return track.is_large

    def _stands_px(self, posture: Posture) -> float | None:
        """How tall people stand where this body ends."""
        bottom_px = posture.centre_y_px + posture.height_px / 2
        return self._tracker.scale.standing_px(bottom_px, self._frame.height_px)

    def _goes_out(self, track: Track) -> bool:
        """Whether somebody is at the frame's edge, or soon beside it: who falls goes down, who leaves goes sideways."""
        posture, way_px = track.posture, LEAVES_S * track.velocity_px_s[0]
        return self._places.cuts(posture) or self._places.cuts(
            replace(posture, centre_x_px=posture.centre_x_px + way_px)
        )

    # what is told

    def _tell_or_hold(self, track: Track, finding: Finding) -> list[FallEvent]:
        held = self._held.pop(track.number, None)
        if finding.recovered:
            if held is None:
                return [self._event(track, finding)]
            was_alone = held.hidden is not None and held.hidden.people == 1
            if not (was_alone or self._helpers_of(track)):  # who stands here may be the helper, taken for the fallen
                return [self._event_of(held, helped=True)]
            self._withhold(track, "helped_up")
            return []
        if finding.reason is FallReason.LOST_WHILE_FALLING and self._company.is_recent and not self._helpers_of(track):
            hidden = OutOfSight.of(track, self._tracker.tracks)
            self._held[track.number] = _Held(finding, track, self._frame.t_s, hidden)
            self._withhold(track, "company")
            return []
        if self._helpers_of(track):
            self._held[track.number] = _Held(finding, track, self._frame.t_s)
            self._helped[track.number] = self._frame.t_s
            self._withhold(track, "helper_beside")
            return []
        return [self._event(track, finding)]

    def _release(self) -> list[FallEvent]:
        """Held events that can wait no longer: the helper has gone, or did not get them up."""
        events, now_s = [], self._frame.t_s
        for number, held in list(self._held.items()):
            if held.hidden is not None:
                events += self._look_out_for(held, held.hidden)
                continue
            if self._helpers_of(held.track):
                self._helped[number] = now_s
            left = now_s - self._helped[number] > HELPER_GONE_S
            if left or now_s - held.since_s >= HOLD_S:
                del self._held[number]
                events.append(self._event_of(held, helped=not left))
        return events

    def _look_out_for(self, held: _Held, hidden: OutOfSight) -> list[FallEvent]:
        """Who dropped out of sight in company: nothing if they are back, and told when they are not for long."""
        now_s, track = self._frame.t_s, held.track
        if hidden.is_back(now_s, self._seen):
            del self._held[track.number]
            track.machine.dismiss()
            self._withhold(track, "still_there")
        elif now_s - held.since_s >= HIDES_S:
            del self._held[track.number]
            return [self._event_of(held, helped=False)]
        return []

    def _helpers_of(self, fallen: Track) -> list[Track]:
        """Others in view who stand, or stood a moment ago and moved: a poster helps nobody, nor does who sits."""
        return [
            track
            for track in self._seen
            if track is not fallen
            and track.moved
            and not track.machine.low
            and track.machine.state is not State.ALARMED
            and self._frame.t_s - track.machine.stood_at_s <= HELPER_STOOD_S
        ]

    def _withhold(self, track: Track, why: str) -> None:
        self._withheld.append(Withheld(self._frame.at_s, track.number, why))

    def _event_of(self, held: _Held, *, helped: bool) -> FallEvent:
        """What was held is told with the time at which it was suspected: so long somebody could help already."""
        event, frame = self._event(held.track, held.finding), self._frame
        return replace(event, suspected_at_s=frame.at_s - (frame.t_s - held.since_s), helped=helped)

    def _event(self, track: Track, finding: Finding) -> FallEvent:
        frame = self._frame
        return FallEvent(
            id=self._new_id(),
            reason=finding.reason,
            confidence=finding.confidence,
            track=track.number,
            onset_at_s=frame.at_s - (frame.t_s - finding.onset_s),
            suspected_at_s=frame.at_s,
            recovered=finding.recovered,
            zone=self._places.zone(track.posture),
            helped=bool(self._helpers_of(track)),
            people=len(self._seen),
        )

    def _start_anew(self) -> list[FallEvent]:
        """Another frame size or clock, or long without frames: nothing of before means anything, but what was held is
        told. Whoever is in view is new, as after a restart.
        """
        events = self.finish()
        self._tracker, self._unseen = Tracker(self._rules), Unseen(self._rules)
        self._company = Company(self._lives_alone)
        self._seen, self._helped = [], {}
        return events
