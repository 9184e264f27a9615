"""The night is told as it was: across midnight, with exits, and with what nobody knows as unknown."""

from __future__ import annotations

from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.mattress.night import Minute, NightRecorder, Record, Span, night_of, summarise
from robot.mattress.night_store import KEEP_S, NightStore
from robot.mattress.presence import BedDetail
from robot.messages import BedExit, BedState, Presence

pytestmark = pytest.mark.unit

H = 3600.0
BEGINS_S, ENDS_S = 1_764_000_000.0, 1_764_000_000.0 + 8.5 * H  # 21:30 to 06:00 somewhere
MORNING_S = BEGINS_S + 12 * H
IN, OUT, UNKNOWN = Presence.IN_BED, Presence.OUT_OF_BED, Presence.UNKNOWN


def span(from_h: float, to_h: float, presence: Presence = IN) -> Span:
    return Span(BEGINS_S + from_h * H, BEGINS_S + to_h * H, presence)


def told(*spans: Span, minutes: list[Minute] | None = None, now_s: float = MORNING_S):
    return summarise(spans, minutes or [], BEGINS_S, ENDS_S, now_s)


def test_a_night_with_one_exit():
    summary = told(span(-1, 0.5, OUT), span(0.5, 4), span(4, 4.25, OUT), span(4.25, 8), span(8, 11, OUT))
    assert (summary.in_bed_s, summary.unknown_s) == (7.25 * H, 0.0)
    assert summary.exits == (
        BedExit(BEGINS_S + 4 * H, BEGINS_S + 4.25 * H),
        BedExit(BEGINS_S + 8 * H, None),
    ), "getting up is an exit without a return"


def test_early_to_bed_and_late_up_belongs_to_the_night():
    summary = told(span(-2, 10))
    assert (summary.in_bed_s, summary.begins_at_s, summary.ends_at_s) == (12 * H, BEGINS_S - 2 * H, BEGINS_S + 10 * H)


def test_what_the_sensor_did_not_see_is_unknown_and_no_exit():
    summary = told(span(-1, 0, OUT), span(0, 3), span(5, 8.5))
    assert (summary.in_bed_s, summary.unknown_s, summary.exits) == (6.5 * H, 2 * H, ())


def test_a_mattress_that_dies_in_the_night_leaves_the_rest_unknown():
    summary = told(span(0, 3))
    assert (summary.in_bed_s, summary.unknown_s) == (3 * H, 5.5 * H)


@pytest.mark.parametrize("spans", [(), (span(0, 8, OUT),)])
def test_a_night_in_which_nobody_was_seen_in_bed_is_not_told(spans):
    assert told(*spans) is None


def test_asked_in_the_night_only_what_has_gone_is_told():
    summary = told(span(0, 8), now_s=BEGINS_S + 5 * H)
    assert (summary.in_bed_s, summary.unknown_s, summary.ends_at_s) == (5 * H, 0.0, BEGINS_S + 5 * H)


