"""The model, the clips and one graph for all hearing tests."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from robot.messages import Language
from robot.speech.graph_builder import ensure_graph
from robot.speech.lexicon import Lexicon
from robot.speech.phrase_file import read_phrases
from robot.speech.recognizer import VoskRecognizer

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "models" / "speech" / "bilingual-v1"
DATA = ROOT / "tests" / "data" / "speech"


@dataclass(frozen=True)
class Clip:
    path: Path
    language: Language
    text: str
    pronunciation: str
    known: bool


def clips() -> list[Clip]:
    with (DATA / "clips.tsv").open(encoding="utf-8") as lines:
        return [
            Clip(
                DATA / row["path"],
                Language(row["language"]),
                row["text"],
                row["pronunciation"],
                row["in_phrases"] == "yes",
            )
            for row in csv.DictReader(lines, delimiter="\t")
        ]


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="session")
def graph_dir(cache_dir: Path) -> Path:
    return ensure_graph(read_phrases(DATA / "phrases.tsv", Lexicon.of_model(MODEL)).phrases, MODEL, cache_dir)


@pytest.fixture(scope="session")
def loaded(graph_dir: Path) -> VoskRecognizer:
    return VoskRecognizer(graph_dir)


@pytest.fixture
def recognizer(loaded: VoskRecognizer) -> VoskRecognizer:
    loaded.reset()
    return loaded
