from __future__ import annotations

import socket
from itertools import islice

import numpy as np
import pytest

from robot.errors import BadInput, DeviceFault
from robot.vision.camera import DeviceCamera, FileCamera
from robot.vision.health import BLACK_AFTER_S, FROZEN_AFTER_S, SILENT_AFTER_S, CameraHealth
from robot.vision.room import RoomCamera, empty_room

pytestmark = pytest.mark.unit

START_AT_S = 1_800_000_000.0


class Clock:
    def __init__(self):
        self.at_s = START_AT_S

    def __call__(self):
        return self.at_s


def difference(a, b):
    return float(np.mean(np.abs(a.astype(int) - b.astype(int))))


def test_a_file_gives_all_its_frames_with_the_file_s_time(clips):
    frames = list(FileCamera(clips / "fall.mp4").frames())
    times = [frame.at_s for frame in frames]
    assert times[0] == 0
    assert times == sorted(set(times))
    assert 5 < times[-1] < 7
    assert frames[0].image.shape == (480, 640, 3)
    assert frames[0].image.dtype == np.uint8


@pytest.mark.parametrize("content", [b"", b"not a video at all\n" * 50], ids=["empty", "text"])
def test_a_broken_file_is_bad_input(tmp_path, content):
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"broken\.mp4"):
        list(FileCamera(path).frames())


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="not there"):
        list(FileCamera(tmp_path / "none.mp4").frames())


def test_a_file_that_breaks_off_is_told_after_its_frames(clips, tmp_path):
    """Half a clip must not pass for an uneventful whole one."""
    whole = (clips / "everyday.mp4").read_bytes()
    index = whole.index(b"mdat")
    damaged = tmp_path / "damaged.mp4"
    middle = index + (len(whole) - index) // 3
    damaged.write_bytes(whole[:middle] + bytes(len(whole) - middle) if whole.index(b"moov") < index else whole[:middle])
    with pytest.raises(BadInput, match=r"damaged\.mp4"):
        list(FileCamera(damaged).frames())


def test_a_camera_that_is_not_there_is_a_device_fault_in_one_line():
    with pytest.raises(DeviceFault, match="check that it is plugged in") as fault:
        next(DeviceCamera("/dev/video-that-nobody-has").frames())
    assert "\n" not in str(fault.value)


def test_a_camera_that_stops_is_a_device_fault_after_its_frames(clips):
    """A clip in the place of a device: it delivers, then it does not, as when a cable is pulled."""
    frames = DeviceCamera(str(clips / "fall.mp4"), now=lambda: START_AT_S).frames()
    first = next(frames)
    assert (first.image.shape, first.at_s) == ((480, 640, 3), START_AT_S)
    with pytest.raises(DeviceFault, match="stopped delivering"):
        for _ in frames:
            pass


def test_the_empty_room_is_empty_and_alive():
    """Two frames are never equal (a frozen camera would be), yet both are the room."""
    first, second = islice(RoomCamera(now=Clock()).frames(), 2)
    assert not np.array_equal(first.image, second.image)
    assert difference(first.image, empty_room()) < 3


def test_a_clip_is_shown_as_of_now(clips):
    """A camera that restarts enters the clip where it is by then; frames carry Unix time."""
    clock = Clock()
    early, late = RoomCamera(now=clock), RoomCamera(now=clock)
    early.show(clips / "fall.mp4", START_AT_S)
    early_frames, late_frames = early.frames(), late.frames()
    for _ in range(30):
        frame = next(early_frames)
        clock.at_s += 0.1
    assert frame.at_s == pytest.approx(START_AT_S + 2.9)
    late.show(clips / "fall.mp4", START_AT_S)
    assert difference(next(early_frames).image, next(late_frames).image) < 3
    reference = list(FileCamera(clips / "fall.mp4").frames())
    shown = next(late_frames).image
    current = [frame for frame in reference if frame.at_s <= 3.0][-1]
    assert difference(shown, current.image) < 3
    assert difference(shown, reference[0].image) > 5


