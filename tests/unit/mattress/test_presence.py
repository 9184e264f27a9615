"""A bed is occupied or empty only while readings say so, and for long enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadConfiguration
from robot.mattress.codecs import BedReading
from robot.mattress.presence import BedDetail, BedPresence, PresenceSettings
from robot.messages import BedState, Presence

pytestmark = pytest.mark.unit

IN, OUT = BedReading(in_bed=True, heart_rate_bpm=60.0, breath_rate_bpm=14.0), BedReading(in_bed=False)


class Bed:
    """A presence with the last state that it published."""

    def __init__(self, **settings: float) -> None:
        self.core = BedPresence(PresenceSettings(**settings))
        self.state: BedState | None = None
        self.published: list[BedState] = []

    def take(self, state: BedState | None) -> None:
        if state is not None:
            self.state = state
            self.published.append(state)

    def reads(self, reading: BedReading, from_s: int, to_s: int | None = None) -> Bed:
        """One reading a second through [from_s, to_s]."""
        for second in range(from_s, (to_s or from_s) + 1):
            self.take(self.core.update(reading, float(second)))
        return self

    def waits(self, from_s: int, to_s: int) -> Bed:
        for second in range(from_s, to_s + 1):
            self.take(self.core.tick(float(second)))
        return self

    @property
    def presences(self) -> list[Presence]:
        """Without repeats."""
        names = [state.presence for state in self.published]
        return [name for before, name in zip([None, *names], names, strict=False) if name is not before]


def test_nothing_is_known_before_the_first_reading():
    bed = Bed().waits(0, 0)
    assert bed.state == BedState(Presence.UNKNOWN, False, 0.0, None)


@pytest.mark.parametrize(("mattress_s", "told_s"), [(None, None), (300.0, 304.0)])
def test_every_state_says_how_late_an_exit_may_be_told(mattress_s, told_s):
    """The mattress's own latency and the time that an exit must hold: also while nothing is known."""
    bed = Bed(latency_s=mattress_s).waits(0, 0).reads(IN, 1, 10).reads(OUT, 11, 20).waits(21, 100)
    assert bed.presences == [Presence.UNKNOWN, Presence.IN_BED, Presence.OUT_OF_BED, Presence.UNKNOWN]
    assert {state.latency_s for state in bed.published} == {told_s}


def test_an_exit_must_hold_and_counts_from_its_first_reading():
    bed = Bed().reads(IN, 0, 10).reads(OUT, 11, 14)
    assert bed.state.presence is Presence.IN_BED
    bed.reads(OUT, 15)
    assert (bed.state.presence, bed.state.since_at_s, bed.state.fresh) == (Presence.OUT_OF_BED, 11.0, True)


def test_a_return_is_believed_sooner_than_an_exit():
    bed = Bed().reads(OUT, 0, 10).reads(IN, 11, 12)
    assert (bed.state.presence, bed.state.since_at_s) == (Presence.IN_BED, 11.0)


def test_turning_over_is_no_exit():
    bed = Bed().reads(IN, 0, 10).reads(OUT, 11, 13).reads(IN, 14, 20)
    assert bed.presences == [Presence.UNKNOWN, Presence.IN_BED]
    assert bed.state.since_at_s == 0.0


def test_a_slow_mattress_needs_no_second_reading():
    bed = Bed().reads(IN, 0, 1).reads(OUT, 30).waits(31, 34)
    assert bed.state.presence is Presence.OUT_OF_BED


def test_silence_makes_unknown():
    bed = Bed().reads(IN, 0, 10).waits(11, 70)
    assert bed.state.presence is Presence.IN_BED
    bed.waits(71, 71)
    assert bed.state == BedState(Presence.UNKNOWN, False, 71.0, 10.0)


@pytest.mark.parametrize("nothing", [BedReading(), BedReading(connected=True), BedReading(heart_rate_bpm=60.0)])
def test_messages_that_say_nothing_about_presence_keep_nothing_fresh(nothing):
    bed = Bed().reads(IN, 0, 10).reads(nothing, 11, 71)
    assert bed.state.presence is Presence.UNKNOWN


