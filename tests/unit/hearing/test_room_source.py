from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from robot.speech.audio import CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, load_clip
from robot.speech.room_source import RoomSource
from tests.unit.hearing.test_audio import tone

pytestmark = pytest.mark.unit


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def sleep(self, duration_s: float) -> None:
        self.slept_s.append(duration_s)
        self.now_s += duration_s


def heard_in(room: RoomSource, chunks: int) -> list[AudioChunk]:
    return list(islice(room.chunks(), chunks))


def test_the_room_is_quiet_and_runs_at_the_pace_of_the_clock() -> None:
    time = Time()
    chunks = heard_in(RoomSource(time.clock, time.sleep), 20)
    assert time.now_s == pytest.approx(1002.0)
    assert chunks[3].began_at_s == pytest.approx(1000.3)
    assert 5.0 < np.concatenate([c.samples for c in chunks]).std() < 50.0


@pytest.mark.parametrize("offset_s", [-0.45, 0.0, 0.234])
def test_a_clip_sounds_at_its_time_and_a_late_listener_hears_the_rest(tmp_path: Path, offset_s: float) -> None:
    time = Time()
    room = RoomSource(time.clock, time.sleep)
    path = tone(tmp_path / "a.wav")
    assert room.play(path, 1000.0 + offset_s) == pytest.approx(1001.0 + offset_s)
    sound = np.concatenate([c.samples for c in heard_in(room, 20)]).astype(float)
    first = round(offset_s * SAMPLE_RATE_HZ)
    expected = np.zeros(20 * CHUNK_SAMPLES)
    clip = load_clip(path)[max(-first, 0) :]
    expected[max(first, 0) : max(first, 0) + len(clip)] = clip
    assert np.abs(sound - expected).max() < 100.0  # only the room's noise is between them


def test_clips_add_up_and_loud_ones_are_clipped_not_wrapped(tmp_path: Path) -> None:
    time = Time()
    room = RoomSource(time.clock, time.sleep)
    for _ in range(4):
        room.play(tone(tmp_path / "a.wav"), 1000.0)
    sound = heard_in(room, 5)[2].samples
    assert sound.max() == 32_767
    assert sound.min() == -32_768


def test_a_listener_that_hung_goes_on_with_the_present() -> None:
    time = Time()
    stream = RoomSource(time.clock, time.sleep).chunks()
    next(stream)
    time.now_s += 60.0
    assert next(stream).ended_at_s == pytest.approx(time.now_s)


def test_a_closed_room_ends() -> None:
    time = Time()
    room = RoomSource(time.clock, time.sleep)
    stream = room.chunks()
    next(stream)
    room.close()
    assert list(stream) == []
