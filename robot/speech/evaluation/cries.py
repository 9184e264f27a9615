"""Safety words that are said and must be heard. No cry for help was ever recorded: the robot's voices say them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from robot.errors import HaniError
from robot.messages import Language, SafetyWord
from robot.speech.audio import Samples, load_clip
from robot.speech.evaluation import noise
from robot.speech.evaluation.accuracy import Setup
from robot.speech.evaluation.collection import SEED, Clip
from robot.speech.evaluation.hearing import draw_for
from robot.speech.evaluation.rejection import House
from robot.speech.evaluation.streams import NOISE, Listeners, beside_television
from robot.speech.evaluation.tables import Cell, Table, share
from robot.speech.recording import in_silence
from robot.speech.synthesis import Pyttsx3Synthesizer, VoiceSettings

SNR_DB = 10
PITCHES = (15, 40, 65)
RATES_WPM = (110, 140, 180)


@dataclass(frozen=True, slots=True)
class Cry:
    """One safety phrase as one voice says it."""

    language: Language
    text: str
    samples: Samples


def misses(setup: Setup, house: House, most: int | None) -> Table:
    """How many cries are missed, clean and in noise; at most so many of each language (None: all)."""
    try:
        cries = list(_said(house, most))
    except HaniError as error:  # no voice on this machine
        return Table("Safety words that were said", f"Not measured: {error}", ("said",), ())
    rows: list[tuple[Cell, ...]] = []
    for ears in setup.folds:
        listeners = house.listeners(ears)
        for language in Language:
            said = [cry for cry in cries if cry.language is language]
            for level in ("clean", f"{SNR_DB} dB"):
                heard = [listeners.overhear([_sound(cry, level)]).words for cry in said]
                rows.append((f"{ears.fold.label}, {language.value}, {level}", len(said), *_counts(heard)))
            beside = _beside_television(listeners, said, [clip for clip in setup.clips if not clip.command])
            rows.append((f"{ears.fold.label}, {language.value}, beside a television", len(said), *_counts(beside)))
    return Table(
        "Safety words that were said",
        "NOT PEOPLE: no recording of a cry for help exists, so eSpeak NG says the safety phrases (pitches "
        f"{PITCHES}, {RATES_WPM} words a minute). {SNR_DB} dB: a household noise drawn for each. Beside a television: "
        "in its pauses, once each. Target: at most 2 % missed clean, 5 % in noise.",
        ("voice", "said", "missed", "asked about", "confirmed"),
        tuple(rows),
    )


def _beside_television(listeners: Listeners, said: Sequence[Cry], talk: Sequence[Clip]) -> list[list[SafetyWord]]:
    """The words that were told of each cry."""
    stream = beside_television([cry.samples for cry in said], talk)
    words = listeners.overhear(stream.pieces).words
    return [[word for word in words if from_s < word.heard_at_s <= until_s] for from_s, until_s in stream.said]


def _said(house: House, most: int | None) -> Iterator[Cry]:
    """Raises `MissingPart` when there is no voice."""
    draw = random.Random(SEED)
    wanted: list[tuple[Language, str, int, int]] = []
    for language in Language:
        texts = sorted(text for spoken, text in house.safety if spoken is language)
        ways = [(language, text, pitch, rate) for text in texts for pitch in PITCHES for rate in RATES_WPM]
        draw.shuffle(ways)
        wanted += ways[:most]
    with tempfile.TemporaryDirectory() as scratch:
        voice = Pyttsx3Synthesizer(cache_dir=Path(scratch) / "cache")
        try:
            for number, (language, text, pitch, rate) in enumerate(wanted):
                voice.change(VoiceSettings(rate_wpm=rate, pitch=pitch))
                spoken = voice.synthesize(text, language, Path(scratch) / f"{number}.wav")
                yield Cry(language, text, load_clip(spoken.path))
        finally:
            voice.close()


def _sound(cry: Cry, level: str) -> Samples:
    sound = in_silence(cry.samples)
    if level == "clean":
        return sound
    draw = draw_for(f"{cry.text} {len(cry.samples)}")
    return noise.with_noise(sound, noise.HOUSEHOLD[NOISE[int(draw.integers(len(NOISE)))]](len(sound), draw), SNR_DB)


def _counts(heard: Sequence[Sequence[SafetyWord]]) -> tuple[Cell, ...]:
    certain = sum(any(word.certain for word in words) for words in heard)
    missed = sum(not words for words in heard)
    return (share(missed, len(heard)), len(heard) - certain - missed, certain)
