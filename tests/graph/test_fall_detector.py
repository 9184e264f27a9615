"""The watcher's shell: a bed that nobody vouches for any more hides no fall."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from robot.alarms.effects import Suppressed
from robot.messages import BedState, FallEvent, FallReason, Presence
from robot.nodes import convert
from robot.nodes.alarm_manager import AlarmManager
from robot.nodes.fall_detector import BedWitness, FallDetectorNode
from robot.nodes.mattress_bridge import MattressBridge
from robot.vision import viewpoint
from robot.vision.room import RoomCamera
from robot.vision.standing_zones import MOVED
from robot.vision.zones import FILE_NAME, Zones, save_zones

pytestmark = pytest.mark.graph


def bed(presence: Presence, *, fresh: bool = True, at_s: float = 0.0) -> BedState:
    return BedState(presence, fresh, 0.0, at_s)


def test_zones_follow_a_camera_that_was_moved_and_the_caregiver_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room's picture is drawn; that ordinary rooms are known again is measured in models/vision/README.md."""
    monkeypatch.setattr(viewpoint, "LOOK_EVERY_S", 0.0)
    bed = ((0.6, 0.5), (0.9, 0.5), (0.9, 0.8))
    save_zones(here / FILE_NAME, Zones(bed=(bed,), picture=(640, 480)))
    node, room = FallDetectorNode(), RoomCamera()
    node.configure()
    node._health = node._new_health()
    try:
        for moved_px, left, told in ((0, 0.6, ""), (-64, 0.5, MOVED), (0, 0.6, "")):
            with closing(room.frames()) as frames:
                for _ in range(viewpoint.SURE_AFTER + 1):
                    frame = next(frames)
                    node._look(replace(frame, image=np.roll(frame.image, moved_px, axis=1)))
            node._check()
            assert node._detail == told
            assert node._standing.zones.bed[0][0][0] == pytest.approx(left, abs=0.01)
            assert node._watcher.detector._places.zones == node._standing.zones
    finally:
        node.close()
        node.destroy_node()


def test_a_dead_bridge_vouches_for_nobody() -> None:
    """Its last word stays with the node; inside the bed's zone it would silence every fall from then on."""
    witness = BedWitness(1)
    assert witness.occupied(0.0) is None
    witness.take(bed(Presence.IN_BED), 100.0)
    assert witness.occupied(129.0) is True
    assert witness.occupied(131.0) is None


def test_only_a_fresh_and_known_state_counts() -> None:
    witness = BedWitness(1)
    witness.take(bed(Presence.OUT_OF_BED), 1.0)
    assert witness.occupied(2.0) is False
    witness.take(bed(Presence.UNKNOWN, fresh=False), 3.0)
    assert witness.occupied(4.0) is None
    witness.take(bed(Presence.IN_BED, fresh=False), 5.0)
    assert witness.occupied(6.0) is None


def test_a_bed_that_tells_minutes_late_vouches_for_nobody() -> None:
    """A radar still says "in bed" while somebody lies on the floor in its zone."""
    witness = BedWitness(1)
    for latency_s, occupied in ((None, True), (34.0, True), (184.0, None)):
        witness.take(BedState(Presence.IN_BED, True, 0.0, 1.0, latency_s=latency_s), 1.0)
        assert witness.occupied(2.0) is occupied


@pytest.mark.parametrize("residents", [0, 2])
def test_where_another_may_lie_in_the_bed_it_vouches_for_nobody(residents: int) -> None:
    """The partner asleep on the mattress must not hide a fall beside it."""
    witness = BedWitness(residents)
    for presence in (Presence.IN_BED, Presence.OUT_OF_BED):
        witness.take(bed(presence), 1.0)
        assert witness.occupied(2.0) is None


def test_a_home_without_a_mattress_says_so_once_for_watch_and_bridge(here: Path) -> None:
    file = here / "resident.yaml"
    for has_mattress in (True, False):
        file.write_text(f"mattress: {str(has_mattress).lower()}\n", encoding="utf-8")
        watch, bridge = FallDetectorNode(), MattressBridge()
        for node in (watch, bridge):
            node.settings = node.settings.model_copy(update={"resident_file": str(file)})
            node.configure()
        assert watch._watcher.detector._has_mattress is has_mattress
        bridge.activate()
        assert [type(link).__name__ for link in bridge._links] == ["MattressLink"] * has_mattress
        assert [reason for _, reason in bridge._faults(1.0)] == ["mattress_silent"] * has_mattress
        for node in (watch, bridge):
            node.close()
            node.destroy_node()


@pytest.mark.parametrize(("people", "occupied"), [(1, True), (2, None)])
def test_watch_and_fusion_know_from_the_resident_s_file_how_many_live_here(
    here: Path, people: int, occupied: bool | None
) -> None:
    """An installer writes it once; a couple's mattress that one node takes for one person's would hide a fall."""
    file = here / "resident.yaml"
    file.write_text(f"people: {people}\n", encoding="utf-8")
    watch, alarms = FallDetectorNode(), AlarmManager()
    for node in (watch, alarms):
        node.settings = node.settings.model_copy(update={"resident_file": str(file)})
        node.configure()
    watch._on_bed(convert.bed_to_ros(bed(Presence.IN_BED)))
    assert watch._bed.occupied(watch._bed._heard_at_s) is occupied
    lies = FallEvent("f1", FallReason.LONG_ON_FLOOR, 0.9, 1, 100.0, 125.0)
    alarms._book.on_bed(bed(Presence.IN_BED, at_s=125.0), True, 125.0)
    explained = any(isinstance(effect, Suppressed) for effect in alarms._book.on_fall(lies, 125.0))
    assert explained is (people == 1)
    for node in (watch, alarms):
        node.close()
        node.destroy_node()
