"""IPA into the tokens of the bilingual model; written against the spelling of studymongolian.net (Xilingol speech)."""

from __future__ import annotations

import re
import unicodedata

from robot.errors import BadInput

_VOWELS = frozenset("ɑæəiɔʊoueœ")
_CONSONANTS = frozenset("bdfgklmnprstwxjŋʃʤʧ")
_NEAR = """
a=ɑ ɐ=ɑ ʌ=ɑ ɛ=æ ɪ=i ɨ=i ø=œ ɵ=o ɤ=ə ɘ=ə ɜ=ə ɒ=ɔ ʉ=u ɯ=ʊ ɢ=g ɣ=g ʁ=g ɡ=g χ=x h=x ħ=x ɦ=x ʲ=j
ɫ=l ɬ=l ɮ=l ɭ=l ʎ=l ɾ=r ɹ=r ɻ=r ʀ=r β=b v=w ʋ=w ɸ=f ɲ=n ɳ=n ɕ=ʃ ʒ=ʤ ʑ=ʤ ʨ=ʧ ʥ=ʤ q=k
"""
_FOLDED = dict(pair.split("=") for pair in _NEAR.split())  # other writings and near sounds
_MARKUP = re.compile("<[^>]*>")
_TS, _TSH = "\ue000", "\ue001"  # stand-ins while reading: ts of Khalkha and Mandarin, plain and aspirated
_AFFRICATES = (
    *(("t\u0361sʰ", _TSH), ("t\u0361s", _TS), ("d\u0361z", _TS)),
    *(("ʦʰ", _TSH), ("ʦ", _TS), ("ʣ", _TS), ("t\u0361ʃ", "ʧ"), ("d\u0361ʒ", "ʤ"), ("t\u0361ɕ", "ʧ"), ("d\u0361ʑ", "ʤ")),
    *(("tʃ", "ʧ"), ("tɕ", "ʧ"), ("dʒ", "ʤ"), ("dʑ", "ʤ")),
)
_PRIVATE = dict.fromkeys(map(ord, (_TS, _TSH)))
_MANDARIN = {_TS: "Zz", _TSH: "Zc"}
_LONG = frozenset("ːˑ:")
_REDUCED = frozenset("\u030c\u0306")  # caron or breve over a vowel: reduced; the model knows one reduced vowel
_NO_LONG_FORM = frozenset("œ")  # the model was trained with one length
_SILENT = frozenset("ˈˌʰʷˠˤˀʼʱⁿˡʔ")  # stress, and colourings that the model does not tell apart


def ipa_tokens(pronunciation: str) -> tuple[str, ...]:
    """Model tokens of a pronunciation such as `sæːn bæːn ʊː`; spaces, punctuation, stress and markup are skipped.

    Raises `BadInput` naming the pronunciation and the first character that is no sound of the model.
    """
    tokens: list[str] = []
    spelt = _one_letter_affricates(unicodedata.normalize("NFD", _MARKUP.sub(" ", pronunciation)))
    for at, mark in enumerate(spelt):
        if mark == "y":  # the site also writes j so
            mark = "j" if _is_vowel(spelt[at + 1 : at + 2]) else "u"
        mark = _FOLDED.get(mark, mark)
        if mark in _MANDARIN:
            tokens.append(_MANDARIN[mark])
        elif mark in _VOWELS or mark in _CONSONANTS:
            tokens.append(mark)
        elif mark in _LONG and tokens:
            if tokens[-1] in _VOWELS - _NO_LONG_FORM:
                tokens[-1] += "ː"
        elif mark in _REDUCED and tokens and tokens[-1][0] in _VOWELS:
            tokens[-1] = "ə~"
        elif mark.isalnum() and mark not in _SILENT:
            raise BadInput(
                f"Pronunciation {pronunciation!r} has {mark!r} (U+{ord(mark):04X}), which is no sound of the model."
            )
    if not tokens:
        raise BadInput(f"Pronunciation {pronunciation!r} holds no sound.")
    return tuple(tokens)


def _one_letter_affricates(spelt: str) -> str:
    spelt = spelt.translate(_PRIVATE).replace("\u035c", "\u0361")
    for written, letter in _AFFRICATES:
        spelt = spelt.replace(written, letter)
    return spelt


def _is_vowel(mark: str) -> bool:
    return _FOLDED.get(mark, mark) in _VOWELS
