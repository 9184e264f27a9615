"""Mongolian Cyrillic to the tokens of the bilingual model, by the sounds of Chakhar and Xilingol.

Cyrillic writes Khalkha; these rules give the southern sounds that the model was trained on: ц as ч, з as ж, в as b,
final н kept, а and о fronted before и or a soft sign, unstressed short vowels reduced to one. They were written against
the phonetic spelling of studymongolian.net, by no native speaker.
"""

from __future__ import annotations

import re
from itertools import chain, islice, product

from robot.errors import BadInput
from robot.speech.ipa import ipa_tokens

_CONSONANTS = dict(zip("бвгджзклмнпрстфхцчшщ", "bbgdʤʤklmnprstfxʧʧʃʃ", strict=True))
_LONG = """
аа=ɑː оо=ɔː уу=ʊː ээ=əː өө=oː үү=uː ий=iː
ай=æː ой=œ уй=ʊ+i эй=eː үй=u+i өй=œ ей=eː яй=j+æː юй=j+u+i ёй=j+œ
яа=j+ɑː ёо=j+ɔː юу=j+ʊː юү=j+uː еэ=j+əː еө=j+oː
иа=ɑː ио=ɔː иу=ʊː иэ=əː иө=oː иү=uː
"""
_LONG_VOWELS = {pair[:2]: tuple(pair[3:].split("+")) for pair in _LONG.split()}
_SHORT_VOWELS = {"а": "ɑ", "э": "ə", "и": "i", "о": "ɔ", "у": "ʊ", "ө": "o", "ү": "u", "ы": "iː"}
_IOTATED = {"я": "ɑ", "ё": "ɔ", "е": "i", "ю": "ʊ"}
_LENGTHENED = {"ɑ": "ɑː", "ɔ": "ɔː", "i": "əː", "ʊ": "ʊː"}
_FRONTED = {"ɑ": "æ", "ɔ": "œ"}
_BACK = frozenset("аоуяё")
_VOWEL_LETTERS = frozenset("аэиоуөүыяеёюй")
_REDUCED = "ə~"
_WORDS = {
    "баярлалаа": ("bɑjə̌rllɑː",),
    "бэ": ("be",),
    "вэ": ("be", "we"),
    "ес": ("jus",),
    "есөн": ("jusə̌n",),
    "их": ("jix",),
    "надад": ("nɑdə̌d",),
    "үгүй": ("ugue",),
    "үү": ("ʊː",),
    "юм": ("jim",),
    "юу": ("juː",),
}  # words that the rules miss, as studymongolian.net spells them
_STEMS = {"чад": "ʧæd", "яв": "jæb", "ярьж": "jærə̌ʤ"}  # the same for stems
_MOST_WAYS = 4
_NOT_LETTERS = re.compile(r"[^а-яёөү]+")


def mongolian_tokens(text: str) -> tuple[tuple[str, ...], ...]:
    """Ways to say a Cyrillic phrase in model tokens; more than one only where a word has several spoken forms.

    Case and punctuation do not matter. Raises `BadInput` naming the word that holds anything but Mongolian Cyrillic
    (write digits out in words).
    """
    words = [letters for word in text.lower().split() if (letters := _letters(word))]
    if not words:
        raise BadInput(f"Mongolian phrase {text!r} holds no word.")
    ways = islice(product(*map(_word_ways, words)), _MOST_WAYS)
    return tuple(tuple(chain.from_iterable(way)) for way in ways)


def _letters(word: str) -> str:
    foreign = next((mark for mark in word if mark.isalnum() and _NOT_LETTERS.fullmatch(mark)), None)
    if foreign is not None:
        raise BadInput(f"Mongolian word {word!r} must be written in Cyrillic letters, without {foreign!r}.")
    return _NOT_LETTERS.sub("", word)


def _word_ways(word: str) -> tuple[tuple[str, ...], ...]:
    if word in _WORDS:
        return tuple(ipa_tokens(way) for way in _WORDS[word])
    stem = next((stem for stem in _STEMS if word.startswith(stem)), "")
    tokens = list(ipa_tokens(_STEMS[stem])) if stem else []
    tokens += _rest_tokens(word, len(stem))
    if not tokens:
        raise BadInput(f"Mongolian word {word!r} has no sound.")
    return (tuple(tokens),)


def _rest_tokens(word: str, at: int) -> list[str]:
    """Tokens of `word` from letter `at` on; a stem before it has spoken the first vowel."""
    tokens: list[str] = []
    vowels = int(at > 0)
    back = bool(_BACK & set(word))
    while at < len(word):
        letter, before, rest = word[at], word[at - 1 : at] if at else "", word[at + 1 :]
        pair = word[at : at + 2]
        if pair in _LONG_VOWELS:
            tokens += _long_vowel(pair, before, rest[1:])
            vowels += 1
            at += 2 + (pair[0] == "и" and rest[1:2] == rest[:1])  # -иаа- is as long as -иа-
            continue
        if letter in _IOTATED:
            tokens += _iotated(letter, before, rest, first=vowels == 0)
            vowels += 1
        elif letter in _SHORT_VOWELS:
            if not (vowels and _silent(word, at)):
                tokens.append(_short_vowel(letter, rest, first=vowels == 0, back=back))
            vowels += 1
        elif letter == "й":
            tokens.append("j")
        elif letter in _CONSONANTS and not (letter == before and letter in "гдлмнрст"):  # doubled letters sound once
            tokens.append(_consonant(letter, rest))
        at += 1  # hard and soft signs have no sound of their own
    return tokens


def _long_vowel(pair: str, before: str, rest: str) -> tuple[str, ...]:
    tokens = _LONG_VOWELS[pair]
    if pair == "үй" and not rest and before == "г":
        return ("u", "e")  # -гүй
    return tokens


def _iotated(letter: str, before: str, rest: str, *, first: bool) -> tuple[str, ...]:
    sound = _IOTATED[letter]
    if before in _CONSONANTS:  # мянга, хямд
        return (_FRONTED.get(sound, sound) if first else _REDUCED,)
    if not rest:  # авъя, очъё, үзье
        return ("j", _LENGTHENED[sound])
    if first:
        return ("j", _FRONTED.get(sound, sound) if _softened(rest) else sound)
    return ("j", _REDUCED)


def _short_vowel(letter: str, rest: str, *, first: bool, back: bool) -> str:
    sound = _SHORT_VOWELS[letter]
    if not first:
        kept = letter in "уүы" or (letter == "и" and not back)
        return sound if kept else _REDUCED
    if not rest and letter in "аи":  # та, би, чи
        return sound + "ː"
    return _FRONTED.get(sound, sound) if _softened(rest) else sound


def _softened(rest: str) -> bool:
    """Whether the consonants that follow are soft: хорин, тавь, амьсгал, дахиад."""
    return re.match(r"[^аэиоуөүыяеёюйь]+[иь]", rest) is not None


def _silent(word: str, at: int) -> bool:
    """A last short vowel after н or г only keeps the consonant apart: байна, бага, мянга."""
    before = word[:at]
    return (
        at == len(word) - 1
        and word[at] in "аэоө"
        and (before[-1:] == "н" or before[-1:] == "г")
        and (before[-2:-1] in _VOWEL_LETTERS or before[-2:] == "нг")
    )


def _consonant(letter: str, rest: str) -> str:
    after = rest[:1]
    if letter == "н":
        return "ŋ" if after and after in "гкх" else "m" if after == "б" else "n"
    if letter == "г" and after == "т":
        return "x"
    return _CONSONANTS[letter]
