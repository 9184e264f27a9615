"""Protocols for what is not meant for the robot: false accepts an hour, and safety words heard where none was said."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from robot.messages import Grammar, Language, Phrase, SafetyKind
from robot.speech.audio import load_clip
from robot.speech.calibration import Calibration
from robot.speech.evaluation.accuracy import ALL_FOLDS, Setup
from robot.speech.evaluation.collection import Clip, phrases_of, some
from robot.speech.evaluation.hearing import Ears, hear_all
from robot.speech.evaluation.scoring import firmness, most_per_hour, threshold_keeping
from robot.speech.evaluation.streams import (
    NOISE,
    SPEECH,
    Listeners,
    Overheard,
    beside_television,
    foreign_speech,
    household,
)
from robot.speech.evaluation.tables import Cell, Table, share
from robot.speech.lexicon import Lexicon
from robot.speech.recognizer import Recognizer
from robot.speech.safety import SafetySpotter
from robot.speech.safety_decoder import decoder_phrases

KEPT = 0.97


@dataclass(frozen=True, slots=True)
class House:
    """What the robot listens for: its grammar, some sentences with every kind of slot, its safety words as the spotter
    takes them, and the `everyday` sentences that rival them.
    """

    grammar: Grammar
    sentences: Sequence[Phrase]
    everyday: Sequence[tuple[Language, str]]
    safety: Mapping[tuple[Language, str], SafetyKind]
    harmless: Mapping[Language, Sequence[str]]
    alone: Collection[tuple[Language, str]]

    def listeners(self, ears: Ears, more: Sequence[Phrase] = ()) -> Listeners:
        """Both recognisers of a fold's model; `more` phrases are in the main one's graph."""
        main, decoder = self.grammars(ears, more)
        everyday = (*self.everyday, *((phrase.language, phrase.text) for phrase in more))
        return Listeners(
            ears.for_grammar(main),
            ears.for_safety(decoder),
            SafetySpotter(self.safety, self.harmless, everyday, self.alone),
            Calibration.of_model(ears.fold.model_dir),
        )

    def grammars(self, ears: Ears, more: Sequence[Phrase] = ()) -> tuple[Grammar, Grammar]:
        """What both listen for: the robot's grammar with `more`, and the safety decoder's phrases."""
        main = replace(self.grammar, phrases=(*self.grammar.phrases, *more))
        decoder = decoder_phrases(self.safety, self.everyday, Lexicon.of_model(ears.fold.model_dir))
        return main, Grammar(decoder, {})


@dataclass(frozen=True, slots=True)
class Stream:
    """What one fold's recognisers made of one kind of foreign sound. `bar` is the firmness that keeps 97 %."""

    fold: str
    kind: str
    heard: Overheard
    bar: float

    @property
    def hours(self) -> float:
        return self.heard.length_s / 3600

    @property
    def accepted(self) -> int:
        return sum(self.heard.believed)

    @property
    def accepted_at_bar(self) -> int:
        return sum(firmness(final) >= self.bar for final in self.heard.finals if final.readings)


def rejection(setup: Setup, house: House, speech_s: float, noise_s: float) -> tuple[Table, Table]:
    """False accepts and false safety words; `speech_s` and `noise_s` are how much of each all folds hear together."""
    streams: list[Stream] = []
    kept: list[str] = []
    for ears in setup.folds:
        mine = ears.fold.measures(setup.clips)
        inside = [clip for clip in mine if _in_graph(clip)]
        listeners = house.listeners(ears, phrases_of(inside))
        bar, told = _bar(listeners.main, inside, setup.most)
        fold = ears.fold.label
        kept.append(f"{fold}: {told}")
        outside = _outside(setup, house, mine, inside)
        kept[-1] += f", {_kept_beside_television(listeners, some(inside, setup.most), outside)} beside a television"
        share_s = speech_s / len(setup.folds) / len(SPEECH)
        spare_s = 0.0  # what a small kind does not fill, the television does
        for kind in SPEECH:
            asked_s = share_s + (spare_s if kind == "television" else 0.0)
            heard = listeners.overhear(foreign_speech(kind, outside, asked_s))
            spare_s += max(share_s - heard.length_s, 0.0)
            streams.append(Stream(fold, f"speech: {kind}", heard, bar))
        for kind in NOISE:
            heard = listeners.overhear(household(kind, noise_s / len(setup.folds) / len(NOISE)))
            streams.append(Stream(fold, f"noise: {kind}", heard, bar))
    return _rejection_table(setup, streams, kept), _safety_table(setup, streams)


def _kept_beside_television(listeners: Listeners, inside: Sequence[Clip], outside: Sequence[Clip]) -> str:
    """Of commands that are said in its pauses."""
    stream = beside_television([load_clip(clip.path) for clip in inside], outside)
    heard = listeners.overhear(stream.pieces)
    return share(sum(heard.believed_between(*span) for span in stream.said), len(stream.said))


