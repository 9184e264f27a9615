"""A file of phrases to listen for: tab-separated, a phrase a line. What cannot be used is told by line, not dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from robot.errors import BadInput
from robot.messages import Language, Phrase
from robot.speech.lexicon import Lexicon
from robot.speech.normalise import holds_han
from robot.speech.pinyin import is_pinyin_of

LONGEST_PHRASE = 300
"""Characters; nobody says more in one breath, and a whole page would keep the graph's builder busy for minutes."""

_MOST_TOLD = 10
_HEADER = frozenset({"language", "lang"})
_MONGOLIAN_LETTER = re.compile("[\u0400-\u04ff\u1800-\u18af]")
_SHAPE = "expected zh or mn, a tab, the text, and perhaps a tab and its IPA"


@dataclass(frozen=True, slots=True)
class PhraseFile:
    """What a file lists: usable phrases in order, and one line for each line of the file with something of no use."""

    phrases: tuple[Phrase, ...]
    problems: tuple[str, ...]


def read_phrases(path: Path, lexicon: Lexicon) -> PhraseFile:
    """Phrases of a UTF-8 TSV file: zh or mn, the text, and perhaps its IPA; `#` begins a comment line.

    A header line, a byte order mark and either line end are fine. Mongolian text that is written in IPA itself needs no
    third column; digits and Han are read as in any phrase. Pinyin in place of IPA is told, and the phrase is read as if
    it were not there. Raises `BadInput` naming the file when it cannot be read or nothing in it can be used.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}); give a file of language, tab, text.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8; give a UTF-8 file of language, tab, text.") from error
    phrases: list[Phrase] = []
    problems: list[str] = []
    first = True
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.split("\t")]
        if not any(cells) or cells[0].startswith("#"):
            continue
        header, first = first and cells[0].lower() in _HEADER, False
        if header:
            continue
        if len(cells) > 2 and is_pinyin_of(cells[2], cells[1]):
            problems.append(f"{path} line {number}: {cells[2]!r} looks like pinyin; leave the column empty or give IPA")
            cells[2] = ""
        try:
            phrases.append(_phrase(cells, lexicon))
        except BadInput as problem:
            problems.append(f"{path} line {number}: {problem}")
    if not phrases:
        raise BadInput(problems[0] if problems else f"{path} lists no phrase to listen for; give at least one.")
    return PhraseFile(tuple(phrases), _shortened(problems, path))


def _phrase(cells: list[str], lexicon: Lexicon) -> Phrase:
    """Raises `BadInput` saying what is wrong with the line."""
    while len(cells) > 2 and not cells[-1]:
        cells = cells[:-1]
    if len(cells) not in (2, 3) or cells[0].lower() not in {"zh", "mn"} or not cells[1]:
        raise BadInput(_SHAPE)
    language, text = Language(cells[0].lower()), cells[1]
    if len(text) > LONGEST_PHRASE:
        raise BadInput(f"give a phrase of at most {LONGEST_PHRASE} characters")
    if "{" in text or "}" in text:
        raise BadInput("a list of phrases has no slots; write the words out")
    said = cells[2] if len(cells) == 3 else None
    if said is not None or language is Language.ZH or _MONGOLIAN_LETTER.search(text):
        return _sayable(Phrase(language, text, said), lexicon)
    spelt, ipa = Phrase(language, text), Phrase(language, text, text)
    numbers = holds_han(text) or any(mark.isdigit() for mark in text)
    first, second = (spelt, ipa) if numbers else (ipa, spelt)
    try:
        return _sayable(first, lexicon)
    except BadInput as problem:
        try:
            return _sayable(second, lexicon)
        except BadInput:
            raise problem from None


def _sayable(phrase: Phrase, lexicon: Lexicon) -> Phrase:
    lexicon.pronounce(phrase)
    return phrase


def _shortened(problems: list[str], path: Path) -> tuple[str, ...]:
    if len(problems) <= _MOST_TOLD:
        return tuple(problems)
    return (*problems[:_MOST_TOLD], f"{path}: {len(problems) - _MOST_TOLD} more lines cannot be used")
