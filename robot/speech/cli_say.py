"""`hani say --lang zh|mn --out x.wav TEXT`: one text to one wav file."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import TextIO

from robot.errors import BadInput, HaniError
from robot.messages import Language
from robot.speech.synthesis import Pyttsx3Synthesizer, Synthesizer


def run(
    text: str,
    lang: str,
    out: Path,
    *,
    synthesizer: Synthesizer | None = None,
    stdout: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Speak `text` into `out` and print {file, language, duration_s, took_s} as one JSON line.

    Returns 0, or 2 after one line on `err` that says what to do. `took_s` holds the start of the voice's process.
    """
    try:
        language = _language(lang)
        if not out.absolute().parent.is_dir():
            raise BadInput(f"--out {out}: make the folder {out.parent} first")
        if out.exists() and not out.is_file():
            raise BadInput(f"--out {out}: cannot be written, it is no file; give the name of a wav file")
        with closing(synthesizer or Pyttsx3Synthesizer()) as voice:
            audio = voice.synthesize(text, language, out)
    except HaniError as error:
        (err or sys.stderr).write(f"hani say: {error}\n")
        return 2
    line = {
        "file": str(audio.path),
        "language": language.value,
        "duration_s": round(audio.duration_s, 3),
        "took_s": round(audio.took_s, 3),
    }
    (stdout or sys.stdout).write(json.dumps(line, ensure_ascii=False) + "\n")
    return 0


def _language(lang: str) -> Language:
    try:
        return Language(lang)
    except ValueError as error:
        raise BadInput(f"--lang {lang}: give {' or '.join(language.value for language in Language)}") from error