def _outside(setup: Setup, house: House, mine: Sequence[Clip], inside: Sequence[Clip]) -> list[Clip]:
    """Clips of phrases that are not in the graph; the HSK words too, whoever the fold left out."""
    known = {clip.way for clip in inside}
    said = {(phrase.language, phrase.text) for phrase in house.sentences}
    words = [clip for clip in setup.clips if clip.word] if mine and not mine[0].word else []
    return [
        clip
        for clip in dict.fromkeys((*mine, *words))
        if clip.way not in known and (clip.phrase.language, clip.phrase.text) not in said
    ]


def _in_graph(clip: Clip) -> bool:
    """Commands, and two of three Mongolian texts; drawn by another rule than the texts held out of training."""
    if clip.phrase.language is Language.MN:
        return zlib.crc32(clip.phrase.text.encode()) % 3 != 0
    return clip.command


def _bar(recognizer: Recognizer, inside: Sequence[Clip], most: int | None) -> tuple[float, str]:
    """The firmness at which 97 % of the phrases that are in the graph are kept, and how that stands in words."""
    pairs = hear_all(recognizer, some(inside, most))
    scores = [hearing.score for _, hearing in pairs]
    bar = threshold_keeping(KEPT, scores)
    now = sum(any(final.accepted for final in hearing.finals) for _, hearing in pairs)
    reach = sum(one > float("-inf") for one in scores)
    at = f"at {bar:+.2f} nats from the product's bars" if bar > float("-inf") else "out of reach at any bar"
    count = len(pairs)
    return bar, f"{share(now, count)} of {count} kept as shipped, {share(reach, count)} at most, 97 % {at}"


def _rejection_table(setup: Setup, streams: Sequence[Stream], kept: Sequence[str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for fold, mine in _by_fold(streams):
        kinds = list(dict.fromkeys(stream.kind for stream in mine))
        groups = [(kind, [s for s in mine if s.kind == kind]) for kind in kinds]
        groups += [(f"all {what}", [s for s in mine if s.kind.startswith(what)]) for what in ("speech", "noise")]
        rows += [(fold, name, *_rates(part)) for name, part in groups]
    return Table(
        "False accepts",
        f"{setup.who} Graph: the robot's grammar, the collection's commands and two of three Mongolian phrases. Speech "
        "of the same speakers that is not in it (single words also of the HSK speaker, whom every model heard), once "
        f"each, and a television of two voices; noises are made. In the grammar: {'; '.join(kept)}.",
        ("model", "sound", "hours", "accepted", "an hour", "at most (95 %)", "at 97 % kept", "an hour at 97 % kept"),
        tuple(rows),
    )


def _by_fold(streams: Sequence[Stream]) -> list[tuple[str, list[Stream]]]:
    """The streams of each fold; of several folds, then all together."""
    folds = list(dict.fromkeys(stream.fold for stream in streams))
    parts = [(fold, [stream for stream in streams if stream.fold == fold]) for fold in folds]
    return [*parts, (ALL_FOLDS, list(streams))] if len(folds) > 1 else parts


def _rates(streams: Sequence[Stream]) -> tuple[Cell, ...]:
    hours = sum(stream.hours for stream in streams)
    accepted, at_bar = (sum(getattr(s, what) for s in streams) for what in ("accepted", "accepted_at_bar"))
    if not hours:
        return (0.0, 0, "-", "-", 0, "-")
    return (
        round(hours, 2),
        accepted,
        round(accepted / hours, 1),
        round(most_per_hour(accepted, hours), 1),
        at_bar,
        round(at_bar / hours, 1),
    )


def _safety_table(setup: Setup, streams: Sequence[Stream]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for fold, mine, what in ((*part, what) for part in _by_fold(streams) for what in ("speech", "noise", "")):
        part = [stream for stream in mine if stream.kind.startswith(what)]
        words = [word for stream in part for word in stream.heard.words]
        hours = sum(stream.hours for stream in part)
        certain = sum(word.certain for word in words)
        ten_hours = round(10 * certain / hours, 1) if hours else "-"
        most = round(10 * most_per_hour(certain, hours), 1) if hours else "-"
        rows.append((fold, what or "all", round(hours, 2), len(words) - certain, certain, ten_hours, most))
    return Table(
        "Safety words where none was said",
        f"{setup.who} The same sound as for false accepts, through both stages, with no limit to questions. Target: at "
        "most 1 false confirmation in 10 h.",
        ("model", "sound", "hours", "asked about", "confirmed", "confirmed in 10 h", "at most in 10 h (95 %)"),
        tuple(rows),
    )
