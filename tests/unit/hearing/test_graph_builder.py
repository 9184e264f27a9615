from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from robot.errors import BadInput, MissingPart
from robot.messages import Language, Phrase
from robot.speech.graph_builder import PHRASES_FILE, ensure_graph
from tests.unit.hearing.conftest import MODEL

pytestmark = pytest.mark.unit

OPEN = Phrase(Language.ZH, "打开电视")
THANKS = Phrase(Language.MN, "баярлалаа")


def test_the_same_phrases_are_built_once_whatever_their_order(cache_dir: Path) -> None:
    graph = ensure_graph([OPEN, THANKS], MODEL, cache_dir)
    written = (graph / "graph" / "HCLG.fst").stat().st_mtime_ns
    assert ensure_graph([THANKS, OPEN], MODEL, cache_dir) == graph
    assert (graph / "graph" / "HCLG.fst").stat().st_mtime_ns == written


def test_every_difference_in_a_phrase_gives_another_graph(cache_dir: Path) -> None:
    variants = [[OPEN], [THANKS], [replace(OPEN, weight=2.0)], [replace(THANKS, pronunciation="bɑjə̌rllɑː")]]
    assert len({ensure_graph(phrases, MODEL, cache_dir) for phrases in variants}) == len(variants)


def test_a_graph_folder_is_whole_and_no_scratch_is_left(graph_dir: Path, cache_dir: Path) -> None:
    rows = json.loads((graph_dir / PHRASES_FILE).read_text(encoding="utf-8"))
    words = (graph_dir / "graph" / "words.txt").read_text(encoding="utf-8").split("\n")
    assert [line.split()[0] for line in words if line.startswith("p")] == [f"p{row}" for row in range(len(rows))]
    assert (graph_dir / "am" / "final.mdl").stat().st_size == (MODEL / "am" / "final.mdl").stat().st_size
    assert not list(cache_dir.glob(".building-*"))


def test_a_phrase_that_cannot_be_said_is_named(cache_dir: Path) -> None:
    with pytest.raises(BadInput, match="打开Maps"):
        ensure_graph([OPEN, Phrase(Language.ZH, "打开Maps")], MODEL, cache_dir)


def test_nothing_to_listen_for_is_an_error(cache_dir: Path) -> None:
    with pytest.raises(BadInput, match="at least one"):
        ensure_graph([], MODEL, cache_dir)


def test_a_weight_of_nothing_is_an_error(cache_dir: Path) -> None:
    with pytest.raises(BadInput, match="weight"):
        ensure_graph([replace(OPEN, weight=0.0)], MODEL, cache_dir)


def test_a_missing_model_says_what_to_restore(cache_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="models/speech"):
        ensure_graph([OPEN], tmp_path, cache_dir)
