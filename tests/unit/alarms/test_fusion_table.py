"""The decision table: the document is the code, the code is the table, and what is unknown never calms."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import pytest

import robot.alarms
from robot.alarms.fusion import (
    COLUMNS,
    TABLE,
    Bed,
    Event,
    Inputs,
    Outcome,
    Place,
    Residents,
    Said,
    Upright,
    Vitals,
    decide,
    judge,
    judge_absence,
    judge_rest,
    render,
)
from robot.messages import BedState, FallEvent, FallReason, Presence, RoomView, Zone

pytestmark = pytest.mark.unit

KINDS = {
    "event": Event,
    "bed": Bed,
    "place": Place,
    "vitals": Vitals,
    "upright": Upright,
    "said": Said,
    "residents": Residents,
}
ALL = [Inputs(*values) for values in product(*(KINDS[column.name] for column in fields(Inputs)))]
CALMING = {"bed": Bed.IN_BEFORE, "place": Place.BED, "vitals": Vitals.MEASURED, "upright": Upright.SEEN}
UNKNOWN = {"bed": Bed.UNKNOWN, "place": Place.UNKNOWN, "vitals": Vitals.UNKNOWN, "upright": Upright.UNKNOWN}
NOW_S, ONSET_S = 1000.0, 970.0


def test_the_document_shows_the_table():
    text = (Path(robot.alarms.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert text.split("<!-- table -->\n")[1].split("<!-- end -->")[0] == render()


def test_every_case_has_a_row_and_every_row_has_a_case():
    deciding = [next((row for row in TABLE if row.fits(inputs)), None) for inputs in ALL]
    assert None not in deciding
    assert set(map(id, TABLE)) == set(map(id, deciding)), "a row that never decides misleads its reader"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.event.name}-{row.reason}")
def test_row(row):
    """What a row names is what it takes: with everything else at its calmest, it decides."""
    calm = Inputs(row.event, **CALMING, residents=Residents.ONE)
    inputs = replace(calm, **{name: getattr(row, name)[0] for name in COLUMNS if getattr(row, name)})
    verdict = decide(inputs)
    assert (verdict.outcome, verdict.reason) == (row.outcome, row.reason)
    assert verdict.suspect is (row.outcome is not Outcome.SUPPRESS)


@pytest.mark.parametrize("inputs", [inputs for inputs in ALL if not decide(inputs).suspect], ids=str)
def test_only_a_known_bed_or_word_of_the_only_resident_suppresses_and_only_lying(inputs):
    assert (inputs.event, inputs.residents) == (Event.LYING, Residents.ONE)
    assert inputs.vitals is not Vitals.LOST
    if inputs.said is Said.LATELY:
        return  # for minutes only: test_waits.py
    assert inputs.place is not Place.FLOOR
    by_bed = inputs.bed is Bed.IN_BEFORE and inputs.place is not Place.ELSEWHERE
    assert by_bed or (inputs.said, inputs.upright) == (Said.FINE, Upright.NOT_SEEN)


@pytest.mark.parametrize("column", UNKNOWN)
def test_losing_a_sensor_never_calms(column):
    """For all combinations: what is unknown comes to at least as much as the same sensor saying that all is well.

    At rest the table compares two sensors, which needs both: that one is silent is its own part's fault to show.
    """
    for inputs in ALL:
        if inputs.event is Event.AT_REST:
            continue
        lost = decide(replace(inputs, **{column: UNKNOWN[column]})).outcome
        well = decide(replace(inputs, **{column: CALMING[column]})).outcome
        assert lost.strength >= well.strength, inputs


def test_an_unknown_mattress_comes_to_as_much_as_any_for_a_fall():
    for inputs in ALL:
        if inputs.event in (Event.LYING, Event.SEEN_FALLING):
            unknown = decide(replace(inputs, bed=Bed.UNKNOWN)).outcome
            assert unknown.strength >= decide(inputs).outcome.strength, inputs


def test_a_room_of_several_comes_to_at_least_as_much_for_a_fall():
    for inputs in ALL:
        if inputs.event in (Event.LYING, Event.SEEN_FALLING, Event.LEFT_BED, Event.LEFT_BED_BY_DAY):
            several = decide(replace(inputs, residents=Residents.SEVERAL)).outcome
            assert several.strength >= decide(inputs).outcome.strength, inputs


# The same for real messages

GOOD = BedState(Presence.IN_BED, True, ONSET_S - 100, NOW_S, 60.0, 14.0)
STATES = [
    replace(GOOD, presence=presence, fresh=fresh, since_at_s=since_s, measured_at_s=measured_s)
    for presence, fresh, since_s, measured_s in product(
        Presence, (True, False), (ONSET_S - 100, ONSET_S, ONSET_S + 5), (NOW_S, NOW_S - 61, NOW_S + 600, None)
    )
]
VIEW = RoomView(NOW_S, True, 1, 1, 1, 0)


def is_stale(bed: BedState) -> bool:
    return not bed.fresh or bed.measured_at_s != NOW_S or bed.presence is Presence.UNKNOWN


@pytest.mark.parametrize("reason", list(FallReason))
@pytest.mark.parametrize("zone", [None, *Zone])
@pytest.mark.parametrize("residents", [1, 2])
def test_a_stale_mattress_is_no_mattress(reason, zone, residents):
    event = FallEvent("f", reason, 0.9, 1, ONSET_S, ONSET_S + 2, zone=zone)
    without = judge(event, None, NOW_S, fresh_s=60, residents=residents)
    assert without.outcome is Outcome.CHECK
    for bed in STATES:
        verdict = judge(event, bed, NOW_S, fresh_s=60, residents=residents)
        if is_stale(bed):
            assert verdict == without, bed
        if not verdict.suspect:
            assert (bed, zone in (None, Zone.BED), residents) == (replace(GOOD, presence=Presence.IN_BED), True, 1)


@pytest.mark.parametrize("zone", [Zone.FLOOR, Zone.SOFA])
def test_who_lies_elsewhere_is_not_the_one_whom_the_mattress_holds(zone):
    event = FallEvent("f", FallReason.LONG_ON_FLOOR, 0.9, 1, ONSET_S, NOW_S, zone=zone)
    assert judge(event, GOOD, NOW_S, fresh_s=60, residents=1).reason == "sensors_disagree"


def test_a_body_without_a_heart_is_no_alibi():
    event = FallEvent("f", FallReason.LONG_ON_FLOOR, 0.9, 1, ONSET_S, NOW_S)
    verdict = judge(event, GOOD, NOW_S, fresh_s=60, residents=1, vitals=Vitals.LOST)
    assert (verdict.suspect, verdict.reason) == (True, "vitals_lost")


def test_nobody_upright_after_leaving_the_bed_is_asked_about_sooner():
    assert judge_absence(Upright.NOT_SEEN).outcome is Outcome.CHECK_SOON
    for upright in (Upright.SEEN, Upright.UNKNOWN):
        assert judge_absence(upright).outcome is Outcome.WAIT
        assert judge_absence(upright, by_night=False).outcome is Outcome.NOTHING
    assert judge_absence(Upright.NOT_SEEN, by_night=False).outcome is Outcome.CHECK_SOON


@pytest.mark.parametrize(
    ("bed", "view", "reason"),
    [
        (replace(GOOD, presence=Presence.OUT_OF_BED), VIEW, "sensors_disagree"),
        (GOOD, replace(VIEW, in_bed=0), "sensors_disagree"),
        (GOOD, VIEW, "sensors_agree"),
        (replace(GOOD, presence=Presence.OUT_OF_BED), replace(VIEW, in_bed=0), "sensors_agree"),
        (replace(GOOD, presence=Presence.OUT_OF_BED), None, "sensors_agree"),
        (None, VIEW, "sensors_agree"),
        (GOOD, replace(VIEW, in_bed=0, people=2), "sensors_agree"),
        (GOOD, replace(VIEW, in_bed=None), "sensors_agree"),  # no bed was drawn
    ],
)
def test_sensors_that_contradict_each_other_are_a_fault(bed, view, reason):
    verdict = judge_rest(bed, view, NOW_S, fresh_s=60, residents=1, vitals=Vitals.UNKNOWN)
    assert verdict.reason == reason
