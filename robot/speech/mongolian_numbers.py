"""Mongolian (Cyrillic) numbers, times, dates and measures as they are spoken.

A numeral before a noun takes its attributive form (гурав, but гурван цаг). Forms follow the school grammar of Khalkha,
which Inner Mongolian broadcasting shares for numerals; no native speaker has reviewed them yet.
"""

from __future__ import annotations

import re

_UNITS = ("тэг", "нэг", "хоёр", "гурав", "дөрөв", "тав", "зургаа", "долоо", "найм", "ес")
_UNITS_BEFORE_NOUN = ("тэг", "нэг", "хоёр", "гурван", "дөрвөн", "таван", "зургаан", "долоон", "найман", "есөн")
_TENS = ("", "арав", "хорь", "гуч", "дөч", "тавь", "жар", "дал", "ная", "ер")
_TENS_BEFORE_NOUN = ("", "арван", "хорин", "гучин", "дөчин", "тавин", "жаран", "далан", "наян", "ерэн")
_SCALES = ((10**9, "тэрбум"), (10**6, "сая"), (10**3, "мянга"))
LARGEST = 10**12 - 1
"""Larger numbers are read digit by digit."""

_ORDINALS = {
    "тэг": "тэгдүгээр",
    "нэг": "нэгдүгээр",
    "хоёр": "хоёрдугаар",
    "гурав": "гуравдугаар",
    "дөрөв": "дөрөвдүгээр",
    "тав": "тавдугаар",
    "зургаа": "зургадугаар",
    "долоо": "долдугаар",
    "найм": "наймдугаар",
    "ес": "есдүгээр",
    "арав": "аравдугаар",
    "хорь": "хорьдугаар",
    "гуч": "гучдугаар",
    "дөч": "дөчдүгээр",
    "тавь": "тавьдугаар",
    "жар": "жардугаар",
    "дал": "далдугаар",
    "ная": "наядугаар",
    "ер": "ердүгээр",
    "зуу": "зуудугаар",
    "мянга": "мянгадугаар",
    "сая": "саядугаар",
    "тэрбум": "тэрбумдугаар",
}
_MEASURES = {
    "мм.муб": "миллиметр мөнгөн ус",
    "mmhg": "миллиметр мөнгөн ус",
    "кг": "килограмм",
    "kg": "килограмм",
    "мг": "миллиграмм",
    "mg": "миллиграмм",
    "г": "грамм",
    "g": "грамм",
    "мл": "миллилитр",
    "ml": "миллилитр",
    "л": "литр",
    "l": "литр",
    "км": "километр",
    "km": "километр",
    "см": "сантиметр",
    "cm": "сантиметр",
    "мм": "миллиметр",
    "mm": "миллиметр",
    "м": "метр",
    "m": "метр",
}
# words after which a number before them is no attribute: copulas, postpositions, conjunctions, particles
# fmt: off
_NOT_NOUNS = frozenset((
    "байна", "байлаа", "байсан", "байв", "байх", "боллоо", "болсон", "болно", "болж", "бол", "нь", "ба",
    "болон", "эсвэл", "буюу", "юм", "уу", "үү", "вэ", "бэ", "гэж", "гэсэн", "руу", "рүү", "луу", "лүү",
    "дугаар", "дүгээр", "хүрсэн", "хүрлээ",
))
_COUNTED = (
    "цаг", "минут", "секунд", "хоног", "өдөр", "сар", "жил", "нас", "хэм", "градус", "ширхэг", "удаа", "хүн",
    "юань", "төгрөг", "метр", "километр", "алхам", "грамм", "килограмм", "миллиграмм", "литр", "миллилитр",
    "сантиметр", "миллиметр",
)
# fmt: on
# lines of China: police, fire, ambulance, traffic; 12345, 12349 (civil affairs); 95xxx, 96xxx (96111)
_SERVICE_LINE = r"(?:110|119|120|122|12\d{3}|9[56]\d{3})"
_NUMBER = r"\d+(?:[.,]\d+)?"


