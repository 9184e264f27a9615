"""A fake of dictation's process, not a recogniser: `-m tests.unit.hearing.fake_dictation DESCRIPTOR PLAN COUNT`.

It "writes" the value of the first sample and how many there were. PLAN: "well", "hang V" (on the value V), "die V",
"refuse" (cannot be loaded). COUNT is a file that gets a line for every start.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from robot.errors import MissingPart
from robot.messages import Language, Reading
from robot.speech.audio import Samples
from robot.speech.dictation_child import serve


class FakeWriter:
    """The fake dictation."""

    def __init__(self, plan: str) -> None:
        self._what, _, value = plan.partition(" ")
        self._value = int(value or 0)
        if plan == "refuse":
            raise MissingPart("The fake was told to refuse.")

    def write(self, samples: Samples) -> Reading | None:
        value = int(samples[0])
        if value and value == self._value:
            if self._what == "hang":
                time.sleep(600.0)
            os._exit(3)
        return Reading(f"{value} x {len(samples)}", Language.ZH, 0.75) if value else None


def main(descriptor: str, plan: str, count: str) -> None:
    with Path(count).open("a") as starts:
        starts.write("started\n")
    serve(int(descriptor), lambda: FakeWriter(plan))


if __name__ == "__main__":
    main(*sys.argv[1:])
