"""What the safety words' own decoder listens for, and what its finals are worth. Pure.

The decoder is a second recogniser over a small graph that is always open: every safety phrase, each short one also said
twice and three times in one breath, the everyday phrases that sound nearly like one (a fair rival that takes the
evidence when it fits better), and the filler.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.errors import BadInput
from robot.messages import Language, Phrase, PhraseKind, SafetyKind
from robot.speech.calibration import Calibration
from robot.speech.edits import edits
from robot.speech.lexicon import Lexicon, Pronunciation
from robot.speech.recognizer import FinalResult
from robot.speech.safety import CLEAR_LEAD, SafetySpotter

MOST_NEAR_MISSES = 150
_NEAR = 0.45  # of the safety phrase's length: edits by which a rival may differ
_SAID_AGAIN_TOKENS = 8  # who shouts a longer phrase draws breath between
_MOST_TIMES = 3
LIKELY = 0.6
"""From here on the main recogniser's finding the same phrase makes a cry certain. Both share the acoustic model, so
foreign speech that imitates a cry deceives both: of an hour of it nothing came so far; models/speech/README.md."""


@dataclass(frozen=True, slots=True)
class SafetyHeard:
    """A candidate: the decoder heard a safety word. `clear` needs no second witness; one is enough for `likely`."""

    kind: SafetyKind
    language: Language
    confidence: float
    likely: bool
    clear: bool


def decoder_phrases(
    safety: Mapping[tuple[Language, str], SafetyKind], others: Iterable[tuple[Language, str]], lexicon: Lexicon
) -> tuple[Phrase, ...]:
    """The decoder's grammar; `others` are whole sentences that people say otherwise."""
    words = [
        Phrase(language, text, kind=PhraseKind.SAFETY)
        for (language, text) in safety
        if _ways(Phrase(language, text), lexicon)
    ]
    again = [
        Phrase(word.language, ("" if word.language is Language.ZH else " ").join([word.text] * times), kind=word.kind)
        for word in words
        for times in range(2, _MOST_TIMES + 1)
        if len(_ways(word, lexicon)[0]) <= _SAID_AGAIN_TOKENS
    ]
    taken = {(phrase.language, phrase.text) for phrase in (*words, *again)}
    free = [Phrase(*key) for key in dict.fromkeys(others) if key not in taken]
    return (*words, *again, *near_misses(words, free, lexicon))


def near_misses(
    words: Sequence[Phrase], others: Iterable[Phrase], lexicon: Lexicon, most: int = MOST_NEAR_MISSES
) -> tuple[Phrase, ...]:
    """Those of `others` that sound most like one of `words`, nearest first."""
    near = _Nearness((way for word in words for way in _ways(word, lexicon)), lexicon)
    found: dict[Phrase, float] = {}
    for other in others:
        nearest = min((near.of(way) for way in _ways(other, lexicon)), default=1.0)
        if nearest <= _NEAR:
            found[other] = nearest
    return tuple(sorted(found, key=lambda phrase: (found[phrase], phrase.language, phrase.text))[:most])


def _ways(phrase: Phrase, lexicon: Lexicon) -> tuple[Pronunciation, ...]:
    """None for what the model cannot spell: the main grammar has the same gap and names it."""
    try:
        return lexicon.pronounce(phrase)
    except BadInput:
        return ()


class _Nearness:
    """How near a pronunciation is to the nearest of `targets`: thousands of sentences in a second."""

    def __init__(self, targets: Iterable[Pronunciation], lexicon: Lexicon) -> None:
        self._targets = list(targets)
        self._columns = {token: column for column, token in enumerate(lexicon.tokens)}
        self._counts = np.array([self._count(way) for way in self._targets], np.int16).reshape(-1, len(self._columns))
        self._lengths = np.array([len(way) for way in self._targets])

    def of(self, way: Pronunciation) -> float:
        """Edits per token of the nearest target; more than `_NEAR`, whatever it is, when there is none near."""
        common = np.minimum(self._counts, self._count(way)).sum(axis=1)
        least = (np.maximum(self._lengths, len(way)) - common) / self._lengths  # what the order of tokens adds is left
        nearest = 1.0
        for target in np.argsort(least, kind="stable"):
            if least[target] > min(_NEAR, nearest):
                break
            nearest = min(nearest, edits(way, self._targets[target]) / len(self._targets[target]))
        return nearest

    def _count(self, way: Pronunciation) -> NDArray[np.int16]:
        counts = np.zeros(len(self._columns), np.int16)
        for token in way:
            counts[self._columns[token]] += 1
        return counts


def candidate(final: FinalResult, spotter: SafetySpotter, by: Calibration) -> SafetyHeard | None:
    """What the decoder's final is a cry of; None when no exact safety phrase reaches the lower bar.

    It is `clear` above the upper bar, when it is the best reading and no harmless one is nearly as likely.
    """
    spotted = [(reading, spotter.spot_text(reading)) for reading in final.readings]
    harmless = max((reading.confidence for reading, word in spotted if word is None), default=0.0)
    for place, (reading, word) in enumerate(spotted):
        if word is None or not word.exact or reading.confidence < by.safety_lower:
            continue
        alone = place == 0 and harmless <= reading.confidence * CLEAR_LEAD
        clear = alone and reading.confidence >= by.safety_upper
        likely = reading.confidence >= LIKELY
        return SafetyHeard(word.kind, word.language, reading.confidence, likely, clear)
    return None
