"""Talk that is in no grammar: which turns are dictated, and what becomes of their texts. Pure but for the dictation.

A second pass and an option: a turn of which nothing was understood is told as unclear at once, as ever; its sound goes
to the dictation beside that, and a text that comes soon enough follows.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from uuid6 import uuid7

from robot.messages import Heard, Language, Reading, Unclear
from robot.speech.audio import CHUNK_S, AudioChunk, Samples
from robot.speech.recognizer import FinalResult

LATE_S = 8.0
"""Design: who has waited so long for an answer has gone on to something else."""
_KEPT_S = 25.0  # a turn takes 20 s at most, and is over a few seconds later
_AROUND_S = 0.3


@dataclass(frozen=True, slots=True)
class Dictated:
    """A turn in free Mandarin. Never an answer to a check-in and never a command: it may come from a television."""

    heard: Heard


class Writer(Protocol):
    """Writes down free Mandarin elsewhere, one piece of sound after the other. Neither call blocks."""

    def ask(self, number: int, samples: Samples) -> None:
        """Mono int16 at 16 kHz; whether an answer ever comes is open."""
        ...

    def take(self) -> list[tuple[int, Reading | None]]:
        """The answers that have come since."""
        ...


def may_be_mandarin(final: FinalResult) -> bool:
    """Whether a final that is not believed may be Mandarin: not when all that it is like is Mongolian."""
    return not final.readings or any(reading.language is Language.ZH for reading in final.readings)


class FreeTalk:
    """Give it every chunk, every final that was not believed and every unclear turn; `poll` with every chunk.

    Keeps the last 25 s of sound in memory, no more.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._kept: deque[AudioChunk] = deque(maxlen=math.ceil(_KEPT_S / CHUNK_S))
        self._perhaps: deque[tuple[float, float]] = deque(maxlen=32)
        self._asked: dict[int, Unclear] = {}
        self._number = 0

    def keep(self, chunk: AudioChunk) -> None:
        self._kept.append(chunk)

    def missed(self, final: FinalResult, began_at_s: float, ended_at_s: float) -> None:
        """A final was not believed."""
        if may_be_mandarin(final):
            self._perhaps.append((began_at_s, ended_at_s))

    def unclear(self, turn: Unclear) -> None:
        """A turn is over in which nothing was understood."""
        began_s, ended_s = turn.speech_began_at_s, turn.speech_ended_at_s
        if not any(began_s <= until_s and from_s <= ended_s for from_s, until_s in self._perhaps):
            return
        sound = [
            chunk.samples
            for chunk in self._kept
            if chunk.ended_at_s > began_s - _AROUND_S and chunk.began_at_s < ended_s + _AROUND_S
        ]
        if sound:
            self._number += 1
            self._asked[self._number] = turn
            self._writer.ask(self._number, np.concatenate(sound))

    def poll(self, now_s: float) -> list[Dictated]:
        """The texts that have come; `now_s` on the clock of the chunks."""
        self._asked = {
            number: turn for number, turn in self._asked.items() if abs(now_s - turn.speech_ended_at_s) <= LATE_S
        }
        return [
            Dictated(Heard(str(uuid7()), (reading,), turn.speech_began_at_s, turn.speech_ended_at_s, now_s))
            for number, reading in self._writer.take()
            if (turn := self._asked.pop(number, None)) is not None and reading is not None
        ]
