"""The speech recognizer node over a fake recogniser: `python -m tests.graph.fake_ear --ros-args ...`.

Two fakes, in place of the recogniser and of the safety decoder, hear 救命 in whatever is loud. The recogniser hangs for
good on the first loud chunk that ever comes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from robot.messages import Language, Reading
from robot.nodes.base import run
from robot.nodes.speech_recognizer import SpeechRecognizer
from robot.speech.decoder_child import serve
from robot.speech.decoder_link import DecoderLink
from robot.speech.recognizer import FinalResult, Samples

_LOUD = 200.0
_QUIET_CHUNKS = 5


class FakeThatHangsOnce:
    """A fake, not a recogniser."""

    def __init__(self, mark: Path | None = None) -> None:
        self._mark = mark
        self._loud = 0
        self._quiet = 0

    def accept(self, samples: Samples) -> FinalResult | None:
        if float(np.sqrt(np.mean(samples.astype(float) ** 2))) > _LOUD:
            if self._mark is not None and not self._mark.exists():
                self._mark.touch()
                time.sleep(600.0)
            self._loud, self._quiet = self._loud + 1, 0
            return None
        self._quiet += 1
        if self._quiet < _QUIET_CHUNKS or self._loud < _QUIET_CHUNKS:
            return None
        self._loud = 0
        return FinalResult((Reading("救命", Language.ZH, 0.95),), 0.99)

    def flush(self) -> FinalResult | None:
        return None

    def reset(self) -> None:
        self._loud = 0


class FakeEar(SpeechRecognizer):
    """The real node, but for its recogniser."""

    def _link(self, *_graphs: Path) -> DecoderLink:
        mark = Path(tempfile.mkdtemp(prefix="hani-fake-ear-"), "hung")
        return DecoderLink([sys.executable, "-m", "tests.graph.fake_ear", "{fd}", str(mark)])


def decode(descriptor: str, mark: str) -> None:
    """The child: hangs unless another one did before it."""
    serve(int(descriptor), lambda: [FakeThatHangsOnce(Path(mark)), FakeThatHangsOnce()])


if __name__ == "__main__":
    if "--ros-args" in sys.argv:
        sys.exit(run(FakeEar))
    decode(*sys.argv[1:])
