"""The watcher's shell: a bed that nobody vouches for any more hides no fall."""

from __future__ import annotations

import pytest

from robot.messages import BedState, Presence
from robot.nodes.fall_detector import BedWitness

pytestmark = pytest.mark.graph


def bed(presence: Presence, *, fresh: bool = True) -> BedState:
    return BedState(presence, fresh, 0.0, 0.0)


def test_a_dead_bridge_vouches_for_nobody() -> None:
    """Its last word stays with the node; inside the bed's zone it would silence every fall from then on."""
    witness = BedWitness()
    assert witness.occupied(0.0) is None
    witness.take(bed(Presence.IN_BED), 100.0)
    assert witness.occupied(129.0) is True
    assert witness.occupied(131.0) is None


def test_only_a_fresh_and_known_state_counts() -> None:
    witness = BedWitness()
    witness.take(bed(Presence.OUT_OF_BED), 1.0)
    assert witness.occupied(2.0) is False
    witness.take(bed(Presence.UNKNOWN, fresh=False), 3.0)
    assert witness.occupied(4.0) is None
    witness.take(bed(Presence.IN_BED, fresh=False), 5.0)
    assert witness.occupied(6.0) is None


@pytest.mark.parametrize("residents", [0, 2])
def test_where_another_may_lie_in_the_bed_it_vouches_for_nobody(residents: int) -> None:
    """The partner asleep on the mattress must not hide a fall beside it."""
    witness = BedWitness(residents)
    for presence in (Presence.IN_BED, Presence.OUT_OF_BED):
        witness.take(bed(presence), 1.0)
        assert witness.occupied(2.0) is None
