from __future__ import annotations

import cv2
import numpy as np
import pytest

from robot.vision.detector import FallDetector
from robot.vision.night import NIGHT_LEVEL, brightness_of, enhanced, noise_of
from robot.vision.pose import FakePoseEngine, Image
from robot.vision.watcher import (
    ACTIVE_PERIOD_S,
    ATTENTIVE_PERIOD_S,
    LOOK_ANYWAY_S,
    QUIET_PERIOD_S,
    FallWatcher,
    MotionGate,
    Pace,
)

from .skeletons import LIE, STAND, Pose, act, person

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
        gate.looked()
        noisy = np.clip(STILL + rng.normal(0, 6, STILL.shape), 0, 255).astype(np.uint8)
        assert not gate.moves(noisy)


def test_a_fall_passes_from_the_engine_to_an_event():
    script = [[person(pose)] for _, pose in act(((STAND, 3.0), (LIE, 0.7), (LIE, 1.0)))]
    times, events = run(FallWatcher(FakePoseEngine(script), FallDetector(new_id=lambda: "id")), 8, picture=flicker())
    assert [(event.id, event.reason.value, event.recovered) for event in events] == [("id", "fast_drop", False)]
    assert min(abs(events[0].suspected_at_s - NOW_AT_S - t) for t in times) < 1e-6


def test_a_camera_that_is_lost_in_a_fall_does_not_lose_the_fall():
    """Whoever falls may take it down with them, or its cable."""
    script = [[person(pose)] for _, pose in act(((STAND, 2.0), (LIE, 0.7), (LIE, 0.3)))]
    watcher = FallWatcher(FakePoseEngine(script))
    picture = flicker()
    for n in range(len(script)):
        assert watcher.watch(picture(n), n / 10, NOW_AT_S + n / 10) == []
    assert watcher.detector.is_falling
    assert [event.reason.value for event in watcher.finish()] == ["fast_drop"]
    assert watcher.finish() == [], "once"


def flicker():
    """A picture that always moves, so that the rate stays up."""
    pictures = [STILL, MOVED]

    def picture(t):
        pictures.reverse()
        return pictures[0]

    return picture


def test_a_still_room_costs_a_look_every_few_seconds_only():
    engine = FakePoseEngine()
    run(FallWatcher(engine), 60)
    assert engine.calls <= 60 / LOOK_ANYWAY_S + 1


def test_a_still_person_who_was_told_is_not_looked_at_again_and_again():
    """Whoever lies motionless is in danger: saving frames must not save the alarm."""
    engine = FakePoseEngine([[person(LIE)]])
    watcher = FallWatcher(engine)
    _, events = run(watcher, 20)
    assert [event.reason.value for event in events] == ["found_on_floor"]
    looked = engine.calls
    run(watcher, 60, start_s=20.5)
    assert engine.calls - looked <= 40 / LOOK_ANYWAY_S + 1


def test_one_wrong_look_does_not_restart_the_clock_of_the_floor():
    """In a still picture a look stands until the next one: so the next one comes soon while somebody lies there."""
    not_low = Pose(torso_deg=85, hip_h=0.36)
    looks = [[person(LIE)], [person(not_low)], [person(LIE)]]
    _, events = run(FallWatcher(FakePoseEngine(looks)), 13)
    assert [event.reason.value for event in events] == ["found_on_floor"]


def test_somebody_who_was_there_and_is_not_seen_is_looked_for_in_every_frame():
    """The model misses lying people; a still picture must not freeze that mistake."""
    engine = FakePoseEngine([[person(STAND)], [person(STAND)], []])
    watcher = FallWatcher(engine)
    for n, picture in enumerate((STILL, MOVED, STILL)):
        watcher.watch(picture, n / 10, NOW_AT_S)
    looked = engine.calls
    run(watcher, 1.3, start_s=0.3)
    assert engine.calls - looked >= 2


def test_a_slow_slide_adds_up_until_it_is_looked_at():
    gate, looks = MotionGate(), 0
    for step in range(60):
        picture = STILL.copy()
        picture[200:300, 100 + step : 200 + step] = 200
        if gate.moves(picture):
            gate.looked()
            looks += 1
    assert looks >= 3


