"""How texts are compared. Standard library only: the Rasa components import this module in their own interpreter."""

from __future__ import annotations

import re
import unicodedata

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
CYRILLIC = "\u0400-\u04ff"
TRADITIONAL = "\u1800-\u18af"

_HAN = re.compile(f"[{HAN}]")
_MONGOLIAN = re.compile(f"[{CYRILLIC}{TRADITIONAL}]")
_TOKEN = re.compile(f"[{HAN}]|[{CYRILLIC}{TRADITIONAL}]+|[A-Za-z]+|[0-9]+")
_SEPARATORS = re.compile(r"[\W_]+")
_BETWEEN_HAN = re.compile(f"(?<=[{HAN}]) (?=[{HAN}])")
_SPELLING = str.maketrans({"ө": "о", "ү": "у", "э": "и", "ы": "и", "й": "и", "ё": "о", "ь": None, "ъ": None})
_DOUBLED = re.compile(r"(.)\1+")


def fold(text: str) -> str:
    """Lower case, one form of each character, no punctuation, one space between words, none between Han characters."""
    words = _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return _BETWEEN_HAN.sub("", words)


def tokens(text: str) -> list[str]:
    """Han by character, everything else by word: the units in which utterances are compared."""
    return _TOKEN.findall(text)


def token_spans(text: str) -> list[tuple[str, int]]:
    """The tokens of `text` with the offset of each."""
    return [(found.group(), found.start()) for found in _TOKEN.finditer(text)]


def language_of(text: str) -> str | None:
    """Tell "zh" or "mn" by script, None for neither. A Han character counts as three Mongolian letters."""
    han, mongolian = len(_HAN.findall(text)), len(_MONGOLIAN.findall(text))
    if not han and not mongolian:
        return None
    return "zh" if han * 3 >= mongolian else "mn"


def mentions(folded: str, phrase: str) -> bool:
    """Whether a folded phrase stands in a folded text: Han anywhere, other scripts from the beginning of a word.

    Mongolian inflects at the end, so a phrase may be the beginning of a longer word.
    """
    if _HAN.match(phrase):
        return phrase in folded
    return f" {phrase}" in f" {folded}"


def without(folded: str, phrases: tuple[str, ...], *, endings: bool = True) -> str:
    """Cut folded phrases out of a folded text. With `endings` a cut Mongolian word takes its endings along.

    A negation is an ending (зүгээр, fine; зүгээргүй, not fine), so a cut that reassures must be made without them.
    """
    end = r"\w*" if endings else r"(?=$| )"
    for phrase in phrases:
        if _HAN.match(phrase):
            folded = folded.replace(phrase, "")
        else:
            folded = re.sub(rf"(?:^|(?<= )){re.escape(phrase)}{end}", " ", folded)
    return " ".join(folded.split())


def spelling_key(word: str) -> str:
    """Fold the Mongolian letters that recognisers and writers mix up, and long or doubled letters."""
    return _DOUBLED.sub(r"\1", word.casefold().translate(_SPELLING)) or word
