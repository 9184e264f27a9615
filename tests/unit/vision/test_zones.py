"""What the caregiver drew: the file, and the device's own page."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from robot.errors import BadInput, DeviceFault
from robot.messages import PausedBy, Zone
from robot.vision import zones, zones_page
from robot.vision.camera import DeviceCamera, Frame
from robot.vision.pause import Pause, read_pause, write_pause
from robot.vision.zones import (
    MOST_SHARES,
    NO_ZONES,
    CoversTooMuch,
    Zones,
    parse_zones,
    read_zones,
    save_zones,
    zones_text,
)
from robot.vision.zones_page import ZonesPage, looking_away, take_still

pytestmark = pytest.mark.unit

SQUARE = ((0.1, 0.5), (0.6, 0.5), (0.6, 0.9), (0.1, 0.9))
STILL = np.full((480, 640, 3), 120, np.uint8)
SHARES = st.integers(0, 10_000).map(lambda n: n / 10_000)
POLYGONS = st.lists(st.lists(st.tuples(SHARES, SHARES), min_size=3, max_size=6).map(tuple), max_size=3).map(tuple)


@given(
    POLYGONS,
    POLYGONS,
    POLYGONS,
    POLYGONS,
    st.none() | st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
)
def test_what_is_saved_is_read(bed, sofa, floor, ignore, picture):
    zones = Zones(bed, sofa, floor, ignore, picture)
    assume(all(zones.share(zone) <= most for zone, most in MOST_SHARES.items()))
    import yaml

    assert parse_zones(yaml.safe_load(zones_text(zones)), "here") == zones


def test_the_file_is_whole_or_not_at_all_and_for_its_owner(tmp_path):
    path = tmp_path / "new" / "zones.yaml"
    save_zones(path, Zones(bed=(SQUARE,)))
    assert read_zones(path) == Zones(bed=(SQUARE,))
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in path.parent.iterdir()] == ["zones.yaml"]


def test_two_pages_that_save_together_leave_one_whole_drawing(tmp_path):
    """Each wrote into the same file beside it: one found it gone, and half of both could be read."""
    path, drawings = tmp_path / "zones.yaml", [Zones(bed=(SQUARE,)), Zones(sofa=(SQUARE,) * 2)]
    save_zones(path, drawings[0])
    read = []

    def save(drawing):
        for _ in range(10):
            save_zones(path, drawing)
            read.append(read_zones(path))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(save, drawings))
    assert len(read) == 20
    assert all(drawing in drawings for drawing in read)
    assert [file.name for file in tmp_path.iterdir()] == ["zones.yaml"]


def test_one_polygon_may_stand_for_a_list_of_them():
    corners = [list(corner) for corner in SQUARE]
    assert parse_zones({"bed": corners}, "") == parse_zones({"bed": [corners]}, "") == Zones(bed=(SQUARE,))


def test_an_empty_file_draws_nothing(tmp_path):
    path = tmp_path / "zones.yaml"
    path.write_text("")
    assert read_zones(path) == NO_ZONES


@pytest.mark.parametrize(
    "text",
    [
        "{", "- 1", "chair: []", "bed: 5", "bed: [[0, 0], [1, 1]]", "bed: [[0, 0], [1, 1], [0, 2]]", "bed: {a: b}",
        "bed: [[0, 0], [1, 1], [0, .nan]]", "bed: [[0, 0], [1, 1], [true, 0]]", "bed: [[[0, 0]]]", "picture: [0, 1]",
        "picture: 640x480", "[" * 5000, "bed: !!python/object/apply:os.system [ls]", "x" * 200_000, "a: \x00",
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line_that_names_it(tmp_path, text):
    path = tmp_path / "zones.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"zones\.yaml"):
        read_zones(path)


@pytest.mark.parametrize("text", ['{{"bed": {0}, "sofa": {0}, "bed": {0}}}', "bed: {0}\nbed: {0}\n"])
def test_a_key_that_comes_twice_is_named(tmp_path, text):
    """YAML and JSON keep the last one: half of the beds would be floor."""
    path = tmp_path / "zones.yaml"
    path.write_text(text.format([list(corner) for corner in SQUARE]))
    with pytest.raises(BadInput, match=r"zones\.yaml: 'bed' comes twice"):
        read_zones(path)


def right_of(x):
    return [[x, 0], [1, 0], [1, 1], [x, 1]]


@pytest.mark.parametrize(("zone", "covers"), [("ignore", 0.5), ("sofa", 0.8)])
def test_a_zone_that_would_leave_most_of_the_room_unwatched_is_refused(zone, covers):
    """Also in pieces, and drawn twice over."""
    enough, too_much = right_of(1 - covers + 0.05), right_of(1 - covers - 0.05)
    assert parse_zones({zone: enough}, "here").share(Zone(zone)) == pytest.approx(covers - 0.05, abs=0.03)
    for drawn in (too_much, [enough, right_of(0.9), [[0, 0], [0.2, 0], [0.2, 1], [0, 1]]]):
        with pytest.raises(CoversTooMuch, match=f"here: '{zone}' covers more than {covers:.0%}"):
            parse_zones({zone: drawn}, "here")


def test_a_bed_may_fill_a_small_room():
    assert parse_zones({"bed": right_of(0)}, "here").share(Zone.BED) == 1.0


def test_the_bed_counts_before_the_floor_on_which_it_stands():
    zones = Zones(bed=(SQUARE,), floor=(((0, 0.4), (1, 0.4), (1, 1), (0, 1)),))
    assert zones.at(0.3, 0.6) is Zone.BED
    assert zones.at(0.8, 0.6) is Zone.FLOOR
    assert zones.at(0.8, 0.1) is None


# the page


class Client:
    """Asks the application without a server."""

    def __init__(self, app):
        self._app = app

    def get(self, path, **request):
        return self._ask("GET", path, **request)

    def post(self, path, **request):
        return self._ask("POST", path, **request)

    def _ask(self, method, path, **request):
        async def ask():
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
                return await client.request(method, path, **request)

        return asyncio.run(ask())


@pytest.fixture
def page(tmp_path):
    return ZonesPage(STILL, tmp_path / "zones.yaml")


@pytest.fixture
def client(page):
    return Client(page.app)


def test_the_page_shows_the_still_and_saves_the_corners_only(page, client, tmp_path):
    assert client.get(f"{page.path}/").status_code == 200
    assert client.get(f"{page.path}/zones.js").status_code == 200
    still = client.get(f"{page.path}/still.jpg")
    assert still.headers["content-type"] == "image/jpeg"
    assert still.headers["cache-control"] == "no-store"
    drawn = {"bed": [SQUARE], "sofa": [], "floor": [], "ignore": []}
    assert client.post(f"{page.path}/zones.json", json=drawn).status_code == 200
    assert page.is_done
    assert read_zones(tmp_path / "zones.yaml") == Zones(bed=(SQUARE,), picture=(640, 480))
    assert client.get(f"{page.path}/zones.json").json()["bed"] == [[list(corner) for corner in SQUARE]]
    assert [file.name for file in tmp_path.iterdir()] == ["zones.yaml"]


def test_only_who_knows_the_address_sees_the_room(page, client):
    for path in ("/", "/still.jpg", "/zones.json", "/guess/still.jpg"):
        assert client.get(path).status_code == 404
    assert len(page.path) > 16


@pytest.mark.parametrize(
    ("headers", "status"), [({"host": "evil.example"}, 400), ({"origin": "http://evil.example"}, 403)]
)
def test_another_site_in_the_same_browser_neither_sees_nor_draws(page, client, headers, status, tmp_path):
    assert client.post(f"{page.path}/zones.json", json={"bed": [SQUARE]}, headers=headers).status_code == status
    assert not (tmp_path / "zones.yaml").exists()


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"chair": []}', b'{"bed": [[0, 0]]}', b"9" * 200_000, b"[" * 90_000])
def test_nonsense_is_refused_and_the_page_stays_open(page, client, body):
    assert client.post(f"{page.path}/zones.json", content=body).status_code == 400
    assert not page.is_done


def test_the_page_says_why_a_mirror_as_large_as_the_room_is_not_saved(page, client, tmp_path):
    answer = client.post(f"{page.path}/zones.json", json={"ignore": [right_of(0.1)]})
    assert (answer.status_code, "'ignore' covers more than 50%" in answer.text) == (422, True)
    assert not page.is_done
    assert not (tmp_path / "zones.yaml").exists()


def test_a_drawing_that_could_not_be_read_again_is_refused(page, client, tmp_path, monkeypatch):
    """Its numbers are written longer than the page sends them."""
    monkeypatch.setattr(zones, "MAX_BYTES", 100)
    body = json.dumps({"bed": [[0, 0], [1, 0], [1, 1], [0, 1]]}, separators=(",", ":"))
    assert len(body) < zones.MAX_BYTES
    assert client.post(f"{page.path}/zones.json", content=body).status_code == 400
    assert not (tmp_path / "zones.yaml").exists()


class FakeCamera:
    """A fake: busy for its first calls, then one grey picture after the other."""

    def __init__(self, busy=0, home=None):
        self.busy, self.home, self.paused = busy, home, []

    def frames(self):
        if self.home is not None:
            self.paused.append(read_pause(self.home, 1e9) is not None)
        if self.busy:
            self.busy -= 1
            raise DeviceFault("in use")
        while True:
            yield Frame(STILL, 0.0)


def test_the_camera_is_taken_as_soon_as_the_watcher_lets_go(monkeypatch):
    monkeypatch.setattr(zones_page.time, "sleep", lambda s: None)
    assert take_still(FakeCamera(busy=2)).shape == STILL.shape
    clock = iter(range(100))
    with pytest.raises(DeviceFault, match="in use"):
        take_still(FakeCamera(busy=99), now=lambda: next(clock), within_s=5)


def test_the_watcher_looks_away_only_meanwhile(tmp_path):
    with looking_away(tmp_path):
        assert read_pause(tmp_path, time.time()) is not None
    assert read_pause(tmp_path, time.time()) is None
    with pytest.raises(RuntimeError), looking_away(tmp_path):
        raise RuntimeError
    assert read_pause(tmp_path, time.time()) is None


def test_no_picture_is_taken_while_somebody_asked_the_camera_to_look_away(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(zones_page, "take_still", taken.append)
    write_pause(tmp_path, Pause(time.time() + 600, PausedBy.VOICE))
    with pytest.raises(DeviceFault, match=r"the camera looks away until \d\d:\d\d, as somebody asked"):
        zones_page.run(DeviceCamera(0), tmp_path, io.StringIO())
    assert taken == []
    assert read_pause(tmp_path, time.time()) is not None


def test_a_wish_to_look_away_meanwhile_stays_and_the_picture_is_not_used(tmp_path, monkeypatch):
    """The page's own pause is not the resident's, and does not end it."""
    wish = Pause(float(int(time.time()) + 600), PausedBy.BUTTON)

    def taken(camera):
        write_pause(tmp_path, wish)
        return STILL

    monkeypatch.setattr(zones_page, "take_still", taken)
    with pytest.raises(DeviceFault, match="looks away"):
        zones_page.run(DeviceCamera(0), tmp_path, io.StringIO())
    assert read_pause(tmp_path, time.time()) == wish


def test_a_full_disk_is_told_and_no_picture_is_taken(tmp_path, monkeypatch):
    def full(folder, pause):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zones_page, "write_pause", full)
    with pytest.raises(DeviceFault, match="make room on the disk"), looking_away(tmp_path):
        raise AssertionError("looked")


class Lines(io.StringIO):
    def __init__(self):
        super().__init__()
        self.told = threading.Event()

    def write(self, text):
        written = super().write(text)
        self.told.set()
        return written


def test_the_real_server_listens_on_loopback_and_ends_when_saved(tmp_path):
    out, results = Lines(), []
    thread = threading.Thread(target=lambda: results.append(zones_page.run(FakeCamera(), tmp_path, out)))
    thread.start()
    assert out.told.wait(20)
    address = out.getvalue().strip()
    assert address.startswith("http://127.0.0.1:")
    assert httpx.post(f"{address}zones.json", content=json.dumps({"sofa": [SQUARE]}), timeout=10).status_code == 200
    thread.join(20)
    assert results == [0]
    assert read_zones(tmp_path / "zones.yaml").sofa == (SQUARE,)


def test_the_page_closes_by_itself(tmp_path):
    assert zones_page.run(FakeCamera(), tmp_path, io.StringIO(), open_for_s=0.0) == 1
    assert list(tmp_path.iterdir()) == []
