"""The fall watcher: engine, rules, and how often it is worth looking."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.messages import FallEvent
from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.night import brightened, brightness_of, enhanced
from robot.vision.pose import Image, Person, PoseEngine
from robot.vision.second_look import SecondLook

QUIET_PERIOD_S = 0.5  # 2 frames a second while nothing moves
ACTIVE_PERIOD_S = 0.1  # 10 a second while someone does; the rules were developed at 7.5-15
ATTENTIVE_PERIOD_S = 1 / 15  # 15 while someone moves just out of bed, or is in a drop that is not yet confirmed
STAY_ACTIVE_S = 3.0  # a person who pauses is soon moving again; also after the start
ATTENTIVE_S = 60.0  # after someone left the bed: when most falls at night happen
ROUNDING_S = 1e-6  # times are sums of fractions
CONFIRM_WITHIN_S = 3.0  # frames may end right after a fall: so long the last poses stand for what follows; chosen
LOOK_ANYWAY_S = 5.0  # a still picture is looked at again after so long: somebody may have been missed


class MotionGate:
    """Says whether a frame differs from the one that was last looked at: a 80 x 60 grey thumbnail, 0.2 ms.

    Compared with the last look, not with the last frame, a slow slide adds up until it is seen.
    """

    SIZE_PX = (80, 60)
    CHANGED_LEVELS = 12  # of 255; above the noise of a thumbnail, whose pixels are averages
    CHANGED_SHARE = 0.004  # 19 of 4800 pixels: a hand moving three metres away

    def __init__(self) -> None:
        self._looked: NDArray[np.int16] | None = None
        self._newest: NDArray[np.int16] | None = None

    def moves(self, frame_bgr: Image) -> bool:
        small = cv2.resize(frame_bgr, self.SIZE_PX, interpolation=cv2.INTER_AREA)
        self._newest = grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.int16)
        if self._looked is None:
            return True
        return float(np.mean(np.abs(grey - self._looked) > self.CHANGED_LEVELS)) > self.CHANGED_SHARE

    def looked(self) -> None:
        """The newest frame was looked at: later ones are compared with it."""
        self._looked = self._newest


class Pace:
    """How long until the next frame. Pure; times on a steady clock, in seconds."""

    def __init__(self) -> None:
        self._active_until_s: float | None = None
        self._attentive_until_s = float("-inf")
        self._bed_was_occupied = False

    def next_s(self, t_s: float, moves: bool, falling: bool, bed_occupied: bool | None) -> float:
        """Seconds from `t_s` to the next frame: 2 a second, 10 when someone moves, 15 with attention."""
        until_s = t_s if self._active_until_s is None else self._active_until_s
        if moves or falling:
            until_s = max(until_s, t_s + STAY_ACTIVE_S)
        if self._bed_was_occupied and bed_occupied is False:
            until_s = max(until_s, t_s + ATTENTIVE_S)
            self._attentive_until_s = t_s + ATTENTIVE_S
        self._bed_was_occupied = bed_occupied is True
        self._active_until_s = until_s
        if falling or (moves and t_s < self._attentive_until_s):
            return ATTENTIVE_PERIOD_S
        return ACTIVE_PERIOD_S if t_s < until_s else QUIET_PERIOD_S


class FallWatcher:
    """Frames in, fall events out. Nothing of a frame is kept beyond a thumbnail, and nothing leaves.

    Give it a frame, then wait `next_frame_in_s`. While the picture stands still, the poses of the last look stand for
    it: an empty or still room costs a thumbnail. `second_look` looks again for whoever is missed (None: nobody does).
    """

    def __init__(
        self, engine: PoseEngine, detector: FallDetector | None = None, second_look: SecondLook | None = None
    ) -> None:
        self._engine, self._second_look = engine, second_look
        self.detector = detector or FallDetector()
        self._gate = MotionGate()
        self._pace = Pace()
        self._people: tuple[Person, ...] = ()
        self._looked_at_s: float | None = None
        self._size_px = (0, 0)
        self._last: tuple[FrameInfo, bool | None] | None = None
        self.next_frame_in_s = 0.0

    @property
    def people(self) -> tuple[Person, ...]:
        """Who was seen at the last look, in pixels."""
        return self._people

    def watch(self, frame: Image, t_s: float, now_at_s: float, bed_occupied: bool | None = None) -> list[FallEvent]:
        """Look at one frame (H x W x 3, BGR, uint8) taken at `t_s` on a steady clock, `now_at_s` in Unix time.

        `bed_occupied` is what a fresh mattress says; None when it is stale or there is none.
        """
        height, width = frame.shape[:2]
        if (width, height) != self._size_px:
            self._size_px, self._looked_at_s = (width, height), None
        brightness = brightness_of(frame)
        moves = self._gate.moves(brightened(frame, brightness))  # a thumbnail averages: noise is calmed only for a look
        if moves or self._must_look(t_s):
            self._people = self._look(enhanced(frame, brightness), t_s)
            self._looked_at_s = t_s
            self._gate.looked()
        info = FrameInfo(t_s, now_at_s, width, height, brightness)
        events = self.detector.step(self._people, info, bed_occupied)
        self._last = info, bed_occupied
        self.next_frame_in_s = self._pace.next_s(t_s, moves, self.detector.is_falling, bed_occupied)
        return events

    def finish(self, confirm_within_s: float = CONFIRM_WITHIN_S) -> list[FallEvent]:
        """No frames come for now: what is to be told all the same.

        A drop that is not yet confirmed is given `confirm_within_s` more, in which nobody moves: whoever falls may take
        the camera down with them.
        """
        events: list[FallEvent] = []
        for n in range(1, round(confirm_within_s / ACTIVE_PERIOD_S) + 1):
            if self._last is None or not self.detector.is_falling:
                break
            info, bed_occupied = self._last
            after_s = n * ACTIVE_PERIOD_S
            later = replace(info, t_s=info.t_s + after_s, at_s=info.at_s + after_s)
            events += self.detector.step(self._people, later, bed_occupied)
        self._last = None
        return [*events, *self.detector.finish()]

    def _look(self, frame: Image, t_s: float) -> tuple[Person, ...]:
        people = self._engine.detect(frame)
        if self._second_look is None:
            return people
        return self._second_look.people(frame, people, lambda seen: self.detector.missed_px(seen, t_s))

    def _must_look(self, t_s: float) -> bool:
        """Also at a still picture: now and then, and always while somebody who was there is not seen.

        While somebody's time on the floor is running, twice a second: one wrong look must not stand for seconds.
        """
        if self._looked_at_s is None or self.detector.is_falling:
            return True
        period_s = QUIET_PERIOD_S if self.detector.times_somebody else LOOK_ANYWAY_S
        if t_s - self._looked_at_s >= period_s - ROUNDING_S:
            return True
        return self.detector.misses_somebody
