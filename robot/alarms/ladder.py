"""What happens while an alarm waits for a person: reassurance for the resident, rising severity for the platform."""

from __future__ import annotations

from dataclasses import dataclass

from robot.alarms.case import QUIET, RAISED_SEVERITY, WAITING, Case, Severity, elapsed_s
from robot.alarms.settings import AlarmSettings
from robot.messages import AlarmPhase

NOT_REACHED_YET = "not_reached_yet"
ALARM_RAISED = "alarm_raised"


@dataclass(frozen=True, slots=True)
class Step:
    """What is due now: `tell` is a text key; `severity` (with the `rises` reached and the `reason`) a rise."""

    tell: str | None = None
    severity: Severity | None = None
    rises: int = 0
    reason: str | None = None


def step(case: Case, settings: AlarmSettings, now_s: float) -> Step | None:
    """What is due for `case` now, or None.

    Quiet alarms have no ladder: nobody lies on the floor. The wait counts from the raise, as the resident feels it, so
    an alarm that arrives late rises at once. A fall is HIGH from the start: its rises repeat the report with a reason.
    """
    if case.phase not in WAITING or case.raised_at_s is None or case.alarm.type in QUIET:
        return None
    waited_s = elapsed_s(case.raised_at_s, now_s)
    tell = _reassurance(case, settings, waited_s, now_s)
    reached = sum(waited_s >= rise_s for rise_s in settings.rise_s)
    if case.phase is AlarmPhase.RECEIVED and reached > case.rises:
        severity = RAISED_SEVERITY[case.alarm.type].risen(reached)
        reason = f"unanswered_{settings.rise_s[reached - 1]:g}s"
        return Step(tell, severity, reached, reason)
    return Step(tell) if tell else None


def _reassurance(case: Case, settings: AlarmSettings, waited_s: float, now_s: float) -> str | None:
    """A waiting resident hears the truth: not there yet, or there and not answered. Help is not promised here."""
    pause_s = elapsed_s(case.told_at_s, now_s) if case.told_at_s is not None else waited_s
    if case.phase is AlarmPhase.RECEIVED:
        return ALARM_RAISED if pause_s >= settings.repeat_s else None
    if case.told == NOT_REACHED_YET:
        return NOT_REACHED_YET if pause_s >= settings.repeat_s else None
    return NOT_REACHED_YET if waited_s >= settings.not_received_after_s else None
