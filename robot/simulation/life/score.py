"""Runs the real fall detector, mattress presence and alarm book over a life, and compares them with the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from robot.messages import AlarmType, FallEvent
from robot.simulation.life.household import Bed, Household, Mattress, Told
from robot.simulation.life.life import Life
from robot.simulation.life.stage import Fall
from robot.simulation.life.view import LIT_LEVEL, Stretch, View
from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.health import DARK_LEVEL
from robot.vision.pose import Person
from robot.vision.second_look import with_missed
from robot.vision.tracker import REACH_SIZES
from robot.vision.watcher import LOOK_ANYWAY_S, QUIET_PERIOD_S, Pace
from robot.vision.zones import Zones

AFTERMATH_S = 60.0  # while somebody is being helped up, the alarm of their fall may still be told
FOUND_WITHIN_S = 60.0  # of being down; who lies longer is found as long as nobody else has come
EARLY_S = 0.5  # before the onset: frames and smoothing
IN_VIEW_SHARE = 0.55  # of the joints while they lie: with 45 % covered the engine finds one in four (noise.yaml)
IN_VIEW_S = 10.0
HELPED = ("helper_beside", "helped_up")


@dataclass(frozen=True, slots=True)
class FallResult:
    """One true fall, and what came of it in time: within a minute of being down, or before somebody came.

    reason, delay_s: the camera's first event about the fallen (the person and the place, not just the time); None: it
    never told. left_to_helper: withheld because somebody helped at once. by_house: in time somebody was asked or a
    caregiver called, for that event or for the bed's reason. late: not within that minute.
    asked, raised: about this fall, at any time until a minute after they were up.
    in_sight: share of the joints that the camera could see while they first lay there; light: share of daylight then;
    sees: whether the camera says that it sees in that light.
    """

    fall: Fall
    reason: str | None
    delay_s: float | None
    in_sight: float
    light: float
    sees: bool
    left_to_helper: bool
    by_house: bool
    late: bool
    asked: bool
    raised: bool

    @property
    def found(self) -> bool:
        """Somebody was asked or called in time, or somebody stood by and helped."""
        return self.by_house or self.left_to_helper

    @property
    def seen(self) -> bool:
        """The camera told in time."""
        return self.reason is not None or self.left_to_helper

    @property
    def in_view(self) -> bool:
        """Most of who lies there can be seen, in a light in which the camera calls itself seeing."""
        return self.sees and self.in_sight >= IN_VIEW_SHARE


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A check-in (`reached` "check_in") or a raised alarm ("caregiver") that no fall explains."""

    at_s: float
    doing: str
    reason: str
    reached: str
    type: AlarmType


@dataclass(slots=True)
class Score:
    """What came of one life. Times from its beginning."""

    seed: int
    mattress: Mattress
    hours: float
    falls_per_h: float | None = None
    falls: list[FallResult] = field(default_factory=list)
    false_alarms: list[FalseAlarm] = field(default_factory=list)
    false_events: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    frames: int = 0
    looks: int = 0
    bed_unknown_s: float = 0.0
    bed_refused: int = 0

    def false(self, reached: str, *types: AlarmType) -> list[FalseAlarm]:
        """Of these types, or of all."""
        return [a for a in self.false_alarms if a.reached == reached and a.type in (types or AlarmType)]

    @property
    def missed(self) -> list[FallResult]:
        return [result for result in self.falls if not result.found]


Note = Callable[[float, str, str], None]
"""Takes what happens, for `--explain`: time, kind, words."""


