"""Hours in which nobody says anything to the robot: other speech, a television, and a house's noise."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from robot.messages import Language, SafetyWord
from robot.speech.audio import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples, load_clip
from robot.speech.calibration import Calibration
from robot.speech.evaluation import noise
from robot.speech.evaluation.collection import SEED, Clip
from robot.speech.evaluation.hearing import draw_for
from robot.speech.recognizer import FinalResult, Recognizer
from robot.speech.safety import SafetySpotter
from robot.speech.safety_watch import WAIT_S, AskBudget, SafetyWatch

SPEECH = ("sentences", "Mongolian phrases", "single words", "television")
NOISE = tuple(noise.HOUSEHOLD)
_NO_LIMIT = 1_000_000
_PIECE_S = 20.0
_CLIPS_ON_TELEVISION = 60
_SPEECH_RMS = 1_500.0  # int16 units, about -27 dBFS: the collection's usual level


def foreign_speech(kind: str, clips: Sequence[Clip], most_s: float) -> Iterator[Samples]:
    """Pieces of one kind of speech made of `clips`, at most so many seconds; each clip once, the television again.

    Pauses of 0.3 to 1.5 s and levels of -15 to 0 dB are drawn by the seed.
    """
    if kind == "television":
        yield from _television(clips, most_s)
        return
    order = [clip for clip in clips if kind_of(clip) == kind]
    random.Random(SEED).shuffle(order)
    draw = draw_for(kind)
    length = 0
    for clip in order:
        sound = (load_clip(clip.path) * 10 ** (draw.uniform(-15, 0) / 20)).astype(np.int16)
        pause = np.zeros(round(draw.uniform(0.3, 1.5) * SAMPLE_RATE_HZ), np.int16)
        length += len(sound) + len(pause)
        if length > most_s * SAMPLE_RATE_HZ:
            return
        yield sound
        yield pause


def household(kind: str, most_s: float) -> Iterator[Samples]:
    """Pieces of one noise, each anew and at its own level: from a quarter of speech's to twice that."""
    draw = draw_for(kind)
    for _ in range(max(round(most_s / _PIECE_S), 1)):
        length = round(min(_PIECE_S, most_s) * SAMPLE_RATE_HZ)
        sound = noise.HOUSEHOLD[kind](length, draw)
        level = _SPEECH_RMS * 10 ** (draw.uniform(-12, 6) / 20)
        yield noise.as_int16(sound / max(np.sqrt(np.mean(np.square(sound))), 1e-9) * level)


def kind_of(clip: Clip) -> str:
    """Which kind of foreign speech a clip is."""
    if clip.phrase.language is Language.MN:
        return "Mongolian phrases"
    return "sentences" if clip.sentence else "single words"


@dataclass(frozen=True, slots=True)
class Overheard:
    """What came of a stream: finals of the main recogniser, safety words after both stages, its length."""

    finals: tuple[FinalResult, ...]
    words: tuple[SafetyWord, ...]
    length_s: float


@dataclass(frozen=True, slots=True)
class Listeners:
    """The main recogniser and the safety words' own, with what each must be told."""

    main: Recognizer
    safety: Recognizer
    spotter: SafetySpotter
    calibration: Calibration

    def overhear(self, pieces: Iterable[Samples]) -> Overheard:
        """One stream through both, as the product listens, but with no limit to how often it may ask."""
        watch = SafetyWatch(self.spotter, self.calibration, AskBudget(_NO_LIMIT, _NO_LIMIT))
        watch.decoder_there = True
        self.main.reset()
        self.safety.reset()
        finals: list[FinalResult] = []
        words: list[SafetyWord] = []
        at_s = 0.0
        for chunk in _chunks(pieces):
            at_s += len(chunk) / SAMPLE_RATE_HZ
            finals += self._take(self.main.accept(chunk), self.safety.accept(chunk), watch, at_s)
            words += watch.poll(at_s)
        finals += self._take(self.main.flush(), self.safety.flush(), watch, at_s)
        words += watch.poll(at_s) + watch.poll(at_s + WAIT_S)
        return Overheard(tuple(finals), tuple(words), at_s)

    def _take(
        self, main: FinalResult | None, safety: FinalResult | None, watch: SafetyWatch, at_s: float
    ) -> list[FinalResult]:
        if safety is not None:
            watch.decoded(safety, at_s)
        if main is None:
            return []
        watch.heard(main, at_s)
        return [main]


def _chunks(pieces: Iterable[Samples]) -> Iterator[Samples]:
    for piece in pieces:
        for at in range(0, len(piece), CHUNK_SAMPLES):
            yield piece[at : at + CHUNK_SAMPLES]


def _television(clips: Sequence[Clip], most_s: float) -> Iterator[Samples]:
    order = [clip for clip in clips if clip.sentence] or list(clips)
    random.Random(SEED).shuffle(order)
    talk = [load_clip(clip.path) for clip in order[:_CLIPS_ON_TELEVISION]]
    draw = draw_for("television")
    for _ in range(round(most_s / _PIECE_S) if talk else 0):
        yield noise.as_int16(
            noise.television(round(_PIECE_S * SAMPLE_RATE_HZ), draw, talk) * 10 ** (draw.uniform(-10, 0) / 20)
        )
