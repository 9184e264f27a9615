"""Text as it is written to text as it is spoken: scripts split, numbers in words."""

from __future__ import annotations

import re
import unicodedata

from robot.messages import Language
from robot.speech import mandarin_numbers, mongolian_numbers

_HAN = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_MONGOLIAN = re.compile("[\u0400-\u052f\u1800-\u18af]")  # Cyrillic, and the traditional script
_CONTROLS = ("Cc", "Cs", "Zl", "Zp")


def spoken_text(text: str, language: Language) -> str:
    """`text`, all of one language, with numbers, times, dates and measures in words and without control characters."""
    text = "".join(" " if unicodedata.category(one) in _CONTROLS else one for one in text)
    text = re.sub(r"\s+", " ", text).strip()
    if language is Language.ZH:
        return mandarin_numbers.spell_out(text)
    return mongolian_numbers.spell_out(text)


def holds_han(text: str) -> bool:
    return _HAN.search(text) is not None


def can_be_spoken(text: str) -> bool:
    """Whether there is a letter or a digit in it; punctuation alone has no sound."""
    return any(character.isalnum() for character in text)


def split_by_script(text: str, language: Language) -> list[tuple[Language, str]]:
    """Split so that each part goes to the right voice; the parts joined are `text`, and neighbours differ in language.

    Han belongs to Mandarin, Cyrillic and the traditional script to Mongolian. What belongs to neither (digits, Latin,
    punctuation) stays with what stands before it; between two scripts, a piece with a letter or digit follows
    `language`, the language of the whole text.
    """
    parts: list[tuple[Language, str]] = []
    undecided = ""
    for character in text:
        script = _script(character)
        if script is None:
            undecided += character
            continue
        if not parts:
            parts.append((script, undecided + character))
        else:
            _append(parts, _side(parts[-1][0], script, undecided, language), undecided)
            _append(parts, script, character)
        undecided = ""
    if undecided:
        _append(parts, parts[-1][0] if parts else language, undecided)
    return parts


def _script(character: str) -> Language | None:
    if _HAN.match(character):
        return Language.ZH
    return Language.MN if _MONGOLIAN.match(character) else None


def _side(before: Language, after: Language, undecided: str, language: Language) -> Language:
    if before is after or not can_be_spoken(undecided):
        return before
    return language


def _append(parts: list[tuple[Language, str]], language: Language, text: str) -> None:
    if not text:
        return
    if parts and parts[-1][0] is language:
        parts[-1] = (language, parts[-1][1] + text)
    else:
        parts.append((language, text))