class _Camera:
    """The watcher's way of looking (its pace, its motion gate's saving) at poses instead of pictures."""

    def __init__(self, life: Life, detector: FallDetector) -> None:
        self._life, self._detector = life, detector
        self._pace = Pace()
        self._people: tuple[Person, ...] = ()
        self._looked_at_s: float | None = None
        self._looked: tuple[Stretch, int] | None = None
        self.due_s = 0.0
        self.frames = self.looks = 0

    def take(self, stretch: Stretch, n: int, occupied: bool | None) -> list[FallEvent]:
        """One frame, if it is time for one."""
        at_s = float(stretch.times_s[n])
        if at_s + 1e-6 < self.due_s:
            return []
        same = self._looked is not None and self._looked[0] is stretch
        moves = not same or stretch.moves(n, self._looked[1] if self._looked else n)
        if moves or self._must_look(at_s):
            found, again = stretch.people(n), stretch.found_again(n)
            self._people = with_missed(found, again, lambda people: self._detector.missed_px(people, at_s))
            self._looked_at_s, self._looked = at_s, (stretch, n)
            self.looks += 1
        self.frames += 1
        camera = self._life.room.camera
        frame = FrameInfo(at_s, at_s, camera.width_px, camera.height_px, float(stretch.brightness[n]))
        events = self._detector.step(self._people, frame, occupied)
        self.due_s = at_s + self._pace.next_s(at_s, moves, self._detector.is_falling, occupied)
        return events

    def _must_look(self, at_s: float) -> bool:
        """As the watcher's."""
        if self._looked_at_s is None or self._detector.is_falling:
            return True
        period_s = QUIET_PERIOD_S if self._detector.times_somebody else LOOK_ANYWAY_S
        return at_s - self._looked_at_s >= period_s - 1e-6 or self._detector.misses_somebody


