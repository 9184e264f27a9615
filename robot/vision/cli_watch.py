"""`hani watch VIDEO...`: one JSON line for each fall event in video files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from robot.errors import BadInput, HaniError
from robot.messages import FallEvent
from robot.vision.camera import FileCamera, Frame
from robot.vision.detector import FallDetector
from robot.vision.movenet import load_engine
from robot.vision.pose import PoseEngine
from robot.vision.watcher import FallWatcher
from robot.vision.zones import Polygon


def run(videos: Sequence[Path], out: TextIO, err: TextIO, zones: Path | None = None) -> int:
    """Watch each video; returns the exit status: 0, or 1 when a file could not be used.

    `zones` is a JSON file `{"bed": [[x, y], ...]}` in fractions of the frame. There is no mattress here, so whoever
    lies inside is taken to be in bed.
    """
    try:
        bed = read_zones(zones) if zones else None
        engine = load_engine()
    except HaniError as error:
        print(f"hani watch: {error}", file=err)
        return 1
    status = 0
    for video in videos:
        try:
            for event in events_in(FileCamera(video).frames(), engine, bed):
                print(json.dumps(_line(video, event), ensure_ascii=False), file=out, flush=True)
        except HaniError as error:
            print(f"hani watch: {error}", file=err)
            status = 1
    return status


def events_in(frames: Iterable[Frame], engine: PoseEngine, bed: Polygon | None = None) -> Iterator[FallEvent]:
    """The fall events in the frames of a file, at the watcher's own frame rate; times are the file's."""
    watcher = FallWatcher(engine, FallDetector(bed=bed))
    due_s = 0.0
    for frame in frames:
        if frame.at_s + 1e-6 >= due_s:  # 1e-6: a frame's time is a rounded fraction
            yield from watcher.watch(frame.image, frame.at_s, frame.at_s, bed_occupied=True if bed else None)
            due_s = frame.at_s + watcher.next_frame_in_s


def read_zones(path: Path) -> Polygon:
    """The bed's polygon out of a zones file; raises BadInput."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise BadInput(f"{path} cannot be read: give the path of a zones file") from None
    except (ValueError, RecursionError):
        raise BadInput(f'{path} is not JSON: write {{"bed": [[x, y], ...]}}') from None
    if not isinstance(content, dict) or set(content) != {"bed"}:
        raise BadInput(f"{path}: the only key of a zones file is 'bed'")
    corners = content["bed"]
    if not isinstance(corners, list) or len(corners) < 3 or not all(map(_is_corner, corners)):
        raise BadInput(f"{path}: 'bed' needs at least three [x, y] corners in fractions of the frame, 0 to 1")
    return tuple((float(x), float(y)) for x, y in corners)


def _is_corner(corner: object) -> bool:
    if not isinstance(corner, list) or len(corner) != 2:
        return False
    return all(type(value) in (int, float) and 0 <= value <= 1 for value in corner)


def _line(video: Path, event: FallEvent) -> dict[str, object]:
    return {
        "file": str(video),
        "time_s": round(event.suspected_at_s, 2),
        "reason": event.reason.value,
        "confidence": event.confidence,
        "track": event.track,
        "recovered": event.recovered,
    }
