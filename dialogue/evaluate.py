"""Figures of the words: how many there are, and 5-fold cross-validation in Rasa's interpreter, macro-F1 by language.

    python -m dialogue.evaluate

Folds are drawn over the examples as written, before slots are filled, so that a template is never on both sides.
Emergency, i_am_fine and i_am_hurt are part of it, although safety words and answers are decided by code on the robot.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, TextIO

import yaml

from dialogue import paths
from dialogue.build import build
from dialogue.grammar import resident_grammar
from dialogue.serve import quiet_environment, rasa_command
from dialogue.text import fold
from dialogue.words import Words, expand, safety_phrases, words
from robot.errors import HaniError, MissingPart

FOLDS = 5
_SEED = 7


def folds() -> list[list[tuple[str, str, str]]]:
    """The examples as (intent, language, text), dealt into `FOLDS` parts."""
    source = words()
    parts: list[list[tuple[str, str, str]]] = [[] for _ in range(FOLDS)]
    for intent in source.intents.values():
        for language, found in intent.examples.items():
            examples = list(found)
            random.Random(_SEED).shuffle(examples)
            for turn, example in enumerate(examples):
                parts[turn % FOLDS].extend(
                    (intent.name, language.value, fold(text)) for text in expand(example, language, source)
                )
    return parts


def macro_f1(pairs: list[tuple[str, str]]) -> float:
    """Mean F1 over the intents of (right, found) pairs."""
    scores = []
    for intent in sorted({right for right, _ in pairs}):
        hits = sum(right == found == intent for right, found in pairs)
        either = sum((right == intent) + (found == intent) for right, found in pairs)
        scores.append(2 * hits / either)
    return sum(scores) / len(scores)


def content(source: Words) -> dict[str, int]:
    """Counts: intents, examples as written, the grammar's phrases and forms, safety phrases, texts of the robot."""
    grammar = resident_grammar(source)
    return {
        "intents": len(source.intents),
        "examples": sum(len(found) for intent in source.intents.values() for found in intent.examples.values()),
        "phrases": len(grammar.phrases),
        "forms_of_classes": sum(map(len, grammar.classes.values())),
        "safety_phrases": len(safety_phrases()),
        "texts": len(source.robot),
    }


def evaluate(out: TextIO) -> dict[str, Any]:
    """Train and test each fold; returns the figures by language and prints two JSON lines. Raises `MissingPart`."""
    parts = folds()
    out.write(json.dumps(content(words())) + "\n")
    pairs: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        project = build(Path(scratch) / "project")
        for held_out, tests in enumerate(parts):
            out.write(f"dialogue: fold {held_out + 1} of {FOLDS}\n")
            out.flush()
            train = [example for turn, part in enumerate(parts) if turn != held_out for example in part]
            for (_, language, _), (right, found, confidence) in zip(tests, _fold(project, train, tests), strict=True):
                pairs[language].append((right, found, confidence))
    figures = {language: _figures(found) for language, found in sorted(pairs.items())}
    out.write(json.dumps(figures) + "\n")
    return figures


def _figures(found: list[tuple[str, str, float]]) -> dict[str, float]:
    sure = [right == intent for right, intent, confidence in found if confidence >= 0.4]
    return {
        "examples": len(found),
        "macro_f1": round(macro_f1([(right, intent) for right, intent, _ in found]), 3),
        "accuracy": round(sum(right == intent for right, intent, _ in found) / len(found), 3),
        "share_sure": round(len(sure) / len(found), 3),
        "accuracy_when_sure": round(sum(sure) / len(sure), 3),
    }


def _fold(
    project: Path, train: list[tuple[str, str, str]], tests: list[tuple[str, str, str]]
) -> list[tuple[str, str, float]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for intent, _, text in train:
        grouped[intent].append(text)
    nlu = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in dict.fromkeys(texts))}
        for intent, texts in grouped.items()
    ]
    data = project / "fold.yml"
    data.write_text(yaml.safe_dump({"version": "3.1", "nlu": nlu}, allow_unicode=True), encoding="utf-8")
    (project / "tests.json").write_text(json.dumps([[intent, text] for intent, _, text in tests]), encoding="utf-8")
    python = rasa_command()[0]
    done = subprocess.run(
        ["nice", "-n", "10", python, str(paths.PROJECT_SOURCE / "score.py"), "config.yml", "fold.yml", "tests.json"],
        cwd=project,
        env=quiet_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MissingPart(f"The fold could not be trained: {done.stderr.strip().splitlines()[-1:]}")
    rows = json.loads(done.stdout.strip().splitlines()[-1])
    return [(str(right), str(found), float(confidence)) for right, found, confidence in rows]


if __name__ == "__main__":
    try:
        evaluate(sys.stdout)
    except HaniError as error:
        sys.exit(str(error))
