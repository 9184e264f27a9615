"""Starting nodes: a wrong parameter is one line and a code; the lifecycle manager brings a returning node up again."""

from __future__ import annotations

from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from hani_msgs.msg import Heartbeat

from robot.nodes import topics
from robot.nodes.bringup import NodeState
from tests.graph.harness import NodeProcess, Probe, until

pytestmark = pytest.mark.graph


@pytest.mark.parametrize(
    ("parameter", "named"), [({"chek_in_s": 5.0}, "chek_in_s"), ({"check_in_s": "soon"}, "check_in_s")]
)
def test_a_wrong_parameter_is_one_line_and_a_code(
    probe: Probe, tmp_path: Path, parameter: dict[str, object], named: str
) -> None:
    node = NodeProcess("alarm_manager", tmp_path, **parameter)
    code, output = node.wait(30.0)
    assert code == 2
    assert named in output
    assert "Traceback" not in output


def test_a_killed_node_is_brought_up_again_and_diagnosed(probe: Probe, tmp_path: Path) -> None:
    """Only two of the nodes are here: the manager must not wait for the others for ever."""
    beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)
    diagnostics = probe.collect(DiagnosticArray, topics.DIAGNOSTICS, topics.EVENTS)
    monitor = NodeProcess("health_monitor", tmp_path)
    manager = NodeProcess("lifecycle_manager", tmp_path, patience_s=1.0, hung_after_s=60.0)

    def active() -> bool | None:
        pid = monitor.process.pid
        return any(beat.pid == pid and beat.state == NodeState.ACTIVE for beat in beats) or None

    try:
        until(active, "the monitor to become active", 30.0)
        monitor.kill_and_restart()
        until(active, "the monitor to become active again", 30.0)
        until(lambda: diagnostics or None, "diagnostics")
        levels = {status.name: status.level for status in diagnostics[-1].status}
        assert levels["alarm_manager"] == b"\x03", "a node that was never there is stale, not well"
    finally:
        assert monitor.stop()[0] == 0
        assert manager.stop()[0] == 0
