"""Hours in which nobody says anything to the robot: other speech, a television, and a house's noise."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from robot.messages import Language, SafetyWord
from robot.speech.audio import CHUNK_SAMPLES, SAMPLE_RATE_HZ, AudioChunk, Samples, load_clip
from robot.speech.calibration import Calibration
from robot.speech.company import WITHIN_S, Company
from robot.speech.evaluation import noise
from robot.speech.evaluation.collection import SEED, Clip
from robot.speech.evaluation.hearing import draw_for
from robot.speech.listener import Hearing, HearingEvent
from robot.speech.recognizer import FinalResult, Recognizer
from robot.speech.safety import SafetySpotter
from robot.speech.safety_watch import WAIT_S, AskBudget, SafetyWatch

SPEECH = ("sentences", "Mongolian phrases", "single words", "television")
NOISE = tuple(noise.HOUSEHOLD)
_NO_LIMIT = 1_000_000
_PIECE_S = 20.0
_CLIPS_ON_TELEVISION = 60
_TALK_S = 10.0
_PAUSE_S = (1.0, 2.0)  # before and behind what is said in between
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


@dataclass(frozen=True, slots=True)
class Beside:
    """A stream in which things are said in the pauses of a television: its pieces, and from when to when each was said,
    the pause behind it included.
    """

    pieces: tuple[Samples, ...]
    said: tuple[tuple[float, float], ...]


def beside_television(said: Sequence[Samples], talk: Sequence[Clip]) -> Beside:
    """Each sound after `_TALK_S` of television, in a pause; the first after a minute of it."""
    shows = _television(talk, WITHIN_S + len(said) * _TALK_S + _PIECE_S)
    before, behind = (np.zeros(round(length_s * SAMPLE_RATE_HZ), np.int16) for length_s in _PAUSE_S)
    pieces = [next(shows, before) for _ in range(round(WITHIN_S / _PIECE_S))]
    spans = []
    at = sum(map(len, pieces))
    show: Samples = np.zeros(0, np.int16)
    for sound in said:
        show = show if len(show) else next(shows, before)
        talk_now, show = np.split(show, [round(_TALK_S * SAMPLE_RATE_HZ)])
        pieces += [talk_now, before, sound, behind]
        began, at = at + len(talk_now) + len(before), at + sum(map(len, pieces[-4:]))
        spans.append((began / SAMPLE_RATE_HZ, at / SAMPLE_RATE_HZ))
    return Beside(tuple(pieces), tuple(spans))


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
    """What came of a stream: finals of the main recogniser, whether each was believed (others who talk raise the bar)
    and when its speech ended, safety words after both stages, its length.
    """

    finals: tuple[FinalResult, ...]
    believed: tuple[bool, ...]
    ended_at_s: tuple[float, ...]
    words: tuple[SafetyWord, ...]
    length_s: float

    def believed_between(self, from_s: float, until_s: float) -> bool:
        """Whether anything that ended in that time was believed."""
        return any(yes and from_s < at_s <= until_s for yes, at_s in zip(self.believed, self.ended_at_s, strict=True))


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
        company = _Noted()
        hearing = Hearing(watch, company=company)
        self.main.reset()
        self.safety.reset()
        events: list[HearingEvent] = []
        at_s = 0.0
        for samples in _chunks(pieces):
            chunk = AudioChunk(samples, at_s)
            at_s = chunk.ended_at_s
            events += hearing.take(chunk, self.main.accept(samples), at_s, self.safety.accept(samples))
        end = AudioChunk(np.zeros(0, np.int16), at_s)
        events += hearing.take(end, self.main.flush(), at_s, self.safety.flush())
        events += watch.poll(at_s + WAIT_S)
        words = tuple(event for event in events if isinstance(event, SafetyWord))
        return Overheard(tuple(company.finals), tuple(company.believed), tuple(company.ended_at_s), words, at_s)


class _Noted(Company):
    """Notes what was made of every final."""

    def __init__(self) -> None:
        super().__init__()
        self.finals: list[FinalResult] = []
        self.believed: list[bool] = []
        self.ended_at_s: list[float] = []

    def believes(self, final: FinalResult, at_s: float) -> bool:
        believed = super().believes(final, at_s)
        self.finals.append(final)
        self.believed.append(believed)
        self.ended_at_s.append(at_s)
        return believed


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
