"""Only a fresh mattress that has held the one resident since before the onset may explain a lying person away."""

from __future__ import annotations

import pytest

from robot.alarms.fusion import LYING, judge, presence_now
from robot.messages import BedState, FallReason, Presence

from .helpers import bed, fall

pytestmark = pytest.mark.unit

NOW_S, ONSET_S = 1000.0, 970.0
IN, OUT, UNKNOWN = Presence.IN_BED, Presence.OUT_OF_BED, Presence.UNKNOWN

TABLE = [
    (None, 1, True, "bed_unknown"),
    (bed(UNKNOWN, NOW_S), 1, True, "bed_unknown"),
    (bed(IN, NOW_S, fresh=False), 1, True, "bed_unknown"),
    (bed(IN, NOW_S - 61), 1, True, "bed_unknown"),
    (bed(IN, NOW_S + 600), 1, True, "bed_unknown"),
    (BedState(IN, True, 0.0, None), 1, True, "bed_unknown"),
    (bed(OUT, NOW_S), 1, True, "bed_empty"),
    (bed(IN, NOW_S, since_s=ONSET_S), 1, True, "bed_too_late"),
    (bed(IN, NOW_S, since_s=ONSET_S + 5), 1, True, "bed_too_late"),
    (bed(IN, NOW_S, since_s=ONSET_S - 1), 2, True, "bed_of_another"),
    (bed(IN, NOW_S, since_s=ONSET_S - 1), 1, False, "in_bed_before_onset"),
    (bed(IN, NOW_S, since_s=ONSET_S - 1, latency_s=60.0), 1, False, "in_bed_before_onset"),
    (bed(IN, NOW_S, since_s=ONSET_S - 1, latency_s=61.0), 1, True, "bed_unknown"),
    (bed(OUT, NOW_S, latency_s=304.0), 1, True, "bed_unknown"),
]


@pytest.mark.parametrize(("state", "residents", "suspect", "reason"), TABLE)
@pytest.mark.parametrize("lying", sorted(LYING))
def test_lying_is_judged_by_the_table(lying, state, residents, suspect, reason):
    verdict = judge(fall(reason=lying, at_s=ONSET_S), state, NOW_S, fresh_s=60, residents=residents)
    assert (verdict.suspect, verdict.reason) == (suspect, reason)


@pytest.mark.parametrize("seen", [FallReason.FAST_DROP, FallReason.LOST_WHILE_FALLING])
@pytest.mark.parametrize("row", TABLE)
def test_no_mattress_explains_a_seen_fall_away(seen, row):
    assert judge(fall(reason=seen, at_s=ONSET_S), row[0], NOW_S, fresh_s=60, residents=row[1]).suspect


def test_a_state_that_calls_itself_fresh_ages():
    """The process that published it may be dead."""
    state = bed(IN, NOW_S)
    assert presence_now(state, NOW_S + 60, 60) is IN
    assert presence_now(state, NOW_S + 61, 60) is UNKNOWN
