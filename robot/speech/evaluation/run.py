"""All protocols one after another. The robot's words come from outside: this package knows no dialogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from robot.speech.evaluation.accuracy import Setup, in_noise, languages, mandarin, mongolian
from robot.speech.evaluation.collection import read_clips
from robot.speech.evaluation.cost import cost
from robot.speech.evaluation.cries import misses
from robot.speech.evaluation.folds import Fold
from robot.speech.evaluation.hearing import Ears
from robot.speech.evaluation.rejection import House, rejection
from robot.speech.evaluation.tables import Table
from robot.speech.lexicon import Lexicon

PROTOCOLS = ("mongolian", "mandarin", "languages", "noise", "rejection", "safety", "cost")


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is heard: clips a fold and set (None: all), in each noise; seconds of foreign sound; cries."""

    clips: int | None
    clips_in_noise: int | None
    speech_s: float
    noise_s: float
    cries: int | None


SMALL = Budget(clips=60, clips_in_noise=6, speech_s=600.0, noise_s=420.0, cries=20)
"""Some minutes on one core: enough to see that something broke, not to tell 97 from 98 %."""
WHOLE = Budget(clips=None, clips_in_noise=60, speech_s=7_800.0, noise_s=7_800.0, cries=None)
"""What the model card prints; an hour or two."""


def evaluate(
    folder: Path,
    folds: Sequence[Fold],
    house: House,
    cache_dir: Path,
    budget: Budget = SMALL,
    only: Sequence[str] = PROTOCOLS,
) -> Iterator[Table]:
    """Tables as they are ready. Raises `HaniError` when something is missing or unreadable."""
    clips = read_clips(folder, Lexicon.of_model(folds[0].model_dir))
    ears = [Ears(fold, cache_dir) for fold in folds]
    setup = Setup(clips, ears, budget.clips, budget.clips_in_noise)
    protocols: dict[str, Callable[[], Sequence[Table]]] = {
        "mongolian": lambda: [mongolian(setup)],
        "mandarin": lambda: [mandarin(setup)],
        "languages": lambda: [languages(setup)],
        "noise": lambda: [in_noise(setup)],
        "rejection": lambda: rejection(setup, house, budget.speech_s, budget.noise_s),
        "safety": lambda: [misses(setup, house, budget.cries)],
        "cost": lambda: [cost(setup, house)],
    }
    for name in PROTOCOLS:
        if name in only:
            yield from protocols[name]()
