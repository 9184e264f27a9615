"""What the platform hears of the bed: a summary once a minute, and every change at once. Pure."""

from __future__ import annotations

import statistics

from robot.reporting.contract import BedBody

PERIOD_S = 60.0  # facts/platform.md: summaries once a minute and on change


class BedMinute:
    """Takes every reading and gives what is worth a report. Heart and breath are the minute's medians, to a tenth."""

    def __init__(self) -> None:
        self._told: BedBody | None = None
        self._told_at_s = 0.0
        self._hearts: list[float] = []
        self._breaths: list[float] = []

    def take(self, body: BedBody, at_s: float) -> BedBody | None:
        """A reading at `at_s` of a clock that nobody sets; returns the report that is due now, or None."""
        told = self._told
        changed = told is None or (told.in_bed, told.fresh, told.wet) != (body.in_bed, body.fresh, body.wet)
        if changed:  # what was before is no part of this minute
            self._hearts, self._breaths = [], []
        if body.heart_rate_bpm is not None:
            self._hearts.append(body.heart_rate_bpm)
        if body.breath_rate_bpm is not None:
            self._breaths.append(body.breath_rate_bpm)
        if not changed and at_s - self._told_at_s < PERIOD_S:
            return None
        report = body.model_copy(
            update={"heart_rate_bpm": _median(self._hearts), "breath_rate_bpm": _median(self._breaths)}
        )
        self._told, self._told_at_s = body, at_s
        self._hearts, self._breaths = [], []
        return report


def _median(values: list[float]) -> float | None:
    return round(statistics.median(values), 1) if values else None
