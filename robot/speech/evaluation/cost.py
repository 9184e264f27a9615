"""What hearing costs on one core, in a process of its own.

python -m robot.speech.evaluation.cost GRAPH SAFETY_GRAPH CLIP...
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from robot import paths
from robot.errors import MissingPart
from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples, load_clip
from robot.speech.evaluation.accuracy import Setup
from robot.speech.evaluation.collection import some
from robot.speech.evaluation.rejection import House
from robot.speech.evaluation.scoring import percentile
from robot.speech.evaluation.tables import Table
from robot.speech.graph_builder import ensure_graph
from robot.speech.recording import in_silence

_FRAME = SAMPLE_RATE_HZ // 50
_QUIETER = 10 ** (-30 / 20)
_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """`after_speech_s`: from the end of speech to the final, the endpoint's own pause included; `last_step_s`: only
    the computing after the chunk that ends the stretch has come. Both for every clip that was `counted`: of the
    `flushed` ones the final only came when the stream ended, and of the others there was none.
    """

    load_s: float
    real_time_factor: float
    memory_mb: float
    memory_before_mb: float
    after_speech_s: tuple[float, ...]
    last_step_s: tuple[float, ...]
    flushed: int

    @property
    def counted(self) -> int:
        return len(self.after_speech_s)


def cost(setup: Setup, house: House) -> Table:
    """Both of the robot's graphs on the first fold's model, some clips of every kind. Raises `MissingPart`."""
    ears = setup.folds[0]
    graphs = [ensure_graph(one, ears.fold.model_dir, ears.cache_dir) for one in house.grammars(ears)]
    clips = some(setup.clips, setup.most)
    told = _measured_apart([*map(str, graphs), *(str(clip.path) for clip in clips)])
    after, step = told.after_speech_s, told.last_step_s
    return Table(
        "Cost on one core",
        f"Fold {ears.fold.label}: a process of its own on one core, the robot's grammar and the safety decoder, "
        f"{len(clips)} clips in chunks of {CHUNK_S} s. Speech "
        "ends with the last frame within 30 dB of the loudest. Target: 0.10 x real time, 300 ms after the endpoint "
        "decision, 200 MB.",
        ("what", "figure"),
        (
            ("clips counted for delay (final only at the stream's end; none)", _count(told, len(clips))),
            ("CPU a second of sound, s", round(told.real_time_factor, 3)),
            ("speech end to final (endpoint's pause included), p50 / p95, s", _both(after)),
            ("after the endpoint decision, p50 / p95, ms", _both([1000 * s for s in step])),
            ("loaded in, s", round(told.load_s, 2)),
            ("memory, MB (of these, before loading)", f"{told.memory_mb:.0f} ({told.memory_before_mb:.0f})"),
        ),
    )


def _both(values: Sequence[float]) -> str:
    return f"{percentile(values, 0.5):.2f} / {percentile(values, 0.95):.2f}"


def _count(told: Cost, clips: int) -> str:
    return f"{told.counted} of {clips} ({told.flushed}; {clips - told.counted - told.flushed})"


def _measured_apart(arguments: Sequence[str]) -> Cost:
    child = subprocess.run(
        [sys.executable, "-m", "robot.speech.evaluation.cost", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=_TIMEOUT_S,
        check=False,
        env={**os.environ, "PYTHONPATH": paths.python_path()},
    )
    if child.returncode != 0:
        reason = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        raise MissingPart(f"The cost could not be measured ({reason}); run the robot's set-up again.")
    told = json.loads(child.stdout.splitlines()[-1])
    return Cost(**{**told, "after_speech_s": tuple(told["after_speech_s"]), "last_step_s": tuple(told["last_step_s"])})


def measure(graph: Path, safety_graph: Path, clips: Sequence[Path]) -> Cost:
    """In this process, which should do nothing else. Delays are of the main recogniser, as both listen."""
    from robot.speech.recognizer import VoskRecognizer
    from robot.speech.second_look import SecondLook, for_cries

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    before_mb = _memory_mb()
    began_s = time.perf_counter()
    first, safety = VoskRecognizer(graph), for_cries(safety_graph)
    recognizer = SecondLook(first, first.another())
    load_s = time.perf_counter() - began_s
    sound_s = cpu_s = 0.0
    after: list[float] = []
    steps: list[float] = []
    flushed = 0
    for clip in clips:
        sound = in_silence(load_clip(clip))
        ended_s = _speech_ends_s(sound)
        recognizer.reset()
        safety.reset()
        told = False
        for at in range(0, len(sound), CHUNK_SAMPLES):
            chunk = sound[at : at + CHUNK_SAMPLES]
            cpu_before_s, before_s = time.process_time(), time.perf_counter()
            final = recognizer.accept(chunk)
            safety.accept(chunk)
            step_s = time.perf_counter() - before_s
            cpu_s += time.process_time() - cpu_before_s
            heard_s = (at + len(chunk)) / SAMPLE_RATE_HZ
            if final is not None and heard_s >= ended_s and not told:
                told = True
                after.append(heard_s - ended_s + step_s)
                steps.append(step_s)
        flushed += recognizer.flush() is not None and not told
        safety.flush()
        sound_s += len(sound) / SAMPLE_RATE_HZ
    return Cost(load_s, cpu_s / max(sound_s, 1e-9), _memory_mb(), before_mb, tuple(after), tuple(steps), flushed)


def _speech_ends_s(sound: Samples) -> float:
    frames = sound[: len(sound) // _FRAME * _FRAME].astype(np.float64).reshape(-1, _FRAME)
    level = np.sqrt(np.mean(np.square(frames), axis=1))
    loud = np.nonzero(level > level.max() * _QUIETER)[0]
    return float((loud[-1] + 1) * _FRAME / SAMPLE_RATE_HZ) if len(loud) else 0.0


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main_graph, safety_words, *clips = map(Path, sys.argv[1:])
    sys.stdout.write(json.dumps(asdict(measure(main_graph, safety_words, clips))) + "\n")
