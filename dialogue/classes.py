"""Classes of words: numbers made by rule, case endings of Mongolian nouns, and templates with {slots}. Pure."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from dialogue.clock import day_of_month, mn_number, zh_number
from dialogue.text import fold
from robot.messages import Language

Classes = Mapping[str, Mapping[str, Mapping[Language, tuple[str, ...]]]]
"""Class -> meaning -> language -> spoken forms; a form may hold slots."""

VALUES_OF_A_SLOT = 6
"""How many values of a class the training data get: its size stays bounded. The recogniser hears all of them."""

_BACK, _ROUND = "аоуяё", "оё"
_BACK_OR_VOWEL = re.compile("[аоуяёэиеөүюы]")


def numbers() -> Classes:
    """The classes that nobody wants to write down: hour, minute, month, day, count and number."""
    return {
        "hour": {str(n): _forms((_two(n),), mn_number(n)) for n in range(1, 13)},
        "minute": {
            str(n): _forms(("零" + zh_number(n),) if n < 10 else (zh_number(n),), mn_number(n)) for n in range(1, 60)
        },
        "month": {str(n): _forms((zh_number(n),), mn_number(n)) for n in range(1, 13)},
        "day": {str(n): _forms((zh_number(n),), day_of_month(n)) for n in range(1, 32)},
        "count": {
            "half": _forms(("半",), "хагас"),
            **{str(n): _forms((_two(n),), mn_number(n)) for n in range(1, 11)},
        },
        "number": {str(n): _forms((zh_number(n) if n < 100 else "一百",), mn_number(n)) for n in range(1, 101)},
    }


def _forms(zh: tuple[str, ...], mn: str) -> dict[Language, tuple[str, ...]]:
    return {Language.ZH: zh, Language.MN: (mn,)}


def _two(number: int) -> str:
    return "两" if number == 2 else zh_number(number)


def direction(noun: str) -> str:
    """Towards: хүү рүү, охин руу, гэр лүү."""
    back = any(letter in _BACK for letter in noun.split()[-1])
    return f"{noun} {'л' if noun.endswith('р') else 'р'}{'уу' if back else 'үү'}"


def location(noun: str) -> str:
    """In or at: гэрт, талд, хотод."""
    last = noun[-1]
    if last in "вгрс":
        return f"{noun}т"
    if last in "лмнь" or _BACK_OR_VOWEL.match(last) or last == "й":
        return f"{noun}д"
    vowels = _BACK_OR_VOWEL.findall(noun)
    return (
        noun + {"о": "о", "ё": "о", "ө": "ө", "а": "а", "у": "а", "я": "а"}.get(vowels[-1] if vowels else "", "э") + "д"
    )


CASES: Mapping[str, Callable[[str], str]] = {"": str, "to": direction, "in": location}
"""The cases of a Mongolian slot: `{person:to}`. Mandarin knows none."""


def slots_of(template: str) -> tuple[tuple[str, str], ...]:
    """The (name, case) pairs in {braces}, in order."""
    return tuple((name, case or "") for _, name, case, _ in string.Formatter().parse(template) if name)


def filled(template: str, values: Iterable[str]) -> str:
    """The template with its slots replaced by `values`, in order."""
    waiting = iter(values)
    parsed = string.Formatter().parse(template)
    return "".join(literal + (next(waiting) if name else "") for literal, name, _, _ in parsed)


def folded_template(template: str) -> str:
    """`fold` for a text with slots, which stay as written."""
    slots = slots_of(template)
    marks = [f"qq{place}qq" for place in range(len(slots))]
    text = fold(filled(template, marks))
    for mark, (name, case) in zip(marks, slots, strict=True):
        text = text.replace(mark, f"{{{name}:{case}}}" if case else f"{{{name}}}")
    return text


def samples(template: str, language: Language, classes: Classes) -> tuple[str, ...]:
    """At most `VALUES_OF_A_SLOT` sentences of a template; several slots advance together, large classes in strides."""
    slots = slots_of(template)
    if not slots:
        return (template,)
    values = [_values(name, case, language, classes) for name, case in slots]
    count = min(VALUES_OF_A_SLOT, max(map(len, values)))
    return tuple(
        filled(template, (some[(turn * (place + 1)) % len(some)] for place, some in enumerate(values)))
        for turn in range(count)
    )


def _values(name: str, case: str, language: Language, classes: Classes) -> tuple[str, ...]:
    forms = list(chain.from_iterable(form[language] for form in classes[name].values()))
    stride = max(1, len(forms) // VALUES_OF_A_SLOT)
    some = [samples(form, language, classes) for form in forms[::stride]]
    longest = max(map(len, some))
    mixed = [one[turn % len(one)] for turn in range(longest) for one in some]
    return tuple(CASES[case](value) for value in dict.fromkeys(mixed))[:VALUES_OF_A_SLOT]
