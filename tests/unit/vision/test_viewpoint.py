"""Who dusts a robot turns it: the zones must not stay where the bed was."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.vision import viewpoint
from robot.vision.camera import FileCamera
from robot.vision.pose import Image
from robot.vision.standing_zones import (
    ELSEWHERE,
    FILE_NAME,
    MOVED,
    StandingZones,
    read_landmarks,
    write_landmarks,
)
from robot.vision.variants import CHANGES
from robot.vision.viewpoint import LOOK_EVERY_S, SURE_AFTER, Landmarks, Viewpoint, compare, landmarks
from robot.vision.zones import Zones

pytestmark = pytest.mark.unit

BED = Zones(bed=(((0.2, 0.5), (0.5, 0.5), (0.5, 0.8)),))
CLIPS = ("fall.mp4", "fall_2.mp4", "everyday.mp4")


@pytest.fixture(scope="module")
def rooms(clips: Path) -> dict[str, tuple[Image, Image]]:
    """The first picture of each clip and its last: a person goes about in between, or falls."""
    found = {}
    for name in CLIPS:
        frames = [frame.image for frame in FileCamera(clips / name).frames()]
        found[name] = frames[0], frames[-1]
    return found


def moved(image: Image, right: float = 0.0, down: float = 0.0, turn_deg: float = 0.0, nearer: float = 1.0) -> Image:
    """As a camera shows it that was moved; `right` and `down` in shares of the width."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, nearer)
    matrix[:, 2] += [right * width, down * width]
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderValue=(60, 60, 60)), np.uint8)


def look(zones: StandingZones, image: Image, times: int = SURE_AFTER, begin_s: float = 0.0, **kw: bool) -> list[bool]:
    return [zones.look(image, begin_s + n * LOOK_EVERY_S, **{"empty": True, **kw}) for n in range(times)]


@pytest.mark.parametrize("light", [name for name in CHANGES if "noisy" in name or "JPEG" in name or "colour" in name])
@pytest.mark.parametrize("clip", CLIPS)
def test_no_light_and_nobody_in_the_room_moves_the_camera(rooms, clip, light):
    first, last = rooms[clip]
    seen = compare(landmarks(first), landmarks(CHANGES[light](last)))
    assert seen is None or seen.shift is None


@pytest.mark.parametrize(
    "change",
    [{"right": 0.06}, {"right": -0.15}, {"down": 0.07}, {"turn_deg": 10.0}, {"nearer": 1.12, "right": 0.05}],
    ids=str,
)
@pytest.mark.parametrize("clip", ["fall.mp4", "fall_2.mp4"])
def test_a_moved_camera_is_noticed_and_the_zones_go_with_the_room(rooms, clip, change):
    first, last = rooms[clip]
    seen = compare(landmarks(first), landmarks(moved(last, **change)))
    assert seen is not None
    assert seen.shift is not None
    height, width = first.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), change.get("turn_deg", 0), change.get("nearer", 1.0))
    matrix[:, 2] += [change.get("right", 0) * width, change.get("down", 0) * width]
    expected = np.array(BED.bed[0]) * (width, height) @ matrix[:, :2].T + matrix[:, 2]
    found = np.array(seen.shift.of(BED, height / width).bed[0]) * (width, height)
    assert np.abs(found - expected).max() < 0.015 * width


def test_a_blanket_that_was_moved_moves_no_camera(rooms):
    """All that is found again in this room lies on the blanket."""
    first, last = rooms["everyday.mp4"]
    assert compare(landmarks(first), landmarks(moved(last, right=0.06))) is None


