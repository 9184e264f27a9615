"""The night, from what the bed said: recorded as it goes on (`NightRecorder`), told when somebody asks (`summarise`).

Nothing is guessed: time without a fresh mattress is unknown, and told as such. Pure; every moment is Unix time.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from robot.mattress.presence import BedDetail
from robot.messages import BedExit, BedState, NightSummary, Presence

GAP_S = 30.0
"""Between two looks at the bed more than so long passed: nobody knows what was in between."""
EXTEND_EVERY_S = 60.0
STILL_MOST = 0.2
"""Movement (share) up to which a minute counts as rest; a mattress that tells no movement is taken as it is. Chosen."""
RESTING_MINUTES_LEAST = 30
"""A resting value needs so many still minutes with a measurement. Chosen."""
EARLY, LATE = timedelta(hours=3), timedelta(hours=4)
"""People go to bed before the watched hours begin and get up after they end."""


@dataclass(frozen=True, slots=True)
class Span:
    """Somebody was in bed, or nobody was, without a doubt in between. UNKNOWN has no spans."""

    began_at_s: float
    ended_at_s: float
    presence: Presence


@dataclass(frozen=True, slots=True)
class Minute:
    """Medians of a minute in bed; `number` is Unix minutes. apnoea_events: None when the mattress tells none."""

    number: int
    heart_rate_bpm: float | None = None
    breath_rate_bpm: float | None = None
    movement: float | None = None
    apnoea_events: int | None = None
    wet: bool | None = None


Record = Span | Minute


class NightRecorder:
    """Gathers spans and minutes; `take` returns what is to be written now (a span again and again as it grows)."""

    def __init__(self) -> None:
        self._span: Span | None = None
        self._written_at_s = -math.inf
        self._looked_at_s: float | None = None
        self._minute: int | None = None
        self._samples: list[tuple[BedState, BedDetail]] = []
        self._apnoea: int | None = None

    def breathless(self, events: int) -> None:
        """The mattress reports so many pauses of breath."""
        self._apnoea = (self._apnoea or 0) + events

    def take(self, state: BedState, detail: BedDetail, now_s: float) -> tuple[Record, ...]:
        """Look at the bed. Call it about once a second, with the state as it is now."""
        done: list[Record] = [*self._turn_minute(now_s)]
        gap = self._looked_at_s is not None and not 0 <= now_s - self._looked_at_s <= GAP_S
        self._looked_at_s = now_s
        span = self._span
        if span is not None and (gap or span.presence is not state.presence):
            # up to the change it was as it had been, unless nobody looked
            ended_at_s = span.ended_at_s if gap or not state.fresh else max(span.ended_at_s, now_s)
            done.append(replace(span, ended_at_s=ended_at_s))
            span = None
        if state.fresh and state.presence is not Presence.UNKNOWN:
            if span is None:
                self._written_at_s = now_s
                span = Span(now_s, now_s, state.presence)
                done.append(span)
            span = replace(span, ended_at_s=now_s)
            if now_s - self._written_at_s >= EXTEND_EVERY_S:
                self._written_at_s = now_s
                done.append(span)
            if state.presence is Presence.IN_BED:
                self._samples.append((state, detail))
        self._span = span
        return tuple(done)

    def _turn_minute(self, now_s: float) -> Iterable[Minute]:
        number = int(now_s // 60)
        if number == self._minute:
            return
        if self._minute is not None and (self._samples or self._apnoea is not None):
            yield Minute(
                self._minute,
                _median(state.heart_rate_bpm for state, _ in self._samples),
                _median(state.breath_rate_bpm for state, _ in self._samples),
                _median(detail.movement for _, detail in self._samples),
                self._apnoea,
                _either(detail.wet for _, detail in self._samples),
            )
        self._minute, self._apnoea = number, None
        self._samples.clear()


def night_of(local: datetime, begins: time, ends: time) -> tuple[datetime, datetime]:
    """The night that somebody means who asks at `local` how they slept: its watched hours, local time.

    From its middle on it is the night of now, before that the one before. A night may cross midnight.
    """
    for days in (1, 0, -1, -2):
        day = local.date() + timedelta(days=days)
        first = datetime.combine(day, begins, local.tzinfo)
        last = datetime.combine(day if begins < ends else day + timedelta(days=1), ends, local.tzinfo)
        if local >= first + (last - first) / 2:
            return first, last
    raise AssertionError("a night of at most a day has begun within two days")


def summarise(
    spans: Sequence[Span], minutes: Sequence[Minute], begins_at_s: float, ends_at_s: float, now_s: float
) -> NightSummary | None:
    """The night whose watched hours are [begins_at_s, ends_at_s], so far; None if nobody was seen in bed.

    It lasts from going to bed to getting up, and at least over the watched hours: what is not known of them is told.
    """
    window = (begins_at_s - EARLY.total_seconds(), min(ends_at_s + LATE.total_seconds(), now_s))
    known = _clipped(spans, *window)
    in_bed = [span for span in known if span.presence is Presence.IN_BED]
    if not in_bed:
        return None
    first_s = min(begins_at_s, in_bed[0].began_at_s)
    last_s = max(min(ends_at_s, now_s), in_bed[-1].ended_at_s)
    known = _clipped(known, first_s, last_s)
    in_bed_s = sum(span.ended_at_s - span.began_at_s for span in in_bed)
    known_s = sum(span.ended_at_s - span.began_at_s for span in known)
    during = [minute for minute in minutes if first_s <= minute.number * 60.0 < last_s]
    still = [minute for minute in during if minute.movement is None or minute.movement <= STILL_MOST]
    apnoea = [minute.apnoea_events for minute in during if minute.apnoea_events is not None]
    return NightSummary(
        begins_at_s=first_s,
        ends_at_s=last_s,
        in_bed_s=in_bed_s,
        unknown_s=max(0.0, last_s - first_s - known_s),
        exits=_exits(known),
        heart_rate_bpm=_resting(minute.heart_rate_bpm for minute in still),
        breath_rate_bpm=_resting(minute.breath_rate_bpm for minute in still),
        movement=_mean(minute.movement for minute in during),
        apnoea_events=sum(apnoea) if apnoea else None,
        wet=_either(minute.wet for minute in during),
    )


def _clipped(spans: Sequence[Span], first_s: float, last_s: float) -> list[Span]:
    """Inside the bounds, oldest first, without overlap (a clock that was set back writes the same time twice)."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.began_at_s):
        began_s = max(span.began_at_s, first_s, found[-1].ended_at_s if found else first_s)
        ended_s = min(span.ended_at_s, last_s)
        if began_s < ended_s:
            found.append(Span(began_s, ended_s, span.presence))
    return found


def _exits(spans: Sequence[Span]) -> tuple[BedExit, ...]:
    """Each change from in bed to out of it, with the return; not what may have happened while nobody knew."""
    exits: list[BedExit] = []
    was: Presence | None = None
    for span in spans:
        if was is Presence.IN_BED and span.presence is Presence.OUT_OF_BED:
            exits.append(BedExit(span.began_at_s, None))
        elif was is Presence.OUT_OF_BED and span.presence is Presence.IN_BED and exits:
            exits[-1] = replace(exits[-1], back_at_s=span.began_at_s)
        was = span.presence
    return tuple(exits)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _median(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return statistics.median(known) if known else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return statistics.fmean(known) if known else None


def _resting(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return statistics.median(known) if len(known) >= RESTING_MINUTES_LEAST else None


def _either(values: Iterable[bool | None]) -> bool | None:
    said = set(values)
    return True if True in said else False if False in said else None
