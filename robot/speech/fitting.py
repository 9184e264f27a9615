"""Fits a `Calibration` to finals whose truth is known. Pure: numpy, no file and no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.speech.calibration import Bar, Calibration
from robot.speech.confidence import LEAST_SHARE, Evidence, features, known, shares

KEPT = 0.97
"""Of the phrases of the grammar that were heard right, so many shall be believed (issue: figures at 97 % kept)."""
KEPT_OF_ANY_LENGTH = 0.9
"""One bar for all would throw away the short ones, and yes and no are short."""
SAFETY_KEPT = 0.98
"""Of safety words heard right, so many shall at least be asked about (issue: at most 2 % misses in quiet)."""
SAFETY_LOWER_LEAST = 0.1
"""Of 304 strangers' phrases that stood in for cries, clean and at 10 dB, 245 reach it (234 the bar before, without a
second hearing), foreign speech 9 times in 0.85 h. What lies lower is no more a cry than anything else."""
SAFETY_UPPER_LEAST = 0.8
"""Half an hour of foreign speech cannot show one false alarm in ten hours: a word that decides alone is surer still."""
FROM_TOKENS = (0, 4, 6, 8, 12)
"""Where the classes of length begin, in tokens."""
_TEMPERATURES = tuple(0.5 * 1.15**step for step in range(20))  # 0.5 to 7.1
_RIDGE = 0.5
"""Strength of the pull towards 0, in observations: a separable sample keeps finite weights."""
_STEPS = 50

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Observed:
    """A final and its truth: was any phrase of the grammar said, and which place in the list it has (None: none)."""

    evidence: Evidence
    in_grammar: bool
    right: int | None

    @property
    def first(self) -> bool:
        """Whether the best reading is what was said."""
        return self.right is not None and self.evidence.behind[self.right] == 0.0


def logistic_weights(x: Vector, y: Vector, weights: Vector) -> Vector:
    """Ridge logistic regression by Newton's method, bias first; `x` has shape (n, k), `y` is 0 or 1.

    All features speak for y = 1, so a weight that comes out negative is noise: it is set to 0, the rest fitted again.
    """
    used = list(range(x.shape[1]))
    while True:
        fitted: Vector = _newton(np.column_stack([np.ones(len(x)), x[:, used]]), y, weights)
        worst = int(np.argmin(fitted[1:])) if used else 0
        if not used or fitted[1 + worst] >= 0.0:
            whole: Vector = np.zeros(1 + x.shape[1])
            whole[[0, *(1 + feature for feature in used)]] = fitted
            return whole
        del used[worst]


def _newton(x: Vector, y: Vector, weights: Vector) -> Vector:
    theta: Vector = np.zeros(x.shape[1])
    ridge = np.full(x.shape[1], _RIDGE)
    ridge[0] = 1e-3  # the bias is free
    loss = _loss(x, y, weights, theta, ridge)
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ theta, -35.0, 35.0)))
        slope = x.T @ (weights * (y - p)) - ridge * theta
        curve = x.T @ (x * (weights * p * (1.0 - p))[:, None]) + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        while (tried := _loss(x, y, weights, theta + step, ridge)) > loss + 1e-12 and np.abs(step).max() > 1e-9:
            step = step / 2  # Newton overshoots where the sample is nearly separable
        theta, loss = theta + step, tried
        if np.abs(step).max() < 1e-8:
            break
    return theta


def _loss(x: Vector, y: Vector, weights: Vector, theta: Vector, ridge: Vector) -> float:
    odds = x @ theta
    return float(np.sum(weights * (np.logaddexp(0.0, odds) - y * odds)) + 0.5 * np.sum(ridge * theta**2))


def fit(observed: Sequence[Observed], kept: float = KEPT) -> Calibration:
    """The calibration of these finals, its safety bars still those of nobody: see `with_safety_bars`.

    Raises `ValueError` unless there are finals from inside and from outside the grammar.
    """
    inside = np.array([one.in_grammar for one in observed], np.float64)
    if not 0 < inside.sum() < len(inside):
        raise ValueError("finals from inside and from outside the grammar are needed")
    even = np.where(inside > 0, 0.5 / inside.sum(), 0.5 / (len(inside) - inside.sum())) * len(inside)
    x = np.array([features(one.evidence) for one in observed])
    bias, margin, length, pace = (float(weight) for weight in logistic_weights(x, inside, even))
    rough = Calibration(
        bias=bias,
        margin=margin,
        length=length,
        pace=pace,
        temperature=best_temperature(observed),
        bars=(Bar(from_tokens=0, least_known=0.0),),
        safety_lower=0.5,
        safety_upper=1.0,
    )
    return rough.model_copy(update={"bars": bars(observed, rough, kept)})


def best_temperature(observed: Sequence[Observed]) -> float:
    """By the likelihood of what was said among the readings, where it was among them."""
    said = [(one.evidence.behind, one.right) for one in observed if one.right is not None]

    def surprise(temperature: float) -> float:
        return -sum(math.log(max(shares(behind, temperature)[right], 1e-9)) for behind, right in said)

    return min(_TEMPERATURES, key=surprise) if said else 2.0


def bars(observed: Sequence[Observed], by: Calibration, kept: float = KEPT) -> tuple[Bar, ...]:
    """One bar for every length, as high as `kept` allows, lowered where a length would lose more than one in ten."""
    weighed = [
        (one.evidence.tokens, shares(one.evidence.behind, by.temperature)[0] >= LEAST_SHARE, known(one.evidence, by))
        for one in observed
        if one.first
    ]
    if not weighed:
        return (Bar(from_tokens=0, least_known=0.5),)
    levels = sorted({sure for _, _, sure in weighed}, reverse=True)
    own = {start: _quantile([sure for n, _, sure in weighed if _class_of(n) == start]) for start in FROM_TOKENS}

    def keeps(level: float) -> float:
        return sum(best and sure >= min(level, own[_class_of(n)]) for n, best, sure in weighed) / len(weighed)

    level = next((level for level in levels if keeps(level) >= kept), levels[-1])
    return tuple(Bar(from_tokens=start, least_known=_down(min(level, own[start]))) for start in FROM_TOKENS)


def _class_of(tokens: int) -> int:
    return next(start for start in reversed(FROM_TOKENS) if start <= tokens)


def _quantile(sure: Sequence[float]) -> float:
    """From here up lie `KEPT_OF_ANY_LENGTH` of them; 1 when there are none, which lowers nothing."""
    ranked = sorted(sure)
    return ranked[math.floor((1.0 - KEPT_OF_ANY_LENGTH) * len(ranked))] if ranked else 1.0


def _down(level: float) -> float:
    """Rounded so that who stands at the bar passes."""
    return math.floor(level * 1e4) / 1e4


def with_safety_bars(by: Calibration, words: Sequence[float], foreign: Sequence[float]) -> Calibration:
    """The safety decoder's bars: `SAFETY_KEPT` of the words pass the lower, unless that were below
    `SAFETY_LOWER_LEAST`, and nothing of what was foreign the upper.

    Both are confidences that the safety decoder gave: to words heard right, and to what it made of anything else.
    """
    right = sorted(words)
    kept = right[math.floor((1.0 - SAFETY_KEPT) * len(right))] if right else by.safety_lower
    lower = max(kept, SAFETY_LOWER_LEAST)
    upper = max([*foreign, lower, SAFETY_UPPER_LEAST])
    return by.model_copy(
        update={"safety_lower": _down(lower), "safety_upper": min(math.ceil(upper * 1e4 + 1) / 1e4, 1.0)}
    )
