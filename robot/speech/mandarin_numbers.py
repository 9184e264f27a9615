"""Mandarin numbers, times, dates and measures as they are spoken: zh-normalization, with rules for what it misreads.

zh-normalization 0.0.2 reads 130/85 as a fraction, 5mg as "five metres g", 120次 digit by digit, 2个 as 二个, 2,000 as
two numbers, and replaces m and s inside Latin words. The rules put these into words before the library sees the
text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Protocol, cast


def spell_out(text: str) -> str:
    """`text` with every number, time, date and measure in words; the result holds no digit."""
    text = re.sub(r"\d", lambda match: str(int(match[0])), text)  # full-width and other scripts' digits
    text = re.sub(r"\d{13,}", lambda match: match[0].translate(_DIGITS), text)  # no amounts
    for pattern, speak in _RULES:
        text = pattern.sub(speak, text)
    # Latin words stay away from the library, which would take their m and s for units
    pieces = re.split(r"([A-Za-z]+(?:[ '-]+[A-Za-z]+)*)", text)
    return "".join(piece if index % 2 else _normalized(piece) for index, piece in enumerate(pieces))


class _Normalizer(Protocol):
    def normalize(self, text: str) -> list[str]: ...


@cache
def _library() -> _Normalizer:
    from zh_normalization import TextNormalizer  # loaded on first use: only the voice needs it

    return cast(_Normalizer, TextNormalizer())


def _normalized(text: str) -> str:
    return "".join(_library().normalize(text)) if text.strip() else text


def _cardinal(digits: str) -> str:
    from zh_normalization.num import num2str

    return cast(str, num2str(digits))


def _speak_pressure(match: re.Match[str]) -> str:
    unit = "毫米汞柱" if match["unit"] else ""
    return f"{_cardinal(match['upper'])}，{_cardinal(match['lower'])}{unit}"


def _speak_two_o_clock(match: re.Match[str]) -> str:
    minute = int(match["minute"])
    if minute in (0, 30):
        return "两点半" if minute else "两点"
    return f"两点{'零' if minute < 10 else ''}{_cardinal(str(minute))}分"


_DIGITS = str.maketrans("0123456789", "零幺二三四五六七八九")
_UNITS = {
    "kg": "千克",
    "mg": "毫克",
    "g": "克",
    "μg": "微克",
    "µg": "微克",
    "ug": "微克",
    "ml": "毫升",
    "l": "升",
    "km": "千米",
    "cm": "厘米",
    "mm": "毫米",
    "m": "米",
    "h": "小时",
    "min": "分钟",
    "s": "秒",
}
_VITAL = "心率|心跳|脉搏|血压|高压|低压|血糖|血氧|呼吸|步数"

_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), speak)
    for pattern, speak in (
        (r"(?<=\d)：(?=\d)", lambda _: ":"),
        (r"(?<=\d)[,，](?=\d{3}(?!\d))", lambda _: ""),
        (r"[¥￥]\s*(\d+(?:\.\d+)?)", lambda match: f"{match[1]}元"),
        (
            r"(?<![\d/.])(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?![\d/])",
            lambda match: f"{match[1]}年{int(match[2])}月{int(match[3])}日",
        ),
        (
            r"(?<![\d/.])(?P<upper>\d{2,3})\s*/\s*(?P<lower>\d{2,3})(?![\d/])(?P<unit>\s*mmhg)?",
            _speak_pressure,
        ),
        (r"°\s*C|℃", lambda _: "度"),
        (rf"(?<=\d)\s*({'|'.join(_UNITS)})(?![a-z\d²³])", lambda match: _UNITS[match[1].lower()]),
        (r"(?<=:\d\d)\s*[-~–—～]\s*(?=\d)|(?<=[%％度])\s*[-~–—～]\s*(?=\d)", lambda _: "到"),
        (r"(?<![\d:])0?2:(?P<minute>[0-5]\d)(?![\d:])", _speak_two_o_clock),
        (r"(?<![\d.:/第])2(?=[点个片粒颗次杯碗瓶盒包天周位件种口勺袋年小升])", lambda _: "两"),
        (r"(?<=次)/(?=分)", lambda _: "每"),
        (rf"((?:{_VITAL})\D{{0,3}})(\d{{2,3}})(?![\d.])", lambda match: match[1] + _cardinal(match[2])),
        (r"(?<![\d.])(\d{3,8})(?=[次步下盒包种])", lambda match: _cardinal(match[1])),
    )
)
