"""The last seconds of sound by their place in the stream: what a decoder lost can be played to it again. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

from robot.speech.audio import CHUNK_S, AudioChunk

DEFAULT_KEPT_S = 10.0


class Ring:
    """Chunks by number, counted from 0 over the whole stream. Older ones than `kept_s` are forgotten: counted in
    chunks of 0.1 s, since a clock may be set back.
    """

    def __init__(self, kept_s: float = DEFAULT_KEPT_S) -> None:
        self._most = max(math.ceil(kept_s / CHUNK_S), 1)
        self._chunks: deque[AudioChunk] = deque()
        self._first = 0

    @property
    def first(self) -> int:
        """The number of the oldest chunk that is still there."""
        return self._first

    @property
    def end(self) -> int:
        """The number that the next chunk will get."""
        return self._first + len(self._chunks)

    def add(self, chunk: AudioChunk) -> int:
        """Keep a chunk and return its number."""
        self._chunks.append(chunk)
        number = self.end - 1
        while len(self._chunks) > self._most:
            self._chunks.popleft()
            self._first += 1
        return number

    def chunk(self, number: int) -> AudioChunk | None:
        """A chunk by its number; None when it is forgotten or not there yet."""
        index = number - self._first
        return self._chunks[index] if 0 <= index < len(self._chunks) else None

    def since(self, number: int) -> Iterator[tuple[int, AudioChunk]]:
        """All chunks from `number` on that are still there, with their numbers."""
        for index in range(max(number - self._first, 0), len(self._chunks)):
            yield self._first + index, self._chunks[index]
