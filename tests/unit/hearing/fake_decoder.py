"""A fake of the recogniser's process, not a recogniser: `-m tests.unit.hearing.fake_decoder DESCRIPTOR PLAN COUNT`.

It knows "words" by the value of a chunk's first sample: 0 is silence, and when silence follows, the values since the
last one are given out as a final. A second one, in place of the safety decoder, waits for five chunks of silence. PLAN
says how the first misbehaves: "well", "hang V" (once, on the value V), "die V" (once), "poison V" (always hangs on V),
"refuse" (cannot be loaded). COUNT is a file that remembers how often it was started.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from robot.errors import MissingPart
from robot.messages import Language, Reading
from robot.speech.decoder_child import serve
from robot.speech.recognizer import FinalResult, Samples


class FakeDecoder:
    """The fake recogniser."""

    def __init__(self, plan: str, starts: int, pause: int = 1) -> None:
        self._what, _, value = plan.partition(" ")
        self._value = int(value or 0)
        self._starts = starts
        self._pause = pause
        self._quiet = 0
        self._said: list[int] = []
        if plan == "refuse":
            raise MissingPart("The fake was told to refuse.")

    def accept(self, samples: Samples) -> FinalResult | None:
        value = int(samples[0])
        if value == self._value and (self._what == "poison" or self._starts == 1):
            if self._what in {"hang", "poison"}:
                time.sleep(600.0)
            elif self._what == "die":
                os._exit(3)
        self._quiet = 0 if value else self._quiet + 1
        if value:
            self._said.append(value)
        if self._quiet < self._pause:
            return None
        said, self._said = self._said, []
        text = " ".join(map(str, said))
        return FinalResult((Reading(text, Language.ZH, 0.9),)) if said else None

    def flush(self) -> FinalResult | None:
        return None

    def reset(self) -> None:
        self._said.clear()
        self._quiet = 0


def main(descriptor: str, plan: str, count: str) -> None:
    path = Path(count)
    starts = int(path.read_text() or 0) + 1 if path.exists() else 1
    path.write_text(str(starts))
    serve(int(descriptor), lambda: [FakeDecoder(plan, starts), FakeDecoder("well", starts, pause=5)])


if __name__ == "__main__":
    main(*sys.argv[1:])
