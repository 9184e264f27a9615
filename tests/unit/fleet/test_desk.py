"""The desk's rules: an alarm is never lost, never moved backwards, and somebody is always called in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.fleet import desk
from robot.fleet.desk import Call, Case, Ladder, Presence

pytestmark = pytest.mark.unit

LADDER = Ladder()
PHASES = (*desk.RISING, *sorted(desk.ENDED))
phases = st.sampled_from(PHASES)
moments = st.floats(0, 1e6, allow_nan=False)


def raised(at_s: float = 0.0) -> Case:
    return Case("raised", at_s, at_s, None)


@pytest.mark.parametrize(
    ("waited_s", "number", "rung"),
    [
        (0, 1, 0),
        (59.9, 1, 0),
        (60, 2, 1),
        (120, 3, 1),
        (180, 4, 2),
        (239.9, 4, 2),
        (240, 5, 2),
        (3600, 61, 2),
    ],
)
def test_the_ladder_climbs_at_60_and_180_seconds_and_repeats_every_minute(
    waited_s: float, number: int, rung: int
) -> None:
    assert desk.call(raised(), waited_s, LADDER) == Call(number, rung, 0.0)


@given(st.floats(1, 500), st.floats(1, 500), st.floats(1, 500), moments, moments)
def test_calls_only_grow_with_time_whatever_the_ladder(
    second_s: float, more_s: float, repeat_s: float, one_s: float, other_s: float
) -> None:
    ladder = Ladder((0.0, second_s, second_s + more_s), repeat_s)
    early, late = (desk.call(raised(), at_s, ladder) for at_s in sorted((one_s, other_s)))
    assert early is not None
    assert late is not None
    assert (early.number, early.rung) <= (late.number, late.rung)


@given(moments)
def test_nobody_is_called_for_an_alarm_that_ended_or_is_a_test(now_s: float) -> None:
    for phase in desk.ENDED:
        assert desk.call(Case(phase, 0, 0, 0), now_s, LADDER) is None
    assert desk.call(Case("raised", 0, 0, None, test=True), now_s, LADDER) is None


def test_an_acknowledged_alarm_opens_again_after_ten_minutes() -> None:
    case = Case("acknowledged", 0, 0, 100.0)
    assert desk.call(case, 699.9, LADDER) is None
    assert not desk.reopens(case, 699.9, LADDER)
    assert desk.reopens(case, 700, LADDER)
    assert desk.call(case, 700, LADDER) == Call(1, 0, 700)


@pytest.mark.parametrize("phase", ["suspected", "checking"])
def test_a_robot_that_never_finishes_checking_does_not_hide_its_alarm(phase: str) -> None:
    case = Case(phase, 100.0, None, None)
    assert desk.call(case, 189.9, LADDER) is None
    assert desk.call(case, 190, LADDER) == Call(1, 0, 190)


@given(phases, phases, st.booleans())
def test_no_report_moves_an_alarm_backwards(phase: str, reported: str, acknowledged: bool) -> None:
    new = desk.advance(phase, reported, acknowledged)
    if phase == "closed":
        assert new == "closed"
    elif phase in desk.OPEN and new in desk.OPEN:
        assert desk.RISING.index(new) >= desk.RISING.index(phase)


@given(phases, phases, st.booleans())
def test_a_report_only_leads_to_the_present_or_the_reported_phase(
    phase: str, reported: str, acknowledged: bool
) -> None:
    assert desk.advance(phase, reported, acknowledged) in (phase, reported)


@given(st.lists(st.sampled_from(("suspected", "checking", "raised", "acknowledged")), max_size=8))
def test_only_an_end_takes_an_acknowledgement_away(reports: list[str]) -> None:
    phase = "acknowledged"
    for reported in reports:
        phase = desk.advance(phase, reported, True)
    assert phase == "acknowledged"


def test_the_robots_echo_does_not_quiet_an_alarm_that_was_opened_again() -> None:
    assert desk.advance("raised", "acknowledged", acknowledged_here=True) == "raised"
    assert desk.advance("raised", "acknowledged", acknowledged_here=False) == "acknowledged"


def test_a_cancelled_alarm_can_be_raised_again_but_not_acknowledged() -> None:
    assert desk.advance("cancelled", "raised", False) == "raised"
    assert desk.advance("cancelled", "acknowledged", False) == "cancelled"


@pytest.mark.parametrize(
    ("online", "seen_at_s", "expected"),
    [
        (None, None, Presence.UNKNOWN),
        (True, None, Presence.UNKNOWN),
        (None, 1000.0, Presence.UNKNOWN),
        (True, 1000.0, Presence.ONLINE),
        (True, 1000.0 - 84, Presence.ONLINE),
        (True, 1000.0 - 86, Presence.OFFLINE),
        (None, 1000.0 - 86, Presence.OFFLINE),
        (False, 1000.0, Presence.OFFLINE),
    ],
)
def test_online_needs_a_word_and_a_recent_one(online: bool | None, seen_at_s: float | None, expected: Presence) -> None:
    assert desk.presence(online, seen_at_s, 1000.0) is expected


def test_severities_rise_by_waiting_and_by_agreeing_senses_and_never_fall() -> None:
    assert desk.risen("medium", 299, LADDER) == "medium"
    assert desk.risen("medium", 300, LADDER) == "high"
    assert desk.risen("low", 9e9, LADDER) == "low"
    assert desk.confirmed("low", "medium", of_one_type=True) == "medium"
    assert desk.confirmed("low", "medium", of_one_type=False) == "high"
    assert desk.confirmed("high", "low", of_one_type=False) == "high"