def cardinal(number: int, *, before_noun: bool = False) -> str:
    """`number` in words; `before_noun` gives the attributive form of its last word."""
    if number < 0:
        return f"хасах {cardinal(-number, before_noun=before_noun)}"
    if number > LARGEST:
        return digit_by_digit(str(number))
    if number == 0:
        return _UNITS[0]
    words: list[str] = []
    rest = number
    for scale, name in _SCALES:
        count, rest = divmod(rest, scale)
        if not count:
            continue
        if count > 1 or scale > 1000 or words:
            words.append(_below_thousand(count, before_noun=True, leading=not words))
        words.append("мянган" if scale == 1000 and before_noun and not rest else name)
    if rest:
        words.append(_below_thousand(rest, before_noun=before_noun, leading=not words))
    return " ".join(words)


def _below_thousand(number: int, *, before_noun: bool, leading: bool) -> str:
    """1..999. A leading hundred is plain (зуун), one inside a larger number is counted (нэг зуун)."""
    hundreds, tens, units = number // 100, number // 10 % 10, number % 10
    words = []
    if hundreds:
        if hundreds > 1 or not leading:
            words.append(_UNITS_BEFORE_NOUN[hundreds])
        words.append("зуун" if tens or units or before_noun else "зуу")
    if tens:
        words.append((_TENS_BEFORE_NOUN if units or before_noun else _TENS)[tens])
    if units:
        words.append((_UNITS_BEFORE_NOUN if before_noun else _UNITS)[units])
    return " ".join(words)


def ordinal(number: int) -> str:
    """Third, fourth, ...: the last word takes дугаар or дүгээр."""
    *head, last = cardinal(number).split()
    return " ".join([*head, _ORDINALS[last]])


def digit_by_digit(digits: str) -> str:
    """Each digit by itself; anything that is no digit is left out."""
    return " ".join(_UNITS[int(digit)] for digit in re.sub(r"[^0-9]", "", digits))


def phone_number(digits: str) -> str:
    """Digit by digit in groups: 3-4-4 for a mobile number, the area code (010, 02x, 0471) apart, otherwise by fours."""
    plain = re.sub(r"[^0-9]", "", digits)
    first = 3 if re.match(r"1\d{10}$|0[12]", plain) else 4
    cuts = list(range(first, len(plain), 4))
    groups = [plain[start:end] for start, end in zip([0, *cuts], [*cuts, len(plain)], strict=True)]
    return ", ".join(digit_by_digit(group) for group in groups)


def clock(hour: int, minute: int) -> str:
    """The time of day on the 24-hour clock: арван хоёр цаг хагас."""
    hours = f"{cardinal(hour, before_noun=True)} цаг"
    if minute == 0:
        return hours
    return f"{hours} хагас" if minute == 30 else f"{hours} {cardinal(minute, before_noun=True)} минут"


def date(year: int, month: int, day: int) -> str:
    """The calendar date: хоёр мянга хорин зургаан оны арваннэгдүгээр сарын хорин нэг."""
    return f"{cardinal(year, before_noun=True)} оны {ordinal(month)} сарын {cardinal(day)}"


def spell_out(text: str) -> str:
    """`text` with every number, time, date and measure in words; the result holds no digit."""
    text = re.sub(r"\d", lambda match: str(int(match[0])), text)  # full-width and other scripts' digits
    text = re.sub(r"\d{13,}", lambda match: f" {digit_by_digit(match[0])} ", text)  # no amounts
    for pattern, speak in _RULES:
        text = pattern.sub(speak, text)
    return text


