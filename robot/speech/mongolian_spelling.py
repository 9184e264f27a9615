"""The spelling rules of Mongolian Cyrillic: letters of a word to the ways its sounds may be said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from robot.speech.ways import Pronunciation

Ways = tuple[Pronunciation, ...]


class Dialect(Enum):
    """Whose sounds: Inner Mongolia's (Chakhar, Xilingol) or those of Mongolia, which Cyrillic spells."""

    CHAKHAR = "chakhar"
    KHALKHA = "khalkha"


_REDUCED = "ə~"
_SOUNDS = dict(zip("бвгджзклмнпрстфхцчшщ", "bbgdʤʤklmnprstfxʧʧʃʃ", strict=True))
_KHALKHA_SOUNDS = _SOUNDS | {"ц": "Zc", "з": "Zz", "в": "w"}  # ts and dz as Mandarin c and z
_LONG_TABLE = """
аа=ɑː оо=ɔː уу=ʊː ээ=əː өө=oː үү=uː ий=iː
ай=æː ой=œ уй=ʊ+i эй=eː үй=u+i өй=œ ей=eː яй=j+æː юй=j+u+i ёй=j+œ
яа=j+ɑː ёо=j+ɔː юу=j+ʊː юү=j+uː еэ=j+əː еө=j+oː ёу=j+ʊː еү=j+uː яу=j+ʊː
иа=ɑː ио=ɔː иу=ʊː иэ=əː иө=oː иү=uː
"""
_LONG = {pair[:2]: tuple(pair[3:].split("+")) for pair in _LONG_TABLE.split()}
_SHORT = {"а": "ɑ", "э": "ə", "и": "i", "о": "ɔ", "у": "ʊ", "ө": "o", "ү": "u", "ы": "iː"}
_IOTATED = {"я": "ɑ", "ё": "ɔ", "е": "i", "ю": "ʊ"}
_LENGTHENED = {"ɑ": "ɑː", "ɔ": "ɔː", "i": "əː", "ʊ": "ʊː"}
_FRONTED = {"ɑ": "æ", "ɔ": "œ", "ʊ": "œ"}
_VOWELS = "аэиоуөүыяеёю"
_SOFTENED = re.compile(rf"[^{_VOWELS}йьжчшц]+[иь]")  # the consonants that follow are soft, but not ж ч ш by themselves
_BEFORE_AI = re.compile(rf"[^{_VOWELS}йьъ][ао]й")  # далай, орой
_FALLING = re.compile("[рнлй][гдтхчжцзш]|м[дтчжц]|[вг][дтчжцш]|[хс]т|хч|сг")  # clusters that end a word without a vowel
_HARMONY = {"а": "ɑː", "э": "əː", "о": "ɔː", "ө": "oː"}


def spelt_parts(word: str, start: int, dialect: Dialect, *, asked: bool = False) -> Iterator[Ways]:
    """The ways to say each sound of `word` from letter `start` on (a listed stem has spoken what is before).

    `asked`: a question particle follows, before which -на is -n. Hard and soft signs have no sound of their own.
    """
    at, vowels = start, int(start > 0)
    while at < len(word):
        ending = _ending(word, at, dialect, vowels, asked=asked) if vowels else None
        if ending is not None:
            length, ways = ending
            yield ways
            at += length
            vowels += 1
            continue
        letter, rest = word[at], word[at + 1 :]
        pair = word[at : at + 2]
        if pair in _LONG:
            yield (_long(pair, dialect),)
            vowels += 1
            at += 2 + (pair[0] == "и" and rest[1:2] == rest[:1])  # -иаа- is as long as -иа-
            continue
        if letter in _IOTATED or letter in _SHORT:
            sound = _vowel(word, at, vowels, dialect)
            if sound:
                yield (sound,)
            vowels += 1
        elif letter == "й":
            yield (("j",),)
        elif letter in _SOUNDS:
            yield from _consonant(word, at, dialect)
        at += 1