@pytest.mark.parametrize("hold", [True, False])
def test_after_the_end_the_last_frame_stays_or_the_room_is_empty(clips, hold):
    clock = Clock()
    room = RoomCamera(now=clock)
    room.show(clips / "fall.mp4", START_AT_S, hold=hold)
    clock.at_s += 60
    shown = next(room.frames()).image
    last = list(FileCamera(clips / "fall.mp4").frames())[-1].image
    assert difference(shown, last if hold else empty_room()) < 3


def test_the_scene_changes_while_frames_run(clips):
    clock = Clock()
    room = RoomCamera(now=clock)
    frames = room.frames()
    room.show(clips / "fall.mp4", START_AT_S)
    assert difference(next(frames).image, empty_room()) > 10
    room.show(None, START_AT_S)
    assert difference(next(frames).image, empty_room()) < 3


def test_a_clip_that_has_not_begun_waits_at_its_first_frame(clips):
    clock = Clock()
    room = RoomCamera(now=clock)
    room.show(clips / "fall.mp4", START_AT_S + 10)
    first = next(FileCamera(clips / "fall.mp4").frames())
    assert difference(next(room.frames()).image, first.image) < 3


def test_a_room_does_not_take_a_broken_clip(tmp_path):
    room = RoomCamera(now=Clock())
    with pytest.raises(BadInput):
        room.show(tmp_path / "none.mp4", START_AT_S)
    assert difference(next(room.frames()).image, empty_room()) < 3


def test_frames_are_neither_written_nor_sent(clips, tmp_path, monkeypatch):
    """Frames never leave the process: reading clips and rooms opens no socket and writes no file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("a camera opened a socket"))
    room = RoomCamera(now=Clock())
    room.show(clips / "fall.mp4", START_AT_S)
    list(islice(room.frames(), 5))
    assert list(tmp_path.iterdir()) == []


GREY = np.full((480, 640, 3), 90, np.uint8)
OTHER = np.full((480, 640, 3), 91, np.uint8)
BLACK = np.full((480, 640, 3), 3, np.uint8)
BLACK_TOO = np.full((480, 640, 3), 4, np.uint8)


def health_after(pictures, lasts_s, period_s=0.5):
    health = CameraHealth(0.0)
    for n in range(int(lasts_s / period_s)):
        health.saw(pictures[n % len(pictures)], n * period_s)
    return health


def test_a_camera_that_never_delivers_is_a_fault():
    health = CameraHealth(100.0)
    assert health.fault(100.0 + SILENT_AFTER_S) is None
    assert "no pictures" in (health.fault(100.1 + SILENT_AFTER_S) or "")


@pytest.mark.parametrize(
    ("pictures", "after_s", "fault"),
    [
        ([GREY, OTHER], 120, None),
        ([BLACK, BLACK_TOO], BLACK_AFTER_S + 2, "black"),
        ([BLACK, BLACK_TOO], BLACK_AFTER_S - 1, None),
        ([GREY], FROZEN_AFTER_S + 2, "frozen"),
        ([GREY], FROZEN_AFTER_S - 1, None),
    ],
)
def test_a_camera_that_shows_nothing_new_or_nothing_at_all_is_a_fault(pictures, after_s, fault):
    found = health_after(pictures, after_s).fault(after_s)
    assert found is None if fault is None else fault in (found or "")


def test_a_camera_recovers():
    health = health_after([BLACK, BLACK_TOO], 60)
    health.saw(GREY, 60.0)
    assert health.fault(60.0) is None
    assert health.fault(70.0) is not None
    health.saw(OTHER, 70.0)
    assert health.fault(70.0) is None


def test_the_simulated_camera_is_healthy():
    clock = Clock()
    room, health = RoomCamera(now=clock), CameraHealth(START_AT_S)
    for frame in islice(room.frames(), 40):
        health.saw(frame.image, frame.at_s)
        clock.at_s += 1.0
    assert health.fault(clock.at_s) is None
