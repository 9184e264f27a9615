"""Batches of augmented speech, the same ones for the same seed and step, whenever they are asked for.

A row holds one clip, or several with pauses between them (of either language): so short words are also heard inside
longer speech, and no channel stands for a language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng

from models.speech.training import augment
from models.speech.training.collection import Recording
from models.speech.training.features import SAMPLE_RATE_HZ, SHIFT, Floats, log_mel, mfcc

FRAMES_A_BATCH = 3_000
_ROWS_A_POOL = 64  # sorted by length, so that rows of a batch are alike
_ONE_CLIP = 0.4  # share of rows
_LONGEST_ROW_S = 7.0
_BABBLE_VOICES = 400


@dataclass(frozen=True, slots=True)
class Batch:
    """`frames` (rows, frames, 40) are padded with the last frame; `lengths` in frames; `targets` token numbers."""

    frames: Floats
    lengths: tuple[int, ...]
    targets: tuple[tuple[int, ...], ...]


class Speech:
    """Clips with their sound and how often each source is drawn."""

    def __init__(self, recordings: Sequence[Recording], sounds: Sequence[Floats], shares: Mapping[str, float]) -> None:
        self._recordings, self._sounds = recordings, sounds
        # a share is a source's part of the time; inside a source short and long clips are drawn alike
        samples: Counter[str] = Counter()
        for recording, sound in zip(recordings, sounds, strict=True):
            samples[recording.clip.source] += len(sound)
        each = np.array([shares.get(r.clip.source, 0.0) / samples[r.clip.source] for r in recordings])
        self._odds = np.cumsum(each / each.sum())

    def batches(self, seed: int, pool: int) -> Iterator[Batch]:
        """The batches of pool number `pool`, in random order."""
        draw = default_rng([seed, pool])
        voices = [self._sounds[k] for k in draw.integers(0, len(self._sounds), _BABBLE_VOICES)]
        rows = sorted((self._row(voices, draw) for _ in range(_ROWS_A_POOL)), key=lambda row: len(row[0]))
        groups: list[list[tuple[Floats, tuple[int, ...]]]] = [[]]
        for row in rows:
            if groups[-1] and (len(groups[-1]) + 1) * len(row[0]) > FRAMES_A_BATCH:
                groups.append([])
            groups[-1].append(row)
        for k in draw.permutation(len(groups)):
            yield _batch(groups[k])

    def _row(self, voices: Sequence[Floats], draw: Generator) -> tuple[Floats, tuple[int, ...]]:
        longest_s = 0.0 if draw.random() < _ONE_CLIP else draw.uniform(2.0, _LONGEST_ROW_S)
        voice = augment.Voice.drawn(draw)
        parts = [_pause(draw)]
        tokens: list[int] = []
        while True:
            k = int(np.searchsorted(self._odds, draw.random()))
            clip = augment.resampled(self._sounds[k], voice.pitch)
            parts += [clip * (3_000.0 / (np.abs(clip).max() + 1.0) * 10 ** (-draw.uniform(0, 8) / 20)), _pause(draw)]
            tokens += self._recordings[k].tokens
            if sum(map(len, parts)) >= longest_s * SAMPLE_RATE_HZ:
                break
        sound = np.concatenate(parts, dtype=np.float32)
        sound = augment.recorded_elsewhere(sound, voices, draw)
        energies = augment.slower(log_mel(sound, voice.warp), voice.stretch)
        return mfcc(augment.masked(energies, draw)), tuple(tokens)


def _pause(draw: Generator) -> Floats:
    return np.zeros(int(draw.uniform(0.02, 0.5) * SAMPLE_RATE_HZ) // SHIFT * SHIFT, np.float32)


def _batch(rows: Sequence[tuple[Floats, tuple[int, ...]]]) -> Batch:
    longest = max(len(frames) for frames, _ in rows)
    frames = np.stack([np.pad(f, ((0, longest - len(f)), (0, 0)), "edge") for f, _ in rows])
    return Batch(frames, tuple(len(f) for f, _ in rows), tuple(tokens for _, tokens in rows))
