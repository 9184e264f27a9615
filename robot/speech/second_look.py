"""A stretch is heard again, as if a smaller and a larger person had said it. Pure but for resampling.

The sound is played faster and slower: pitch, formants and pace move together. What was said is found again; what
foreign speech imitated by chance hardly ever is. It also helps with voices that the model does not know.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr

from robot.messages import Language, Reading
from robot.speech.audio import SAMPLE_RATE_HZ, Samples
from robot.speech.calibration import Calibration
from robot.speech.confidence import SpeechMeter
from robot.speech.recognizer import FinalResult, Recognizer, VoskRecognizer
from robot.speech.recording import as_one
from robot.speech.safety import once

SPEEDS = (0.9, 1.12)
"""At how many times the speed a stretch is heard again; models/speech/README.md has the figures of others."""
LEAST_KNOWN = 0.05
"""`FinalResult.known` of a first look from which another is worth its time: below, hardly anything right was found."""
SURE = 0.8
"""A first look that is so sure of a command needs no other: nine of ten long ones are, and one foreign final in 17."""
LEAST_BORNE_OUT = 0.2
"""Confidence of the looks together from which a reading is believed: of 376 phrases that strangers said and the first
look found, 368 (370 had the first look alone decided, and a vote of speeds 0.8 and 1.25 about the rest 373), of 0.53 h
of foreign speech 69 finals (120, 140). Chosen on both folds of bilingual-v3."""
LONGEST_S = 4.0
"""Longer stretches are recognised at the first look or not at all: long phrases are heard well, and time is short."""
_AROUND_S = 1.5
"""What is heard again beside the speech: the pause behind it, which ended the stretch, and a little before it."""
_KEPT_S = LONGEST_S + 3.0
"""So that of a longer stretch more than `LONGEST_S` is left, whatever pause ended it."""
_NEXT_S = 0.6
"""Behind the pause that ended a stretch the engine has up to half a second of sound that it has not decoded yet. Who
cries again and again has begun the next cry in it."""
_LOUDER_S = 0.06
"""So much longer than the stretch is it with what follows, if that holds the next one; else it is a faint ending."""
_SILENCE_S = 0.3


class SecondLook:
    """A recogniser that hears finals of `first` again; `again` is a recogniser of its own for that.

    Not those of which the first look is as sure as `sure`, makes nothing, or that have no voice. Keeps the last seconds
    of sound in memory, no more.
    """

    def __init__(self, first: Recognizer, again: Recognizer, *, sure: float = SURE) -> None:
        self._first, self._again, self._sure = first, again, sure
        self._kept: deque[Samples] = deque()
        self._kept_samples = 0

    def accept(self, samples: Samples) -> FinalResult | None:
        self._keep(samples)
        return self._looked(self._first.accept(samples), _NEXT_S)

    def flush(self) -> FinalResult | None:
        return self._looked(self._first.flush(), 0.0)

    def reset(self) -> None:
        self._first.reset()
        self._forget()

    def _keep(self, samples: Samples) -> None:
        self._kept.append(samples)
        self._kept_samples += len(samples)
        while self._kept_samples - len(self._kept[0]) > _KEPT_S * SAMPLE_RATE_HZ:
            self._kept_samples -= len(self._kept.popleft())

    def _forget(self) -> None:
        self._kept.clear()
        self._kept_samples = 0

    def _looked(self, final: FinalResult | None, ahead_s: float) -> FinalResult | None:
        """The last `ahead_s` of sound are kept for the next stretch, or more if that has begun before."""
        if final is None or not self._kept:
            return final
        whole = np.concatenate(self._kept)
        ahead = round(max(ahead_s, final.ahead_s) * SAMPLE_RATE_HZ)
        sound, rest = np.split(whole, [max(len(whole) - ahead, 0)])
        self._forget()
        self._keep(rest)
        if not self._is_doubtful(final):
            return final
        spoken_s = _spoken_s(sound)
        if not 0.0 < spoken_s <= LONGEST_S:
            return final
        has_begun = final.ahead_s > 0.0
        end = len(sound) if has_begun else len(whole)
        first = max(end - round((spoken_s + _AROUND_S) * SAMPLE_RATE_HZ), 0)
        is_next = has_begun or _spoken_s(whole) > spoken_s + _LOUDER_S
        stretch = (sound if is_next else whole)[first:]
        return borne_out(final, [self._hear(stretch, speed) for speed in SPEEDS])

    def _is_doubtful(self, final: FinalResult) -> bool:
        best = final.readings[0].confidence if final.readings else 0.0
        return final.voiced and final.known >= LEAST_KNOWN and best < self._sure

    def _hear(self, sound: Samples, speed: float) -> FinalResult | None:
        """The likeliest final of the sound at another speed."""
        silence = np.zeros(round(_SILENCE_S * SAMPLE_RATE_HZ), np.int16)
        heard = as_one(np.concatenate([silence, played(sound, speed), silence]), self._again)
        return max(heard, key=lambda final: final.known, default=None)


def for_cries(graph_dir: Path, calibration: Calibration | None = None) -> SecondLook:
    """The safety decoder as the robot has it: of a cry no first look is sure enough, and it owes no language anything,
    since its rivals are of both. Raises `MissingPart` and takes the calibration as `VoskRecognizer` does.
    """
    first = VoskRecognizer(graph_dir, calibration, mandarin_cost_nats=0.0)
    return SecondLook(first, first.another(), sure=math.inf)


def _spoken_s(sound: Samples) -> float:
    meter = SpeechMeter()
    meter.feed(sound)
    return meter.take(at_end=True).speech_s


def played(samples: Samples, speed: float) -> Samples:
    """The sound `speed` times as fast; int16 at the same rate."""
    moved = soxr.resample(samples.astype(np.float32), SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ)
    heard: Samples = np.clip(np.round(moved), -32_768, 32_767).astype(np.int16)
    return heard


def borne_out(first: FinalResult, again: Sequence[FinalResult | None]) -> FinalResult:
    """The first look, its confidences weighed by the best of the others.

    A reading's confidence becomes the geometric mean of its own and of the highest that another look gives it: what no
    other speed bears out is worth nothing. `known` is the best's. Believed from `LEAST_BORNE_OUT` on.
    """
    best: defaultdict[tuple[Language, str], float] = defaultdict(float)
    for look in again:
        for reading in look.readings if look else ():
            best[_key(reading)] = max(best[_key(reading)], reading.confidence)
    weighed = [
        replace(reading, confidence=math.sqrt(reading.confidence * best[_key(reading)])) for reading in first.readings
    ]
    readings = tuple(sorted(weighed, key=lambda reading: -reading.confidence))
    known = readings[0].confidence if readings else 0.0
    return replace(first, readings=readings, known=known, least_known=LEAST_BORNE_OUT)


def _key(reading: Reading) -> tuple[Language, str]:
    """A cry that one look hears twice in one breath and another once, or three times, is the same cry."""
    return reading.language, once(reading.text)
