"""From what was heard to counts, shares and rates. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from robot.messages import Phrase, Reading
from robot.speech.recognizer import FinalResult

_WILSON_Z = 1.96
_NEVER = float("-inf")
_SMALLEST = 1e-9


class Outcome(str, Enum):
    """What became of a clip whose phrase is in the graph."""

    RIGHT = "right"
    WRONG = "wrong"
    WRONG_LANGUAGE = "wrong_language"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard in one clip: finals in order; seconds of sound and of CPU."""

    finals: tuple[FinalResult, ...]
    sound_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def guess(self) -> Reading | None:
        """The best reading, believed or not; what has no voice in it is no phrase to the product either."""
        read = (final for final in self.finals if final.readings)
        best = max(read, key=lambda final: (final.voiced, final.readings[0].confidence), default=None)
        return best.readings[0] if best else None

    @property
    def believed(self) -> Reading | None:
        """The best reading that the product would act on."""
        best = max((final for final in self.finals if final.accepted), key=lambda final: final.known, default=None)
        return best.readings[0] if best else None

    @property
    def score(self) -> float:
        """How firmly the best final is believed; from 0 on the product does."""
        return max((firmness(final) for final in self.finals), default=_NEVER)


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over clips whose phrase is in the graph.

    `guessed` are right when the best reading counts, believed or not; `right` to `rejected` are what the product does.
    """

    clips: int
    guessed: int
    right: int
    wrong: int
    wrong_language: int
    rejected: int


def firmness(final: FinalResult) -> float:
    """How far above (or below) the product's own bar a final is believed, in nats of odds."""
    if not replace(final, least_known=0.0).accepted:  # its evidence points at no one phrase
        return _NEVER
    return _odds(final.known) - _odds(final.least_known)


def outcome(phrase: Phrase, heard: Reading | None) -> Outcome:
    """Judge what was heard where `phrase` was said."""
    if heard is None:
        return Outcome.REJECTED
    if heard.language is not phrase.language:
        return Outcome.WRONG_LANGUAGE
    return Outcome.RIGHT if heard.text == phrase.text else Outcome.WRONG


def score(pairs: Iterable[tuple[Phrase, Hearing]]) -> Score:
    heard = list(pairs)
    counts = Counter(outcome(phrase, hearing.believed).value for phrase, hearing in heard)
    guessed = sum(outcome(phrase, hearing.guess) is Outcome.RIGHT for phrase, hearing in heard)
    return Score(len(heard), guessed, **{one.value: counts[one.value] for one in Outcome})


def threshold_keeping(share: float, scores: Sequence[float]) -> float:
    """The firmness at which at least `share` of the clips are kept; -inf when more than the rest have none at all."""
    ranked = sorted(scores, reverse=True)
    return ranked[max(math.ceil(share * len(ranked)) - 1, 0)] if ranked else _NEVER


def share_between(right: int, of: int) -> tuple[float, float]:
    """Where the true share lies with 95 % confidence (Wilson)."""
    if not of:
        return 0.0, 1.0
    share, z2 = right / of, _WILSON_Z**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    spread = _WILSON_Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    # rounding leaves a trace of 1e-17 where the bound is 0 or 1
    return (0.0 if right == 0 else middle - spread), (1.0 if right == of else middle + spread)


def most_per_hour(events: int, hours: float) -> float:
    """The rate an hour that is exceeded with 5 % probability only, given so many events (Poisson; 0 gives 3/hours)."""
    if hours <= 0:
        return math.inf
    low, high = float(events), 4.0 * (events + 3)
    for _ in range(60):
        middle = (low + high) / 2
        term, below = math.exp(-middle), 0.0
        for k in range(events + 1):
            below += term
            term *= middle / (k + 1)
        low, high = (middle, high) if below > 0.05 else (low, middle)
    return high / hours


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that `share` of the values do not exceed; 0 of none."""
    ranked = sorted(values)
    return ranked[min(max(math.ceil(share * len(ranked)) - 1, 0), len(ranked) - 1)] if ranked else 0.0


def _odds(probability: float) -> float:
    kept = min(max(probability, _SMALLEST), 1 - _SMALLEST)
    return math.log(kept / (1 - kept))
