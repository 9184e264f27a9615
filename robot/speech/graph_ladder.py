"""A graph in spite of everything: the first grammar that compiles, in the first folder that can be written."""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from robot.errors import HaniError
from robot.messages import Grammar
from robot.speech.graph_builder import ensure_graph

_LOG = logging.getLogger(__name__)
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 -- Linux's own; the folder made in it is readable by its owner only
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Compiled:
    """What is listened for: the grammar of `rung` (0 is the one that was wanted) and its graph.

    `refused` tells why each rung above it failed; its texts may hold names and must not be logged. `temporary` when the
    cache could not be written, so that every start compiles anew.
    """

    grammar: Grammar
    graph: Path
    rung: int
    refused: tuple[HaniError, ...] = ()
    temporary: bool = False


def first_that_compiles(rungs: Sequence[Callable[[], Grammar]], model_dir: Path, cache_dir: Path) -> Compiled:
    """The graph of the first of `rungs` that can be made; each gives its grammar, or raises `HaniError`.

    Raises the last rung's `HaniError`.
    """
    refused: list[HaniError] = []
    for rung, make in enumerate(rungs):
        try:
            grammar = make()
            graph, temporary = anywhere(_in_folder(grammar, model_dir), cache_dir)
        except HaniError as error:
            _LOG.error("grammar %d of %d cannot be listened for (%s)", rung + 1, len(rungs), type(error).__name__)
            refused.append(error)
            if rung + 1 == len(rungs):
                raise
            continue
        return Compiled(grammar, graph, rung, tuple(refused), temporary)
    raise ValueError("there must be at least one rung")


def anywhere(make: Callable[[Path], _Made], cache_dir: Path) -> tuple[_Made, bool]:
    """What `make` makes in the cache, else, on a full or read-only disk, in a temporary folder; and whether it did.

    The temporary folder is deleted when this process ends. Raises `HaniError` when nothing can be written anywhere.
    """
    try:
        return make(cache_dir), False
    except OSError as error:
        _LOG.error("the graph cache cannot be written (error number %s)", error.errno)
    for place in (None, _IN_MEMORY):
        try:
            folder = tempfile.mkdtemp(prefix="hani-graphs-", dir=place)
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            return make(Path(folder)), True
        except OSError:
            _LOG.error("a temporary folder for graphs cannot be written either")
    raise HaniError("The speech graph cannot be written anywhere; free some space on the disk.")


def _in_folder(grammar: Grammar, model_dir: Path) -> Callable[[Path], Path]:
    return lambda folder: ensure_graph(grammar, model_dir, folder)
