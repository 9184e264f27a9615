"""`hani watch VIDEO...`: one JSON line for each fall event in video files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from robot.errors import HaniError
from robot.files import path_of
from robot.messages import FallEvent
from robot.vision.camera import FileCamera, Frame
from robot.vision.detector import FallDetector
from robot.vision.health import DARK, CameraHealth
from robot.vision.movenet import load_engine
from robot.vision.pose import PoseEngine
from robot.vision.second_look import SecondLook
from robot.vision.watcher import CONFIRM_WITHIN_S, FallWatcher
from robot.vision.zones import NO_ZONES, Zones, read_zones


def run(videos: Sequence[str], out: TextIO, err: TextIO, zones: Path | None = None) -> int:
    """Watch each video; returns the exit status: 0, or 1 when a file could not be used.

    `zones` is a file as `robot.vision.zones` reads it. There is no mattress here, so whoever lies inside the bed's zone
    is taken to be in bed. Of a video that is too dark to see anybody in, `err` says so: no event of it means
    nothing.
    """
    try:
        drawn = read_zones(zones) if zones else NO_ZONES
        engine = load_engine()
    except HaniError as error:
        print(f"hani watch: {error}", file=err)
        return 1
    status = 0
    for video in videos:
        try:
            frames = _honestly(FileCamera(path_of(video)).frames(), video, err)
            for event in events_in(frames, engine, drawn):
                print(json.dumps(_line(video, event), ensure_ascii=False), file=out, flush=True)
        except HaniError as error:
            print(f"hani watch: {' '.join(str(error).splitlines())}", file=err)
            status = 1
    return status


def events_in(
    frames: Iterable[Frame], engine: PoseEngine, zones: Zones = NO_ZONES, confirm_within_s: float = CONFIRM_WITHIN_S
) -> Iterator[FallEvent]:
    """The fall events in the frames of a file, at the watcher's own frame rate; times are the file's.

    A drop that the end of the file leaves unconfirmed is given `confirm_within_s` more, in which nobody moves.
    """
    watcher = FallWatcher(engine, FallDetector(zones=zones), SecondLook(engine))
    bed_occupied = True if zones.bed else None
    due_s = 0.0
    for frame in frames:
        if frame.at_s + 1e-6 >= due_s:  # 1e-6: a frame's time is a rounded fraction
            yield from watcher.watch(frame.image, frame.at_s, frame.at_s, bed_occupied)
            due_s = frame.at_s + watcher.next_frame_in_s
    yield from watcher.finish(confirm_within_s)


def _honestly(frames: Iterable[Frame], video: str, err: TextIO) -> Iterator[Frame]:
    """The frames, and a line the first time that for some seconds nobody could be seen in them."""
    health, told = CameraHealth(0.0), False
    for frame in frames:
        if not told and health.saw(frame.image, frame.at_s) and health.fault(frame.at_s) is DARK:
            told = True
            print(f"hani watch: {video}: nobody can be seen at {frame.at_s:.0f} s, it is too dark", file=err)
        yield frame


def _line(video: str, event: FallEvent) -> dict[str, object]:
    return {
        "file": video,
        "time_s": round(event.suspected_at_s, 2),
        "reason": event.reason.value,
        "confidence": event.confidence,
        "track": event.track,
        "recovered": event.recovered,
    }
