"""How well are people heard, and everything else left alone? Prints tables (Markdown), then one line of JSON.

    python -m models.speech.evaluate FOLDER [--folds FOLDER] [--all] [--only NAME...] [--whisper PYTHON]

FOLDER/speech.tsv has the columns path, lang ("zh" or "mn"), text, speaker, source. `--folds` names the folder of models
that were trained without some speakers and texts (fold-*/ with fold.json): only they tell how strangers fare. Without
it the shipped model is measured on what it has learnt from. Seeds are fixed, fewer clips are always out of more.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from dialogue import words
from dialogue.grammar import everyday, resident_grammar
from robot import paths
from robot.errors import HaniError
from robot.speech.evaluation.beside_whisper import beside_whisper
from robot.speech.evaluation.folds import read_folds, shipped
from robot.speech.evaluation.rejection import House
from robot.speech.evaluation.run import PROTOCOLS, SMALL, WHOLE, evaluate
from robot.speech.evaluation.tables import Table, markdown


def house() -> House:
    """What the robot listens for, out of dialogue/words."""
    source = words.words()
    grammar = resident_grammar(source)
    safety = source.safety
    return House(
        grammar, words.phrases(), tuple(everyday(grammar)), words.safety_phrases(), safety.harmless, safety.alone
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m models.speech.evaluate", description="Hearing on recordings.")
    parser.add_argument("folder", type=Path, help="holds speech.tsv and its clips")
    parser.add_argument("--folds", type=Path, help="holds fold-*/: models that never heard some speakers and texts")
    parser.add_argument("--model", type=Path, default=paths.SPEECH_MODEL, help="without --folds; default: the robot's")
    parser.add_argument("--all", action="store_true", help="every clip and hours of foreign sound (an hour or two)")
    parser.add_argument("--only", nargs="+", choices=PROTOCOLS, default=PROTOCOLS, help="some protocols")
    parser.add_argument("--whisper", metavar="PYTHON", help="an interpreter that has whisper-base, to compare with")
    given = parser.parse_args(arguments)
    began_s = time.monotonic()
    tables: list[Table] = []
    try:
        folds = read_folds(given.folds) if given.folds else [shipped(given.model)]
        _say(f"{datetime.date.today().isoformat()}, models: {', '.join(f'{f.label}: {f.model_dir}' for f in folds)}\n")
        with tempfile.TemporaryDirectory() as scratch:
            cache_dir = Path(scratch)
            budget = WHOLE if given.all else SMALL
            for table in evaluate(given.folder, folds, house(), cache_dir, budget, given.only):
                tables.append(table)
                _say("\n".join(markdown([table])))
            table = beside_whisper(given.folder, folds[0], cache_dir, given.whisper)
            tables.append(table)
            _say("\n".join(markdown([table])))
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    figures = {
        "date": datetime.date.today().isoformat(),
        "data": str(given.folder),
        "models": [fold.label for fold in folds],
        "all": given.all,
        "took_s": round(time.monotonic() - began_s),
        "tables": [asdict(table) for table in tables],
    }
    _say(json.dumps(figures, ensure_ascii=False))
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
