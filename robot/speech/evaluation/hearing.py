"""Clips through the recogniser, as the product hears a stream; and the recognisers of one fold, each built once."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from robot.messages import Grammar, Phrase
from robot.speech.audio import SAMPLE_RATE_HZ, Samples, load_clip
from robot.speech.evaluation.collection import SEED, Clip
from robot.speech.evaluation.folds import Fold
from robot.speech.evaluation.scoring import Hearing
from robot.speech.graph_builder import ensure_graph
from robot.speech.recognizer import Recognizer, VoskRecognizer
from robot.speech.recording import in_silence, stretches
from robot.speech.second_look import SecondLook, for_cries

Change = Callable[[Samples, np.random.Generator], Samples]
"""What is done to a clip before it is heard; draws from the generator that it is given."""


def as_recorded(samples: Samples, _: np.random.Generator) -> Samples:
    return samples


@dataclass
class Ears:
    """The recognisers of one fold by what is in their graph; graphs lie in `cache_dir`."""

    fold: Fold
    cache_dir: Path
    _made: dict[frozenset[Phrase], Recognizer] = field(default_factory=dict)

    def for_phrases(self, phrases: Iterable[Phrase]) -> Recognizer:
        key = frozenset(phrases)
        if key not in self._made:
            self._made[key] = self.for_grammar(Grammar(tuple(key), {}))
        return self._made[key]

    def for_grammar(self, grammar: Grammar) -> Recognizer:
        first = VoskRecognizer(ensure_graph(grammar, self.fold.model_dir, self.cache_dir))
        return SecondLook(first, first.another())

    def for_safety(self, grammar: Grammar) -> Recognizer:
        """The safety decoder, as in the product."""
        return for_cries(ensure_graph(grammar, self.fold.model_dir, self.cache_dir))


def draw_for(name: str) -> np.random.Generator:
    """A generator of its own for each clip and condition: what else is measured changes nothing."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])


def hear(recognizer: Recognizer, clip: Clip, change: Change = as_recorded, condition: str = "") -> Hearing:
    """One clip, changed, as a stream of its own. Raises `BadInput` when it cannot be read."""
    sound = change(in_silence(load_clip(clip.path)), draw_for(f"{clip.path.name} {condition}"))
    began_s = time.process_time()
    finals = tuple(stretches(sound, recognizer))
    return Hearing(finals, len(sound) / SAMPLE_RATE_HZ, time.process_time() - began_s)


def hear_all(
    recognizer: Recognizer, clips: Iterable[Clip], change: Change = as_recorded, condition: str = ""
) -> list[tuple[Clip, Hearing]]:
    return [(clip, hear(recognizer, clip, change, condition)) for clip in clips]