def test_a_sensor_that_says_it_is_off_is_unknown_at_once():
    bed = Bed().reads(IN, 0, 10).reads(BedReading(in_bed=True, connected=False), 11)
    assert (bed.state.presence, bed.state.fresh, bed.state.heart_rate_bpm) == (Presence.UNKNOWN, False, None)


def test_a_reconnected_mattress_starts_anew():
    """Nobody knows what happened in the gap: "in bed since" must not reach across it, whether anybody ticked or not."""
    for ticked in (True, False):
        bed = Bed().reads(IN, 0, 10)
        if ticked:
            bed.waits(11, 100)
        bed.reads(IN, 101, 101)
        assert bed.state.presence is Presence.UNKNOWN
        bed.reads(IN, 102, 102)
        assert (bed.state.presence, bed.state.since_at_s) == (Presence.IN_BED, 101.0)


def test_vitals_belong_to_somebody_in_bed():
    bed = Bed().reads(IN, 0, 10)
    assert (bed.state.heart_rate_bpm, bed.state.breath_rate_bpm) == (60.0, 14.0)
    bed.reads(OUT, 11, 20)
    assert (bed.state.heart_rate_bpm, bed.state.breath_rate_bpm) == (None, None)


def test_an_unchanged_state_is_repeated_but_not_at_every_reading():
    bed = Bed().reads(IN, 0, 41)
    assert [state.measured_at_s for state in bed.published] == [0.0, 1.0, 11.0, 21.0, 31.0, 41.0]


def test_a_clock_set_back_makes_unknown_until_the_next_reading():
    bed = Bed().reads(IN, 1000, 1010).waits(500, 500)
    assert bed.state.presence is Presence.UNKNOWN
    bed.reads(IN, 501, 502)
    assert bed.state.presence is Presence.IN_BED


def test_a_gateway_that_repeats_an_old_value_is_refused_when_its_clock_is_trusted():
    old = BedReading(in_bed=True, measured_at_s=1000.0)
    trusted = Bed(device_clock_trusted=True).reads(old, 1000, 1121)
    assert trusted.state.presence is Presence.UNKNOWN
    assert Bed().reads(old, 1000, 1121).state.presence is Presence.IN_BED


def measured(in_bed: bool, at_s: float) -> BedReading:
    return BedReading(in_bed=in_bed, measured_at_s=at_s)


def test_an_old_value_that_a_gateway_sends_again_puts_nobody_back_to_bed():
    """It would end the wait for who left the bed at night. Its clock may be wrong by years."""
    bed = Bed()
    for second in range(20):
        bed.reads(measured(in_bed=second < 10, at_s=5000.0 + second), second)
    assert bed.state.presence is Presence.OUT_OF_BED
    bed.reads(measured(in_bed=True, at_s=2000.0), 20, 25)
    assert bed.state.presence is Presence.OUT_OF_BED
    bed.reads(measured(in_bed=True, at_s=5026.0), 26, 28)
    assert bed.state.presence is Presence.IN_BED


def test_a_mattress_whose_own_clock_was_set_back_is_believed_again():
    bed = Bed()
    for second in range(10):
        bed.reads(measured(in_bed=True, at_s=9000.0 + second), second)
    for second in range(10, 120):
        bed.reads(measured(in_bed=False, at_s=float(second)), second)
    assert bed.presences[-3:] == [Presence.IN_BED, Presence.UNKNOWN, Presence.OUT_OF_BED]
    assert bed.state.since_at_s < 75


def test_sides_with_clocks_of_their_own_are_both_heard():
    bed = Bed()
    for second in range(20):
        bed.reads(BedReading(left=False, measured_at_s=9000.0 + second), second)
        bed.reads(BedReading(right=False, measured_at_s=100.0 + second), second)
    assert bed.state.presence is Presence.OUT_OF_BED


def test_a_double_bed_whose_sides_speak_in_turn_is_empty_only_when_both_said_so():
    left, right = BedReading(left=False), BedReading(right=False)
    bed = Bed().reads(BedReading(in_bed=True, left=True), 0, 5).reads(left, 6, 12)
    assert bed.state.presence is Presence.IN_BED, "the other side has said nothing yet"
    bed.reads(right, 13, 20)
    assert bed.state.presence is Presence.OUT_OF_BED
    bed.reads(BedReading(in_bed=True, right=True), 21, 23)
    assert bed.state.presence is Presence.IN_BED
    assert (bed.core.detail(23.0).left, bed.core.detail(23.0).right) == (False, True)


