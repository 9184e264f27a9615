"""Protocols for what is in the graph: right phrases by unseen speakers, languages kept apart, noise and rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from robot.messages import Language, Phrase, Reading
from robot.speech.audio import Samples, load_clip
from robot.speech.evaluation import noise
from robot.speech.evaluation.collection import Clip, phrases_of, some, words_beside_the_twelve
from robot.speech.evaluation.hearing import Change, Ears, as_recorded, hear_all
from robot.speech.evaluation.scoring import Hearing, Score, score, share_between
from robot.speech.evaluation.tables import Cell, Table, share

WORDS_IN_GRAPH = 300
SNRS_DB = (20, 10, 5)
ROOMS_S = (0.3, 0.5, 0.8)

_COLUMNS = ("clips", "best guess", "95 %", "believed and right", "wrong", "wrong language", "rejected")
_AS_SET_UP = -1
_KINDS_OF_NOISE = (*noise.HOUSEHOLD, "television")
ALL_FOLDS = "all folds"


def _is_sentence(clip: Clip) -> bool:
    return clip.sentence


def _is_one_of_twelve(clip: Clip) -> bool:
    return clip.one_of_twelve


_SETS: tuple[Callable[[Clip], bool], ...] = (
    lambda clip: clip.phrase.language is Language.MN,
    _is_sentence,
    _is_one_of_twelve,
)
Pairs = list[tuple[Clip, Hearing]]


@dataclass(frozen=True, slots=True)
class Setup:
    """What is measured: the clips, each fold's recognisers, and how many clips a fold and set at most (None: all)."""

    clips: Sequence[Clip]
    folds: Sequence[Ears]
    most: int | None
    most_in_noise: int | None

    @property
    def who(self) -> str:
        """What the figures may be believed to say."""
        if any(ears.fold.seen for ears in self.folds):
            return "Speakers and texts WERE trained on: this shows lexicon and graph, not how strangers fare."
        return (
            f"Speakers never trained on, folds {', '.join(ears.fold.label for ears in self.folds)}. Looked at: its "
            "figures were read while the recipe was chosen. Unfitted: confidences by hand, so only guesses count."
        )


def mongolian(setup: Setup) -> Table:
    """Leave one speaker out, with and without the texts that no fold has learnt."""
    graph = phrases_of(clip for clip in setup.clips if clip.phrase.language is Language.MN)
    rows = [
        (fold, *_row(f"{who}, {length}", [p for p in pairs if new(p[0]) and fits(p[0])]))
        for fold, pairs in _over_folds(setup, graph, lambda clip: clip.phrase.language is Language.MN)
        for who, new in (("all texts", lambda _: True), ("the third of texts left out", lambda clip: clip.held_out))
        for length, fits in (
            ("any length", lambda _: True),
            ("from 8 phones", lambda clip: clip.long),
            ("below 8 phones", lambda clip: not clip.long),
        )
    ]
    return Table(
        "Mongolian, unseen speaker",
        f"{setup.who} One speaker left out; texts whose hash is divisible by 3 left out of every fold's training. "
        f"Graph: all {len(graph)} Mongolian phrases of the collection and the filler. "
        "Target: 92 % of the texts left out, 98 % from 8 phones.",
        ("model", "Mongolian", *_COLUMNS),
        tuple(rows),
    )


def mandarin(setup: Setup) -> Table:
    """AISHELL sentences by a speaker left out; twelve words by eight speakers left out, among 300 words."""
    sentences = phrases_of(clip for clip in setup.clips if clip.sentence)
    words = words_beside_the_twelve(setup.clips, WORDS_IN_GRAPH)
    return Table(
        "Mandarin, unseen speakers",
        f"{setup.who} Sentences: one AISHELL-1 speaker left out, graph of all {len(sentences)} sentences. Words: eight "
        f"of 24 speakers left out, graph of {len(words)} words (the twelve and drawn HSK words). Words that the "
        "lexicon says alike count as one. Target: 97 % each.",
        ("model", "Mandarin", *_COLUMNS),
        tuple(
            (fold, *_row(name, pairs))
            for name, graph, wanted in (
                ("AISHELL-1 sentences", sentences, _is_sentence),
                ("twelve words", words, _is_one_of_twelve),
            )
            for fold, pairs in _over_folds(setup, graph, wanted)
        ),
    )


def languages(setup: Setup) -> Table:
    """How often one language is taken for the other, everything of both in one graph; as recorded and re-recorded."""
    graph = _everything(setup)
    rows: list[tuple[Cell, ...]] = []
    for how, change in (("as recorded", as_recorded), ("channel randomised", noise.through_channel)):
        by_fold = _over_folds(setup, graph, _in_everything, change, how)
        for fold, pairs, language, other in (
            (fold, pairs, *pair)
            for fold, pairs in by_fold
            for pair in ((Language.MN, Language.ZH), (Language.ZH, Language.MN))
        ):
            said = [(clip, hearing) for clip, hearing in pairs if clip.phrase.language is language]
            guessed = _taken_for(other, (hearing.guess for _, hearing in said))
            believed = _taken_for(other, (hearing.believed for _, hearing in said))
            low, high = share_between(guessed, len(said))
            rows.append(
                (
                    fold,
                    f"{language.value} taken for {other.value}, {how}",
                    len(said),
                    f"{share(guessed, len(said))} ({guessed})",
                    f"{100 * low:.1f}-{100 * high:.1f} %",
                    f"{share(believed, len(said))} ({believed})",
                )
            )
    return Table(
        "Languages",
        f"{setup.who} {len(graph)} phrases of both languages in one graph. Channel: an equaliser of +-8 dB, band "
        "limits and gain drawn for each clip. Target: at most 1 % each way.",
        ("model", "confusion", "clips", "best guess", "95 %", "believed"),
        tuple(rows),
    )