def minutes_of(count: int, **values: float | int | bool) -> list[Minute]:
    return [Minute(int(BEGINS_S // 60) + 1 + n, **values) for n in range(count)]


def test_resting_values_are_medians_of_still_minutes():
    still, restless = (
        minutes_of(40, heart_rate_bpm=58.0, movement=0.1),
        minutes_of(90, heart_rate_bpm=90.0, movement=0.9),
    )
    assert told(span(0, 8), minutes=[*still, *restless[40:]]).heart_rate_bpm == 58.0


def test_too_few_minutes_are_no_resting_value():
    summary = told(span(0, 8), minutes=minutes_of(29, heart_rate_bpm=58.0))
    assert (summary.heart_rate_bpm, summary.breath_rate_bpm, summary.movement, summary.apnoea_events) == (None,) * 4


def test_events_are_summed_only_if_any_were_told():
    summary = told(span(0, 8), minutes=minutes_of(3, apnoea_events=2, wet=False))
    assert (summary.apnoea_events, summary.wet) == (6, False)


AT = datetime(2026, 11, 22)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("08:00", "21 21:30", "22 06:00"),
        ("23:00", "21 21:30", "22 06:00"),
        ("01:00", "20 21:30", "21 06:00"),
        ("02:00", "21 21:30", "22 06:00"),
        ("05:00", "21 21:30", "22 06:00"),
    ],
)
def test_which_night_is_meant(asked, first, last):
    local = datetime.combine(AT, time.fromisoformat(asked))
    found = night_of(local, time(21, 30), time(6, 0))
    assert [f"{moment:%d %H:%M}" for moment in found] == [first, last]


@given(
    st.datetimes(datetime(2020, 1, 3), datetime(2030, 1, 1)),
    st.times().map(lambda at: at.replace(microsecond=0)),
    st.times().map(lambda at: at.replace(microsecond=0)),
)
def test_a_night_has_always_half_gone_when_it_is_told(local, begins, ends):
    if begins == ends:
        return
    first, last = night_of(local, begins, ends)
    assert first + (last - first) / 2 <= local
    assert (first.time(), last.time()) == (begins, ends)
    assert 0 < (last - first).total_seconds() <= 86_400


class Recorded:
    """A recorder with what it wrote, the newest of each span."""

    def __init__(self) -> None:
        self.core = NightRecorder()
        self.records: dict[object, Record] = {}

    def look(self, presence: Presence, from_s: int, to_s: int, heart: float | None = None, **detail: float) -> Recorded:
        for now_s in range(from_s, to_s + 1):
            state = BedState(presence, presence is not UNKNOWN, 0.0, float(now_s), heart, None)
            for record in self.core.take(state, BedDetail(**detail), float(now_s)):
                self.records[record.began_at_s if isinstance(record, Span) else ("minute", record.number)] = record
        return self

    @property
    def spans(self) -> list[Span]:
        return [record for record in self.records.values() if isinstance(record, Span)]

    @property
    def minutes(self) -> list[Minute]:
        return [record for record in self.records.values() if isinstance(record, Minute)]


def test_spans_follow_the_state():
    recorded = Recorded().look(IN, 0, 99).look(OUT, 100, 199).look(UNKNOWN, 200, 299).look(IN, 300, 420)
    assert recorded.spans == [Span(0, 100, IN), Span(100, 199, OUT), Span(300, 420, IN)]


def test_a_time_in_which_nobody_looked_is_no_span():
    recorded = Recorded().look(IN, 0, 99).look(IN, 200, 320)
    assert recorded.spans == [Span(0, 99, IN), Span(200, 320, IN)]


def test_a_crash_costs_at_most_a_minute():
    assert Recorded().look(IN, 0, 119).spans == [Span(0, 60, IN)]


def test_minutes_are_medians_in_bed():
    recorded = Recorded().look(IN, 0, 59, heart=60.0, movement=0.2).look(OUT, 60, 119).look(IN, 120, 180)
    assert recorded.minutes == [Minute(0, 60.0, None, 0.2), Minute(2)]


def test_pauses_of_breath_are_counted_in_their_minute():
    recorded = Recorded().look(IN, 0, 10)
    recorded.core.breathless(2)
    recorded.core.breathless(1)
    assert recorded.look(IN, 11, 60).minutes == [Minute(0, apnoea_events=3)]


looks = st.lists(
    st.tuples(st.floats(-100, 1000), st.sampled_from(Presence), st.none() | st.floats(30, 120)), max_size=40
)


@given(looks, st.floats(0, 1e4), st.floats(0, 1e4))
def test_known_and_unknown_time_make_the_night_whatever_came(steps, begins_s, length_s):
    recorder, records, now_s = NightRecorder(), {}, 0.0
    for after_s, presence, heart in steps:
        now_s += after_s
        state = BedState(presence, presence is not UNKNOWN, 0.0, now_s, heart, None)
        for record in recorder.take(state, BedDetail(), now_s):
            records[(type(record), record.began_at_s if isinstance(record, Span) else record.number)] = record
    spans = [record for record in records.values() if isinstance(record, Span)]
    minutes = [record for record in records.values() if isinstance(record, Minute)]
    assert all(one.began_at_s <= one.ended_at_s for one in spans)
    summary = summarise(spans, minutes, begins_s, begins_s + length_s + 1, now_s)
    if summary is not None:
        assert 0 <= summary.unknown_s <= summary.ends_at_s - summary.begins_at_s + 1e-6
        assert 0 < summary.in_bed_s <= summary.ends_at_s - summary.begins_at_s + 1e-6


def test_the_store_gives_back_what_it_took_and_forgets_after_a_week(tmp_path):
    store = NightStore(tmp_path / "robot.db")
    records = (span(0, 1), span(1, 2, OUT), *minutes_of(2, heart_rate_bpm=60.0, wet=True, apnoea_events=1))
    store.write(records, BEGINS_S)
    store.write((span(0, 1),), BEGINS_S)
    assert store.read(BEGINS_S, ENDS_S) == (records[:2], records[2:])
    assert store.read(BEGINS_S - 2 * H, BEGINS_S - H) == ((), ())
    late_s = ENDS_S + KEEP_S
    store.write((Span(late_s, late_s, IN),), late_s)
    assert store.read(BEGINS_S, ENDS_S) == ((), ())
    store.close()
