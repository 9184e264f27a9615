"""`hani recognize`: sound files in, JSON lines out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from robot.errors import BadInput, HaniError
from robot.messages import Language, Phrase, Reading, SafetyKind, SafetyWord
from robot.speech.audio import FileSource
from robot.speech.graph_builder import ensure_graph
from robot.speech.recognizer import FinalResult, Recognizer, VoskRecognizer
from robot.speech.safety import SafetySpotter
from robot.speech.turns import Stretch, joined

LONGEST_PHRASE = 100
"""Characters; nobody says more in one breath, and a whole page would keep the graph's builder busy for minutes."""

EXIT_BAD_FILE = 1
EXIT_BAD_CALL = 2


def run(
    files: Sequence[Path],
    phrases: Path | Sequence[Phrase],
    *,
    model_dir: Path,
    cache_dir: Path,
    safety: Mapping[tuple[Language, str], SafetyKind] | None = None,
    harmless: Mapping[Language, Sequence[str]] | None = None,
    lang: str = "auto",
    out: TextIO,
    err: TextIO,
) -> int:
    """Recognise each file and print one JSON line for it: file, text, language, confidence, nbest, safety.

    `text` and `language` are null when nothing known was said. A file that cannot be read costs one line on `err`, and
    the rest go on. Returns 0, `EXIT_BAD_FILE` when a file failed, or `EXIT_BAD_CALL` when nothing could be started.
    """
    try:
        listed = read_phrases(phrases) if isinstance(phrases, Path) else list(phrases)
        graph = ensure_graph(_of_language(listed, lang), model_dir, cache_dir)
        recognizer = VoskRecognizer(graph)
    except HaniError as error:
        err.write(f"hani recognize: {error}\n")
        return EXIT_BAD_CALL
    spotter = SafetySpotter(safety or {}, harmless, [(phrase.language, phrase.text) for phrase in listed])
    code = 0
    for file in files:
        try:
            line = recognize_file(file, recognizer, spotter)
        except HaniError as error:
            err.write(f"hani recognize: {error}\n")
            code = EXIT_BAD_FILE
            continue
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
        out.flush()
    return code


def recognize_file(file: Path, recognizer: Recognizer, spotter: SafetySpotter) -> dict[str, object]:
    """The JSON object of one file. Raises `BadInput` when it cannot be read."""
    recognizer.reset()
    finals: list[FinalResult | None] = [recognizer.accept(chunk.samples) for chunk in FileSource(file).chunks()]
    finals.append(recognizer.flush())
    heard = [final for final in finals if final is not None]
    readings = joined([Stretch(final.readings if final.accepted else (), 0.0, 0.0) for final in heard])
    words = [word for final in heard if (word := spotter.spot(final, 0.0))]
    candidates = readings or tuple(reading for final in heard for reading in final.readings)
    return {
        "file": str(file),
        "text": readings[0].text if readings else None,
        "language": readings[0].language.value if readings else None,
        "confidence": round(readings[0].confidence, 3) if readings else 0.0,
        "nbest": [_shown(reading) for reading in candidates],
        "safety": _gravest(words),
    }


def _shown(reading: Reading) -> dict[str, object]:
    return {"text": reading.text, "language": reading.language.value, "confidence": round(reading.confidence, 3)}


def _gravest(words: Sequence[SafetyWord]) -> dict[str, object] | None:
    word = max(words, key=lambda word: word.certain, default=None)
    return {"kind": word.kind.value, "certain": word.certain} if word else None


def _of_language(phrases: Sequence[Phrase], lang: str) -> list[Phrase]:
    if lang == "auto":
        return list(phrases)
    if lang not in {language.value for language in Language}:
        raise BadInput(f"Unknown language {lang!r}; use auto, zh or mn.")
    return [phrase for phrase in phrases if phrase.language.value == lang]


def read_phrases(path: Path) -> list[Phrase]:
    """Phrases of a UTF-8 TSV file: zh or mn, the text, and perhaps its IPA; `#` begins a comment line.

    Raises `BadInput` naming the file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read; give a UTF-8 file of language, tab, text.") from error
    phrases = []
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.split("\t")]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if len(cells) not in (2, 3) or cells[0] not in {"zh", "mn"} or not cells[1]:
            raise BadInput(f"{path} line {number}: expected zh or mn, a tab, the text, and perhaps a tab and its IPA.")
        if len(cells[1]) > LONGEST_PHRASE:
            raise BadInput(f"{path} line {number}: give a phrase of at most {LONGEST_PHRASE} characters.")
        phrases.append(Phrase(Language(cells[0]), cells[1], cells[2] or None if len(cells) == 3 else None))
    return phrases
