"""Follows a decoding graph frame by frame, as a decoder without an acoustic model would."""

from __future__ import annotations

from collections.abc import Sequence

from robot.speech.ctc_graph import CtcGraph

Paths = dict[tuple[int, tuple[str, ...]], float]
"""(state, words said so far) -> least cost."""


def heard(graph: CtcGraph, frames: Sequence[int]) -> dict[tuple[str, ...], float]:
    """Every output of paths that take exactly these frames (each the number of a token), with its least cost."""
    said = {number: word for word, number in graph.words.items()}
    paths = _silently(graph, {(0, ()): 0.0}, said)
    for frame in frames:
        further: Paths = {}
        for (state, words), cost in paths.items():
            for arc in graph.arcs[state]:
                if arc.transition and (arc.transition - 1) // 2 == frame:
                    _keep(further, (arc.target, words + ((said[arc.word],) if arc.word else ())), cost + arc.cost)
        paths = _silently(graph, further, said)
    found: dict[tuple[str, ...], float] = {}
    for (state, words), cost in paths.items():
        if state in graph.final:
            found[words] = min(cost + graph.final[state], found.get(words, cost + graph.final[state]))
    return found


def _silently(graph: CtcGraph, paths: Paths, said: dict[int, str]) -> Paths:
    waiting = list(paths.items())
    while waiting:
        (state, words), cost = waiting.pop()
        for arc in graph.arcs[state]:
            if not arc.transition:
                key = (arc.target, words + ((said[arc.word],) if arc.word else ()))
                if _keep(paths, key, cost + arc.cost):
                    waiting.append((key, cost + arc.cost))
    return paths


def _keep(paths: Paths, key: tuple[int, tuple[str, ...]], cost: float) -> bool:
    if cost < paths.get(key, float("inf")):
        paths[key] = cost
        return True
    return False
