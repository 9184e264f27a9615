"""The night in words: what the mattress knows, and what it does not. No judgement and no advice: that is a doctor's."""

from __future__ import annotations

from dialogue.clock import mn_number, zh_number
from dialogue.words import robot_text
from robot.messages import Language, NightSummary

GAP_TOLD_S = 1800.0
"""Less than half an hour without data is not worth a sentence; what was told is rounded to half hours too."""
_HALF_HOUR_S = 1800.0


def night_words(night: NightSummary | None, language: Language) -> str:
    """What Hani answers to "how did I sleep?"; None is a night that nobody knows."""
    halves = 0 if night is None else round(night.in_bed_s / _HALF_HOUR_S)
    if night is None or halves == 0:
        return robot_text("sleep_unknown", language)
    hours = _hours(halves, language)
    exits = sum(one.back_at_s is not None for one in night.exits)
    if exits:
        told = [robot_text("tell_sleep", language, hours=hours, exits=_times(exits, language))]
    elif night.unknown_s > GAP_TOLD_S:
        # in the time that nobody knows they may well have been up: no word about it
        told = [robot_text("tell_sleep_hours", language, hours=hours)]
    else:
        told = [robot_text("tell_sleep_through", language, hours=hours)]
    heart, breath = night.heart_rate_bpm, night.breath_rate_bpm
    if heart is not None and breath is not None and heart < 200.0 and breath < 100.0:
        spoken = {"heart": _number(heart, language), "breath": _number(breath, language)}
        told.append(robot_text("tell_sleep_rest", language, **spoken))
    if night.unknown_s > GAP_TOLD_S:
        gap = _hours(round(night.unknown_s / _HALF_HOUR_S), language)
        told.append(robot_text("tell_sleep_gap", language, gap=gap))
    return ("" if language is Language.ZH else " ").join(told)


def _hours(halves: int, language: Language) -> str:
    whole, half = divmod(halves, 2)
    if language is Language.ZH:
        counted = "两" if whole == 2 else zh_number(whole)
        return "半个小时" if not whole else f"{counted}个半小时" if half else f"{counted}个小时"
    return "хагас цаг" if not whole else f"{mn_number(whole)} цаг хагас" if half else f"{mn_number(whole)} цаг"


def _times(count: int, language: Language) -> str:
    if language is Language.ZH:
        return "两" if count == 2 else zh_number(min(count, 99))
    return mn_number(min(count, 99))


def _number(value: float, language: Language) -> str:
    """3 to 199 in words."""
    whole = min(round(value), 199)
    if language is Language.MN:
        return mn_number(whole) if whole <= 100 else f"зуун {mn_number(whole - 100)}"
    if whole < 100:
        return zh_number(whole)
    rest = whole - 100
    return "一百" + (
        "" if not rest else f"零{zh_number(rest)}" if rest < 10 else f"{'一' * (rest < 20)}{zh_number(rest)}"
    )
