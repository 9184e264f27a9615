"""The recordings to train on: folders with a speech.tsv, and which part of them a fold leaves out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.speech.training.features import SAMPLE_RATE_HZ, Floats
from robot.errors import BadInput
from robot.messages import Language, Phrase
from robot.speech.evaluation.holdout import held_out
from robot.speech.lexicon import Lexicon

COLUMNS = ("path", "lang", "text", "speaker", "source")
_LIST_OR_STEM = re.compile(r"[-,/<(…]|\s{2}")  # "ɑːs, əːs", "ʊnt-": not one spoken phrase


@dataclass(frozen=True, slots=True)
class Recording:
    """One clip and what is said in it: `tokens` are numbers of the model's tokens."""

    path: Path
    language: Language
    text: str
    speaker: str
    source: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """What one training run must not see: some speakers, and a third of the Mongolian texts by `held_out`."""

    name: str
    speakers: frozenset[str]
    texts_of: frozenset[Language]

    def trains_on(self, recording: Recording) -> bool:
        if recording.speaker in self.speakers:
            return False
        return not (recording.language in self.texts_of and held_out(recording.language, recording.text))


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
    found = []
    for folder in folders:
        for row in _rows(folder / "speech.tsv"):
            text = row["text"].strip("\ufeff ")
            if row["lang"] not in ("zh", "mn") or _LIST_OR_STEM.search(text):
                continue
            language = Language(row["lang"])
            said = Phrase(language, text, text if language is Language.MN and not _cyrillic(text) else None)
            try:
                way = lexicon.pronounce(said)[0]
            except BadInput:  # Latin letters, or a sound that the model does not know
                continue
            tokens = tuple(number[token] for token in way)
            found.append(Recording(folder / row["path"], language, text, row["speaker"], row["source"], tokens))
    if not found:
        raise BadInput("No clip can be trained on; give folders that hold speech.tsv and its clips.")
    return found


def load(recordings: Sequence[Recording]) -> list[Floats]:
    """The sound of each as int16-scaled samples at 16 kHz without the silence at its ends (0.1 s of it is kept)."""
    return [_trimmed(_sound(recording.path)) for recording in recordings]


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{table} cannot be read; give folders that hold speech.tsv.") from None
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise BadInput(f"{table} needs the tab-separated columns {', '.join(COLUMNS)}.")
    return rows


def _cyrillic(text: str) -> bool:
    return any("\u0400" <= mark <= "\u04ff" for mark in text)


def _sound(path: Path) -> Floats:
    import soundfile
    import soxr

    try:
        sound, rate_hz = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise BadInput(f"{path} cannot be read as sound.") from error
    mono = sound.mean(1) * 32_768
    return mono if rate_hz == SAMPLE_RATE_HZ else np.asarray(soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ), np.float32)


def _trimmed(sound: Floats) -> Floats:
    step = SAMPLE_RATE_HZ // 100
    levels = np.sqrt(np.mean(sound[: len(sound) // step * step].reshape(-1, step) ** 2, 1))
    if not len(levels):
        return sound
    loud = np.nonzero(levels > max(levels.max() * 0.02, 1.0))[0]
    first, last = max(loud[0] - 10, 0), loud[-1] + 11
    return sound[first * step : last * step]
