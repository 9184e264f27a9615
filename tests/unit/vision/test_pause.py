"""Looking away: only as long as somebody asked for, never longer than an hour, and a broken file is no pause."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadInput, DeviceFault
from robot.messages import CameraPause, PausedBy
from robot.vision import cli_camera
from robot.vision import pause as pause_module
from robot.vision.pause import FILE_NAME, LONGEST_S, Pause, PauseKeeper, end_own_pause, granted, read_pause, write_pause

pytestmark = pytest.mark.unit

NOW_S = 1_800_000_000.0


@given(asked_s=st.integers(-100_000, 100_000), until_s=st.integers(-1_000_000, 1_000_000))
def test_no_pause_is_longer_than_an_hour_and_none_begins_in_the_past(asked_s, until_s):
    pause = granted(CameraPause("p", NOW_S + asked_s, NOW_S + until_s, PausedBy.VOICE), NOW_S)
    if pause is None:
        assert min(until_s, asked_s + LONGEST_S) <= 0
    else:
        assert 0 < pause.until_at_s - NOW_S <= min(LONGEST_S, until_s)


def test_a_restart_does_not_end_a_pause_and_time_does(tmp_path):
    pause = Pause(NOW_S + 600, PausedBy.VOICE)
    write_pause(tmp_path, pause)
    assert read_pause(tmp_path, NOW_S) == pause
    assert read_pause(tmp_path, NOW_S + 599) == pause
    assert read_pause(tmp_path, NOW_S + 600) is None
    write_pause(tmp_path, None)
    assert read_pause(tmp_path, NOW_S) is None
    write_pause(tmp_path, None)


def test_node_and_command_may_write_at_the_same_moment(tmp_path):
    pauses = [Pause(NOW_S + 600, PausedBy.VOICE), Pause(NOW_S + 900, PausedBy.BUTTON)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pause: [write_pause(tmp_path, pause) for _ in range(20)], pauses))
    assert read_pause(tmp_path, NOW_S) in pauses
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


def test_a_clock_that_was_set_back_does_not_blind_the_camera(tmp_path):
    write_pause(tmp_path, Pause(NOW_S + 600, PausedBy.BUTTON))
    assert read_pause(tmp_path, NOW_S - 86_400) is None


@pytest.mark.parametrize("text", ["", "soon", "1e400 voice", "nan button", "1800000600", "1800000600 cat", "\x00"])
def test_a_broken_file_is_no_pause(tmp_path, text):
    (tmp_path / FILE_NAME).write_text(text)
    assert read_pause(tmp_path, NOW_S) is None


@given(part_s=st.floats(0, 1, exclude_max=True))
def test_the_longest_pause_survives_the_disk_whenever_it_was_asked_for(tmp_path_factory, part_s):
    """An end rounded up would lie too far away, and the camera would look."""
    folder, now_s = tmp_path_factory.getbasetemp() / "pause", NOW_S + part_s
    pause = granted(CameraPause("p", now_s, now_s + LONGEST_S, PausedBy.VOICE), now_s)
    write_pause(folder, pause)
    assert read_pause(folder, now_s) == pause is not None
    write_pause(folder, Pause(now_s + LONGEST_S, PausedBy.BUTTON))
    assert read_pause(folder, now_s) is not None


def test_only_ones_own_pause_is_ended(tmp_path):
    own, others = Pause(NOW_S + 60.7, PausedBy.BUTTON), Pause(NOW_S + 600, PausedBy.VOICE)
    write_pause(tmp_path, own)
    write_pause(tmp_path, others)
    end_own_pause(tmp_path, own)
    assert read_pause(tmp_path, NOW_S) == others
    write_pause(tmp_path, own)
    end_own_pause(tmp_path, own)
    assert not (tmp_path / FILE_NAME).exists()
    end_own_pause(tmp_path, own)


def full_disk(folder, pause):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("before", [None, Pause(NOW_S + 60, PausedBy.BUTTON)])
@pytest.mark.parametrize("wish", [None, Pause(NOW_S + 600, PausedBy.VOICE)])
def test_a_wish_counts_although_the_disk_is_full(tmp_path, monkeypatch, before, wish):
    keeper = PauseKeeper(tmp_path)
    assert keeper.take(before) == ""
    with monkeypatch.context() as patch:
        patch.setattr(pause_module, "write_pause", full_disk)
        assert keeper.take(wish) == "No space left on device"
    assert keeper.now(NOW_S) == wish
    assert keeper.now(NOW_S + 601) is None
    later = Pause(NOW_S + 300, PausedBy.BUTTON)
    write_pause(tmp_path, later)
    assert keeper.now(NOW_S) == later, "whoever writes the file afterwards is believed again"
    write_pause(tmp_path, None)
    assert keeper.now(NOW_S) is None


def test_the_command_says_that_the_disk_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(cli_camera, "write_pause", full_disk)
    with pytest.raises(DeviceFault, match="make room on the disk"):
        cli_camera.run("pause", 10.0, tmp_path, io.StringIO(), now=lambda: NOW_S)


def test_the_command_pauses_shows_and_resumes(tmp_path):
    def hani(what, minutes=10.0):
        out = io.StringIO()
        assert cli_camera.run(what, minutes, tmp_path, out, now=lambda: NOW_S) == 0
        return json.loads(out.getvalue())

    assert hani("pause") == {"paused": True, "until_at_s": NOW_S + 600} == hani("show")
    assert hani("resume") == {"paused": False, "until_at_s": None}
    assert hani("pause", 1.0) == {"paused": True, "until_at_s": NOW_S + 60}
    for minutes in (0.0, 0.001, 0.9, -1.0, 61.0, float("nan")):
        with pytest.raises(BadInput, match="1 to 60 minutes"):
            hani("pause", minutes)
    assert hani("show")["paused"], "a slip of the tongue changes nothing"
