"""The collection of recordings, read from FOLDER/speech.tsv: one clip a row."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from robot.errors import BadInput
from robot.messages import Language, Phrase
from robot.speech.evaluation.holdout import held_out
from robot.speech.lexicon import Lexicon, Pronunciation

COLUMNS = ("path", "lang", "text", "speaker", "source")
SEED = 1
LONG_TOKENS = 8

_LIST_OR_STEM = re.compile(r"[-,/<(…]|\s{2}")  # "ɑːs, əːs", "ʊnt-", two sentences: not one spoken phrase
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_COMMAND = re.compile("嗯?(打开|想听歌曲|来一首歌曲|设定|调高|变温)")


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording of `phrase`, whose way to be said is `way`; homophones have the text of the first of them.

    `held_out` says whether its own text is one that no fold may learn.
    """

    path: Path
    phrase: Phrase
    way: Pronunciation
    speaker: str
    source: str
    held_out: bool

    @property
    def long(self) -> bool:
        return len(self.way) >= LONG_TOKENS

    @property
    def sentence(self) -> bool:
        """Read news or a spoken command of AISHELL-1."""
        return self.source.startswith("AISHELL-1")

    @property
    def command(self) -> bool:
        return self.sentence and _COMMAND.match(self.phrase.text) is not None

    @property
    def one_of_twelve(self) -> bool:
        """One of the words that 24 speakers said (DSPSpeech-20)."""
        return self.source.startswith("DSPSpeech-20")

    @property
    def word(self) -> bool:
        """A word of the HSK list, by one speaker."""
        return self.source.startswith("audio-cmn")


def read_clips(folder: Path, lexicon: Lexicon) -> list[Clip]:
    """The clips of FOLDER/speech.tsv that are one phrase which the lexicon can say, in order.

    Mongolian is in the phonetic spelling of studymongolian.net or in Cyrillic. Raises `BadInput` naming the table.
    """
    table = folder / "speech.tsv"
    first: dict[tuple[Language, Pronunciation], Phrase] = {}
    clips = []
    for number, row in enumerate(_rows(table), 2):
        if not all(row[column] for column in COLUMNS):
            raise BadInput(f"{table} line {number}: {', '.join(COLUMNS)} are all needed.")
        text = row["text"].strip("\ufeff ")
        spoken = _spoken(row["lang"], text)
        if spoken is None:
            continue
        try:
            way = lexicon.pronounce(spoken)[0]
        except BadInput:  # Latin letters, or a sound that the model does not know
            continue
        phrase = first.setdefault((spoken.language, way), spoken)
        out = held_out(row["lang"], text)
        clips.append(Clip(folder / row["path"], phrase, way, row["speaker"], row["source"], out))
    if not clips:
        raise BadInput(f"{table} names no clip in Mandarin (zh) or Mongolian (mn) that the lexicon can say.")
    return clips


def some(clips: Iterable[Clip], most: int | None, seed: int = SEED) -> list[Clip]:
    """At most so many clips, drawn by the seed, fewer always out of more; None is all of them."""
    drawn = list(clips)
    random.Random(seed).shuffle(drawn)
    return drawn[:most]


def phrases_of(clips: Iterable[Clip]) -> list[Phrase]:
    """Their phrases, each once, in order."""
    return list({clip.phrase: None for clip in clips})


def words_beside_the_twelve(clips: Sequence[Clip], count: int) -> list[Phrase]:
    """The twelve words and drawn HSK words, together `count` where there are so many; none sounds like another."""
    twelve = phrases_of(clip for clip in clips if clip.one_of_twelve)
    others = [phrase for phrase in phrases_of(clip for clip in clips if clip.word) if phrase not in twelve]
    random.Random(SEED).shuffle(others)
    return twelve + others[: max(count - len(twelve), 0)]


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{table} cannot be read; give the folder that holds speech.tsv.") from None
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise BadInput(f"{table} needs the tab-separated columns {', '.join(COLUMNS)}.")
    return rows


def _spoken(language: str, text: str) -> Phrase | None:
    if _LIST_OR_STEM.search(text):
        return None
    if language == Language.MN.value:
        return Phrase(Language.MN, text, None if _CYRILLIC.search(text) else text)
    return Phrase(Language.ZH, text) if language == Language.ZH.value else None
