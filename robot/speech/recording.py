"""What is said in a recording that is there as a whole: a clip, not a stream.

A clip need not be cut where an endpointer would cut it, so it is first read as one phrase, pauses and all; then as the
product hears a stream, stretch by stretch; then as one phrase said two or three times without a pause.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from robot.speech.audio import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples
from robot.speech.recognizer import FinalResult, Recognizer

LEAD_S = 0.3
TAIL_S = 1.0
"""Silence put around a clip, which may be cut tightly: the acoustic model looks about 0.3 s to either side."""

LONGEST_AS_ONE_S = 30.0
"""Longer sound is only heard as a stream; nobody says a phrase that long, and one lattice over it costs memory."""

LOUD_PEAK = 16_000
_MOST_GAIN = 100.0
"""A quieter recording is made so loud, at most 100 times: the product's microphone has a gain, too."""
_MOST_TIMES = 3
_NEAR = 0.12  # share of the clip in which the gap between two repetitions is looked for
_FRAME = SAMPLE_RATE_HZ // 50


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to hear a recording: its finals in order."""

    finals: tuple[FinalResult, ...]

    @property
    def accepted(self) -> tuple[FinalResult, ...]:
        return tuple(final for final in self.finals if final.accepted)


def hear_recording(samples: Samples, recognizer: Recognizer) -> tuple[Attempt, ...]:
    """Attempts in order until one holds an accepted final, which is then the last; all of them when none does.

    `samples` are mono int16 at 16 kHz. Leaves the recogniser reset.
    """
    samples = _loud_enough(samples)
    padded = in_silence(samples)
    ways: list[Callable[[], Attempt]] = [lambda: Attempt(tuple(stretches(padded, recognizer)))]
    if len(samples) <= LONGEST_AS_ONE_S * SAMPLE_RATE_HZ:
        ways = [lambda: Attempt(tuple(as_one(padded, recognizer))), *ways, lambda: _said_again(samples, recognizer)]
    attempts: list[Attempt] = []
    for way in ways:
        attempts.append(way())
        if attempts[-1].accepted:
            break
    recognizer.reset()
    return tuple(attempts)


def _loud_enough(samples: Samples) -> Samples:
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    if not 0 < peak < LOUD_PEAK:
        return samples
    louder: Samples = np.round(samples * min(LOUD_PEAK / peak, _MOST_GAIN)).astype(np.int16)
    return louder


def as_one(samples: Samples, recognizer: Recognizer) -> list[FinalResult]:
    """Everything as one stretch: the engine looks for an endpoint only between the pieces that it is given."""
    recognizer.reset()
    return [final for final in (recognizer.accept(samples), recognizer.flush()) if final]


def stretches(samples: Samples, recognizer: Recognizer) -> list[FinalResult]:
    """As the product hears a stream: one final for each stretch between pauses."""
    recognizer.reset()
    finals = [recognizer.accept(samples[at : at + CHUNK_SAMPLES]) for at in range(0, len(samples), CHUNK_SAMPLES)]
    return [final for final in (*finals, recognizer.flush()) if final]


def _said_again(samples: Samples, recognizer: Recognizer) -> Attempt:
    """The finals of a phrase said two or three times in a row; empty unless every time reads the same."""
    for times, cut in product(range(2, _MOST_TIMES + 1), (_quietest_near, _even)):
        cuts = [0, *(cut(samples, turn / times) for turn in range(1, times)), len(samples)]
        finals = [
            final for first, last in pairwise(cuts) for final in as_one(in_silence(samples[first:last]), recognizer)
        ]
        if len(finals) == times and all(final.accepted for final in finals) and _same(finals):
            return Attempt(tuple(finals))
    return Attempt(())


def _same(finals: Sequence[FinalResult]) -> bool:
    return len({(final.readings[0].language, final.readings[0].text) for final in finals}) == 1


def _even(samples: Samples, share: float) -> int:
    """Where to cut when there is no gap: the quietest place is then within the phrase."""
    return round(share * len(samples))


def _quietest_near(samples: Samples, share: float) -> int:
    """Where to cut near `share` of the way: in the middle of the quietest 20 ms."""
    frames = len(samples) // _FRAME
    first, last = (round(min(max(share + side, 0.0), 1.0) * frames) for side in (-_NEAR, _NEAR))
    if last <= first:
        return _even(samples, share)
    part = samples[first * _FRAME : last * _FRAME].astype(np.float64).reshape(-1, _FRAME)
    return (first + int(np.argmin(np.square(part).sum(axis=1)))) * _FRAME + _FRAME // 2


def in_silence(samples: Samples) -> Samples:
    """With the pause before and behind that a microphone would have heard."""
    lead, tail = (np.zeros(round(length_s * SAMPLE_RATE_HZ), np.int16) for length_s in (LEAD_S, TAIL_S))
    return np.concatenate([lead, samples, tail])
