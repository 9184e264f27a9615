"""IPA of Mandarin to the tokens of the bilingual model: initials and finals; tones, written in any way, are skipped.

As in dictionaries: p is the plain sound of pinyin b, and pʰ that of p. A mark over a vowel is a tone.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from robot.errors import BadInput

_INITIALS_SPELT = """
tʂʰ=Ch tɕʰ=ʧ tsʰ=Zc tʂ=Zh dʐ=Zh tɕ=ʤ dʑ=ʤ ts=Zz dz=Zz pʰ=p tʰ=t kʰ=k p=b t=d k=g b=b d=d g=g
ʂ=Sh ɕ=ʃ ʐ=Zr m=m n=n l=l f=f s=s x=x ʧ=ʧ ʤ=ʤ ʃ=ʃ
"""
_FINALS_SPELT = """
a=Za o=Zo ɤ=Ze ə=Ze e=Ze ai=Zai ei=Zei au=Zao ao=Zao ou=Zou əu=Zou an=Zan ən=Zen aŋ=Zang əŋ=Zeng ɤŋ=Zeng
oŋ=Zong uŋ=Zong ɚ=Zer əʐ=Zer aʐ=Zer
i=Zi Ia=Zia Ie=Zie Iau=Ziao Iao=Ziao Iou=Ziou Iəu=Ziou iu=Ziou Ian=Zian Ien=Zian in=Zin iən=Zin Iaŋ=Ziang
iŋ=Zing iəŋ=Zing Iuŋ=Ziong Ioŋ=Ziong Yuŋ=Ziong yŋ=Ziong
u=Zu Ua=Zua Uo=Zuo Uai=Zuai Uei=Zuei ui=Zuei Uan=Zuan Uən=Zuen un=Zuen Uaŋ=Zuang
y=Zv Ye=Zve Yan=Zvan Yen=Zvan yn=Zvn yən=Zvn
"""
_INITIALS = dict(pair.split("=") for pair in _INITIALS_SPELT.split())
_FINALS = dict(pair.split("=") for pair in _FINALS_SPELT.split())
_GLIDES = {"I": "ij", "U": "uw", "Y": "yɥ"}
"""How the glides of `_FINALS` are written before a vowel."""
_LABIAL = frozenset("bpmf")
_RETROFLEX = frozenset({"Zh", "Ch", "Sh", "Zr"})
_SIBILANT = frozenset({"Zz", "Zc", "s"})
_BUZZED = frozenset("ɨɹʐzʅɿɯ")  # what the vowel of 是 and 四 is written as
_ONE_LETTER = str.maketrans(
    {"ʦ": "ts", "ʣ": "ts", "ʨ": "tɕ", "ʥ": "tɕ", "ʈ": "t", "ɖ": "d", "ʼ": "ʰ", "’": "ʰ", "ɡ": "g", "h": "x", "χ": "x"}
    | {
        "ɑ": "a",
        "ɐ": "a",
        "æ": "a",
        "ɛ": "e",
        "œ": "e",
        "ɔ": "o",
        "ʊ": "u",
        "ɪ": "i",
        "ʌ": "ɤ",
        "ɻ": "ʐ",
        "ü": "y",
        "ɝ": "ɚ",
    }
)
_TONES = re.compile("[˥-˩¹²³⁴⁵0-9ːˑˌ]")
_BETWEEN = re.compile(r"[\s.,;:!?ˈ'/\[\]()\-。，？！]+")


def mandarin_ipa_tokens(pronunciation: str) -> tuple[str, ...]:
    """Tokens of a pronunciation such as `ʂɤ̂tîŋ` or `ni˨˩˦ xɑʊ̯˨˩˦`. Raises `BadInput` naming it if it cannot be read."""
    bare = "".join(mark for mark in unicodedata.normalize("NFD", pronunciation) if unicodedata.category(mark) != "Mn")
    spelt = _TONES.sub(" ", bare).translate(_ONE_LETTER)
    spelt = spelt.replace("tʃ", "ʧ").replace("dʒ", "ʤ").replace("ji", "i").replace("wu", "u").replace("ɥy", "y")
    read = [_word(word, len(word)) for word in _BETWEEN.split(spelt) if word]
    if not read or any(word is None for word in read):
        raise BadInput(f"Pronunciation {pronunciation!r} cannot be read as Mandarin.")
    return tuple(token for word in read if word for token in word[1])


@lru_cache(maxsize=4096)
def _word(word: str, left: int) -> tuple[int, tuple[str, ...]] | None:
    """The last `left` letters in tokens, with as few syllables as may be that begin with a vowel; None: no Mandarin."""
    if not left:
        return 0, ()
    rest = word[len(word) - left :]
    best: tuple[int, tuple[str, ...]] | None = None
    for spelt, initial in (*_INITIALS.items(), ("", "")):
        if not rest.startswith(spelt):
            continue
        for length in range(4, 0, -1):
            final = rest[len(spelt) : len(spelt) + length]
            tokens = _final(final, initial, first=left == len(word)) if len(final) == length else None
            after = _word(word, left - len(spelt) - length) if tokens else None
            if tokens is None or after is None:
                continue
            cost = after[0] + (not spelt)
            if best is None or cost < best[0]:
                best = cost, (*([initial] if initial else []), *tokens, *after[1])
    return best


def _final(spelt: str, initial: str, *, first: bool) -> tuple[str, ...] | None:
    """The tokens of a final after an initial ("" for none); `first`: of the word's first syllable."""
    if spelt in _BUZZED and initial in _RETROFLEX | _SIBILANT:
        return ("Zih",) if initial in _RETROFLEX else ("Zis",)
    if spelt == "ʐ" and not initial:
        return ("Zr", "Zih") if first else ("Zer",)  # 日; the colour of 儿
    if not spelt or spelt in _BUZZED:
        return None
    glide = next((glide for glide, letters in _GLIDES.items() if spelt[0] in letters and len(spelt) > 1), spelt[0])
    found = _FINALS.get(spelt) or _FINALS.get(glide + spelt[1:])
    if glide + spelt[1:] in ("Uəŋ", "Uɤŋ"):
        return "Zu", "Zeng"
    if found == "Zuo" and initial in _LABIAL:
        found = "Zo"
    return (found,) if found else None
