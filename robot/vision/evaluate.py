"""How good is the watcher on labelled clips? Prints a table by subject, then one line of JSON.

    python -m robot.vision.evaluate FOLDER LABELS.tsv [--engine litert|opencv] [--hold-last-s 3] [--variants]

The table of labels has the columns path, label ("fall" or "adl"), onset_s (seconds, falls only) and subject. Clips
are often cut right after the fall; `--hold-last-s` shows the last frame for so long, as if the person stayed down.
`--variants` shows the clips as other cameras would have (`robot.vision.variants`), a line for each.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from math import sqrt
from pathlib import Path
from statistics import median

from robot.errors import BadInput, HaniError
from robot.vision.camera import FileCamera, Frame
from robot.vision.cli_watch import events_in
from robot.vision.movenet import ENGINES, load_engine
from robot.vision.pose import Image, Person, PoseEngine
from robot.vision.variants import CHANGES, EVERY, changed

HOLD_PERIOD_S = 0.1
EARLY_S = 0.5  # a suspicion so long before the labelled onset is not about that fall: labels are no better than this
Z_95 = 1.96  # standard deviations that hold 95 % of a normal distribution


@dataclass(frozen=True, slots=True)
class Clip:
    """A labelled clip and what the watcher made of it; times in seconds from its beginning."""

    path: str
    subject: str
    is_fall: bool
    onset_s: float | None
    suspected_s: float | None
    reason: str | None

    @property
    def is_right(self) -> bool:
        return self.is_fall == (self.suspected_s is not None)

    @property
    def delay_s(self) -> float | None:
        if self.onset_s is None or self.suspected_s is None:
            return None
        return self.suspected_s - self.onset_s


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over clips, the delay from the labelled onset to the suspicion, and 95 % intervals of the two shares."""

    falls: int
    found: int
    everyday: int
    quiet: int
    delay_median_s: float | None
    delay_max_s: float | None
    falls_interval: tuple[float, float]
    everyday_interval: tuple[float, float]


class CountingEngine:
    """Counts the frames that another engine looks at, and the CPU it takes."""

    def __init__(self, engine: PoseEngine) -> None:
        self._engine = engine
        self.name = engine.name
        self.frames = 0
        self.cpu_s = 0.0

    def detect(self, frame_bgr: Image) -> tuple[Person, ...]:
        self.frames += 1
        began_s = time.process_time()
        people = self._engine.detect(frame_bgr)
        self.cpu_s += time.process_time() - began_s
        return people


def read_labels(table: Path) -> list[dict[str, str]]:
    """The rows of a table of labels; raises BadInput."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except OSError:
        raise BadInput(f"{table} is not there: give a table of labels") from None
    if not rows or not {"path", "label", "onset_s", "subject"} <= set(rows[0]):
        raise BadInput(f"{table} needs the tab-separated columns path, label, onset_s, subject")
    return rows


def judge(folder: Path, row: dict[str, str], engine: PoseEngine, hold_s: float, variant: str = "") -> Clip:
    """Watch one clip; its first suspicion counts, in a fall's clip the first that can be about the fall."""
    frames = _held(changed(FileCamera(folder / row["path"]).frames(), variant), hold_s)
    from_s = float(row["onset_s"]) - EARLY_S if row["onset_s"] else 0.0
    suspicions = (event for event in events_in(frames, engine, confirm_within_s=0.0) if not event.recovered)
    first = next((event for event in suspicions if event.suspected_at_s >= from_s), None)
    return Clip(
        path=row["path"],
        subject=row["subject"],
        is_fall=row["label"] == "fall",
        onset_s=float(row["onset_s"]) if row["onset_s"] else None,
        suspected_s=round(first.suspected_at_s, 2) if first else None,
        reason=first.reason.value if first else None,
    )