def test_attention_raises_the_rate_further_only_while_something_moves():
    pace = Pace()
    assert pace.next_s(0.0, True, False, True) == ACTIVE_PERIOD_S
    assert pace.next_s(1.0, True, False, False) == ATTENTIVE_PERIOD_S
    assert pace.next_s(2.0, False, False, False) == ACTIVE_PERIOD_S
    assert pace.next_s(70.0, True, False, False) == ACTIVE_PERIOD_S
    assert pace.next_s(71.0, False, True, None) == ATTENTIVE_PERIOD_S
    assert pace.next_s(90.0, False, False, None) == QUIET_PERIOD_S


@pytest.mark.parametrize("level", [4, 8, 15])
def test_the_dark_is_brightened_and_the_light_is_left_alone(level):
    dark = np.full((480, 640, 3), level, np.uint8)
    assert brightness_of(dark) == level < NIGHT_LEVEL
    assert brightness_of(enhanced(dark, level)) > 3 * level
    assert enhanced(STILL, brightness_of(STILL)) is STILL


def noisy(level: float, levels: float, width_px: int = 640) -> Image:
    """A picture of stripes with a mean of `level`, and a sensor's noise of so many levels."""
    stripes = np.where(np.arange(width_px)[None, :, None] % 160 < 80, 0.5 * level, 1.5 * level)
    random = np.random.default_rng(3)
    return np.clip(np.rint(stripes + random.normal(0, levels, (480, width_px, 3))), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("level", [40, 120])
@pytest.mark.parametrize("levels", [1, 2, 4, 8])
def test_noise_is_measured_where_the_picture_is_smooth(level: float, levels: float):
    assert noise_of(noisy(level, levels)) == pytest.approx(levels, rel=0.1)


@pytest.mark.parametrize("size_px", [(1, 1), (9, 17), (480, 640)])
def test_a_plain_picture_of_any_size_has_no_noise(size_px: tuple[int, int]):
    assert noise_of(np.full((*size_px, 3), 7, np.uint8)) == 0.0


@pytest.mark.parametrize(
    ("level", "levels", "averaged_px"),
    [(120, 3, 1), (120, 6, 3), (40, 1, 1), (40, 4, 3), (25, 4, 5), (25, 12, 5)],
)
def test_the_noisier_for_its_light_the_more_a_picture_is_smoothed(level: float, levels: float, averaged_px: int):
    picture = noisy(level, levels)
    shown = enhanced(picture, brightness_of(picture))
    assert (shown is picture) == (averaged_px == 1)
    assert noise_of(shown) == pytest.approx(noise_of(cv2.blur(picture, (averaged_px, averaged_px))), rel=0.01)
    assert brightness_of(shown) == pytest.approx(brightness_of(picture), abs=0.5)


def test_no_camera_is_smoothed_below_what_the_model_sees():
    """A narrow picture is hardly made smaller for the model: each of its pixels counts."""
    picture = noisy(40, 4, width_px=320)
    assert np.array_equal(enhanced(picture, brightness_of(picture)), picture)


def test_motion_in_the_dark_is_motion():
    rng = np.random.default_rng(1)

    def dark(picture):
        return np.clip(picture * 0.06 + rng.normal(0, 1.5, picture.shape), 0, 255).astype(np.uint8)

    still = np.where(np.arange(640)[None, :, None] % 160 < 80, 60, 200).astype(np.uint8) * np.ones(
        (480, 1, 3), np.uint8
    )
    moved = still.copy()
    moved[100:300, 300:400] = 250
    engine = FakePoseEngine()
    watcher = FallWatcher(engine)
    run(watcher, 4, lambda t: dark(still))
    quiet = engine.calls
    watcher.watch(dark(moved), 4.1, NOW_AT_S)
    assert engine.calls == quiet + 1
    assert quiet <= 2


def test_another_size_of_frame_in_the_middle_is_taken_as_it_comes():
    watcher = FallWatcher(FakePoseEngine([[person(STAND)]]))
    watcher.watch(STILL, 0.0, NOW_AT_S)
    assert watcher.watch(np.full((360, 640, 3), 90, np.uint8), 0.1, NOW_AT_S) == []