class Trial:
    """One life, one manner of the mattress; `run` gives the score."""

    def __init__(
        self, life: Life, mattress: Mattress = Mattress.TRUE, *, zones: bool = True, note: Note | None = None
    ) -> None:
        self._life, self._note = life, note or (lambda *_: None)
        known = life.room.zones
        drawn = Zones(bed=known["bed"], sofa=known["sofa"], ignore=known["ignore"]) if zones else Zones()
        has_mattress = mattress is not Mattress.NONE
        self._detector = FallDetector(zones=drawn, new_id=self._new_id, has_mattress=has_mattress)
        self._camera = _Camera(life, self._detector)
        self._bed = Bed(life, mattress)
        self._home = Household(life)
        self._events: list[tuple[float, FallEvent]] = []
        self._of_resident: set[str] = set()
        self._helped: list[float] = []
        self._ids = 0
        self._sight: dict[int, list[float]] = {}
        self._before: Stretch | None = None
        self._score = Score(life.seed, mattress, life.duration_s / 3600)

    def run(self) -> Score:
        second_s = 0.0
        for stretch in View(self._life).stretches():
            for n, time_s in enumerate(stretch.times_s):
                at_s = float(time_s)
                if at_s >= second_s:
                    second_s = at_s + 1.0
                    self._second(stretch, n, at_s)
                frames = self._camera.frames
                events = self._camera.take(stretch, n, self._bed.occupied)
                if self._camera.frames > frames:
                    self._show(float(stretch.brightness[n]))
                for event in events:
                    if self._is_resident(event.track, stretch):
                        self._of_resident.add(event.id)
                    self._on_event(event, at_s)
            self._before = stretch
        return self._judged()

    def _show(self, brightness: float) -> None:
        view = self._detector.view()
        self._home.on_view(view if brightness > DARK_LEVEL else replace(view, sees=False))

    def _is_resident(self, track: int, stretch: Stretch) -> bool:
        """Whether a track, where it was last seen, is the resident and not somebody or something else."""
        seen = self._detector.last_seen(track)
        if seen is None:
            return False
        posture, at_s = seen
        if at_s < stretch.times_s[0] and self._before is not None:
            stretch = self._before
        n = min(max(0, int(np.searchsorted(stretch.times_s, at_s))), len(stretch.times_s) - 1)
        away = stretch.away_sizes(n, posture.centre_x_px, posture.centre_y_px, posture.size_px)
        return away <= REACH_SIZES

    def _new_id(self) -> str:
        self._ids += 1
        return f"fall-{self._life.seed}-{self._ids}"

    def _second(self, stretch: Stretch, n: int, at_s: float) -> None:
        state = self._bed.tick(at_s, bool(stretch.bed[n]))
        if state is not None:
            self._home.on_bed(state, at_s)
        self._home.tick(at_s)
        for held in self._detector.take_withheld():
            self._score.withheld[held.why] += 1
            self._note(at_s, "withheld", held.why)
            if held.why in HELPED and self._is_resident(held.track, stretch):
                self._helped.append(at_s)
        fall = self._life.is_down(at_s)
        if fall is not None and fall.down_s <= at_s <= fall.down_s + IN_VIEW_S:
            self._sight.setdefault(self._life.falls.index(fall), []).append(stretch.in_sight(n))

    def _on_event(self, event: FallEvent, at_s: float) -> None:
        words = f"{event.reason.value} confidence {event.confidence:.2f} track {event.track}"
        self._note(at_s, "recovered" if event.recovered else "suspected", words)
        if not event.recovered:
            self._events.append((at_s, event))
        self._home.on_fall(event, at_s)

    def _judged(self) -> Score:
        score, life, home = self._score, self._life, self._home
        score.frames, score.looks = self._camera.frames, self._camera.looks
        score.bed_unknown_s, score.bed_refused, score.suppressed = (
            self._bed.unknown_s,
            self._bed.refused,
            home.suppressed,
        )
        for n, fall in enumerate(life.falls):
            if fall.up_s + AFTERMATH_S < life.duration_s:  # a fall that the end cuts off is not counted
                score.falls.append(self._fall(n, fall))
        for at_s, event in self._events:
            if not self._is_right(event.id, at_s):
                score.false_events[f"{event.reason.value} while {life.doing(at_s)}"] += 1
        for reached, told in (("check_in", home.asked), ("caregiver", home.raised)):
            for alarm in told.values():
                if not self._is_rightful(alarm):
                    doing = life.doing(alarm.at_s)
                    score.false_alarms.append(
                        FalseAlarm(alarm.at_s, doing, "+".join(alarm.reasons), reached, alarm.type)
                    )
        return score

    def _is_right(self, source: str, at_s: float) -> bool:
        """Whether a true fall explains this evidence at this time."""
        return self._is_about_resident(source) and self._life.is_down(at_s, AFTERMATH_S) is not None

    def _is_rightful(self, told: Told) -> bool:
        return any(self._is_right(source, told.at_s) for source in told.sources)

    def _is_about_resident(self, source: str) -> bool:
        """The camera's events name somebody in the picture; an empty bed is always the resident's."""
        return source in self._of_resident or source.startswith("left-bed")

    def _fall(self, n: int, fall: Fall) -> FallResult:
        def within(at_s: float, until_s: float) -> bool:
            return fall.onset_s - EARLY_S <= at_s <= until_s

        minute_s = min(fall.down_s + FOUND_WITHIN_S, fall.up_s)
        in_time_s, over_s = min(max(minute_s, fall.help_s), fall.up_s), fall.up_s + AFTERMATH_S
        mine = [(at_s, event) for at_s, event in self._events if event.id in self._of_resident]
        first = next(((at_s, event) for at_s, event in mine if within(at_s, in_time_s)), None)
        followed_s = [at_s for source, at_s in self._home.followed.items() if self._is_about_resident(source)]
        helped = first is None and any(within(at_s, over_s) for at_s in self._helped)
        asked, raised = (
            any(within(told.at_s, over_s) and self._is_rightful(told) for told in all_told.values())
            for all_told in (self._home.asked, self._home.raised)
        )
        sight = self._sight.get(n, [0.0])
        light = float(self._life.light(np.array([fall.down_s]))[0])
        return FallResult(
            fall=fall,
            reason=first[1].reason.value if first else None,
            delay_s=first[0] - fall.onset_s if first else None,
            in_sight=sum(sight) / len(sight),
            light=light,
            sees=light * LIT_LEVEL > DARK_LEVEL,
            left_to_helper=helped,
            by_house=any(within(at_s, in_time_s) for at_s in followed_s),
            late=not any(within(at_s, minute_s) for at_s in followed_s) and not helped,
            asked=asked,
            raised=raised,
        )
