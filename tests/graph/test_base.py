"""What every node inherits: an error nobody foresaw is told, undone and tried again, and nothing is left listening."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from hani_msgs.msg import Heartbeat
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_msgs.msg import Empty

from robot.errors import BadConfiguration
from robot.nodes import topics
from robot.nodes.base import HaniNode, Worker
from robot.settings import HealthMonitorSettings

pytestmark = pytest.mark.graph


class Faulty(HaniNode[HealthMonitorSettings]):
    """Stands in for a node with a mistake in it; mends itself when `fails` is emptied."""

    NAME = "health_monitor"

    def __init__(self, *fails: str) -> None:
        super().__init__()
        self.fails = set(fails)
        self.did: list[str] = []

    def configure(self) -> None:
        self._step("configure")

    def activate(self) -> None:
        self.listen(Empty, "anything", lambda _msg: None)
        self.every(1.0, lambda: None)
        self._step("activate")

    def deactivate(self) -> None:
        self._step("deactivate")

    def cleanup(self) -> None:
        self._step("cleanup")

    def _step(self, name: str) -> None:
        self.did.append(name)
        if name in self.fails:
            raise ValueError(name)

    @property
    def state(self) -> str:
        return str(self._state_machine.current_state[1])

    def subscriptions_of_its_own(self) -> int:
        return sum(one.topic_name.endswith("anything") for one in self.subscriptions)


def test_an_unforeseen_error_in_configure_is_told_undone_and_tried_again(
    here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node = Faulty("configure")
    assert node.trigger_configure() is TransitionCallbackReturn.FAILURE
    assert (node.state, node.did) == ("unconfigured", ["configure", "cleanup"])
    assert "transition failed: configure" in caplog.text, "rclpy says nothing about it"
    assert (node._detail, node._level) == ("configure failed: ValueError", b"\x02")
    node.fails.clear()
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    assert node._detail == ""
    node.destroy_node()


def test_an_unforeseen_error_in_activate_leaves_nothing_listening(here: Path) -> None:
    """A second activation would otherwise hear everything twice."""
    node = Faulty("activate")
    node.trigger_configure()
    assert node.trigger_activate() is TransitionCallbackReturn.FAILURE
    assert node.state == "inactive"
    assert node.subscriptions_of_its_own() == 0
    node.fails.clear()
    assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS
    assert node.subscriptions_of_its_own() == 1
    node.destroy_node()


def test_a_node_that_fails_to_stop_is_not_called_active(here: Path) -> None:
    """It listens to nothing any more: it must start from the beginning."""
    node = Faulty("deactivate")
    node.trigger_configure()
    node.trigger_activate()
    node.trigger_deactivate()
    assert node.state == "unconfigured"
    node.destroy_node()


def test_the_end_of_the_process_releases_even_when_stopping_fails(here: Path) -> None:
    node = Faulty("deactivate")
    with pytest.raises(ValueError, match="deactivate"):
        node.close()
    assert node.did == ["deactivate", "cleanup"]
    node.destroy_node()


def test_a_parameter_cannot_be_set_while_the_node_would_not_use_it(here: Path) -> None:
    node = Faulty()
    (result,) = node.set_parameters([Parameter("stale_after_s", value=7.0)])
    assert not result.successful
    node.destroy_node()


def test_a_home_that_cannot_be_made_is_named(here: Path) -> None:
    (here / "file").write_bytes(b"")
    node = Faulty()
    node.home = here / "file" / "home"
    with pytest.raises(BadConfiguration, match="home"):
        node._make_home()
    node.destroy_node()


def test_a_heartbeat_tells_state_and_fault(here: Path) -> None:
    node = Faulty("configure")
    sent: list[Heartbeat] = []
    node._heartbeat.publish = sent.append
    node.trigger_configure()
    node._beat()
    assert (sent[0].node, sent[0].state, sent[0].level) == ("health_monitor", 1, 2)
    assert topics.HEARTBEAT in node._heartbeat.topic_name
    node.destroy_node()


def test_a_worker_that_stumbles_while_it_is_stopped_ends_quietly(caplog: pytest.LogCaptureFixture) -> None:
    """What it works with may go before it; a crash then would turn an orderly stop into a failure."""

    def loop(stopping: threading.Event) -> None:
        stopping.wait()
        raise RuntimeError("the publisher has gone")

    with caplog.at_level(logging.ERROR):
        Worker("stumbler", loop).stop()
    assert caplog.text == ""
