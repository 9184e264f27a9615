"""How does MoveNet err? Measures real clips, for the numbers in `noise.yaml`.

    python -m robot.simulation.life.measure_noise FOLDER CLIP... [--engine litert]

Each clip shows one person. There is no truth about joints in them, so that what a picture says plainly stands for it,
and the same picture darker, smaller or half covered is compared with it. Prints JSON; lengths are shares of the
person's size, scores are compared as logits.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.errors import HaniError
from robot.simulation.life.skeleton import GROUPS, LEFT_RIGHT
from robot.vision.camera import FileCamera
from robot.vision.movenet import ENGINES, load_engine
from robot.vision.night import brightness_of, enhanced
from robot.vision.pose import Image, Person, PoseEngine
from robot.vision.posture import posture_of
from robot.vision.second_look import closer, mirrored

RATE_HZ = 10.0
COVERED_SHARE = 0.45  # of the person's box, from below: legs behind a table
Array = NDArray[np.float64]


def joints_of(person: Person) -> Array:
    """17 x 3: x and y in pixels, score."""
    return np.array(person.keypoints, float)


def lean(person: Person) -> str:
    """The posture's class in the picture by the torso's angle."""
    posture = posture_of(person)
    if posture is None or posture.torso_deg is None:
        return "unknown"
    return "upright" if posture.torso_deg < 35 else "tilted" if posture.torso_deg < 70 else "lying"


def size_px(joints: Array) -> float:
    return max(1.0, float(np.ptp(joints[:, 0])), float(np.ptp(joints[:, 1])))


def logit(score: Array) -> Array:
    inside = np.clip(score, 0.005, 0.995)
    return np.log(inside / (1 - inside))


class Clip:
    """One clip through one engine: for each frame the main person (or None) and all others."""

    def __init__(self, frames: Sequence[Image], engine: PoseEngine) -> None:
        self.frames = frames
        self.main: list[Person | None] = []
        self.others: list[list[Person]] = []
        before: Array | None = None
        for frame in frames:
            people = list(engine.detect(frame))
            main = _main(people, before)
            self.main.append(main)
            self.others.append([p for p in people if p is not main])
            before = joints_of(main) if main is not None else before


def _main(people: Sequence[Person], before: Array | None) -> Person | None:
    if not people:
        return None
    if before is None:
        return max(people, key=lambda p: p.score * size_px(joints_of(p)))
    centre, size = before[:, :2].mean(0), size_px(before)
    near = [(float(np.hypot(*(joints_of(p)[:, :2].mean(0) - centre))), n) for n, p in enumerate(people)]
    distance, n = min(near)
    return people[n] if distance < size else None


def frames_of(path: Path) -> list[Image]:
    due_s, frames = 0.0, []
    for frame in FileCamera(path).frames():
        if frame.at_s + 1e-6 >= due_s:
            frames.append(frame.image)
            due_s = frame.at_s + 1 / RATE_HZ
    return frames


class Findings:
    """Collects samples by name; `summary` gives count, quartiles and mean of each."""

    def __init__(self) -> None:
        self._samples: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, *values: float) -> None:
        self._samples[name].extend(values)

    def summary(self) -> dict[str, Any]:
        result = {}
        for name, values in sorted(self._samples.items()):
            low, middle, high = np.percentile(values, [25, 50, 75])
            numbers = {"n": len(values), "q25": low, "median": middle, "q75": high, "mean": float(np.mean(values))}
            result[name] = {key: round(float(value), 4) for key, value in numbers.items()}
        return result


def plain(clip: Clip, found: Findings) -> None:
    """Scores by posture and group of joints, misses between sightings, jitter of who is still, swaps, ghosts."""
    seen = [n for n, person in enumerate(clip.main) if person is not None]
    if not seen:
        return
    last, missing, run = "unknown", 0, 0
    for n in range(seen[0], len(clip.main)):
        person = clip.main[n]
        if person is None:
            missing, run = 1, run + 1
        else:
            if run:
                found.add(f"miss_run_frames/{last}", run)
            missing, run, last = 0, 0, lean(person)
            found.add(f"person_score/{last}", person.score)
            for group, members in GROUPS.items():
                scores = joints_of(person)[list(members), 2]
                found.add(f"score_logit/{last}/{group}", *logit(scores))
        found.add(f"missed/{last}", missing)
        found.add("size_by_frame", *([size_px(joints_of(person)) / clip.frames[n].shape[0]] if person else []))
        found.add("others", len(clip.others[n]))
        _others(person, clip.others[n], clip.frames[n].shape[0], found)
    if run:
        found.add(f"miss_run_frames/{last}", run)
    _jitter(clip, found)


def _others(person: Person | None, others: Sequence[Person], height_px: int, found: Findings) -> None:
    """A second person in a clip of one: the same one drawn twice, or a ghost."""
    twice = ghosts = 0
    for other in others:
        joints = joints_of(other)
        mine = joints_of(person) if person is not None else None
        apart = np.hypot(*(joints[:, :2].mean(0) - mine[:, :2].mean(0))) if mine is not None else math.inf
        if mine is not None and apart < 0.5 * size_px(mine):
            twice += 1
        else:
            ghosts += 1
            found.add("ghost/person_score", other.score)
            found.add("ghost/joint_score", *joints[:, 2])
            found.add("ghost/size_by_frame", size_px(joints) / height_px)
            found.add(f"ghost/{lean(other)}", 1.0)
    found.add("twice", twice)
    found.add("ghosts", ghosts)


def _jitter(clip: Clip, found: Findings) -> None:
    for a, b, c in zip(clip.main, clip.main[1:], clip.main[2:], strict=False):
        if a is None or b is None or c is None:
            continue
        first, second, third = (joints_of(p) for p in (a, b, c))
        size = size_px(second)
        moved = np.median(np.hypot(*(third[:, :2] - first[:, :2]).T)) / size
        mirrored, body = second[list(LEFT_RIGHT)], slice(5, 17)
        width = np.abs(first[5, 0] - first[6, 0]) / size
        if width > 0.06:  # otherwise left and right are one column of pixels
            as_is, exchanged = (np.hypot(*(other - first)[body, :2].T).sum() for other in (second, mirrored))
            found.add(f"swapped/{lean(b)}", float(as_is > 1.5 * exchanged))
        if moved > 0.03:
            continue
        error = np.hypot(*(first - 2 * second + third)[:, :2].T) / size
        for joint in range(17):
            score = second[joint, 2]
            band = "0.15" if score < 0.15 else "0.3" if score < 0.3 else "0.5" if score < 0.5 else "1.0"
            # a Rayleigh-distributed length of a second difference (variance 6): its median is 1.18 sigma
            found.add(f"jitter_size/below_{band}", error[joint] / (1.1774 * math.sqrt(6)))
            found.add(f"wild/below_{band}", float(error[joint] > 0.2))
        still = float(np.hypot(*(second - first)[:, :2].T).mean() / size)
        found.add("still_step_size", still)
        change = logit(second[:, 2]) - logit(first[:, 2])
        found.add("score_step_logit", *np.abs(change))


def dark(level: float) -> Callable[[Image, Person | None], Image]:
    random = np.random.default_rng(1)

    def darken(frame: Image, _: Person | None) -> Image:
        noisy = frame.astype(np.float32) * level + random.normal(0, 3, frame.shape)  # 3: a cheap sensor at high gain
        dim: Image = np.clip(noisy, 0, 255).astype(np.uint8)
        return enhanced(dim, brightness_of(dim))  # as the watcher does

    return darken


def small(scale: float) -> Callable[[Image, Person | None], Image]:
    def shrink(frame: Image, _: Person | None) -> Image:
        height, width = frame.shape[:2]
        around: Image = np.asarray(cv2.GaussianBlur(frame, (0, 0), 40), np.uint8)
        inner = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
        around[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
        return around

    return shrink


def covered(frame: Image, person: Person | None) -> Image:
    if person is None:
        return frame
    joints = joints_of(person)
    top, bottom = joints[:, 1].min(), joints[:, 1].max()
    edge = int(bottom - COVERED_SHARE * (bottom - top))
    left, right = (int(joints[:, 0].min() - 40), int(joints[:, 0].max() + 40))
    picture = frame.copy()
    cv2.rectangle(picture, (left, edge), (right, min(frame.shape[0], int(bottom) + 30)), (60, 85, 120), -1)
    return picture


def shifted(side: float, below: float) -> Callable[[Image, Person | None], Image]:
    """The picture moved so that this share of the person is beyond its right edge, or below it."""

    def shift(frame: Image, person: Person | None) -> Image:
        dx, dy = _shift_px(frame, person, side, below)
        moved: Image = np.asarray(
            cv2.warpAffine(
                frame, np.array([[1, 0, dx], [0, 1, dy]], float), frame.shape[1::-1], borderMode=cv2.BORDER_REPLICATE
            ),
            np.uint8,
        )
        return moved

    return shift


def _shift_px(frame: Image, person: Person | None, side: float, below: float) -> tuple[float, float]:
    if person is None:
        return 0.0, 0.0
    joints, (height, width) = joints_of(person), frame.shape[:2]
    (left, top), (right, bottom) = joints[:, :2].min(0), joints[:, :2].max(0)
    return (width - (right - side * (right - left)) if side else 0.0), (
        height - (bottom - below * (bottom - top)) if below else 0.0
    )


CUTS = {"cut_side": (0.5, 0.0), "cut_below": (0.0, 0.45)}


def _near(people: Sequence[Person], middle_px: Array, reach_px: float) -> list[Person]:
    return [p for p in people if np.hypot(*(joints_of(p)[:, :2].mean(0) - middle_px)) < reach_px]


def compared(
    name: str, clip: Clip, engine: PoseEngine, change: Callable[[Image, Person | None], Image], found: Findings
) -> None:
    """The same pictures changed: who is still found, or by a second look, how the scores sink, how far joints move."""
    scale = float(name.split("_")[1]) if name.startswith("small") else 1.0
    reach = 0.8 if name in CUTS else 0.5
    for frame, person in zip(clip.frames, clip.main, strict=True):
        if person is None:
            continue
        height, width = frame.shape[:2]
        truth = joints_of(person)
        places = (truth[:, :2] - (width / 2, height / 2)) * scale + (width / 2, height / 2)
        if name in CUTS:
            places = places + _shift_px(frame, person, *CUTS[name])
        posture, picture, size, middle = lean(person), change(frame, person), size_px(places), places.mean(0)
        reach_px = reach * size
        there = _near(engine.detect(picture), middle, reach_px)
        found.add(f"{name}/found/{posture}", float(bool(there)))
        if not there:
            second = {"mirrored": mirrored(engine, picture), "closer": closer(engine, picture, tuple(middle.tolist()))}
            for look, people in second.items():
                found.add(f"{name}/found_{look}/{posture}", float(bool(_near(people, middle, reach_px))))
            continue
        other = joints_of(max(there, key=lambda p: p.score))
        edge = truth[:, 1].max() - COVERED_SHARE * np.ptp(truth[:, 1])
        hidden = truth[:, 1] > edge if name == "covered" else np.zeros(17, bool)
        if name in CUTS:
            hidden = (places[:, 0] >= width) | (places[:, 1] >= height)
        for what, which in (("hidden", hidden), ("seen", ~hidden)):
            if which.any():
                found.add(f"{name}/{what}/score_shift_logit", *(logit(other[which, 2]) - logit(truth[which, 2])))
                found.add(f"{name}/{what}/score", *other[which, 2])
                found.add(f"{name}/{what}/moved_size", *(np.hypot(*(other[which, :2] - places[which]).T) / size))
                found.add(f"{name}/{what}/moved_up_size", *((places[which, 1] - other[which, 1]) / size))


CHANGES: dict[str, Callable[[Image, Person | None], Image]] = {
    "dark_0.5": dark(0.5),
    "dark_0.25": dark(0.25),
    "dark_0.12": dark(0.12),
    "dark_0.06": dark(0.06),
    "dark_0.03": dark(0.03),
    "small_0.6": small(0.6),
    "small_0.4": small(0.4),
    "covered": covered,
    "cut_side": shifted(*CUTS["cut_side"]),
    "cut_below": shifted(*CUTS["cut_below"]),
}


def measure(paths: Sequence[Path], engine: PoseEngine, found: Findings) -> Iterator[str]:
    """Adds to `found`, clip by clip; yields each clip's name when it is done."""
    for path in paths:
        clip = Clip(frames_of(path), engine)
        plain(clip, found)
        brightness = [float(frame.mean()) for frame in clip.frames]
        found.add("brightness", *brightness)
        for name, change in CHANGES.items():
            compared(name, clip, engine, change, found)
        yield path.name


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How MoveNet errs on clips of one person each.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    given = parser.parse_args(arguments)
    found = Findings()
    try:
        for name in measure([given.folder / clip for clip in given.clips], load_engine(given.engine), found):
            sys.stderr.write(f"{name}\n")
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps({"clips": given.clips, "found": found.summary()}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
