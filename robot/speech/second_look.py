"""A stretch is heard again, as if a smaller and a larger person had said it. Pure but for resampling.

The model knows two Mongolian voices; a stranger's lies outside them, often nearer to one when the sound is played
faster or slower (pitch, formants and pace move together). What was not believed is looked at in that way, and what the
three looks agree upon counts (`agreed`). A cry for help is looked at because foreign speech imitates it: by chance,
which another speed hardly repeats (`borne_out`).
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import soxr

from robot.messages import Language, Reading
from robot.speech.audio import SAMPLE_RATE_HZ, Samples
from robot.speech.confidence import SpeechMeter
from robot.speech.recognizer import FinalResult, Recognizer, VoskRecognizer
from robot.speech.recording import as_one

SPEEDS = (0.8, 1.25)
"""At how many times the speed a stretch is heard again: with these two the vote of three gains as much as with four;
models/speech/README.md has the figures."""
LEAST_AGREED = 0.15
"""Mean confidence of a reading over the three looks from which it is believed. Read off one experiment on both folds:
5 and 2.5 % more right phrases for 4 % more of other people's Mongolian."""
CRY_SPEEDS = (0.9, 1.12)
"""Of four speeds from 0.8 to 1.25, the two at which strangers' phrases are still found; models/speech/README.md."""
LEAST_CRY = 0.05
"""`FinalResult.known` from which a final of the safety decoder is looked at again."""
LONGEST_S = 4.0
"""Longer stretches are recognised at the first look or not at all: long phrases are heard well, and time is short."""
_AROUND_S = 1.5
"""What is heard again beside the speech: the pause behind it, which ended the stretch, and a little before it."""
_SILENCE_S = 0.3
Together = Callable[[FinalResult, Sequence[FinalResult | None]], FinalResult]


class SecondLook:
    """A recogniser that hears some finals of `first` again, at `speeds`; `again` is a recogniser of its own for that.

    `doubtful` tells which finals (default: those that are not believed), `together` what comes of all looks. Keeps the
    last seconds of sound in memory, no more.
    """

    def __init__(
        self,
        first: Recognizer,
        again: Recognizer,
        *,
        speeds: Sequence[float] = SPEEDS,
        doubtful: Callable[[FinalResult], bool] | None = None,
        together: Together | None = None,
    ) -> None:
        self._first, self._again = first, again
        self._speeds = speeds
        self._doubtful = doubtful or (lambda final: not final.accepted)
        self._together = together or agreed
        self._meter = SpeechMeter()
        self._kept: deque[Samples] = deque()
        self._kept_samples = 0

    def accept(self, samples: Samples) -> FinalResult | None:
        self._meter.feed(samples)
        self._keep(samples)
        return self._looked(self._first.accept(samples))

    def flush(self) -> FinalResult | None:
        return self._looked(self._first.flush())

    def reset(self) -> None:
        self._first.reset()
        self._meter = SpeechMeter()
        self._forget()

    def _keep(self, samples: Samples) -> None:
        self._kept.append(samples)
        self._kept_samples += len(samples)
        while self._kept_samples - len(self._kept[0]) > (LONGEST_S + _AROUND_S) * SAMPLE_RATE_HZ:
            self._kept_samples -= len(self._kept.popleft())

    def _forget(self) -> None:
        self._kept.clear()
        self._kept_samples = 0

    def _looked(self, final: FinalResult | None) -> FinalResult | None:
        if final is None or not self._kept:
            return final
        sound, spoken_s = np.concatenate(self._kept), self._meter.take()
        self._forget()
        if not self._doubtful(final) or not final.voiced or not 0.0 < spoken_s <= LONGEST_S:
            return final
        stretch = sound[-round((spoken_s + _AROUND_S) * SAMPLE_RATE_HZ) :]
        return self._together(final, [self._hear(stretch, speed) for speed in self._speeds])

    def _hear(self, sound: Samples, speed: float) -> FinalResult | None:
        """The likeliest final of the sound at another speed."""
        silence = np.zeros(round(_SILENCE_S * SAMPLE_RATE_HZ), np.int16)
        heard = as_one(np.concatenate([silence, played(sound, speed), silence]), self._again)
        return max(heard, key=lambda final: final.known, default=None)


def for_cries(first: VoskRecognizer) -> SecondLook:
    """The safety decoder as the robot has it."""
    return SecondLook(
        first,
        first.another(),
        speeds=CRY_SPEEDS,
        doubtful=lambda final: final.known >= LEAST_CRY,
        together=borne_out,
    )


def played(samples: Samples, speed: float) -> Samples:
    """The sound `speed` times as fast; int16 at the same rate."""
    moved = soxr.resample(samples.astype(np.float32), SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ)
    heard: Samples = np.clip(np.round(moved), -32_768, 32_767).astype(np.int16)
    return heard


def agreed(first: FinalResult, again: Sequence[FinalResult | None]) -> FinalResult:
    """What several looks at one stretch say together.

    A reading's confidence is its mean over all looks, 0 where a look did not find it; so is `known`, which is the
    best's. Believed from `LEAST_AGREED` on.
    """
    votes: defaultdict[tuple[Language, str], float] = defaultdict(float)
    for look in (first, *again):
        for reading in look.readings if look else ():
            votes[reading.language, reading.text] += reading.confidence / (1 + len(again))
    ranked = sorted(votes.items(), key=lambda vote: -vote[1])
    readings = tuple(Reading(text, language, confidence) for (language, text), confidence in ranked)
    return FinalResult(readings, readings[0].confidence if readings else 0.0, LEAST_AGREED, first.evidence)


def borne_out(first: FinalResult, again: Sequence[FinalResult | None]) -> FinalResult:
    """The first look, its confidences weighed by the best of the others.

    A reading's confidence becomes the geometric mean of its own and of the highest that another look gives it: what no
    other speed bears out is worth nothing. So does `known`, which is the best's.
    """
    best: defaultdict[tuple[Language, str], float] = defaultdict(float)
    for look in again:
        for reading in look.readings if look else ():
            key = reading.language, reading.text
            best[key] = max(best[key], reading.confidence)
    weighed = [
        replace(reading, confidence=math.sqrt(reading.confidence * best[reading.language, reading.text]))
        for reading in first.readings
    ]
    readings = tuple(sorted(weighed, key=lambda reading: -reading.confidence))
    return replace(first, readings=readings, known=readings[0].confidence if readings else 0.0)
