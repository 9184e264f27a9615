"""The recogniser in a process of its own, watched: when it wedges or dies it is started again and hears again what it
had not finished.

Every chunk gets a number and stays in a ring. A chunk is sent, and answered; at most a second of sound is under way, so
that sending never blocks. No answer for 1.5 s means a wedge, unless the process works and has not had its share of the
processor: a second look takes long on a busy machine, and not less after a restart. The new process, a fork of one that
has everything loaded (`decoder_process`), is played everything from the beginning of the unfinished speech, so that a
safety word that was being said is decoded whole. On what it always hangs or crashes is left out (`quarantine`).
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robot.errors import MissingPart
from robot.speech.audio import CHUNK_S, SAMPLE_RATE_HZ, AudioChunk
from robot.speech.decoder_process import END_S, DecoderProcess, Loader
from robot.speech.quarantine import Quarantine
from robot.speech.recognizer import FinalResult
from robot.speech.ring import Ring

log = logging.getLogger(__name__)

WEDGED_AFTER_S = 1.5
_WORK_S = 4.0  # of the processor, on one chunk: second looks of both take 0.6 s here, and a board has slower cores
_STARVED_S = 8.0  # after that much silence the ring is nearly full, whatever the reason
_START_LIMIT_S = 30.0  # loading a model from a slow card
_FORK_LIMIT_S = 3.0  # of what is loaded
_UNDER_WAY = 10  # chunks: 32 kB, less than any socket's buffer
_ANSWER_SOON_S = 0.06  # of each 0.1 s: decoding a chunk takes a tenth of that
_QUIET_CHUNKS = 15  # 1.5 s without a voice part two utterances
_LEAD_CHUNKS = 3  # soft beginnings of words
_SAME_FINAL_CHUNKS = 3  # a replay that begins elsewhere may end a word a chunk later; the next one takes half a second
_RETRY_S = (0.0, 1.0, 2.0, 5.0, 10.0)  # before the first, second, ... restart without any answer in between


@dataclass(frozen=True, slots=True)
class Decoded:
    """The answer to one chunk: finals of the recogniser and of the safety decoder.

    `again` when the chunk was answered before and this is its replay.
    """

    chunk: AudioChunk
    final: FinalResult | None
    safety: FinalResult | None
    again: bool


class DecoderLink:
    """One caller, one thread: `feed` every chunk, in order. `command` gets the socket's descriptor as `{fd}`."""

    def __init__(self, command: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._command = list(command)
        self._clock = clock
        self._ring = Ring()
        self._voiced: dict[int, bool] = {}
        self._loader: Loader | None = None
        self._loaded = False  # it has given a decoder before
        self._child: DecoderProcess | None = None
        self._next = 0  # to be sent
        self._answered = 0  # all chunks before this number have been answered
        self._finished = 0  # the recogniser's last final ended before this number,
        self._safety_finished = 0  # and the safety decoder's before this one
        self._new_from = self._safety_new_from = 0  # finals of a replay that end before are known
        self._expects_safety = False
        self._begin = 0  # where the next process begins
        self._anew = False
        self._quarantine = Quarantine()
        self._failures = 0
        self._start_at_s = 0.0
        self._progress_at_s = clock()
        self.restarts = 0
        self.real_time_factor = 0.0
        self.lost_s = 0.0
        self.fault = ""

    @classmethod
    def vosk(cls, *graph_dirs: Path) -> DecoderLink:
        """The product's recogniser over a graph folder, and the safety decoder over a second one."""
        return cls([sys.executable, "-m", "robot.speech.decoder_child", "{fd}", *map(str, graph_dirs)])

    @property
    def has_safety(self) -> bool:
        """Whether a safety decoder is there and listens now."""
        return self._child is not None and self._child.ready and self._child.has_safety

    @property
    def pid(self) -> int | None:
        """The process that decodes now."""
        return self._child.pid if self._child else None

    @property
    def left_out(self) -> int:
        """How often sound was left out because the recogniser always failed on it."""
        return self._quarantine.left_out

    def start(self) -> None:
        """Load the recogniser and wait for it. Raises `MissingPart` when it cannot be loaded."""
        if self._child is not None:
            return
        child = self._spawn()
        message = child.receive() if child.poll(_START_LIMIT_S) else None
        if message is None or message[0] != "ready":
            self.close()
            reason = "it does not start" if message is None else message[2]
            raise MissingPart(f"The recogniser cannot be used: {reason}")
        self._begin_with(child, *message[1:])

    def behind_s(self) -> float:
        """How much sound waits for an answer."""
        return (self._ring.end - max(self._answered, self._ring.first)) * CHUNK_S

    def feed(self, chunk: AudioChunk, *, voiced: bool = True) -> list[Decoded]:
        """Take a chunk and return the answers that are there, which belong to earlier chunks as a rule.

        `voiced` says whether somebody may be speaking in it: what is played again begins at a silence.
        """
        number = self._ring.add(chunk)
        self._voiced[number] = voiced
        for old in [old for old in self._voiced if old < self._ring.first]:
            del self._voiced[old]
        return self.poll(_ANSWER_SOON_S)

    def poll(self, wait_s: float = 0.0) -> list[Decoded]:
        """The answers that come within `wait_s`, or until everything is answered."""
        answers: list[Decoded] = []
        end_s = self._clock() + wait_s
        while self._child is not None or self._clock() >= self._start_at_s:
            if self._child is None:
                self._spawn()
            self._send()
            answers += self._receive(max(end_s - self._clock(), 0.0))
            if self._answered >= self._ring.end or self._clock() >= end_s or self._child is None:
                break
        self._watch()
        return answers

    def close(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None
        self._unload(END_S)

    def _unload(self, within_s: float = 0.0) -> None:
        if self._loader is not None:
            self._loader.end(within_s)
        self._loader, self._loaded = None, False

    def _spawn(self) -> DecoderProcess:
        if self._loader is not None and not self._loader.alive:
            self._unload()
        if self._loader is None:
            self._loader = Loader(self._command)
        child = self._child = self._loader.decoder()
        self._progress_at_s = self._clock()
        self._next = max(self._begin, self._ring.first)
        self._anew = False
        return child

    def _begin_with(self, child: DecoderProcess, pid: int, has_safety: bool) -> None:
        child.began(pid, has_safety)
        self.fault, self._loaded, self._expects_safety = "", True, has_safety

    def _send(self) -> None:
        child = self._child
        if child is None or not child.ready:
            return
        if self._next < self._ring.first:  # slower than the sound for ten seconds: what is lost is lost
            self.lost_s += (self._ring.first - self._next) * CHUNK_S
            self._next, self._anew = self._ring.first, True
        for number, chunk in self._ring.since(self._next):
            if len(child.under_way) >= _UNDER_WAY:
                return
            if not child.under_way:
                self._progress_at_s = self._clock()
            samples = np.zeros_like(chunk.samples) if number in self._quarantine else chunk.samples
            if not child.send((number, samples.tobytes(), self._anew)):
                return
            self._next, self._anew = number + 1, False

    def _receive(self, wait_s: float) -> list[Decoded]:
        answers: list[Decoded] = []
        child = self._child
        while child is not None and child.poll(0.0 if answers else wait_s):
            message = child.receive()
            if message is None:
                self._restart("ended")
                break
            self._progress_at_s = self._clock()
            if message[0] == "ready":
                self._begin_with(child, *message[1:])
            elif message[0] == "error":
                self.fault = "the recogniser cannot be loaded"
                log.error("recogniser cannot be loaded: %s: %s", message[1], message[2])
                self._restart("cannot start")
                break
            else:
                answers += self._take(*message)
        return answers

    def _take(
        self, number: int, final: FinalResult | None, safety: FinalResult | None, took_s: float, had_s: float
    ) -> list[Decoded]:
        child = self._child
        assert child is not None
        child.had_s = had_s
        child.under_way.popleft()
        self._failures = 0
        again = number < self._answered
        self._answered = max(self._answered, number + 1)
        chunk = self._ring.chunk(number)
        if chunk is None:  # cannot be: what is under way is a second at most, and the ring keeps ten
            return []
        factor = took_s * SAMPLE_RATE_HZ / max(len(chunk.samples), 1)
        self.real_time_factor += 0.05 * (factor - self.real_time_factor)
        # what had given a final before the wedge gives it again in the replay, and counts once
        final = final if number >= self._new_from else None
        safety = safety if number >= self._safety_new_from else None
        if final is not None:
            self._finished = number + 1
        if safety is not None:
            self._safety_finished = number + 1
        return [Decoded(chunk, final, safety, again)] if final or safety or not again else []

    def _watch(self) -> None:
        child = self._child
        if child is None:
            return
        silent_s = self._clock() - self._progress_at_s
        if child.ready and child.under_way and silent_s > WEDGED_AFTER_S:
            # asked in this order: who answers at the last moment rests, too
            if wedged(silent_s, child.spent_s()) and not child.poll(0.0):
                self._restart("wedged")
        elif not child.ready and silent_s > (_FORK_LIMIT_S if self._loaded else _START_LIMIT_S):
            self._restart("does not start")

    def _restart(self, reason: str) -> None:
        child = self._child
        if child is None:
            return
        log.error("recogniser %s; it is started again", reason)
        child.end()
        self._child = None
        if not child.ready or self._failures:  # nothing came of it: what is loaded may itself be spoilt
            self._unload()
        self.restarts += 1
        self._new_from = self._finished and self._finished + _SAME_FINAL_CHUNKS
        self._safety_new_from = self._safety_finished and self._safety_finished + _SAME_FINAL_CHUNKS
        finished = min(self._finished, self._safety_finished) if self._expects_safety else self._finished
        first = max(finished, self._ring.first)
        self._begin = replay_from(self._answered, first, lambda number: self._voiced.get(number, True))
        if child.under_way:
            self._leave_out(child.under_way[0])
        self._start_at_s = self._clock() + _RETRY_S[min(self._failures, len(_RETRY_S) - 1)]
        self._failures += 1

    def _leave_out(self, stuck: int) -> None:
        """It hung or crashed on chunk `stuck`."""
        before = self._quarantine.left_out
        self._quarantine.forget_before(self._ring.first)
        begin = self._quarantine.failed(stuck, self._begin)
        if begin > stuck:
            self.lost_s += (begin - self._begin) * CHUNK_S
            self._answered = max(self._answered, begin)
        elif self._quarantine.left_out > before:
            self.lost_s += CHUNK_S
        self._begin = begin


def wedged(silent_s: float, spent_s: float | None) -> bool:
    """Whether a decoder that should have answered does nothing (`spent_s` None), or works on one chunk for ever."""
    return spent_s is None or spent_s > _WORK_S or silent_s > _STARVED_S


def replay_from(stuck: int, first: int, voiced: Callable[[int], bool]) -> int:
    """Where to begin again when the decoder stuck at chunk `stuck`: back to a silence, but not before `first`."""
    begin, quiet = stuck, 0
    while begin > first and quiet < _QUIET_CHUNKS:
        begin -= 1
        quiet = 0 if voiced(begin) else quiet + 1
    return min(begin + quiet - _LEAD_CHUNKS, stuck) if quiet >= _QUIET_CHUNKS else begin
