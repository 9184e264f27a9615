"""The fall watcher: engine, rules, and how often it is worth looking."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.messages import FallEvent
from robot.vision.detector import FallDetector
from robot.vision.pose import Image, PoseEngine

QUIET_PERIOD_S = 0.5  # 2 frames a second while nothing moves
ACTIVE_PERIOD_S = 0.1  # 10 a second while someone does; the rules were developed at 7.5-15
STAY_ACTIVE_S = 3.0  # a person who pauses is soon moving again; also after the start
ATTENTIVE_S = 60.0  # after someone left the bed: when most falls at night happen


class MotionGate:
    """Says whether a frame differs from the one before: a 80 x 60 grey thumbnail, 0.2 ms."""

    SIZE_PX = (80, 60)
    CHANGED_LEVELS = 12  # of 255; above the noise of a thumbnail, whose pixels are averages
    CHANGED_SHARE = 0.004  # 19 of 4800 pixels: a hand moving three metres away

    def __init__(self) -> None:
        self._before: NDArray[np.int16] | None = None

    def moves(self, frame_bgr: Image) -> bool:
        small = cv2.resize(frame_bgr, self.SIZE_PX, interpolation=cv2.INTER_AREA)
        grey: NDArray[np.int16] = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.int16)
        before, self._before = self._before, grey
        if before is None:
            return True
        return float(np.mean(np.abs(grey - before) > self.CHANGED_LEVELS)) > self.CHANGED_SHARE


class FallWatcher:
    """Frames in, fall events out. Nothing of a frame is kept beyond a thumbnail, and nothing leaves.

    Give it a frame, then wait `next_frame_in_s`: 0.1 s while someone moves, falls or has just left the bed, else 0.5 s.
    """

    def __init__(self, engine: PoseEngine, detector: FallDetector | None = None) -> None:
        self._engine = engine
        self._detector = detector or FallDetector()
        self._gate = MotionGate()
        self._active_until_s: float | None = None
        self._bed_was_occupied = False
        self.next_frame_in_s = 0.0

    def watch(self, frame: Image, t_s: float, now_at_s: float, bed_occupied: bool | None = None) -> list[FallEvent]:
        """Look at one frame (H x W x 3, BGR, uint8) taken at `t_s` on a steady clock, `now_at_s` in Unix time.

        `bed_occupied` is what a fresh mattress says; None when it is stale or there is none.
        """
        moves = self._gate.moves(frame)
        height, width = frame.shape[:2]
        people = self._engine.detect(frame)
        events = self._detector.step(people, t_s, now_at_s, (width, height), bed_occupied)
        self._pace(t_s, moves or self._detector.is_falling, bed_occupied)
        return events

    def _pace(self, t_s: float, busy: bool, bed_occupied: bool | None) -> None:
        until_s = t_s if self._active_until_s is None else self._active_until_s
        if busy:
            until_s = max(until_s, t_s + STAY_ACTIVE_S)
        if self._bed_was_occupied and bed_occupied is False:
            until_s = max(until_s, t_s + ATTENTIVE_S)
        self._bed_was_occupied = bed_occupied is True
        self._active_until_s = until_s
        self.next_frame_in_s = ACTIVE_PERIOD_S if t_s < until_s else QUIET_PERIOD_S
