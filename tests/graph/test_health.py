"""Health: what is not working is not called well, and nobody else's health is taken for this robot's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from hani_msgs.msg import BedState, Heartbeat

from robot.nodes.bringup import NodeState
from robot.nodes.fall_detector import FallDetectorNode
from robot.nodes.health_monitor import HealthMonitor
from robot.nodes.platform_reporter import PlatformReporter
from robot.reporting.contract import BedBody
from robot.reporting.uplink import NO_REASONS

pytestmark = pytest.mark.graph


class FakeUplink:
    """Remembers what it is given."""

    def __init__(self) -> None:
        self.connected = True
        self.healths: list[dict[str, int]] = []
        self.reasons: list[dict[str, str]] = []

    def set_health(self, nodes: dict[str, int], reasons: Mapping[str, str] = NO_REASONS) -> None:
        self.healths.append(nodes)
        self.reasons.append(dict(reasons))


@pytest.mark.parametrize(
    ("state", "level", "shown"),
    [
        (NodeState.ACTIVE, 0, (b"\x00", "ok")),
        (NodeState.INACTIVE, 0, (b"\x01", "not active")),
        (NodeState.UNCONFIGURED, 2, (b"\x02", "configure failed")),
    ],
)
def test_a_node_that_lives_but_does_not_work_is_not_well(
    here: Path, state: NodeState, level: int, shown: tuple[bytes, str]
) -> None:
    monitor = HealthMonitor()
    monitor.configure()
    detail = "configure failed" if level else ""
    monitor._on_heartbeat(Heartbeat(node="alarm_manager", state=state, level=level, detail=detail))
    status = monitor._node_status("alarm_manager")
    assert (status.level, status.message) == shown
    monitor.destroy_node()


def test_why_a_part_is_not_well_goes_from_the_node_to_the_platform(here: Path) -> None:
    """The page says "the camera was moved", and not only "warning"; the node's own text stays in the home."""
    watch, monitor, reporter = FallDetectorNode(), HealthMonitor(), PlatformReporter()
    for node in (watch, monitor, reporter):
        node.configure()
    reporter._uplink = uplink = FakeUplink()
    watch._health = watch._new_health()
    beats: list[Heartbeat] = []
    watch._heartbeat = type("Told", (), {"publish": staticmethod(beats.append)})
    for fault in ("the zones file cannot be used: draw the zones again with `hani zones`", ""):
        watch._zones.fault = fault
        watch._check()
        watch._beat()
        monitor._on_heartbeat(beats[-1])
        reporter._on_diagnostics(DiagnosticArray(status=[monitor._node_status("fall_detector")]))
    assert uplink.reasons == [{"fall_detector": "zones_broken"}, {}]
    reporter._uplink = None
    for node in (watch, monitor, reporter):
        node.close()
        node.destroy_node()


def test_the_health_of_drivers_and_other_robots_is_not_this_robots(here: Path) -> None:
    reporter = PlatformReporter()
    reporter.configure()
    reporter._uplink = uplink = FakeUplink()
    own = DiagnosticStatus(name="alarm_manager", hardware_id="hani-0001", level=b"\x03")
    other = DiagnosticStatus(name="alarm_manager", hardware_id="hani-0002", level=b"\x00")
    driver = DiagnosticStatus(name="usb_cam", hardware_id="", level=b"\x00")
    reporter._on_diagnostics(DiagnosticArray(status=[own, other]))
    reporter._on_diagnostics(DiagnosticArray(status=[driver]))
    assert uplink.healths == [{"alarm_manager": 2}]
    reporter._uplink = None
    reporter.close()
    reporter.destroy_node()


def test_without_a_health_monitor_nobody_is_called_well(here: Path) -> None:
    """The platform would otherwise show for ever how everything was when the monitor died."""
    reporter = PlatformReporter()
    reporter.configure()
    reporter._uplink = uplink = FakeUplink()
    own = DiagnosticStatus(name="alarm_manager", hardware_id="hani-0001", level=b"\x00")
    reporter._on_diagnostics(DiagnosticArray(status=[own]))
    reporter._check_health()
    assert uplink.healths[-1] == {"alarm_manager": 0}
    reporter._health_at_s -= 11.0
    reporter._check_health()
    assert set(uplink.healths[-1].values()) == {2}
    assert {"alarm_manager", "health_monitor"} <= set(uplink.healths[-1])
    reporter._uplink = None
    reporter.close()
    reporter.destroy_node()


def test_what_the_bed_said_offline_waits_in_the_outbox(here: Path) -> None:
    """The bridge repeats itself every 10 s; the platform must not show the old state for a minute more."""
    reporter = PlatformReporter()
    reporter.configure()
    for presence in ("in_bed", "in_bed", "out_of_bed"):
        reporter._on_bed(BedState(presence=presence, fresh=True))
    assert reporter._outbox is not None
    bodies = [BedBody.model_validate_json(row.body) for row in reporter._outbox.pending(10)]
    assert [body.in_bed for body in bodies] == [False, True], "the newest first"
    reporter._uplink = None
    reporter.close()
    reporter.destroy_node()
