"""What the synthesiser shall say in Mongolian: phrases of the recordings, of the dialogue and of a word list, in IPA.

    python -m models.speech.training.mongolian_texts FOLDER --words FILE --count 3200 --out FILE

FOLDER is the collection of recordings, the word list is TSV with `language` and `text`. Short words come several at a
time, since Kokoro swallows them alone. No line that a fold may train on holds a phrase that folds leave out, or
one that differs from such a text by a single sound; the lines that do are themselves among the texts left out.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from dialogue import words
from robot import paths
from robot.errors import BadInput, HaniError
from robot.messages import Language, Phrase
from robot.speech.edits import edits
from robot.speech.evaluation.collection import Clip, read_clips
from robot.speech.evaluation.holdout import held_out
from robot.speech.lexicon import Lexicon, Pronunciation

_LEFT_OUT = 0.25  # share of lines that no fold may hear
_ALONE, _LONG_TOKENS = 0.35, 6  # share of lines of one phrase, which has at least so many sounds
_LONGEST_TOKENS = 22


def ipa(way: Pronunciation) -> str:
    """A pronunciation as the collection writes it."""
    return "".join(way).replace("ə~", "ə\u030c")


def lines(free: Sequence[str], kept: Sequence[str], count: int, seed: int = 4) -> list[str]:
    """So many lines: of the `free` phrases ones that every fold may hear, of the `kept` ones that none may."""
    draw = random.Random(seed)
    made: list[str] = []
    while len(made) < count:
        left_out = bool(kept) and draw.random() < _LEFT_OUT
        line = _line(kept if left_out else free, draw)
        if held_out(Language.MN.value, line.replace(",", "")) is left_out:
            made.append(line)
    return made


def _line(phrases: Sequence[str], draw: random.Random) -> str:
    long = [phrase for phrase in phrases if len(phrase) >= _LONG_TOKENS]
    if long and draw.random() < _ALONE:
        return draw.choice(long)
    parts: list[str] = []
    longest = draw.randint(8, 20)
    while sum(map(len, parts)) < longest:
        parts.append(draw.choice(phrases))
    return (", " if draw.random() < 0.7 else " ").join(parts)


def parted(clips: Iterable[Clip], more: Collection[Pronunciation]) -> tuple[list[str], list[str]]:
    """The phrases that folds may hear, and those that they may not, in IPA."""
    ways: dict[Pronunciation, bool] = {}
    for clip in clips:
        if clip.phrase.language is Language.MN:
            ways[clip.way] = ways.get(clip.way, False) or clip.held_out
    left_out = [way for way, out in ways.items() if out]
    for way in more:
        if way not in ways and 1 < len(way) <= _LONGEST_TOKENS:
            ways[way] = any(_near(way, other) for other in left_out)
    return sorted(ipa(way) for way, out in ways.items() if not out), sorted(ipa(w) for w, out in ways.items() if out)


def _near(one: Pronunciation, other: Pronunciation) -> bool:
    return abs(len(one) - len(other)) <= 1 and edits(_short(one), _short(other)) <= 1


def _short(way: Pronunciation) -> tuple[str, ...]:
    return tuple(token.rstrip("ː~") for token in way)


def _ways(texts: Iterable[str], lexicon: Lexicon) -> set[Pronunciation]:
    ways: set[Pronunciation] = set()
    for text in texts:
        try:
            ways.add(lexicon.pronounce(Phrase(Language.MN, text))[0])
        except BadInput:  # a sound or letter that the model does not know
            continue
    return ways


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 after one line when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m models.speech.training.mongolian_texts", description="Texts.")
    parser.add_argument("folder", type=Path, help="the collection of recordings (speech.tsv)")
    parser.add_argument("--words", type=Path, required=True, help="TSV with the columns language and text")
    parser.add_argument("--count", type=int, default=3200, help="lines (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        lexicon = Lexicon.of_model(paths.SPEECH_MODEL)
        with given.words.open(encoding="utf-8", newline="") as file:
            listed = [row["text"] for row in csv.DictReader(file, delimiter="\t") if row["language"] == "mn"]
        said = [phrase.text for phrase in words.phrases() if phrase.language is Language.MN]
        free, kept = parted(read_clips(given.folder, lexicon), _ways([*listed, *said], lexicon))
        given.out.write_text("".join(f"mn\t{line}\n" for line in lines(free, kept, given.count)), encoding="utf-8")
    except (HaniError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