def test_a_side_that_fell_silent_no_longer_counts_as_empty():
    bed = Bed().reads(BedReading(in_bed=True, left=True), 0, 5).reads(BedReading(left=False), 6, 6)
    bed.reads(BedReading(right=False), 70, 80)
    assert bed.state.presence is Presence.UNKNOWN


def test_signs_of_life_keep_what_was_said_and_say_nothing_of_themselves():
    alive = BedReading(heart_rate_bpm=61.0, alive=True)
    bed = Bed().reads(alive, 0, 10)
    assert bed.state.presence is Presence.UNKNOWN
    bed.reads(IN, 11, 13).reads(alive, 14, 200)
    assert (bed.state.presence, bed.state.heart_rate_bpm) == (Presence.IN_BED, 61.0)
    bed.waits(201, 270).reads(alive, 271, 280)
    assert bed.state.presence is Presence.UNKNOWN, "after a gap it must be said anew"


def test_heart_and_breath_of_poor_quality_are_unknown():
    poor, good = (BedReading(True, 60.0, 14.0, quality=quality) for quality in (0.4, 0.6))
    assert Bed().reads(poor, 0, 20).state.heart_rate_bpm is None
    assert Bed().reads(good, 0, 20).state.heart_rate_bpm == 60.0


def test_details_go_stale_with_the_feed():
    bed = Bed().reads(BedReading(True, at_edge=True, wet=True, movement=0.5), 0, 10)
    assert bed.core.detail(70.0) == BedDetail(movement=0.5, at_edge=True, wet=True)
    assert bed.core.detail(71.0) == BedDetail()


readings = st.builds(BedReading, st.none() | st.booleans(), connected=st.sampled_from([None, True, True, False]))


@given(st.lists(st.tuples(st.floats(0, 90), readings | st.none()), max_size=40))
def test_presence_is_never_claimed_without_a_recent_reading(steps):
    """Fresh and known go together, and need a reading of that very presence within the stale limit."""
    core, now_s, heard = BedPresence(), 0.0, {}
    for after_s, reading in steps:
        now_s += after_s
        if reading is not None and reading.connected is not False and reading.in_bed is not None:
            heard[Presence.IN_BED if reading.in_bed else Presence.OUT_OF_BED] = now_s
        state = core.tick(now_s) if reading is None else core.update(reading, now_s)
        if state is None:
            continue
        assert state.fresh == (state.presence is not Presence.UNKNOWN)
        assert state.since_at_s <= now_s
        if state.fresh:
            assert state.presence in heard
            assert now_s - max(heard.values()) <= 60.0
            assert not (reading and reading.connected is False)


@pytest.mark.parametrize(
    "wrong", [{"exit_hold_s": -1}, {"stale_after_s": 0}, {"repeat_s": 60}, {"quality_least": 2}], ids=str
)
def test_a_setting_out_of_bounds_is_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(BadConfiguration, match=f"mattress.{name}"):
        PresenceSettings(**wrong)


def test_wet_is_told_at_once_and_holds_while_the_mattress_speaks():
    """Some say it only as it changes; what was said before a silence is unknown after it."""
    bed = Bed().reads(IN, 0, 10).reads(BedReading(in_bed=True, wet=True), 11)
    assert (bed.state.measured_at_s, bed.state.wet) == (11.0, True)
    bed.reads(IN, 12, 40)
    assert bed.state.wet is True
    bed.reads(BedReading(alive=True, wet=False), 41)
    assert (bed.state.measured_at_s, bed.state.wet) == (41.0, False)
    bed.reads(BedReading(in_bed=True, wet=True), 42).waits(43, 110)
    assert (bed.state.presence, bed.state.wet) == (Presence.UNKNOWN, None)
    bed.reads(IN, 111, 130)
    assert (bed.state.presence, bed.state.wet) == (Presence.IN_BED, None)


def test_a_mattress_that_is_gone_says_nothing_of_wet():
    bed = Bed().reads(BedReading(in_bed=True, wet=True), 0, 10).reads(BedReading(connected=False), 11).reads(IN, 12, 20)
    assert bed.state.wet is None
