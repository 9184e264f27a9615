"""Recognition: 16 kHz samples in, phrases of both languages out, by Vosk over a graph of `graph_builder`.

Vosk gives the log-likelihood (nats) of every alternative, among them the filler `[unk]`, a free loop over all tokens
that fits any speech. `confidence` weighs them by the numbers of a `Calibration`, which were fitted on recordings.

What the words of a path mean (phrase, slots, length, kind) is told by the graph's `PhraseBook`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from robot.errors import MissingPart
from robot.messages import Language, Reading
from robot.speech.calibration import Calibration
from robot.speech.confidence import LEAST_SHARE, SCORE_DIGITS, Evidence, SpeechMeter, confidences, evidence
from robot.speech.graph_format import LATTICE_BEAM, UNKNOWN_WORD
from robot.speech.phrase_book import PhraseBook
from robot.speech.voicing import LEAST_RUN, VoiceMeter

SAMPLE_RATE_HZ = 16_000
ACCEPTED_CONFIDENCE = 0.5  # for a final that brings no bar of its own
MANDARIN_COST_NATS = 5.0
"""By how much a Mandarin reading must lie before a Mongolian one. bilingual-v1 finds Mandarin tokens too easily in
strangers' Mongolian: without it 21 and 15 % of their phrases were taken for Mandarin, with it 14 and 5 %, and Mandarin
was heard as well as before. Chosen on both folds; models/speech/README.md."""
Samples = NDArray[np.int16]

_QUIET = -2  # at -1 every result with alternatives logs a warning about word alignment, which no caller uses
_ALTERNATIVES = 8


@dataclass(frozen=True, slots=True)
class FinalResult:
    """One stretch of speech between pauses.

    `readings` are best first, homophones with equal confidence; empty when it was like no phrase at all. `known` is the
    probability (0..1) that it was a known phrase, whichever; `least_known` is the bar for a phrase of this length.
    `evidence` is what both were weighed from. `voiced`: somebody's voice was in it (`voicing`); a kettle has none.
    `ahead_s`: so many seconds of the sound fed so far are of the next stretch, which had begun when this one was told.
    """

    readings: tuple[Reading, ...]
    known: float = 1.0
    least_known: float = ACCEPTED_CONFIDENCE
    evidence: Evidence | None = None
    voiced: bool = True
    ahead_s: float = 0.0

    @property
    def accepted(self) -> bool:
        """Whether the readings are to be believed; otherwise somebody spoke, but not a known phrase."""
        best = self.readings[0].confidence if self.readings else 0.0
        return self.voiced and best > 0.0 and self.known >= self.least_known and best >= LEAST_SHARE * self.known


class Recognizer(Protocol):
    """Turns sound into finals. One caller, one stream; `reset` between streams."""

    def accept(self, samples: Samples) -> FinalResult | None:
        """Take mono int16 samples at 16 kHz; return a final when the speaker has paused, else None."""

    def flush(self) -> FinalResult | None:
        """End of the stream: what is left, or None for silence."""

    def reset(self) -> None:
        """Forget everything heard so far."""


class VoskRecognizer:
    """Vosk over one graph folder. Raises `MissingPart` when the folder cannot be loaded.

    Its confidences go by `calibration`, else by the one of the graph's model. `mandarin_cost_nats` sets the languages
    apart (`MANDARIN_COST_NATS`), never a phrase and the filler.
    """

    def __init__(
        self,
        graph_dir: Path,
        calibration: Calibration | None = None,
        *,
        mandarin_cost_nats: float = MANDARIN_COST_NATS,
    ) -> None:
        import vosk

        vosk.SetLogLevel(_QUIET)
        self._book = PhraseBook.of_graph(graph_dir)
        self._calibration = calibration or Calibration.of_model(graph_dir)
        self._costs = {Language.ZH: mandarin_cost_nats, Language.MN: 0.0}
        try:
            model = vosk.Model(str(graph_dir))
        except Exception as error:  # vosk raises plain Exception for a folder that it cannot load
            raise MissingPart(
                f"The speech graph {graph_dir} cannot be loaded; delete it, it will be built again."
            ) from error
        self._new_engine: Callable[[], Any] = lambda: vosk.KaldiRecognizer(model, SAMPLE_RATE_HZ)
        self.reset()

    def another(self) -> VoskRecognizer:
        """A second stream over the same model and graph, which are not loaded again."""
        twin = copy.copy(self)
        twin.reset()
        return twin

    def accept(self, samples: Samples) -> FinalResult | None:
        self._meter.feed(samples)
        self._voice.feed(samples)
        if self._engine.AcceptWaveform(samples.tobytes()):
            return self._final(self._engine.Result())
        return None

    def flush(self) -> FinalResult | None:
        return self._final(self._engine.FinalResult(), at_end=True)

    def reset(self) -> None:
        self._engine = self._new_engine()  # the engine's own Reset keeps up to half a second of the old stream
        self._engine.SetMaxAlternatives(_ALTERNATIVES)
        self._meter, self._voice = SpeechMeter(), VoiceMeter()

    def _final(self, result: str, *, at_end: bool = False) -> FinalResult | None:
        spoken = self._meter.take(at_end=at_end)
        voiced = self._voice.take(spoken.ahead_s) >= LEAST_RUN
        alternatives = json.loads(result)["alternatives"]
        scores: dict[str, float] = {}
        for alternative in alternatives:
            scores.setdefault(alternative["text"], alternative["confidence"])
        if next(iter(scores), "") == "":  # silence is the best path
            return None
        found = [
            (score - self._costs[phrase.language], phrase)
            for words, score in scores.items()
            if (phrase := self._book.read(words))
        ]
        if not found:
            return FinalResult((), 0.0, voiced=voiced, ahead_s=spoken.ahead_s)
        found.sort(key=lambda pair: (-round(pair[0], SCORE_DIGITS), pair[1].row))
        cut = len(alternatives) == _ALTERNATIVES
        filler = scores.get(UNKNOWN_WORD)
        if filler is None and not cut:
            filler = max(scores.values()) - LATTICE_BEAM
        seen = evidence(
            [score + self._costs[found[0][1].language] for score, _ in found],  # the best's own score beside the filler
            found[0][1].tokens,
            filler,
            LATTICE_BEAM,
            spoken.speech_s,
            cut=cut,
        )
        values, known = confidences(seen, self._calibration)
        readings = tuple(
            Reading(phrase.text, phrase.language, value) for value, (_, phrase) in zip(values, found, strict=True)
        )
        least_known = self._calibration.least_known(seen.tokens)
        return FinalResult(readings, known, least_known, seen, voiced, spoken.ahead_s)


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
