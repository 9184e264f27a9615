"""Each real node through its whole life, twice: nothing is left behind, and it works again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from robot.nodes.alarm_manager import AlarmManager
from robot.nodes.base import HaniNode
from robot.nodes.dialogue_manager import DialogueManager
from robot.nodes.fall_detector import FallDetectorNode
from robot.nodes.health_monitor import HealthMonitor
from robot.nodes.mattress_bridge import MattressBridge
from robot.nodes.platform_reporter import PlatformReporter
from robot.nodes.speech_recognizer import SpeechRecognizer
from robot.nodes.speech_synthesizer import SpeechSynthesizer

pytestmark = pytest.mark.graph

NODES: dict[type[HaniNode[Any]], dict[str, object]] = {
    PlatformReporter: {"broker_port": 9},  # the discard port: nothing listens
    AlarmManager: {},
    MattressBridge: {"broker_port": 9},
    FallDetectorNode: {"source": "room"},
    SpeechSynthesizer: {"output": "room"},
    SpeechRecognizer: {"source": "room"},
    DialogueManager: {"rasa_url": "http://127.0.0.1:9"},
    HealthMonitor: {},
}


@pytest.mark.parametrize("kind", NODES, ids=lambda kind: kind.NAME)
def test_up_down_and_up_again(
    kind: type[HaniNode[Any]], domain: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    arguments = ["--ros-args", "-p", f"home:={tmp_path}"]
    for key, value in NODES[kind].items():
        arguments += ["-p", f"{key}:={value}"]
    rclpy.init(args=arguments, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = kind()
        bare = entities(node)
        for _ in range(2):
            assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
            configured = entities(node)
            for _ in range(2):
                assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS
                assert entities(node) != configured
                assert node.trigger_deactivate() is TransitionCallbackReturn.SUCCESS
                assert entities(node) == configured
            assert node.trigger_cleanup() is TransitionCallbackReturn.SUCCESS
            assert entities(node) == bare
        node.trigger_configure()
        node.trigger_activate()
        node.trigger_shutdown()
        node.close()  # the end of the process comes after it, and must find nothing to stumble over
        assert entities(node) == bare
        node.destroy_node()
    finally:
        try_shutdown()


def entities(node: HaniNode[Any]) -> list[str]:
    topics = [f"to {one.topic_name}" for one in node.publishers]
    topics += [f"from {one.topic_name}" for one in node.subscriptions]
    return sorted([*topics, *(f"every {one.timer_period_ns} ns" for one in node.timers)])
