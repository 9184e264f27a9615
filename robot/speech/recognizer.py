"""Recognition: 16 kHz samples in, phrases of both languages out, by Vosk over a graph of `graph_builder`.

Confidence. Vosk gives every alternative's log-likelihood (nats). One alternative is the filler `[unk]`, a free loop
over all tokens that fits any speech. Confidence is the softmax of the alternatives with the filler lowered by an
allowance that grows with the phrase's length: short phrases are imitated by other speech more easily, and a slip in a
long one costs less. It ranks with a sensible middle and is no calibrated probability (counts: models/speech/README.md).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from robot.errors import MissingPart
from robot.messages import Language, Reading
from robot.speech.graph_builder import LATTICE_BEAM, PHRASES_FILE, UNKNOWN_WORD

SAMPLE_RATE_HZ = 16_000
ACCEPTED_CONFIDENCE = 0.5  # the phrase and the filler, with its allowance, are equally likely
LEAST_BEST = 0.33  # below, several phrases share the evidence and none of them was said
Samples = NDArray[np.int16]

_QUIET = -2  # at -1 every result with alternatives logs a warning about word alignment, which no caller uses
_ALTERNATIVES = 8
_SHORT_TOKENS = 5  # up to here the filler gets no allowance
_ALLOWANCE_PER_TOKEN = 0.8  # nats
_MOST_ALLOWANCE = 6.0  # nats
_SCORE_DIGITS = 3
_TEMPERATURE = 2.0  # frames are not independent: likelihood ratios are flattened by this


@dataclass(frozen=True, slots=True)
class FinalResult:
    """One stretch of speech between pauses.

    `readings` are best first, homophones with equal confidence; empty when it was like no phrase at all. `known` is the
    confidence (0..1) that it was a known phrase, whichever.
    """

    readings: tuple[Reading, ...]
    known: float = 1.0

    @property
    def accepted(self) -> bool:
        """Whether the readings are to be believed; otherwise somebody spoke, but not a known phrase."""
        return bool(self.readings) and self.known >= ACCEPTED_CONFIDENCE and self.readings[0].confidence >= LEAST_BEST


class Recognizer(Protocol):
    """Turns sound into finals. One caller, one stream; `reset` between streams."""

    def accept(self, samples: Samples) -> FinalResult | None:
        """Take mono int16 samples at 16 kHz; return a final when the speaker has paused, else None."""

    def flush(self) -> FinalResult | None:
        """End of the stream: what is left, or None for silence."""

    def reset(self) -> None:
        """Forget everything heard so far."""


@dataclass(frozen=True, slots=True)
class _Known:
    row: int
    language: Language
    text: str
    tokens: int


class VoskRecognizer:
    """Vosk over one graph folder. Raises `MissingPart` when the folder cannot be loaded."""

    def __init__(self, graph_dir: Path) -> None:
        import vosk

        vosk.SetLogLevel(_QUIET)
        try:
            rows = json.loads((graph_dir / PHRASES_FILE).read_text(encoding="utf-8"))
            model = vosk.Model(str(graph_dir))
        except Exception as error:  # vosk raises plain Exception for a folder that it cannot load
            raise MissingPart(
                f"The speech graph {graph_dir} cannot be loaded; delete it, it will be built again."
            ) from error
        self._phrases = {
            f"p{row}": _Known(row, Language(language), text, tokens)
            for row, (language, text, tokens) in enumerate(rows)
        }
        self._new_engine: Callable[[], Any] = lambda: vosk.KaldiRecognizer(model, SAMPLE_RATE_HZ)
        self.reset()

    def accept(self, samples: Samples) -> FinalResult | None:
        if self._engine.AcceptWaveform(samples.tobytes()):
            return self._final(self._engine.Result())
        return None

    def flush(self) -> FinalResult | None:
        return self._final(self._engine.FinalResult())

    def reset(self) -> None:
        self._engine = self._new_engine()  # the engine's own Reset keeps up to half a second of the old stream
        self._engine.SetMaxAlternatives(_ALTERNATIVES)

    def _final(self, result: str) -> FinalResult | None:
        scores: dict[str, float] = {}
        for alternative in json.loads(result)["alternatives"]:
            scores.setdefault(alternative["text"], alternative["confidence"])
        if next(iter(scores), "") == "":  # silence is the best path
            return None
        spoken = [word for word in scores if word]
        heard = [self._phrases[word] for word in spoken if word != UNKNOWN_WORD]
        likelihoods = [scores[word] for word in spoken if word != UNKNOWN_WORD]
        confidences, known = judged(likelihoods, [phrase.tokens for phrase in heard], scores.get(UNKNOWN_WORD))
        ranked = sorted(zip(confidences, heard, strict=True), key=lambda pair: (-pair[0], pair[1].row))
        readings = tuple(Reading(phrase.text, phrase.language, value) for value, phrase in ranked)
        return FinalResult(readings, known)


def judged(scores: Sequence[float], tokens: Sequence[int], filler: float | None) -> tuple[list[float], float]:
    """Confidence in 0..1 of each phrase, and that it was one of them, from log-likelihoods (nats) best first.

    `tokens` are the phrases' lengths; `filler` is the likelihood of `[unk]`, None when it lay below the lattice beam.
    Equal scores are homophones: nothing can part them, so they share one place instead of halving it.
    """
    if not scores:
        return [], 0.0
    best = max(scores)
    allowance = min(max(tokens[0] - _SHORT_TOKENS, 0) * _ALLOWANCE_PER_TOKEN, _MOST_ALLOWANCE)
    rival = (best - LATTICE_BEAM if filler is None else filler) - allowance
    top = max(best, rival)
    shares = [math.exp((round(score, _SCORE_DIGITS) - top) / _TEMPERATURE) for score in scores]
    phrases = sum(set(shares))
    whole = phrases + math.exp((rival - top) / _TEMPERATURE)
    return [share / whole for share in shares], phrases / whole


class FakeRecognizer:
    """A fake: hears nothing in the samples and returns the given finals, one per `accept`, then None for ever."""

    def __init__(self, finals: Iterable[FinalResult | None] = ()) -> None:
        self._finals = list(finals)

    def accept(self, samples: Samples) -> FinalResult | None:  # noqa: ARG002 -- the fake does not listen
        return self._finals.pop(0) if self._finals else None

    def flush(self) -> FinalResult | None:
        return None

    def reset(self) -> None:
        self._finals.clear()
