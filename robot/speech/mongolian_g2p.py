"""Mongolian Cyrillic to the tokens of the bilingual model, by the sounds of Chakhar and Xilingol.

Cyrillic writes Khalkha; these rules give the southern sounds that the model was trained on: ц as ч, з as ж, в as b,
final н kept, vowels fronted before и or a soft sign, unstressed short vowels reduced to one. They were written against
the phonetic spelling of studymongolian.net, by no native speaker. Khalkha (ц as ts, з as dz, в as w, final н as ŋ)
comes last.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from robot.errors import BadInput
from robot.speech import mongolian_numbers, traditional_script
from robot.speech.loan_words import LOANS
from robot.speech.mandarin_g2p import latin_parts
from robot.speech.mongolian_spelling import Dialect, spelt_parts
from robot.speech.mongolian_words import KHALKHA_WORDS, NAME_PARTS, STEMS, WORDS
from robot.speech.ways import MOST_WAYS, Pronunciation, best_first

_MOST_WORD_WAYS = 4
_WORD = re.compile(r"(?P<cyrillic>[а-яёөү]+)|(?P<latin>[a-z]+)|(?P<other>\w)", re.IGNORECASE)
_OTHER_LETTERS = str.maketrans("єїһɵ", "өүхө")  # old fonts' stand-ins for ө and ү; Buryat h
_QUESTION = frozenset({"уу", "үү"})
_ENDING = (  # of cases
    "(?:[ыи]?й?н|н[иы]й?|[дт]|[аэоө]{2}[ср]|т[аэо]й|[ыи]й?г|г|г?[аэоө]{2}р?|[рл][уү]{2}|гийн|гүй|ууд|үүд)?"
)
_COMPOUND = re.compile(f"(?P<head>(?:{'|'.join(NAME_PARTS)})+?)(?P<last>(?:{'|'.join(NAME_PARTS)}){_ENDING})")
_LONGEST_STEM = max(map(len, STEMS | LOANS))
_SURE_STEM = 5  # shorter loan words also begin native words: жан, жанжин
_LONG_NUMBER = re.compile(r"(?<![\d.:/,-])[1-9]\d{2,3}(?![\d.:/,-])")


def mongolian_tokens(text: str) -> tuple[Pronunciation, ...]:
    """Usual ways to say a phrase in model tokens, best first, at most `MOST_WAYS`; Chakhar, then Khalkha.

    Case and punctuation do not matter; digits are read as numbers, three and four also one by one; the traditional
    script is read where it is certain. Raises `BadInput` naming the word that holds letters of another script, or
    that the traditional script leaves open.
    """
    text = unicodedata.normalize("NFKC", traditional_script.to_cyrillic(text)).translate(_OTHER_LETTERS)
    readings = [_said(reading) for reading in _readings(text)]
    ways = tuple(dict.fromkeys(way for reading in readings for way in reading))
    if len(readings) > 1:
        ways = tuple(dict.fromkeys([*(reading[0] for reading in readings), *ways]))
    return ways[:MOST_WAYS]


def _readings(text: str) -> list[str]:
    if not re.search(r"\d", text):
        return [text]
    usual = mongolian_numbers.spell_out(text)
    readings = [usual]
    for number in _LONG_NUMBER.findall(text):
        one_by_one = mongolian_numbers.digit_by_digit(number)
        other = mongolian_numbers.cardinal(int(number)) if one_by_one in usual else one_by_one
        readings.append(mongolian_numbers.spell_out(text.replace(number, f" {other} ")))
    return list(dict.fromkeys(" ".join(reading.split()) for reading in readings))


def _said(text: str) -> tuple[Pronunciation, ...]:
    words = list(_WORD.finditer(text.lower()))
    chakhar: list[Sequence[Pronunciation]] = []
    khalkha: list[Sequence[Pronunciation]] = []
    for at, word in enumerate(words):
        if word["other"]:
            raise BadInput(f"Mongolian phrase {text!r} must be written in Cyrillic letters, without {word[0]!r}.")
        if word["latin"]:
            letters = latin_parts(text[word.start() : word.end()], text)
            chakhar += letters
            khalkha += letters
            continue
        following = words[at + 1]["cyrillic"] if at + 1 < len(words) else None
        chakhar.append(_word_ways(word[0], asked=following in _QUESTION, last=at + 1 == len(words)))
        khalkha.append(_word_ways(word[0], dialect=Dialect.KHALKHA)[:1])
    if not any(chakhar):
        raise BadInput(f"Mongolian phrase {text!r} holds no word that can be spoken.")
    return (*best_first(filter(None, chakhar), MOST_WAYS - 1), *best_first(filter(None, khalkha), 1))


@lru_cache(maxsize=8192)
def _word_ways(
    word: str, *, dialect: Dialect = Dialect.CHAKHAR, asked: bool = False, last: bool = False
) -> tuple[Pronunciation, ...]:
    """Ways to say one word; `asked`: a question particle follows; `last`: it ends the phrase."""
    listed = KHALKHA_WORDS if dialect is Dialect.KHALKHA else WORDS
    if word in listed:
        return listed[word] + ((("b", "æː", "n", "ɑː"),) if word == "байна" and last and not asked else ())
    name = _COMPOUND.fullmatch(word)
    if name is not None:
        return best_first((_word_ways(part, dialect=dialect) for part in (name["head"], name["last"])), _MOST_WORD_WAYS)
    stem = _stem(word, dialect)
    parts = list(spelt_parts(word, len(stem), dialect, asked=asked))
    if stem:
        parts.insert(0, LOANS.get(stem) or STEMS[stem])
    return best_first(parts, _MOST_WORD_WAYS) if parts else ()


def _stem(word: str, dialect: Dialect) -> str:
    """The listed beginning of `word`, longest first; empty when none is listed."""
    for length in range(min(len(word), _LONGEST_STEM), 1, -1):
        stem, rest = word[:length], word[length:]
        if stem in LOANS and (length >= _SURE_STEM or re.fullmatch(_ENDING, rest)):
            return stem
        if dialect is Dialect.CHAKHAR and stem in STEMS:
            return stem
    return ""
