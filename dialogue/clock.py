"""The time and the date in words, so that no voice has to read digits."""

from __future__ import annotations

from datetime import datetime

from robot.messages import Language

_ZH_DIGITS = "零一二三四五六七八九"
_MN_ONES = ("", "нэг", "хоёр", "гурван", "дөрвөн", "таван", "зургаан", "долоон", "найман", "есөн")
_MN_TENS = ("", "арван", "хорин", "гучин", "дөчин", "тавин", "жаран", "далан", "наян", "ерэн", "зуун")
_MN_DAY_ONES = ("", "нэгний", "хоёрны", "гурвны", "дөрвний", "тавны", "зургааны", "долооны", "наймны", "есний")
_MN_DAY_TENS = {10: "арвны", 20: "хорины", 30: "гучны"}
_ZH_WEEKDAYS = "一二三四五六日"
_MN_WEEKDAYS = ("нэгэн", "хоёрон", "гурван", "дөрвөн", "таван", "зургаан", "өдөр")
"""As the speakers of Inner Mongolia in the studymongolian.net recordings count the days of the week."""

_PERIODS = (
    (5, "凌晨", "шөнийн"),
    (8, "早上", "өглөөний"),
    (12, "上午", "өглөөний"),
    (13, "中午", "үдийн"),
    (18, "下午", "үдээс хойш"),
    (22, "晚上", "оройн"),
    (24, "晚上", "шөнийн"),
)


def zh_number(value: int) -> str:
    """0 to 99 in Chinese characters."""
    tens, ones = divmod(value, 10)
    if not tens:
        return _ZH_DIGITS[ones]
    return ("" if tens == 1 else _ZH_DIGITS[tens]) + "十" + (_ZH_DIGITS[ones] if ones else "")


def mn_number(value: int) -> str:
    """1 to 100 in Mongolian, in the form that stands before a noun."""
    tens, ones = divmod(value, 10)
    return f"{_MN_TENS[tens]} {_MN_ONES[ones]}".strip()


def time_words(local: datetime, language: Language) -> str:
    """The time of day on a 12-hour clock with its period, for example 下午三点二十分."""
    hour = local.hour % 12 or 12
    zh_period, mn_period = next((zh, mn) for end, zh, mn in _PERIODS if local.hour < end)
    if language is Language.ZH:
        spoken = "两" if hour == 2 else zh_number(hour)
        lead = "零" if 0 < local.minute < 10 else ""
        minutes = {0: "", 30: "半"}.get(local.minute, f"{lead}{zh_number(local.minute)}分")
        return f"{zh_period}{spoken}点{minutes}"
    minutes = {0: "", 30: " хагас"}.get(local.minute, f" {mn_number(local.minute)} минут")
    return f"{mn_period} {mn_number(hour)} цаг{minutes}"


def date_words(local: datetime, language: Language) -> str:
    """Month, day and weekday, for example 十一月二十一号，星期六."""
    if language is Language.ZH:
        return f"{zh_number(local.month)}月{zh_number(local.day)}号，星期{_ZH_WEEKDAYS[local.weekday()]}"
    day, weekday = day_of_month(local.day), _MN_WEEKDAYS[local.weekday()]
    return f"{mn_number(local.month)} сарын {day} өдөр, гарагийн {weekday}"


def day_of_month(day: int) -> str:
    """1 to 31 in Mongolian as it stands before өдөр: хорин нэгний."""
    tens, ones = divmod(day, 10)
    return f"{_MN_TENS[tens]} {_MN_DAY_ONES[ones]}".strip() if ones else _MN_DAY_TENS[day]
