from __future__ import annotations

import numpy as np
import pytest

from robot.vision.detector import FallDetector
from robot.vision.pose import FakePoseEngine
from robot.vision.watcher import ACTIVE_PERIOD_S, QUIET_PERIOD_S, FallWatcher, MotionGate

from .skeletons import LIE, STAND, act, person

pytestmark = pytest.mark.unit

NOW_AT_S = 1_800_000_000.0
STILL = np.full((480, 640, 3), 90, np.uint8)
MOVED = STILL.copy()
MOVED[100:200, 300:340] = 200


def run(watcher, until_s, picture=lambda t: STILL, start_s=0.0, bed_occupied=lambda t: None):
    """Ask as a node does: wait what the watcher says. Returns the times of the frames and the events."""
    t, times, events = start_s, [], []
    while t < until_s:
        events += watcher.watch(picture(t), t, NOW_AT_S + t, bed_occupied(t))
        times.append(t)
        t += watcher.next_frame_in_s
    return times, events


def test_a_still_room_is_looked_at_twice_a_second():
    times, events = run(FallWatcher(FakePoseEngine()), 30)
    assert events == []
    assert len([t for t in times if t >= 10]) == pytest.approx(40, abs=1)


def test_motion_raises_the_rate_at_once_and_for_a_while():
    watcher = FallWatcher(FakePoseEngine())
    run(watcher, 20)
    watcher.watch(MOVED, 20.0, NOW_AT_S)
    assert watcher.next_frame_in_s == ACTIVE_PERIOD_S
    run(watcher, 22.0, lambda t: MOVED, start_s=20.1)
    assert watcher.next_frame_in_s == ACTIVE_PERIOD_S
    run(watcher, 24.5, lambda t: MOVED, start_s=22.1)
    assert watcher.next_frame_in_s == QUIET_PERIOD_S


def test_leaving_the_bed_raises_the_rate_for_a_minute():
    watcher = FallWatcher(FakePoseEngine())
    times, _ = run(watcher, 100, bed_occupied=lambda t: t < 20)
    assert len([t for t in times if 30 <= t < 70]) == pytest.approx(400, abs=10)
    assert watcher.next_frame_in_s == QUIET_PERIOD_S


def test_a_mattress_that_falls_silent_is_not_somebody_leaving_the_bed():
    times, _ = run(FallWatcher(FakePoseEngine()), 60, bed_occupied=lambda t: True if t < 20 else None)
    assert len([t for t in times if 30 <= t < 60]) == pytest.approx(60, abs=2)


def test_the_noise_of_a_sensor_is_no_motion():
    gate, rng = MotionGate(), np.random.default_rng(1)
    gate.moves(STILL)
    for _ in range(10):
        noisy = np.clip(STILL + rng.normal(0, 6, STILL.shape), 0, 255).astype(np.uint8)
        assert not gate.moves(noisy)


def test_a_fall_passes_from_the_engine_to_an_event():
    script = [[person(pose)] for _, pose in act(((STAND, 3.0), (LIE, 0.7), (LIE, 1.0)))]
    times, events = run(FallWatcher(FakePoseEngine(script), FallDetector(new_id=lambda: "id")), 8, picture=flicker())
    assert [(event.id, event.reason.value, event.recovered) for event in events] == [("id", "fast_drop", False)]
    assert min(abs(events[0].suspected_at_s - NOW_AT_S - t) for t in times) < 1e-6


def flicker():
    """A picture that always moves, so that the rate stays up."""
    pictures = [STILL, MOVED]

    def picture(t):
        pictures.reverse()
        return pictures[0]

    return picture