def _amount(number: str, *, before_noun: bool) -> str:
    """A number as written: 3, 36.5, 36,5 or, by its three digits after the comma, 12,000."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", number):
        number = number.replace(",", "")
    whole, _, decimals = number.replace(",", ".").partition(".")
    if not decimals:
        return cardinal(int(whole), before_noun=before_noun)
    if len(decimals) > 2 or decimals[0] == "0":
        return f"{cardinal(int(whole))} цэг {digit_by_digit(decimals)}"
    return f"{cardinal(int(whole))} цэг {cardinal(int(decimals), before_noun=before_noun)}"


def _speak_date(match: re.Match[str]) -> str:
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return date(year, month, day)


def _speak_clock(match: re.Match[str]) -> str:
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 24 or minute > 59:
        return match[0]
    spoken = clock(hour, minute)
    if not match["dative"]:
        return spoken
    return f"{spoken}ад" if spoken.endswith("минут") else f"{spoken}т"


def _speak_degrees(match: re.Match[str]) -> str:
    minus = "хасах " if match["sign"] in ("-", "−") else ""
    return f"{minus}{_amount(match['number'], before_noun=True)} хэм"


def _speak_suffixed(match: re.Match[str]) -> str:
    """3-т, 20-нд, 11-ний, 120-руу: the case ending joins the word."""
    number, ending = match["number"], match["ending"]
    if re.fullmatch(_SERVICE_LINE, number):
        word = digit_by_digit(number)
    else:
        word = cardinal(int(number), before_noun=ending.startswith("н"))
    if ending in _NOT_NOUNS:
        return f"{word} {ending}"
    return word + (ending[1:] if ending.startswith("н") and word.endswith("н") else ending)


def _speak_number(match: re.Match[str]) -> str:
    following = match["following"].lower()
    before_noun = bool(following) and following not in _NOT_NOUNS
    if re.fullmatch(_SERVICE_LINE, match["number"]) and not following.startswith(_COUNTED):
        return digit_by_digit(match["number"])
    minus = "хасах " if match["sign"] else ""
    return minus + _amount(match["number"], before_noun=before_noun)


_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), speak)
    for pattern, speak in (
        (r"(?<![\d.])(?P<year>\d{4})[-./](?P<month>\d{1,2})[-./](?P<day>\d{1,2})(?![\d.]\d)", _speak_date),
        (r"(?<![\d:])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?![\d:])(?:\s*цаг(?P<dative>т)?(?!\w))?", _speak_clock),
        (
            r"(?<![\d/])(\d{2,3})\s*/\s*(\d{2,3})(?![\d/])(?:\s*mmhg)?",  # blood pressure
            lambda match: f"{cardinal(int(match[1]))}, {cardinal(int(match[2]))}",
        ),
        (rf"(?:(?<!\w)(?P<sign>[-−+]))?(?P<number>{_NUMBER})\s*(?:°\s*[CС]?|℃)", _speak_degrees),
        (rf"(?P<number>{_NUMBER})\s*[%％]", lambda match: f"{_amount(match['number'], before_noun=True)} хувь"),
        (r"(?<!\d)(?:1\d{10}|0\d{2,3}[- ]?\d{7,8}|\d{8})(?!\d)", lambda match: phone_number(match[0])),
        (
            rf"(?P<number>{_NUMBER})\s*(?P<unit>{'|'.join(map(re.escape, _MEASURES))})(?!\w)",
            lambda match: f"{_amount(match['number'], before_noun=True)} {_MEASURES[match['unit'].lower()]}",
        ),
        (r"(?<!\d)(?P<number>\d{1,12})\s*-\s*р(?!\w)", lambda match: ordinal(int(match["number"]))),
        (r"(?<!\d)(?P<number>\d{1,12})\s+д[уү]г[аэ]{2}р", lambda match: ordinal(int(match["number"]))),
        (r"(?<!\d)(?P<number>\d{1,12})-(?P<ending>[а-яөүё]+)", _speak_suffixed),
        (r"(?<=\d)\s*[-–—~]\s*(?=\d)", lambda _: " "),  # a range is said side by side: найм арван цаг
        (
            r"(?:(?<![\w-])(?P<sign>[-−]))?"
            rf"(?P<number>\d{{1,3}}(?:,\d{{3}})+(?!\d)|{_NUMBER})(?=\s*(?P<following>[^\W\d_]*))",
            _speak_number,
        ),
    )
)
