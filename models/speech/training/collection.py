"""The recordings to train on, and which part of them a fold leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.speech.training.features import SAMPLE_RATE_HZ, Floats
from robot.messages import Language
from robot.speech.audio import load_clip
from robot.speech.evaluation.collection import Clip, read_clips
from robot.speech.lexicon import Lexicon


@dataclass(frozen=True, slots=True)
class Recording:
    """One clip with the numbers of its tokens in the model."""

    clip: Clip
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """What one training run must not see: some speakers, and a third of the texts of some languages."""

    name: str
    speakers: frozenset[str]
    texts_of: frozenset[Language]

    def trains_on(self, clip: Clip) -> bool:
        if clip.speaker in self.speakers:
            return False
        return not (clip.held_out and clip.phrase.language in self.texts_of)


FOLDS = {
    fold.name: fold
    for fold in (
        Fold("all", frozenset(), frozenset()),
        Fold("a", frozenset({"mn_A", "zh_S0150", *(f"zh_d{k:02}" for k in range(8))}), frozenset({Language.MN})),
        Fold("b", frozenset({"mn_B", "zh_S0252", *(f"zh_d{k:02}" for k in range(8, 16))}), frozenset({Language.MN})),
    )
}
"""Fold a was looked at while the recipe was chosen; fold b was not."""


def read_collection(folders: Iterable[Path], lexicon: Lexicon) -> list[Recording]:
    """All clips of one phrase that the lexicon can say. Raises `BadInput` naming the table that cannot be read."""
    number = {token: k for k, token in enumerate(lexicon.tokens)}
    clips = [clip for folder in folders for clip in read_clips(folder, lexicon)]
    return [Recording(clip, tuple(number[token] for token in clip.way)) for clip in clips]


def load(recordings: Sequence[Recording]) -> list[Floats]:
    """The sound of each as int16-scaled samples at 16 kHz without the silence at its ends (0.1 s of it is kept).

    Raises `BadInput` naming the clip that cannot be read.
    """
    return [_trimmed(load_clip(recording.clip.path).astype(np.float32)) for recording in recordings]


def _trimmed(sound: Floats) -> Floats:
    step = SAMPLE_RATE_HZ // 100
    levels = np.sqrt(np.mean(sound[: len(sound) // step * step].reshape(-1, step) ** 2, 1))
    loud = np.nonzero(levels > max(levels.max(initial=0.0) * 0.02, 1.0))[0]
    if not len(loud):
        return sound
    first, last = max(loud[0] - 10, 0), loud[-1] + 11
    return sound[first * step : last * step]
