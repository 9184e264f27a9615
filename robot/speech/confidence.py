"""How sure the recogniser may be: from the likelihoods of one final to confidences. Pure.

Two questions are kept apart. Was it one of the known phrases at all? That is told by how far the best one lies before
the filler (`[unk]`, a free loop over all tokens, fits any speech), by its length (a short phrase is imitated easily)
and by its pace (nobody says ten tokens in a cough). Which one of them? That is told by how they share the evidence. A
reading's confidence is the product: P(this was said | what was heard).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.speech.calibration import Calibration, logistic

SHORT_TOKENS = 5
"""Up to here length is no help."""
MOST_LONG_TOKENS = 7.5
"""Tokens beyond `SHORT_TOKENS` that still count."""
USUAL_PACE_S = 0.12
"""Seconds of sound per token: the median of 700 phrases of four speakers said right (0.08 to 0.2 in nine of ten)."""
LEAST_SHARE = 0.35
"""Of the evidence; with less for the best, several phrases share it and none of them was said."""
_FREE_PACE = 0.5  # natural log of the ratio to the usual pace that is still nothing unusual
_MOST_PACE = 2.0
SCORE_DIGITS = 3
"""Scores that are equal to so many digits are homophones."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a final before anything is weighed.

    behind: nats by which each reading lies behind the best, best first, so the first is 0.
    margin: nats by which the best lies before the filler; negative when the filler is better.
    tokens: length of the best in tokens of the model.
    speech_s: seconds from the first to the last loud moment of the stretch; 0 when nothing in it was loud.
    """

    behind: tuple[float, ...]
    margin: float
    tokens: int
    speech_s: float


def evidence(
    scores: Sequence[float], tokens: int, filler: float | None, beam: float, speech_s: float, *, cut: bool = False
) -> Evidence:
    """From the log-likelihoods (nats) of at least one phrase and of the filler; `tokens` is the best's length.

    `filler` is None when it lay more than `beam` behind the best, or, when the list was `cut` short, behind the last.
    """
    ranked = sorted(scores, reverse=True)
    best = ranked[0]
    unseen = ranked[-1] if cut else best - beam
    margin = best - (unseen if filler is None else filler)
    return Evidence(
        tuple(round(best - score, SCORE_DIGITS) for score in ranked),
        min(max(margin, -beam), beam),
        tokens,
        speech_s,
    )


def features(seen: Evidence) -> tuple[float, float, float]:
    """Margin, length and pace as the logistic model takes them; more of each speaks for the phrase."""
    length = min(max(seen.tokens - SHORT_TOKENS, 0), MOST_LONG_TOKENS)
    return seen.margin, float(length), -_oddity(seen.speech_s / max(seen.tokens, 1))


def _oddity(pace_s: float) -> float:
    if pace_s <= 0.0:
        return _MOST_PACE
    return min(max(abs(math.log(pace_s / USUAL_PACE_S)) - _FREE_PACE, 0.0), _MOST_PACE)


def known(seen: Evidence, by: Calibration) -> float:
    """P(one of the known phrases was said), 0..1."""
    margin, length, pace = features(seen)
    return logistic(by.bias + by.margin * margin + by.length * length + by.pace * pace)


def shares(behind: Sequence[float], temperature: float) -> list[float]:
    """Each reading's share of the evidence. Equal scores are homophones: nothing parts them, so each has all of it."""
    weights = [math.exp(-nats / temperature) for nats in behind]
    whole = sum(set(weights))
    return [weight / whole for weight in weights]


def confidences(seen: Evidence, by: Calibration) -> tuple[list[float], float]:
    """P(this reading was said) for each, best first, and P(any of them was)."""
    sure = known(seen, by)
    return [sure * share for share in shares(seen.behind, by.temperature)], sure


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was loud in the sound up to a final: for how many seconds, from the first to the last such moment, of the
    stretch that the final is about; and how many seconds at the end belong to the next stretch, which has begun.
    """

    speech_s: float
    ahead_s: float = 0.0


class SpeechMeter:
    """How long there was something loud in a stretch. Feed it what the recogniser gets; `take` at each final.

    The engine tells a stretch up to 1.3 s after its end (0.5 s of pause, 0.34 s that the acoustic model looks ahead,
    and its own portions of sound). Whoever speaks on after a pause shorter than that has begun again by then.
    """

    _FRAME = 320  # samples: 20 ms at 16 kHz
    _FRAME_S = 0.02
    _LEAST_RMS = 80.0  # int16 units; below this nothing is speech in a living room (about -52 dBFS)
    _ABOVE_FLOOR = 3.0
    _BELOW_PEAK = 0.1  # 20 dB under the loudest is no part of the word
    _FLOOR_FRAMES = 200  # 4 s
    _MOST_FRAMES = 1500  # 30 s: longer stretches are no phrases, and memory stays bounded
    _PAUSE_FRAMES = 20  # 0.4 s: of the 0.5 s that end a stretch, the fading of its last sound aside
    _TOLD_FRAMES = 35  # 0.7 s: what ended less long ago cannot have been told yet
    _LATE_FRAMES = 65  # 1.3 s: what began longer ago has not begun since

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=self._MOST_FRAMES)
        self._recent: deque[float] = deque(maxlen=self._FLOOR_FRAMES)

    def feed(self, samples: NDArray[np.int16]) -> None:
        frames = samples[: len(samples) // self._FRAME * self._FRAME].reshape(-1, self._FRAME).astype(np.float64)
        levels = np.sqrt((frames**2).mean(axis=1)).tolist()
        self._levels.extend(levels)
        self._recent.extend(levels)

    def take(self, *, at_end: bool = False) -> Spoken:
        """Of the sound since the last `take`; what belongs to the next stretch is kept. `at_end`: there is none."""
        levels = np.array(self._levels)
        self._levels.clear()
        if not len(levels):
            return Spoken(0.0)
        floor = float(np.percentile(np.array(self._recent), 10))
        loudest = float(np.percentile(levels, 95))
        least = max(self._LEAST_RMS, self._ABOVE_FLOOR * floor, self._BELOW_PEAK * loudest)
        loud = np.flatnonzero(levels > least)
        if not len(loud):
            return Spoken(0.0)
        ahead = 0 if at_end else self._ahead(loud, len(levels))
        self._levels.extend(levels[len(levels) - ahead :].tolist())
        loud = loud[loud < len(levels) - ahead]
        return Spoken(float(loud[-1] - loud[0] + 1) * self._FRAME_S, ahead * self._FRAME_S)

    def _ahead(self, loud: NDArray[np.intp], frames: int) -> int:
        """How many of the last frames are of the next stretch: the loud ones behind a pause, if they are that late.

        Where nothing was loud before them they are what was told: a short word with a noise at its end.
        """
        if frames - 1 - loud[-1] >= self._TOLD_FRAMES:
            return 0
        pauses = np.flatnonzero(np.diff(loud) > self._PAUSE_FRAMES)
        ahead = int(frames - loud[pauses[-1] + 1]) if len(pauses) else 0
        return ahead if ahead <= self._LATE_FRAMES else 0
