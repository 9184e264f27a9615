"""The model, the clips and one graph for all hearing tests."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from robot.messages import Language
from robot.speech.graph_builder import ensure_graph
from robot.speech.lexicon import Lexicon
from robot.speech.phrase_file import read_phrases
from robot.speech.recognizer import VoskRecognizer

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "models" / "speech" / "bilingual-v3"
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


def written_out(graph: Path, folder: Path) -> Path:
    """A stand-in for the vendor's dictation model: our own graph, whose words are written out."""
    shutil.copytree(graph, folder, symlinks=True)
    phrases = json.loads((folder / "phrases.json").read_text(encoding="utf-8"))["phrases"]
    written = {f"p{row}": text.replace(" ", "_") for row, (_, text, *_) in enumerate(phrases)}
    words = folder / "graph" / "words.txt"
    lines = [line.split() for line in words.read_text(encoding="utf-8").splitlines()]
    words.write_text("".join(f"{written.get(word, word)} {number}\n" for word, number in lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="session")
def graph_dir(cache_dir: Path) -> Path:
    return ensure_graph(read_phrases(DATA / "phrases.tsv", Lexicon.of_model(MODEL)).phrases, MODEL, cache_dir)


@pytest.fixture(scope="session")
def dictation_model(graph_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written_out(graph_dir, tmp_path_factory.mktemp("dictation") / "model")


@pytest.fixture(scope="session")
def loaded(graph_dir: Path) -> VoskRecognizer:
    return VoskRecognizer(graph_dir)


@pytest.fixture
def recognizer(loaded: VoskRecognizer) -> VoskRecognizer:
    loaded.reset()
    return loaded
