"""What watching costs: `python -m tests.bench.watching` prints CPU share and memory at 2, 10 and 15 frames a second.

Each rate runs in a process of its own, on a real clip at 640 x 480 whose person moves, played again and again; what a
still room costs stands beside it. CPU is process time over wall time, so 1.0 is one core.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil

from robot import paths
from robot.vision.camera import FileCamera
from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.movenet import ENGINES, load_engine
from robot.vision.night import brightened, brightness_of, enhanced
from robot.vision.pose import Image
from robot.vision.room import RoomCamera
from robot.vision.second_look import SecondLook
from robot.vision.watcher import FallWatcher, MotionGate

CLIP = paths.ROOT / "tests" / "data" / "vision" / "everyday.mp4"
RATES_HZ = (2, 10, 15)
SECONDS = 15.0


def measure(seconds: float = SECONDS, engine: str = ENGINES[0]) -> list[dict[str, Any]]:
    """A row for the still room and for each rate."""
    return [_in_a_process(rate_hz, seconds, engine) for rate_hz in (0, *RATES_HZ)]


def _in_a_process(rate_hz: int, seconds: float, engine: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "tests.bench.watching",
        "--rate",
        str(rate_hz),
        "--seconds",
        str(seconds),
        "--engine",
        engine,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=paths.ROOT)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def run(rate_hz: int, seconds: float, engine_name: str) -> dict[str, Any]:
    """Watch at a fixed rate, or (0) a still room at the watcher's own pace."""
    engine = load_engine(engine_name)
    engine.detect(np.zeros((480, 640, 3), np.uint8))
    second = SecondLook(engine)
    watcher, room = FallWatcher(engine, FallDetector(), second), RoomCamera().frames()
    gate, detector, clip = MotionGate(), FallDetector(), list(_moving())
    began_s, cpu_s, looked = time.monotonic(), time.process_time(), 0
    while (now_s := time.monotonic()) - began_s < seconds:
        if rate_hz:
            image = clip[int((now_s - began_s) * 15) % len(clip)]
            brightness = brightness_of(image)
            gate.moves(brightened(image, brightness))
            picture = enhanced(image, brightness)
            people = second.people(picture, engine.detect(picture), lambda seen: detector.missed_px(seen, now_s))
            detector.step(people, FrameInfo(now_s, now_s, 640, 480))
            wait_s = 1 / rate_hz
        else:
            watcher.watch(next(room).image, now_s, now_s)
            wait_s = watcher.next_frame_in_s
        looked += 1
        time.sleep(max(0.0, wait_s - (time.monotonic() - now_s)))
    used_s, passed_s = time.process_time() - cpu_s, time.monotonic() - began_s
    clip_mib = sum(image.nbytes for image in clip) / 2**20  # a camera keeps no clip
    return {
        "rate_hz": rate_hz,
        "reached_hz": round(looked / passed_s, 1),
        "cpu_share": round(used_s / passed_s, 3),
        "cpu_ms_a_frame": round(1000 * used_s / looked, 1),
        "pss_mib": round(psutil.Process().memory_full_info().pss / 2**20 - clip_mib, 1),
    }


def _moving() -> Iterator[Image]:
    for n, frame in enumerate(FileCamera(CLIP).frames()):
        if n % 2 == 0:
            yield frame.image


def show(rows: list[dict[str, Any]]) -> None:
    print(f"\n{'watching, 640 x 480':<24}{'reached Hz':>11}{'CPU (cores)':>13}{'ms a frame':>12}{'PSS (MiB)':>11}")
    for row in rows:
        name = f"{row['rate_hz']} frames a second" if row["rate_hz"] else "a still room"
        print(
            f"{name:<24}{row['reached_hz']:>11}{row['cpu_share']:>13.3f}{row['cpu_ms_a_frame']:>12}{row['pss_mib']:>11}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.watching", description=__doc__)
    parser.add_argument("--rate", type=int, help="this rate only, as JSON")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    options = parser.parse_args()
    if options.rate is None:
        show(measure(options.seconds, options.engine))
    else:
        print(json.dumps(run(options.rate, options.seconds, options.engine)))


if __name__ == "__main__":
    main()
