"""Runs the real fall detector, mattress presence and alarm book over a life, and compares them with the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from robot.messages import AlarmType, FallEvent
from robot.simulation.life.household import Bed, Household, Mattress
from robot.simulation.life.life import Life
from robot.simulation.life.stage import Fall
from robot.simulation.life.view import Stretch, View
from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.health import DARK_LEVEL
from robot.vision.pose import Person
from robot.vision.watcher import LOOK_ANYWAY_S, Pace
from robot.vision.zones import Zones

AFTERMATH_S = 60.0  # while somebody is being helped up, the alarm of their fall may still be told
HELPED = ("helper_beside", "helped_up")


@dataclass(frozen=True, slots=True)
class FallResult:
    """One true fall. `reason` None: the camera never told. `left_to_helper`: withheld because somebody helped at once.

    by_house: while they lay, somebody was asked or a caregiver called, for the camera's reason or the bed's.
    in_sight: mean share of the joints that the camera could see from onset to help; light: share of daylight then.
    """

    fall: Fall
    reason: str | None
    delay_s: float | None
    in_sight: float
    light: float
    left_to_helper: bool
    by_house: bool
    asked: bool
    raised: bool

    @property
    def found(self) -> bool:
        """By the camera, or by the house: the bed's rule asks when nobody upright was seen after it was left."""
        return self.seen or self.by_house

    @property
    def seen(self) -> bool:
        return self.reason is not None or self.left_to_helper


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A check-in (`reached` "check_in") or a raised alarm ("caregiver") without a fall."""

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
        return [
            alarm
            for alarm in self.false_alarms
            if alarm.reached == reached and alarm.type in (types or (AlarmType.FALL,))
        ]

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
        self._people: list[Person] = []
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
            self._people = stretch.people(n)
            self._looked_at_s, self._looked = at_s, (stretch, n)
            self.looks += 1
        self.frames += 1
        camera = self._life.room.camera
        frame = FrameInfo(at_s, at_s, camera.width_px, camera.height_px, float(stretch.brightness[n]))
        events = self._detector.step(self._people, frame, occupied)
        self.due_s = at_s + self._pace.next_s(at_s, moves, self._detector.is_falling, occupied)
        return events

    def _must_look(self, at_s: float) -> bool:
        if self._looked_at_s is None or at_s - self._looked_at_s >= LOOK_ANYWAY_S:
            return True
        return self._detector.is_falling or self._detector.misses_somebody


class Trial:
    """One life, one manner of the mattress; `run` gives the score."""

    def __init__(
        self, life: Life, mattress: Mattress = Mattress.TRUE, *, zones: bool = True, note: Note | None = None
    ) -> None:
        self._life, self._note = life, note or (lambda *_: None)
        known = life.room.zones
        drawn = Zones(bed=known["bed"], sofa=known["sofa"], ignore=known["ignore"]) if zones else Zones()
        self._detector = FallDetector(zones=drawn, new_id=self._new_id)
        self._camera = _Camera(life, self._detector)
        self._bed = Bed(life, mattress)
        self._home = Household(life)
        self._events: list[tuple[float, FallEvent]] = []
        self._helped: list[float] = []
        self._ids = 0
        self._sight: dict[int, list[float]] = {}
        self._score = Score(life.seed, mattress, life.duration_s / 3600)

    def run(self) -> Score:
        second_s = 0.0
        for stretch in View(self._life).stretches():
            for n, time_s in enumerate(stretch.times_s):
                at_s = float(time_s)
                if at_s >= second_s:
                    second_s = at_s + 1.0
                    self._second(stretch, n, at_s)
                for event in self._camera.take(stretch, n, self._bed.occupied):
                    self._on_event(event, at_s)
        return self._judged()

    def _new_id(self) -> str:
        self._ids += 1
        return f"fall-{self._life.seed}-{self._ids}"

    def _second(self, stretch: Stretch, n: int, at_s: float) -> None:
        state = self._bed.tick(at_s, bool(stretch.bed[n]))
        if state is not None:
            self._home.on_bed(state, at_s)
        view = self._detector.view()
        self._home.on_view(view if stretch.brightness[n] > DARK_LEVEL else replace(view, sees=False))
        self._home.tick(at_s)
        for held in self._detector.take_withheld():
            self._score.withheld[held.why] += 1
            self._note(at_s, "withheld", held.why)
            if held.why in HELPED:
                self._helped.append(at_s)
        fall = self._life.is_down(at_s)
        if fall is not None:
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
            if life.is_down(at_s, AFTERMATH_S) is None:
                score.false_events[f"{event.reason.value} while {life.doing(at_s)}"] += 1
        for reached, told in (("check_in", home.asked), ("caregiver", home.raised)):
            for alarm_id, (at_s, kind, reasons) in told.items():
                asked_at_s = home.asked.get(alarm_id, (at_s,))[0]
                if life.is_down(asked_at_s, AFTERMATH_S) is None:
                    alarm = FalseAlarm(asked_at_s, life.doing(asked_at_s), "+".join(reasons), reached, kind)
                    score.false_alarms.append(alarm)
        return score

    def _fall(self, n: int, fall: Fall) -> FallResult:
        def during(at_s: float) -> bool:
            return fall.onset_s <= at_s <= fall.up_s + AFTERMATH_S

        first = next(((at_s, event) for at_s, event in self._events if fall.onset_s <= at_s <= fall.up_s + 5), None)
        sight = self._sight.get(n, [0.0])
        return FallResult(
            fall=fall,
            reason=first[1].reason.value if first else None,
            delay_s=first[0] - fall.onset_s if first else None,
            in_sight=sum(sight) / len(sight),
            light=float(self._life.light(np.array([fall.down_s]))[0]),
            left_to_helper=first is None and any(during(at_s) for at_s in self._helped),
            by_house=any(
                fall.onset_s <= told_at_s <= fall.up_s
                for told in (self._home.asked, self._home.raised)
                for told_at_s, _, _ in told.values()
            ),
            asked=any(during(at_s) for at_s, _, _ in self._home.asked.values()),
            raised=any(during(at_s) for at_s, _, _ in self._home.raised.values()),
        )
