"""Open Mandarin dictation: a second pass over speech that was no known phrase. An option, off unless a model is there.

The models are the recogniser's vendor's own (`python -m models.fetch_dictation`): any Mandarin, no Mongolian. What they
write of other speech is junk that looks sure, so a dictated text is for talk and never a command, a safety word in it
only makes Hani ask, and it only counts from `LEAST_CONFIDENCE` on. `free_talk` says when, `dictation_link` where.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from robot.errors import MissingPart
from robot.messages import Language, Reading
from robot.speech.audio import SAMPLE_RATE_HZ, Samples

LEAST_CONFIDENCE = 0.6  # design: the mean of the words' confidences; to be measured with the vendor's models
LONGEST_S = 30.0
"""The rest of a longer stretch is not dictated: the resident waits for an answer meanwhile."""

_QUIET = -1
_HOW = "run: python -m models.fetch_dictation, or clear the setting dictation_model"


class Dictation(Protocol):
    """Writes down free Mandarin. `write` blocks; one caller at a time."""

    def write(self, samples: Samples) -> Reading | None:
        """What is said in mono int16 samples at 16 kHz; None when nothing was, or nothing sure enough."""
        ...


class VoskDictation:
    """A Vosk model folder with its own graph. Raises `MissingPart` when it cannot be loaded."""

    def __init__(self, model_dir: Path) -> None:
        import vosk

        if not (model_dir / "am" / "final.mdl").is_file():
            raise MissingPart(f"There is no dictation model in {model_dir}; {_HOW}.")
        vosk.SetLogLevel(_QUIET)
        try:
            self._model = vosk.Model(str(model_dir))
        except Exception as error:  # vosk raises plain Exception for a folder that it cannot load
            raise MissingPart(f"The dictation model {model_dir} cannot be loaded; {_HOW}.") from error

    def write(self, samples: Samples) -> Reading | None:
        import vosk

        engine = vosk.KaldiRecognizer(self._model, SAMPLE_RATE_HZ)
        engine.SetWords(True)
        engine.AcceptWaveform(samples[: round(LONGEST_S * SAMPLE_RATE_HZ)].tobytes())
        return dictated(json.loads(engine.FinalResult()))


def dictated(result: Mapping[str, object]) -> Reading | None:
    """The reading of Vosk's result; words are joined as Mandarin is written, the unknown one left out."""
    found = result.get("result")
    words = [word for word in found if word["word"] != "[unk]"] if isinstance(found, list) else []
    text = "".join(str(word["word"]) for word in words)
    if not text:
        return None
    confidence = sum(float(word["conf"]) for word in words) / len(words)
    return Reading(text, Language.ZH, confidence) if confidence >= LEAST_CONFIDENCE else None


@dataclass
class FakeDictation:
    """A fake: hears nothing in the samples and writes `reading`. `asked` counts."""

    reading: Reading | None = None
    asked: int = field(default=0)

    def write(self, samples: Samples) -> Reading | None:  # noqa: ARG002 -- the fake does not listen
        self.asked += 1
        return self.reading
