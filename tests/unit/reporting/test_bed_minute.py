"""Of the bed every change is told at once, and else a summary a minute."""

from __future__ import annotations

import pytest

from robot.reporting.bed_minute import BedMinute
from robot.reporting.contract import BedBody

pytestmark = pytest.mark.unit


def bed(in_bed: bool | None = True, heart: float | None = None, breath: float | None = None) -> BedBody:
    return BedBody(in_bed=in_bed, heart_rate_bpm=heart, breath_rate_bpm=breath, fresh=in_bed is not None)


def test_a_summary_a_minute_holds_the_minutes_medians() -> None:
    minute = BedMinute()
    told = [minute.take(bed(heart=60.0 + second % 3, breath=13.04), float(second)) for second in range(121)]
    assert [second for second, report in enumerate(told) if report is not None] == [0, 60, 120]
    assert told[60] == bed(heart=61.0, breath=13.0)


def test_a_change_is_told_at_once_and_begins_a_minute_without_what_was_before() -> None:
    minute = BedMinute()
    minute.take(bed(heart=60.0), 0.0)
    minute.take(bed(heart=90.0), 1.0)
    assert minute.take(bed(in_bed=False), 2.0) == bed(in_bed=False)
    assert minute.take(bed(in_bed=False), 61.9) is None
    assert minute.take(bed(in_bed=False), 62.0) == bed(in_bed=False)


def test_silence_is_unknown() -> None:
    minute = BedMinute()
    minute.take(bed(heart=60.0), 0.0)
    assert minute.take(bed(in_bed=None), 5.0) == BedBody(in_bed=None)
