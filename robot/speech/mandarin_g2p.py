"""Mandarin text to the tokens of the bilingual model: toneless initials and finals, by pypinyin."""

from __future__ import annotations

import re

from pypinyin import Style, lazy_pinyin
from pypinyin.contrib.tone_convert import to_finals, to_initials

from robot.errors import BadInput

_SHARED = "b=b p=p d=d t=t g=g k=k m=m n=n l=l f=f s=s h=x j=ʤ q=ʧ x=ʃ"  # sounds of both languages, one token
_INITIALS = dict(pair.split("=") for pair in f"{_SHARED} r=Zr z=Zz c=Zc zh=Zh ch=Ch sh=Sh".split())
_RETROFLEX = frozenset({"zh", "ch", "sh", "r"})
_SIBILANT = frozenset({"z", "c", "s"})
_RARE = {
    "ueng": ("Zu", "Zeng"),
    "ê": ("Ze",),
    "io": ("Zi", "Zo"),
    "m": ("m",),
    "n": ("Zen",),
    "ng": ("Zen",),
    "hm": ("x", "m"),
    "hng": ("x", "Zeng"),
}  # syllables the model was not trained on, by their nearest neighbours: 翁, 诶, 哟, 呣, 嗯, 哼
_DIGITS = "零一二三四五六七八九"
_LONGEST_READ_NUMBER = (
    2  # up to 99 is read as a number; longer digit strings are read digit by digit (120, 110, phones)
)
_HAN = re.compile("[\u3400-\u9fff]")


def mandarin_tokens(text: str) -> tuple[tuple[str, ...], ...]:
    """Ways to say `text` in model tokens; more than one only where a digit 1 is said yī or yāo.

    Raises `BadInput` naming the text when it holds letters of another script or no Han character.
    """
    spelt = "".join(mark for mark in text if mark.isalnum())
    readings = [_spell_digits(spelt, one) for one in ("一", "幺")]
    return tuple(dict.fromkeys(_tokens(reading, text) for reading in readings))


def _spell_digits(text: str, one: str) -> str:
    def spell(match: re.Match[str]) -> str:
        digits = match.group()
        if len(digits) > _LONGEST_READ_NUMBER or digits[0] == "0":
            return "".join(one if digit == "1" else _DIGITS[int(digit)] for digit in digits)
        tens, units = divmod(int(digits), 10)
        head = "" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十"
        return head + (_DIGITS[units] if units or not tens else "")

    return re.sub("[0-9]+", spell, text)


def _tokens(spelt: str, text: str) -> tuple[str, ...]:
    foreign = next((mark for mark in spelt if not _HAN.match(mark)), None)
    if foreign is not None or not spelt:
        raise BadInput(f"Mandarin phrase {text!r} must be written in Han characters and digits only.")
    tokens: list[str] = []

    def unread(characters: str) -> str:
        raise BadInput(f"Mandarin phrase {text!r} has {characters!r}, whose pronunciation is unknown.")

    for syllable in lazy_pinyin(spelt, style=Style.NORMAL, errors=unread):
        tokens += pinyin_tokens(syllable)
    return tuple(tokens)


def pinyin_tokens(syllable: str) -> tuple[str, ...]:
    """Tokens of one toneless pinyin syllable (`v` or `ü` for the rounded vowel)."""
    syllable = syllable.replace("ü", "v")
    if syllable in _RARE:
        return _RARE[syllable]
    initial = to_initials(syllable, strict=True)
    final = to_finals(syllable, strict=True, v_to_u=False).replace("ü", "v") or to_finals(syllable, strict=False)
    if not final or (initial and initial not in _INITIALS):
        raise BadInput(f"{syllable!r} is not a pinyin syllable.")
    if final == "i" and initial in _RETROFLEX:
        final = "ih"
    elif final == "i" and initial in _SIBILANT:
        final = "is"
    head = (_INITIALS[initial],) if initial else ()
    return head + _RARE.get(final, (f"Z{final}",))
