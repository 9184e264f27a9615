"""The whole watcher on real recordings, and the command that runs it."""

from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest

from robot.vision import cli_watch, evaluate
from robot.vision.camera import FileCamera
from robot.vision.room import RoomCamera
from robot.vision.watcher import FallWatcher

pytestmark = pytest.mark.unit

START_AT_S = 1_800_000_000.0


def play(engine, clip, enter_s, lasts_s):
    """The simulated home's camera and the watcher, from `enter_s` after the clip began."""
    clock = [START_AT_S + enter_s]
    room, watcher, events = RoomCamera(now=lambda: clock[0]), FallWatcher(engine), []
    room.show(clip, START_AT_S)
    frames = room.frames()
    while clock[0] < START_AT_S + enter_s + lasts_s:
        frame = next(frames)
        events += watcher.watch(frame.image, frame.at_s, frame.at_s)
        clock[0] += watcher.next_frame_in_s
    return events


def watch(*videos, zones=None):
    out, err = io.StringIO(), io.StringIO()
    status = cli_watch.run([str(video) for video in videos], out, err, zones)
    return status, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue().splitlines()


@pytest.mark.parametrize(("clip", "onset_s"), [("fall.mp4", 2.3), ("fall_2.mp4", 1.8)])
def test_a_real_fall_is_told_once_while_the_person_stays_down(engine, clips, clip, onset_s):
    events = play(engine, clips / clip, 0.0, 20.0)
    assert [(event.reason.value, event.recovered) for event in events] == [("fast_drop", False)]
    assert onset_s < events[0].suspected_at_s - START_AT_S < onset_s + 3.0


def test_a_video_in_which_nobody_can_be_seen_is_no_quiet_one(clips, tmp_path):
    video = tmp_path / "dark.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (320, 240))
    for frame in list(FileCamera(clips / "everyday.mp4").frames())[:60]:
        writer.write((cv2.resize(frame.image, (320, 240)) * 0.01).astype(np.uint8))
    writer.release()
    assert watch(video) == (0, [], [f"hani watch: {video}: nobody can be seen at 4 s, it is too dark"])
    assert watch(clips / "everyday.mp4")[2] == []


@pytest.mark.parametrize("enter_s", [2.6, 3.2, 20.0])
def test_a_watcher_restarted_during_a_real_fall_still_tells_it_once(engine, clips, enter_s):
    """The kill test of the fall detector in small: another process enters the scene where it is."""
    events = play(engine, clips / "fall.mp4", enter_s, 15.0)
    assert [event.recovered for event in events] == [False]
    assert events[0].suspected_at_s - START_AT_S - enter_s < 12.0


def test_an_everyday_scene_is_quiet(engine, clips):
    assert play(engine, clips / "everyday.mp4", 0.0, 40.0) == []


def test_the_command_prints_one_line_for_each_event(engine, clips):
    status, lines, errors = watch(clips / "fall.mp4", clips / "everyday.mp4", clips / "fall_2.mp4")
    assert (status, errors) == (0, [])
    assert [(line["file"], line["reason"], line["recovered"]) for line in lines] == [
        (str(clips / "fall.mp4"), "fast_drop", False),
        (str(clips / "fall_2.mp4"), "fast_drop", False),
    ]
    assert set(lines[0]) == {"file", "time_s", "reason", "confidence", "track", "recovered"}


def test_a_fall_at_the_very_end_of_a_file_is_told(engine, clips):
    """The recording was stopped before the second in which a fall is confirmed: its last frame stands for that."""
    whole = list(FileCamera(clips / "fall.mp4").frames())
    told_at_s = next(cli_watch.events_in(whole, engine)).suspected_at_s
    cut = [frame for frame in whole if frame.at_s < told_at_s - 0.4]
    assert list(cli_watch.events_in(cut, engine, confirm_within_s=0.0)) == []
    assert len(list(cli_watch.events_in(cut, engine))) == 1


def test_one_bad_file_is_told_in_one_line_and_the_others_go_on(engine, clips, tmp_path, capfd):
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a video")
    status, lines, errors = watch(bad, clips / "fall.mp4", tmp_path / "missing.mp4")
    assert status == 1
    assert len(lines) == 1
    assert len(errors) == 2
    assert "bad.mp4" in errors[0]
    assert "missing.mp4" in errors[1]
    assert capfd.readouterr().err == "", "LiteRT, OpenCV and FFmpeg keep quiet too"


def test_a_bed_zone_keeps_the_command_quiet_inside_it(engine, clips, tmp_path):
    zones = tmp_path / "zones.json"
    zones.write_text('{"bed": [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}')
    assert watch(clips / "fall.mp4", zones=zones) == (0, [], [])


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"chair": []}', '{"bed": [[0, 0], [1, 1]]}', '{"bed": [[0, 0], [1, 1], [0, 300]]}', '{"bed": "all"}'],
)
def test_a_wrong_zones_file_is_one_line_and_no_watching(tmp_path, clips, content):
    zones = tmp_path / "zones.json"
    zones.write_text(content)
    status, lines, errors = watch(clips / "fall.mp4", zones=zones)
    assert (status, lines, len(errors)) == (1, [], 1)
    assert "zones.json" in errors[0]


def test_the_evaluation_counts_what_it_saw(engine, clips, tmp_path, capsys):
    labels = tmp_path / "labels.tsv"
    labels.write_text(
        "path\tlabel\tonset_s\tsubject\n"
        "fall.mp4\tfall\t2.3\tA\nfall_2.mp4\tfall\t1.8\tB\neveryday.mp4\tadl\t\tB\nfall.mp4\tadl\t\tA\n"
    )
    assert evaluate.main([str(clips), str(labels)]) == 0
    printed = capsys.readouterr().out.splitlines()
    scores = json.loads(printed[-1])["scores"]
    assert [scores["all"][key] for key in ("falls", "found", "everyday", "quiet")] == [2, 2, 2, 1]
    assert printed[0] == "wrong: fall.mp4 fast_drop"
    assert 1.0 < scores["all"]["delay_median_s"] < 3.0


@pytest.mark.parametrize(("onset_s", "counts"), [(2.3, True), (6.0, False)])
def test_a_suspicion_long_before_the_labelled_onset_is_not_about_that_fall(engine, clips, onset_s, counts):
    row = {"path": "fall.mp4", "label": "fall", "onset_s": str(onset_s), "subject": "S"}
    assert evaluate.judge(clips, row, engine, 0.0).is_right is counts


def test_a_table_of_labels_without_its_columns_is_one_line(tmp_path, capsys):
    labels = tmp_path / "labels.tsv"
    labels.write_text("file\tkind\nx\ty\n")
    assert evaluate.main([str(tmp_path), str(labels)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