def test_a_wardrobe_that_was_moved_moves_no_camera(rooms):
    first, _ = rooms["everyday.mp4"]
    other = first.copy()
    width = first.shape[1]
    other[:, width // 2 :] = moved(first, right=0.1)[:, width // 2 :]
    seen = compare(landmarks(first), landmarks(other))
    assert seen is None or seen.shift is None


def test_it_takes_several_looks_that_agree_and_it_may_be_moved_back(rooms, tmp_path):
    first, last = rooms["fall.mp4"]
    zones, elsewhere = StandingZones(tmp_path, BED), moved(last, right=0.1)
    look(zones, first)
    assert look(zones, elsewhere, SURE_AFTER - 1) == [False] * (SURE_AFTER - 1)
    look(zones, last, 1)  # a hand on the robot
    assert look(zones, elsewhere) == [False] * (SURE_AFTER - 1) + [True]
    assert zones.warning == MOVED
    assert zones.zones.bed[0][0][0] == pytest.approx(0.3, abs=0.015)
    assert look(zones, elsewhere, 5) == [False] * 5
    assert any(look(zones, first, SURE_AFTER))
    assert (zones.zones, zones.warning) == (BED, "")


def test_a_robot_that_is_moved_while_it_is_switched_off_notices_at_the_next_start(rooms, tmp_path):
    first, last = rooms["fall_2.mp4"]
    look(StandingZones(tmp_path, BED), first)
    again = StandingZones(tmp_path, BED)
    look(again, moved(last, right=-0.12))
    assert again.warning == MOVED
    again.use(Zones(bed=BED.bed, sofa=BED.bed))  # drawn anew, where it stands now
    look(again, moved(last, right=-0.12), 5)
    assert again.warning == ""


def test_without_zones_nothing_is_to_be_drawn_again(rooms, tmp_path):
    first, last = rooms["fall_2.mp4"]
    zones = StandingZones(tmp_path, Zones())
    look(zones, first)
    assert any(look(zones, moved(last, right=0.1))), "how tall people are where is unknown all the same"
    assert zones.warning == ""


def test_another_light_is_remembered_and_never_more_than_four(rooms, tmp_path, monkeypatch):
    first, last = rooms["fall.mp4"]
    monkeypatch.setattr(viewpoint, "_ANOTHER_LIGHT", 400)
    zones = StandingZones(tmp_path, BED)
    lights = [change(image) for image in (first, last) for name, change in CHANGES.items() if "noisy" in name]
    for image in lights:
        assert look(zones, image) == [False] * SURE_AFTER
    kept = read_landmarks(tmp_path / FILE_NAME, zones._key)
    assert len(kept) == 4


def test_who_is_in_the_picture_is_not_among_the_landmarks(rooms, tmp_path):
    look(StandingZones(tmp_path, BED), rooms["fall.mp4"][0], 5, empty=False)
    assert not (tmp_path / FILE_NAME).exists()


def test_noise_in_the_dark_is_no_landmark_and_another_room_is_told_after_a_day(rooms):
    noise = np.random.default_rng(1)
    point = Viewpoint()
    for n in range(5):
        point.look(noise.integers(0, 30, (480, 640, 3), np.uint8), n * LOOK_EVERY_S, empty=True)
    assert point.lights == ()
    for n in range(2):
        point.look(rooms["fall.mp4"][0], n * LOOK_EVERY_S, empty=True)
    other = landmarks(rooms["everyday.mp4"][0])
    assert compare(point.lights[0], other) is None
    for at_s, elsewhere in ((100.0, False), (86_000.0, False), (86_600.0, True)):
        point.look(rooms["everyday.mp4"][0], at_s, empty=True)
        assert point.is_elsewhere is elsewhere
    point.look(rooms["fall.mp4"][1], 87_000.0, empty=True)
    assert not point.is_elsewhere


def test_a_room_that_is_not_known_again_is_told_with_what_to_do(rooms, tmp_path):
    zones = StandingZones(tmp_path, BED)
    look(zones, rooms["fall.mp4"][0])
    look(zones, rooms["everyday.mp4"][0], 1, begin_s=100.0)
    look(zones, rooms["everyday.mp4"][0], 1, begin_s=100_000.0)
    assert zones.warning == ELSEWHERE


@pytest.mark.parametrize("image", [np.zeros((480, 640, 3), np.uint8), np.full((120, 160, 3), 255, np.uint8)])
def test_an_empty_picture_says_nothing(image):
    assert len(landmarks(image)) == 0
    assert compare(landmarks(image), landmarks(image)) is None


def test_another_shape_of_picture_is_no_move(rooms):
    first, _ = rooms["everyday.mp4"]
    assert compare(landmarks(first), landmarks(np.ascontiguousarray(first[:-60]))) is None


@given(st.binary(max_size=400))
def test_a_broken_file_is_no_file(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("landmarks") / FILE_NAME
    path.write_bytes(content)
    assert read_landmarks(path, "key") == ()


def test_a_file_of_other_zones_or_with_nonsense_is_no_file(rooms, tmp_path):
    path, light = tmp_path / FILE_NAME, landmarks(rooms["fall.mp4"][0])
    write_landmarks(path, [light], "key")
    (kept,) = read_landmarks(path, "key")
    assert np.array_equal(kept.places, light.places)
    assert (path.stat().st_mode & 0o777) == 0o600
    assert read_landmarks(path, "another") == ()
    for places, looks, high in (
        (light.places[:-1], light.looks, light.high),
        (light.places * np.float32(np.nan), light.looks, light.high),
        (light.places, light.looks[:, :16], light.high),
        (light.places, light.looks, 0.0),
    ):
        write_landmarks(path, [Landmarks(places, looks, high)], "key")
        assert read_landmarks(path, "key") == ()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert read_landmarks(path, "key") == ()


def test_a_full_disk_stops_no_watch(rooms, tmp_path, caplog):
    zones = StandingZones(tmp_path / "missing", BED)
    look(zones, rooms["fall.mp4"][0])
    look(zones, moved(rooms["fall.mp4"][1], right=0.1))
    assert zones.warning == MOVED
    assert "not remembered" in caplog.text
