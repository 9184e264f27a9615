"""`hani recognize`: sound files in, JSON lines out; `hani recognize --help` describes both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from robot.errors import BadInput, HaniError
from robot.files import path_of
from robot.messages import Grammar, Language, Phrase, Reading, SafetyKind
from robot.quiet import quiet_stderr
from robot.speech.audio import SAMPLE_RATE_HZ, Samples, load_clip
from robot.speech.cut_off import is_cut_off
from robot.speech.graph_builder import ensure_graph
from robot.speech.graph_ladder import anywhere
from robot.speech.lexicon import Lexicon
from robot.speech.phrase_file import read_phrases
from robot.speech.recognizer import FinalResult, Recognizer, VoskRecognizer
from robot.speech.recording import Attempt, hear_recording
from robot.speech.safety import SafetySpotter
from robot.speech.second_look import SecondLook
from robot.speech.turns import Stretch, joined

EXIT_BAD_FILE = 1
EXIT_BAD_CALL = 2

LIKELY_KNOWN = 0.05
"""With a list of phrases that the caller gave, the best guess counts from here on: somebody who gives a list says what
is in it. `FinalResult.known` of what was not accepted; speech of another language lies below almost always, and other
words of the same language in half of the cases (models/speech/README.md)."""


Sentences = Callable[[Grammar], Iterable[tuple[Language, str]]]


def _as_given(grammar: Grammar) -> Iterable[tuple[Language, str]]:
    """The sentences of a grammar without slots."""
    return [(phrase.language, phrase.text) for phrase in grammar.phrases]


@dataclass(frozen=True, slots=True)
class _Ears:
    recognizer: Recognizer
    spotter: SafetySpotter
    likely: bool  # a likely guess counts


def run(
    files: Sequence[str],
    phrases: Path | Grammar | Sequence[Phrase],
    *,
    model_dir: Path,
    cache_dir: Path,
    safety: Mapping[tuple[Language, str], SafetyKind] | None = None,
    harmless: Mapping[Language, Sequence[str]] | None = None,
    alone: Iterable[tuple[Language, str]] = (),
    everyday: Sentences = _as_given,
    lang: str = "auto",
    out: TextIO,
    err: TextIO | None,
) -> int:
    """Recognise each file and print one JSON line for it: file, text, language, confidence, nbest, safety.

    `file` is the name as given; `text` is "" and `language` null when nothing known was said. Phrases out of a file
    are a closed list: a likely guess at one of them counts too (`LIKELY_KNOWN`). `safety`, `harmless` and `alone` are
    as in `SafetySpotter`; `everyday` writes out the sentences of the grammar that is listened for.

    What cannot be used costs one line on `err` (None: closed), and the rest go on; of a file that was cut off, what is
    there is recognised all the same. Returns 0, `EXIT_BAD_FILE` when a
    file or phrase failed, or `EXIT_BAD_CALL` when nothing could be started.
    """
    code = 0

    def complain(problem: object) -> None:
        if err is not None:
            err.write(f"hani recognize: {' '.join(str(problem).splitlines())}\n")
            err.flush()

    try:
        grammar, problems = _listed(phrases, model_dir)
        for problem in problems:
            complain(problem)
            code = EXIT_BAD_FILE
        grammar = _of_language(grammar, lang)
        graph, _ = anywhere(lambda folder: ensure_graph(grammar, model_dir, folder), cache_dir)
        first = VoskRecognizer(graph)
    except HaniError as error:
        complain(error)
        return EXIT_BAD_CALL
    spotter = SafetySpotter(safety or {}, harmless, everyday(grammar), alone)
    ears = _Ears(SecondLook(first, first.another()), spotter, likely=isinstance(phrases, Path))
    for file in files:
        try:
            line, flaw = _recognize_file(file, ears)
        except HaniError as error:
            complain(error)
            code = EXIT_BAD_FILE
            continue
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
        out.flush()
        if flaw:
            complain(flaw)
            code = EXIT_BAD_FILE
    return code


def _listed(phrases: Path | Grammar | Sequence[Phrase], model_dir: Path) -> tuple[Grammar, tuple[str, ...]]:
    """What to listen for, and a line for each line of a file that cannot be used."""
    if isinstance(phrases, Path):
        listed = read_phrases(phrases, Lexicon.of_model(model_dir))
        return Grammar(listed.phrases, {}), listed.problems
    return (phrases if isinstance(phrases, Grammar) else Grammar(tuple(phrases), {})), ()


def _of_language(grammar: Grammar, lang: str) -> Grammar:
    if lang == "auto":
        return grammar
    if lang not in {language.value for language in Language}:
        raise BadInput(f"Unknown language {lang!r}; use auto, zh or mn.")
    wanted = tuple(phrase for phrase in grammar.phrases if phrase.language.value == lang)
    if grammar.phrases and not wanted:
        raise BadInput(f"None of the phrases is in {lang}; give at least one, or --lang auto.")
    return replace(grammar, phrases=wanted)


def _recognize_file(file: str, ears: _Ears) -> tuple[dict[str, object], str]:
    """The JSON object of one file, and what is wrong with the file all the same ("": nothing).

    Raises `BadInput` when it cannot be read.
    """
    path = path_of(file)
    with quiet_stderr():  # libmpg123 grumbles
        sound = load_clip(path)
    return _line(file, sound, ears), _flaw(path, len(sound) / SAMPLE_RATE_HZ)


def _flaw(path: Path, length_s: float) -> str:
    try:
        short = is_cut_off(path.read_bytes())
    except OSError:  # it was there a moment ago, and is recognised
        return ""
    return f"{path} is cut off: only its first {length_s:.1f} s are there; copy it again." if short else ""


def _line(file: str, sound: Samples, ears: _Ears) -> dict[str, object]:
    attempts = hear_recording(sound, ears.recognizer)
    finals, readings = _understood(attempts, likely=ears.likely)
    words = [(word.kind, word.certain) for final in finals if (word := ears.spotter.spot(final, 0.0))]
    guess = ears.spotter.spot_text(readings[0]) if readings else None
    if not words and guess is not None and guess.exact:  # a likely guess that is less sure than the spotter asks for
        words = [(guess.kind, False)]
    return {
        "file": file,
        "text": readings[0].text if readings else "",
        "language": readings[0].language.value if readings else None,
        "confidence": round(readings[0].confidence, 3) if readings else 0.0,
        "nbest": [_shown(reading) for reading in readings or _merged(finals)],
        "safety": _gravest(words),
    }


def _understood(attempts: Sequence[Attempt], *, likely: bool) -> tuple[tuple[FinalResult, ...], tuple[Reading, ...]]:
    """The finals that count, and what they say, best first; nothing when no final is believed."""
    accepted = attempts[-1].accepted
    if accepted:
        said = {final.readings[0].text for final in accepted}
        if len(said) == 1:  # once, or again and again
            return attempts[-1].finals, _merged(accepted)
        return attempts[-1].finals, joined([Stretch(final.readings, 0.0, 0.0) for final in accepted])
    finals = tuple(final for attempt in attempts for final in attempt.finals)
    best = max(finals, key=lambda final: final.known, default=None)
    if likely and best is not None and best.readings and best.known >= LIKELY_KNOWN:
        return finals, best.readings
    return finals, ()


def _merged(finals: Iterable[FinalResult]) -> tuple[Reading, ...]:
    """All readings, each once with its best confidence, best first."""
    best: dict[tuple[Language, str], Reading] = {}
    for reading in (reading for final in finals for reading in final.readings):
        key = (reading.language, reading.text)
        if key not in best or best[key].confidence < reading.confidence:
            best[key] = reading
    return tuple(sorted(best.values(), key=lambda reading: -reading.confidence))


def _shown(reading: Reading) -> dict[str, object]:
    return {"text": reading.text, "language": reading.language.value, "confidence": round(reading.confidence, 3)}


def _gravest(words: Sequence[tuple[SafetyKind, bool]]) -> dict[str, object] | None:
    """Of kinds and whether each is certain."""
    word = max(words, key=lambda word: word[1], default=None)
    return {"kind": word[0].value, "certain": word[1]} if word else None
