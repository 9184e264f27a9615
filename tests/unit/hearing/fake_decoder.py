"""A fake of the recogniser's process, not a recogniser: `-m tests.unit.hearing.fake_decoder DESCRIPTOR PLAN COUNT`.

It knows "words" by the value of a chunk's first sample: 0 is silence, and when silence follows, the values since the
last one are given out as a final. A second one, in place of the safety decoder, waits for five chunks of silence. PLAN
says how the first misbehaves: "well", "hang V" (once, on the value V), "die V" (once), "poison V" (always hangs on V),
"crash V" (always dies on V), "spoilt V" (dies on whatever follows V before a silence), "rotten" (dies on everything
in every fork of what was loaded first), "spin V" (works for ever, once), "slow V" (works for 0.3 s on V), "refuse"
(cannot be loaded). COUNT is a file that remembers how often it was started; beside it another one remembers whether it
was ever loaded.
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

    def __init__(self, plan: str, count: Path, pause: int = 1) -> None:
        self._what, _, value = plan.partition(" ")
        self._value = int(value or 0)
        self._count = count
        self._starts = 0
        self._pause = pause
        self._quiet = 0
        self._said: list[int] = []
        self._rotten = plan == "rotten" and not count.with_suffix(".loaded").exists()
        if plan == "refuse":
            raise MissingPart("The fake was told to refuse.")

    def accept(self, samples: Samples) -> FinalResult | None:
        value = int(samples[0])
        if not self._starts:  # here, in the process that decodes
            self._starts = int(self._count.read_text() or 0) + 1 if self._count.exists() else 1
            self._count.write_text(str(self._starts))
        if self._rotten:
            os._exit(3)
        if self._what == "spoilt" and self._value in self._said and value:
            os._exit(3)
        if value == self._value and (self._what in {"poison", "crash"} or self._starts == 1):
            if self._what in {"hang", "poison"}:
                time.sleep(600.0)
            elif self._what in {"die", "crash"}:
                os._exit(3)
        if value == self._value and (self._what == "slow" or (self._what == "spin" and self._starts == 1)):
            began_s = time.process_time()
            while self._what == "spin" or time.process_time() - began_s < 0.3:
                pass
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
    pause = 2 if plan.startswith("spoilt") else 1  # one silenced chunk ends nothing

    def load() -> list[FakeDecoder]:
        decoders = [FakeDecoder(plan, path, pause), FakeDecoder("well", path.with_suffix(".safety"), pause=5)]
        path.with_suffix(".loaded").touch()
        return decoders

    serve(int(descriptor), load)


if __name__ == "__main__":
    main(*sys.argv[1:])