def score(clips: Sequence[Clip]) -> Score:
    """Sensitivity is found / falls, specificity quiet / everyday."""
    falls = [clip for clip in clips if clip.is_fall]
    everyday = [clip for clip in clips if not clip.is_fall]
    delays = [clip.delay_s for clip in falls if clip.delay_s is not None]
    found, quiet = (sum(clip.is_right for clip in group) for group in (falls, everyday))
    return Score(
        falls=len(falls),
        found=found,
        everyday=len(everyday),
        quiet=quiet,
        delay_median_s=round(median(delays), 2) if delays else None,
        delay_max_s=round(max(delays), 2) if delays else None,
        falls_interval=interval(found, len(falls)),
        everyday_interval=interval(quiet, len(everyday)),
    )


def interval(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval (Wilson's) of a share, 0 to 1 both ways; everything when nothing was counted."""
    if not of:
        return 0.0, 1.0
    middle = (hits + Z_95**2 / 2) / (of + Z_95**2)
    half = Z_95 / (of + Z_95**2) * sqrt(hits * (of - hits) / of + Z_95**2 / 4)
    return round(max(0.0, middle - half), 3), round(min(1.0, middle + half), 3)


def _held(frames: Iterable[Frame], hold_s: float) -> Iterator[Frame]:
    last = None
    for last in frames:
        yield last
    if last is not None:
        for n in range(1, round(hold_s / HOLD_PERIOD_S) + 1):
            yield Frame(last.image, last.at_s + n * HOLD_PERIOD_S)


def _variants(folder: Path, rows: Sequence[dict[str, str]], engine: PoseEngine, hold_s: float) -> Iterator[str]:
    yield "variant             falls found  everyday quiet  delay median"
    for variant in (*CHANGES, *EVERY):
        clips = [judge(folder, row, engine, hold_s, variant) for row in rows]
        s, wrong = score(clips), ", ".join(clip.path for clip in clips if not clip.is_right)
        yield f"{variant:18}  {s.found:5} of {s.falls:2}  {s.quiet:8} of {s.everyday:2}  {s.delay_median_s} s  {wrong}"


def _table(scores: dict[str, Score]) -> Iterator[str]:
    yield "subject  falls found  everyday quiet  delay median / max"
    for subject, s in scores.items():
        delay = f"{s.delay_median_s:.1f} / {s.delay_max_s:.1f} s" if s.delay_median_s is not None else "-"
        yield f"{subject:7}  {s.found:5} of {s.falls:2}  {s.quiet:8} of {s.everyday:2}  {delay}"
    intervals = (scores["all"].falls_interval, scores["all"].everyday_interval)
    found, quiet = (f"{low:.0%} to {high:.0%}" for low, high in intervals)
    yield f"95 % intervals (Wilson) over all: falls found {found}, everyday quiet {quiet}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Sensitivity, specificity and delay of the fall watcher on clips.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    parser.add_argument("--hold-last-s", type=float, default=0.0)
    parser.add_argument("--variants", action="store_true", help="as other cameras would have shown the clips")
    given = parser.parse_args(arguments)
    try:
        engine = CountingEngine(load_engine(given.engine))
        if given.variants:
            for line in _variants(given.folder, read_labels(given.labels), engine, given.hold_last_s):
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
            return 0
        began_s = time.process_time()
        clips = [judge(given.folder, row, engine, given.hold_last_s) for row in read_labels(given.labels)]
        cpu_s = time.process_time() - began_s
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    subjects = sorted({clip.subject for clip in clips})
    scores = {subject: score([clip for clip in clips if clip.subject == subject]) for subject in subjects}
    scores["all"] = score(clips)
    for clip in clips:
        if not clip.is_right:
            sys.stdout.write(f"wrong: {clip.path} {clip.reason or 'nothing found'}\n")
    result = {
        "engine": engine.name,
        "hold_last_s": given.hold_last_s,
        "cpu_ms_per_watched_frame": round(1000 * cpu_s / max(1, engine.frames), 1),
        "cpu_ms_of_it_in_the_engine": round(1000 * engine.cpu_s / max(1, engine.frames), 1),
        "scores": {subject: asdict(s) for subject, s in scores.items()},
        "clips": [asdict(clip) for clip in clips],
    }
    for line in chain(_table(scores), [json.dumps(result)]):
        sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
