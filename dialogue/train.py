"""Trains the Rasa model, once for each state of its inputs.

    python -m dialogue.train

Runs in the robot's interpreter and calls Rasa in its own. The archive is `.hani/rasa/models/hani-<hash>.tar.gz`; when
it is there already, nothing is done.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

from dialogue import paths
from dialogue.build import build
from dialogue.serve import quiet_environment, rasa_command
from robot.errors import HaniError, MissingPart

_PROGRESS_EVERY_S = 10.0


def train(out: TextIO) -> Path:
    """Return the model of the present inputs, training it if it is missing. Raises `MissingPart`."""
    model = paths.model()
    if model.is_file():
        out.write(f"dialogue: model {model.name} is up to date\n")
        return model
    project = build()
    out.write(f"dialogue: training {model.name} (about a minute)\n")
    out.flush()
    model.parent.mkdir(parents=True, exist_ok=True)
    part = model.parent / "part" / model.name
    command = [
        *("nice", "-n", "10", *rasa_command()),
        *("train", "--config", "config.yml", "--domain", "domain", "--data", "data", "--quiet", "--force"),
        *("--out", str(part.parent), "--fixed-model-name", model.name.removesuffix(".tar.gz")),
    ]
    log = paths.home() / "rasa" / "train.log"
    with log.open("w", encoding="utf-8") as lines:
        process = subprocess.Popen(
            command,
            cwd=project,
            env=quiet_environment(),
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=subprocess.STDOUT,
        )
        code = _wait(process, out)
    if code or not part.is_file():
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise MissingPart(f"The dialogue model could not be trained: {' '.join(last) or 'no output'}. Read {log}.")
    part.rename(model)
    return model


def _wait(process: subprocess.Popen[bytes], out: TextIO) -> int:
    began_s = time.monotonic()
    while True:
        try:
            return process.wait(timeout=_PROGRESS_EVERY_S)
        except subprocess.TimeoutExpired:
            out.write(f"dialogue: still training, {time.monotonic() - began_s:.0f} s\n")
            out.flush()
        except BaseException:
            process.terminate()
            process.wait()
            raise


def main(out: TextIO = sys.stdout, err: TextIO = sys.stderr) -> int:
    """Train and say where the model is; one line and 1 when that is not possible."""
    try:
        model = train(out)
    except HaniError as error:
        err.write(f"{error}\n")
        return 1
    out.write(f"dialogue: {model} ({model.stat().st_size / 1e6:.1f} MB)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