def _ending(word: str, at: int, dialect: Dialect, vowels: int, *, asked: bool) -> tuple[int, Ways] | None:
    """A suffix at `at` that is said otherwise than it is spelt: its length in letters and its ways."""
    rest, before = word[at:], word[at - 1]
    chakhar = dialect is Dialect.CHAKHAR
    if rest.startswith("гүй"):
        head: Pronunciation = () if before == "г" else ("g",)  # хэрэггүй
        return 3, ((*head, "u", "e"), (*head, "u", "i")) if chakhar else ((*head, "u", "i"),)
    if rest.startswith(("дугаар", "дүгээр")):
        back, front = ("d", "ʊ", "g", "ɑː", "r"), ("d", "u", "g", "əː", "r")
        return 6, (back,) if rest[1] == "у" else (back, front) if chakhar else (front,)
    if not chakhar:
        if re.fullmatch("н[аэоө]", rest) and (before not in _VOWELS or vowels > 1 or word[at - 2 : at] in _LONG):
            return 2, (("n",),)
        return None
    if re.fullmatch("т[эо]й", rest):
        spelt = ("t", "eː") if rest[1] == "э" else ("t", "œ")
        usual = ("t", "æː")
        return 3, (spelt, usual) if rest[1] == "э" else (usual, spelt)
    genitive = re.fullmatch("н(?:ы|ий)(?=[дх]?$).*", rest)
    if genitive:
        case = tuple(_SOUNDS[letter] for letter in rest[-1:] if letter in "дх")
        return len(rest), (("n", "æː", *case), ("n", "iː", *case))
    if rest in ("ыг", "ийг"):
        return len(rest), (("i", "g"), ("iː", "g"))
    if rest in ("жээ", "чээ"):
        past = _SOUNDS[rest[0]]
        return 3, ((past, "e"), (past, "əː"))
    if re.fullmatch("л[аэоө]ж", rest) and before in _VOWELS + "рл":
        return 3, (("ʤ",) if before == "л" else ("l", "ʤ"), ("l", _REDUCED, "ʤ"))
    if re.fullmatch("н[аэоө]", rest) and (before not in _VOWELS or vowels > 1 or word[at - 2 : at] in _LONG):
        full, short = ("n", _HARMONY[rest[1]]), ("n",)
        return 2, (short, full) if asked else (full, short)
    return None


def _long(pair: str, dialect: Dialect) -> Pronunciation:
    if dialect is Dialect.KHALKHA and pair in ("ой", "өй"):
        return ("ɔ", "i") if pair == "ой" else ("o", "i")
    return _LONG[pair]


def _vowel(word: str, at: int, vowels: int, dialect: Dialect) -> Pronunciation:
    letter, before, rest = word[at], word[at - 1 : at] if at else "", word[at + 1 :]
    if letter in _IOTATED:
        return _iotated(word, at, vowels, dialect)
    sound = _SHORT[letter]
    if vowels == 0:
        if not rest and letter in "аи":  # та, би, чи
            return (sound + "ː",)
        if dialect is Dialect.KHALKHA:
            return ("e",) if letter == "э" else (sound,)
        return (_fronted(sound, rest),)
    if letter == "ы":
        return (sound,)
    if not rest and letter not in "уү":
        return ()  # said before its consonant where that needs one: see _consonant
    if before and re.match("х([аэоө])\\1", rest) and re.fullmatch(rf"[{_VOWELS}][^{_VOWELS}]", word[at - 2 : at]):
        return ()  # идэхээр as идхээр
    return (sound,) if letter in "уү" else (_REDUCED,)


def _fronted(sound: str, rest: str) -> str:
    if _SOFTENED.match(rest):
        return _FRONTED.get(sound, sound)
    return _FRONTED.get(sound, sound) if sound in "ɑɔ" and _BEFORE_AI.fullmatch(rest) else sound


def _iotated(word: str, at: int, vowels: int, dialect: Dialect) -> Pronunciation:
    sound, before, rest = _IOTATED[word[at]], word[at - 1 : at] if at else "", word[at + 1 :]
    first = vowels == 0
    if before and before in _SOUNDS:  # мянга, хямд
        if not first:
            return (_REDUCED,) if rest else ("j", _LENGTHENED[sound])
        return (_FRONTED.get(sound, sound),) if dialect is Dialect.CHAKHAR else ("j", sound)
    if not rest:  # авъя, очъё, үзье; but ная, үе
        noun = vowels == 1 and before in _SHORT and word[at - 2 : at] not in _LONG
        return ("j",) if noun else ("j", _LENGTHENED[sound])
    if first:
        return ("j", _fronted(sound, rest) if dialect is Dialect.CHAKHAR else sound)
    return ("j", _REDUCED)


def _consonant(word: str, at: int, dialect: Dialect) -> Iterator[Ways]:
    letter, before, rest = word[at], word[at - 1 : at] if at else "", word[at + 1 :]
    if letter == before and letter in "гдлмнрст" and not (len(rest) > 1 and rest[0] in _VOWELS):
        return  # before a consonant and at the end doubled letters sound once
    sounds = _SOUNDS if dialect is Dialect.CHAKHAR else _KHALKHA_SOUNDS
    sound = sounds[letter]
    after = rest[:1]
    if letter == "н":
        if after and after in "гкх" and not rest.startswith("гүй"):
            sound = "ŋ"
        elif after == "б":
            sound = "m"
        elif not after and dialect is Dialect.KHALKHA:
            sound = "ŋ"
    elif letter == "г" and after == "т" and dialect is Dialect.KHALKHA:
        sound = "x"
    if _needs_vowel(word, at, before, rest):
        yield ((_REDUCED,),)
    yield ((sound,),)


def _needs_vowel(word: str, at: int, before: str, rest: str) -> bool:
    """Whether a last consonant (a last short vowel is not said) is held apart from the consonant before it."""
    last = not rest.strip("ьъ") or (len(rest) == 1 and rest in "аэоөи")
    if not (last and before and before in _SOUNDS and at > 1):
        return False
    if rest in tuple("аэоөи"):
        return before + word[at] not in ("нг", "рг", "рх", "лх", "нд", "нт", "рт")
    return not _FALLING.fullmatch(before + word[at])
