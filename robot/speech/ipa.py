"""The phonetic spelling of studymongolian.net (Xilingol speech), read into the tokens of the bilingual model."""

from __future__ import annotations

import unicodedata

from robot.errors import BadInput

_VOWELS = frozenset("ɑæəiɔʊoueœy")
_CONSONANTS = frozenset("bdfgklmnprstwxjŋʃʤʧ")
_FOLDED = {"a": "ɑ", "ɛ": "æ", "ɪ": "i", "ø": "œ", "ɵ": "o", "ɢ": "g", "χ": "x", "h": "x", "ʲ": "j", "ɡ": "g", "ɫ": "l"}
_LONG = frozenset("ːˑ:")
_REDUCED = frozenset("\u030c\u0306")  # caron or breve over a vowel: reduced; the model knows one reduced vowel
_NO_LONG_FORM = frozenset("œy")  # the model was trained with one length of these


def ipa_tokens(pronunciation: str) -> tuple[str, ...]:
    """Model tokens of a pronunciation such as `sæːn bæːn ʊː`; spaces, punctuation and stress are skipped.

    Raises `BadInput` naming the pronunciation when it holds a sound that the model was never trained on.
    """
    tokens: list[str] = []
    for mark in unicodedata.normalize("NFD", pronunciation):
        mark = _FOLDED.get(mark, mark)
        if mark in _VOWELS or mark in _CONSONANTS:
            tokens.append(mark)
        elif mark in _LONG and tokens:
            if tokens[-1] in _VOWELS - _NO_LONG_FORM:
                tokens[-1] += "ː"
        elif mark in _REDUCED and tokens and tokens[-1][0] in _VOWELS:
            tokens[-1] = "ə~"
        elif mark.isalpha() and mark not in "ˈˌ":
            raise BadInput(f"Pronunciation {pronunciation!r} has the sound {mark!r}, which the model does not know.")
    if not tokens:
        raise BadInput(f"Pronunciation {pronunciation!r} holds no sound.")
    return tuple(tokens)
