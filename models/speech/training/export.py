"""A checkpoint as a Vosk model folder: am/final.mdl, tokens.txt, conf; for a fold also what it never heard.

python -m models.speech.training.export CHECKPOINT --fold all|a|b --out FOLDER
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from models.speech.training.base_model import fetch_base_model
from models.speech.training.collection import FOLDS, Fold
from models.speech.training.network import BLANK_BIAS, blank_shift, exported
from models.speech.training.nnet3 import Network
from models.speech.training.score import read_model
from robot import paths
from robot.errors import HaniError

_CONF = ("mfcc.conf", "model.conf")


def export(checkpoint: Path, fold: Fold, out_dir: Path, blank_bias: float = BLANK_BIAS) -> None:
    """Write the model folder; files of an earlier export are replaced."""
    tokens = (checkpoint.parent / "tokens.txt").read_text(encoding="utf-8")
    count = len(tokens.split())
    base = Network.read(fetch_base_model())
    data = exported(read_model(checkpoint, count), base, blank_shift(count, blank_bias))
    (out_dir / "am").mkdir(parents=True, exist_ok=True)
    (out_dir / "am" / "final.mdl").write_bytes(data)
    (out_dir / "tokens.txt").write_text(tokens, encoding="utf-8")
    (out_dir / "conf").mkdir(exist_ok=True)
    for name in _CONF:
        shutil.copyfile(paths.SPEECH_MODEL / "conf" / name, out_dir / "conf" / name)
    if fold.speakers:
        left_out = {
            "held_out_speakers": sorted(fold.speakers),
            "held_out_texts_of": sorted(language.value for language in fold.texts_of),
            "held_out_text_share": "1/3 by robot/speech/evaluation/holdout.py",
        }
        (out_dir / "fold.json").write_text(json.dumps(left_out, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m models.speech.training.export", description="To a Vosk model.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--fold", choices=sorted(FOLDS), required=True, help="the fold that the checkpoint is of")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    parser.add_argument("--blank-bias", type=float, default=BLANK_BIAS, help=f"default {BLANK_BIAS}")
    given = parser.parse_args(arguments)
    try:
        export(given.checkpoint, FOLDS[given.fold], given.out, given.blank_bias)
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
