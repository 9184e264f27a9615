"""Pinyin where IPA was asked for: the likely mistake of who writes a Mandarin phrase by hand. Pure."""

from __future__ import annotations

import re
import unicodedata

from pypinyin import Style, lazy_pinyin

from robot.errors import BadInput
from robot.speech.mandarin_g2p import mandarin_tokens
from robot.speech.mandarin_ipa import mandarin_ipa_tokens

_TONES_AND_GAPS = re.compile("[\u0300\u0301\u0304\u030c0-5\\s.,;!?'’·-]")
_NO_IPA = re.compile(r"(?<!\d)[0-5](?!\d)|h")  # IPA counts tones in twos and threes (ma55, ma214), and writes x for h


def is_pinyin_of(given: str, text: str) -> bool:
    """Whether `given` is how `text` is spelt in pinyin, with tone marks, tone digits or neither.

    Not so where it may as well be IPA that says the same (妈妈: mama).
    """
    letters = _TONES_AND_GAPS.sub("", unicodedata.normalize("NFD", given.lower()).replace("u\u0308", "v"))
    spelt = "".join(lazy_pinyin(text, style=Style.NORMAL, errors=_other_script))
    if not letters or letters != spelt:
        return False
    if _NO_IPA.search(given):
        return True
    try:
        return mandarin_ipa_tokens(given) not in mandarin_tokens(text)
    except BadInput:
        return True


def _other_script(rest: str) -> str:
    """Nothing for punctuation, and what no pinyin equals for the rest."""
    return "?" if any(map(str.isalnum, rest)) else ""