def in_noise(setup: Setup) -> Table:
    """Right phrases of both languages in household noise and in rooms."""
    graph = _everything(setup)
    talkers = [clip for clip in setup.clips if clip.sentence] or setup.clips
    talk = [load_clip(clip.path) for clip in some(talkers, 12, seed=7)]
    conditions: list[tuple[str, str, Change]] = [("quiet", "as recorded", as_recorded)]
    conditions += [(kind, f"{snr_db} dB", _noisy(kind, snr_db, talk)) for kind in _KINDS_OF_NOISE for snr_db in SNRS_DB]
    conditions += [("room", f"T60 {t60_s} s", _room(t60_s)) for t60_s in ROOMS_S]
    rows: list[tuple[Cell, ...]] = []
    for kind, level, change in conditions:
        by_fold = _over_folds(setup, graph, _in_everything, change, f"{kind} {level}", setup.most_in_noise)
        rows += [(fold, kind, level, *_by_language(pairs)) for fold, pairs in by_fold]
    return Table(
        "Noise and rooms",
        f"{setup.who} {len(graph)} phrases of both languages in one graph; the same clips in every line. dB below the "
        "level of the speech while it lasts; noises are made (robot/speech/evaluation/noise.py), the television talks "
        "with other clips. Rooms: direct sound and reverberation equally strong.",
        (
            "model",
            "noise",
            "level",
            *(f"{language}: {what}" for language in ("mn", "zh") for what in ("clips", "best guess", "believed")),
            "wrong and believed",
        ),
        tuple(rows),
    )


def _everything(setup: Setup) -> list[Phrase]:
    others = [clip for clip in setup.clips if _in_everything(clip) and not clip.one_of_twelve]
    return list(dict.fromkeys([*phrases_of(others), *words_beside_the_twelve(setup.clips, WORDS_IN_GRAPH)]))


def _in_everything(clip: Clip) -> bool:
    return clip.phrase.language is Language.MN or clip.sentence or clip.one_of_twelve


def _over_folds(
    setup: Setup,
    graph: Sequence[Phrase],
    wanted: Callable[[Clip], bool],
    change: Change = as_recorded,
    condition: str = "",
    most: int | None = _AS_SET_UP,
) -> list[tuple[str, Pairs]]:
    """The wanted clips of every fold's unseen speakers, as many of each kind; of several folds, then all together."""
    at_most = setup.most if most == _AS_SET_UP else most
    by_fold: list[tuple[str, Pairs]] = []
    for ears in setup.folds:
        mine = [clip for clip in ears.fold.measures(setup.clips) if wanted(clip)]
        chosen = [clip for kind in _SETS for clip in some(filter(kind, mine), at_most)]
        pairs = hear_all(ears.for_phrases(graph), chosen, change, condition) if chosen else []
        by_fold.append((ears.fold.label, pairs))
    if len(by_fold) > 1:
        by_fold.append((ALL_FOLDS, [pair for _, pairs in by_fold for pair in pairs]))
    return by_fold


def _row(name: str, pairs: Pairs) -> tuple[Cell, ...]:
    got = _scored(pairs)
    low, high = share_between(got.guessed, got.clips)
    between = f"{100 * low:.1f}-{100 * high:.1f} %" if got.clips else "-"
    counts = (share(got.right, got.clips), got.wrong, got.wrong_language, got.rejected)
    return (name, got.clips, f"{share(got.guessed, got.clips)} ({got.guessed})", between, *counts)


def _by_language(pairs: Pairs) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    wrong = 0
    for language in (Language.MN, Language.ZH):
        got = _scored([pair for pair in pairs if pair[0].phrase.language is language])
        cells += [got.clips, share(got.guessed, got.clips), share(got.right, got.clips)]
        wrong += got.wrong + got.wrong_language
    return (*cells, wrong)


def _scored(pairs: Pairs) -> Score:
    return score((clip.phrase, hearing) for clip, hearing in pairs)


def _taken_for(language: Language, readings: Iterable[Reading | None]) -> int:
    return sum(reading is not None and reading.language is language for reading in readings)


def _noisy(kind: str, snr_db: int, talk: Sequence[Samples]) -> Change:
    def change(samples: Samples, draw: np.random.Generator) -> Samples:
        make = noise.HOUSEHOLD.get(kind)
        sound = make(len(samples), draw) if make else noise.television(len(samples), draw, talk)
        return noise.with_noise(samples, sound, snr_db)

    return change


def _room(t60_s: float) -> Change:
    return lambda samples, draw: noise.in_room(samples, t60_s, draw)
