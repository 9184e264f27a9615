"""A decoding graph over CTC tokens: phrases, shared classes of words, and a filler. Pure but for writing the files.

Token k of the model has pdf k, transition 2k+1 to stay in it and 2k+2 to enter it; token 0 is the blank. CTC parts
equal neighbours by a blank, so a graph must know which token was said last, also where a class begins or ends: a
`Place` is a point between two tokens and lists the states in front of it, each with the token it has just said.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from robot.speech.ways import Pronunciation

EPSILON = "<eps>"


class Arc(NamedTuple):
    """`transition` 0 takes no frame; `word` 0 says nothing; `cost` in nats."""

    transition: int
    word: int
    cost: float
    target: int


@dataclass(slots=True)
class Place:
    """A point between tokens.

    `ports` are the states in front of it with their last token (None: blank or nothing); `further` are the places
    behind it, by what is said on the way: phrases with the same beginning share them.
    """

    ports: tuple[tuple[int, str | None], ...]
    further: dict[Hashable, Place] = field(default_factory=dict)


class CtcGraph:
    """States are numbers from 0, the start. `arcs[state]` leave a state; `final` maps a state to its cost."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.arcs: list[list[Arc]] = []
        self.final: dict[int, float] = {}
        self.words = {EPSILON: 0}
        self._number = {token: k for k, token in enumerate(tokens)}
        start, opened = self._state(), self._state()
        lead = self._blank(start)
        self._arc(start, 0, opened)
        self._arc(lead, 0, opened)
        self.final[lead] = 0.0  # silence alone is an empty result, not the shortest phrase
        self._end = self._state()
        self.final[self._end] = 0.0
        self.final[self._blank(self._end)] = 0.0
        self.start = Place(((opened, None),))

    def say(self, place: Place, ways: Sequence[Pronunciation]) -> Place:
        """The place after `ways`, any of them, from `place`."""
        ends = [self._say_one(place, way) for way in ways]
        if len(ends) == 1:
            return ends[0]
        key = tuple(ways)
        if key not in place.further:
            place.further[key] = self._joined((port, 0, 0.0) for end in ends for port in end.ports)
        return place.further[key]

    def fill(self, place: Place, name: Hashable, forms: Callable[[Place], Iterable[tuple[Place, str, float]]]) -> Place:
        """The place after any form of the class `name`; at most one copy of a class stands at a place.

        `forms` writes the class from the place it is given, and yields each form's end, its word and its cost.
        """
        key = ("class", name)
        if key not in place.further:
            entry = Place(place.ports)  # its own beginnings: a form's tokens are not a phrase's
            ends = [(end, self._label(word), cost) for end, word, cost in forms(entry)]
            place.further[key] = self._joined((port, word, cost) for end, word, cost in ends for port in end.ports)
        return place.further[key]

    def finish(self, place: Place, word: str, cost: float) -> None:
        """A phrase ends at `place` and is told by `word`."""
        label = self._label(word)
        for state, _ in place.ports:
            self._arc(state, 0, self._end, word=label, cost=cost)

    def add_filler(self, word: str, cost_per_token: float) -> None:
        """Add a loop over all tokens as `word`, for speech that is no phrase."""
        label = self._label(word)
        hub, pause = self._state(), self._state()
        self._arc(self.start.ports[0][0], 0, hub)
        self._arc(pause, 1, pause)
        loud = {k: self._state() for k in range(1, len(self._number))}
        for k, state in loud.items():
            self._arc(state, 2 * k + 1, state)
            self._arc(state, 2, pause)
            self._arc(state, 0, self._end, word=label)
            for before in (hub, pause, *(other for j, other in loud.items() if j != k)):
                self._arc(before, 2 * k + 2, state, cost=cost_per_token)
        self._arc(pause, 0, self._end, word=label)

    def write(self, graph_dir: Path) -> None:
        """Write HCLG.fst and words.txt. Only for a process that never imports vosk: kaldifst crashes beside it."""
        import kaldifst

        fst = kaldifst.StdVectorFst()
        for _ in self.arcs:
            fst.add_state()
        fst.start = 0
        for state, cost in self.final.items():
            fst.set_final(state, cost)
        for state, arcs in enumerate(self.arcs):
            for arc in sorted(arcs):
                fst.add_arc(state, kaldifst.StdArc(*arc[:2], weight=arc.cost, nextstate=arc.target))
        graph_dir.mkdir(parents=True)
        if not fst.write(str(graph_dir / "HCLG.fst")):  # it tells of a full disk in no other way
            raise OSError("the graph could not be written")
        lines = [f"{word} {number}\n" for word, number in self.words.items()]
        (graph_dir / "words.txt").write_text("".join(lines), encoding="utf-8")

    def _label(self, word: str) -> int:
        return self.words.setdefault(word, len(self.words))

    def _state(self) -> int:
        self.arcs.append([])
        return len(self.arcs) - 1

    def _arc(self, source: int, transition: int, target: int, *, word: int = 0, cost: float = 0.0) -> None:
        self.arcs[source].append(Arc(transition, word, cost, target))

    def _blank(self, source: int) -> int:
        blank = self._state()
        self._arc(source, 2, blank)
        self._arc(blank, 1, blank)
        return blank

    def _say_one(self, place: Place, way: Pronunciation) -> Place:
        for token in way:
            if token not in place.further:
                k, state = self._number[token], self._state()
                self._arc(state, 2 * k + 1, state)
                for before, last in place.ports:
                    if last != token:
                        self._arc(before, 2 * k + 2, state)
                place.further[token] = Place(((state, token), (self._blank(state), None)))
            place = place.further[token]
        return place

    def _joined(self, ends: Iterable[tuple[tuple[int, str | None], int, float]]) -> Place:
        """One place behind many ends: a state for each last token, reached with the end's word and cost."""
        by_last: dict[str | None, int] = {}
        for (state, last), word, cost in ends:
            if last not in by_last:
                by_last[last] = self._state()
            self._arc(state, 0, by_last[last], word=word, cost=cost)
        return Place(tuple((state, last) for last, state in by_last.items()))
