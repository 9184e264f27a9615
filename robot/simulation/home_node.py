"""The simulated home as a ROS 2 node: plays a scenario and writes the timeline. For development and tests only."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import rclpy
import uuid6
from hani_msgs.msg import (
    Alarm,
    BedState,
    FallEvent,
    Heard,
    Heartbeat,
    HomeClock,
    Receipt,
    RoomScene,
    RoomSound,
    SafetyWord,
    Say,
    Spoken,
    Understood,
)
from paho.mqtt.enums import CallbackAPIVersion
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args, try_shutdown

from robot.errors import HaniError
from robot.mattress.codecs import BedReading, encode
from robot.nodes import topics
from robot.nodes.bringup import NodeState
from robot.nodes.convert import seconds, stamp
from robot.nodes.lifecycle_manager import ORDER
from robot.simulation.caregiver import CaregiverAtDesk
from robot.simulation.runner import Runner
from robot.simulation.scenario import Caregiver, Mattress, Scenario
from robot.simulation.timeline import Event, Timeline

_DAY_S = 86_400
_MATTRESS_PERIOD_S = 2.0
_MATTRESS_TOPIC = "mattress/bed-1/data"
_MATTRESS_FORMAT = "sleepace"


class SimulatedHome(Node):
    """Publishes what happens in the room; subscribes to everything that the robot does, for the timeline."""

    def __init__(self, options: argparse.Namespace, timeline: Timeline) -> None:
        super().__init__("simulated_home")
        self._timeline = timeline
        self._desk = CaregiverAtDesk(
            options.platform, Path(options.platform_data), enabled=options.caregiver == "played"
        )
        self._sound = self.create_publisher(RoomSound, topics.ROOM_SOUND, topics.LATCHED)
        self._scene = self.create_publisher(RoomScene, topics.ROOM_SCENE, topics.LATCHED)
        self._time_of_day = self.create_publisher(HomeClock, topics.HOME_CLOCK, topics.LATCHED)
        self._offset_s = 0.0
        self._states: dict[str, NodeState] = {}
        self._said_text: dict[str, tuple[str, float]] = {}
        self._mattress: Mattress | None = None
        self._bed: tuple[str, bool] | None = None
        self._mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._mqtt.connect_async("127.0.0.1", options.broker_port)
        self._mqtt.loop_start()
        self.create_timer(_MATTRESS_PERIOD_S, self._send_mattress)
        self._observe()

    def all_active(self) -> bool:
        return all(self._states.get(node) is NodeState.ACTIVE for node in ORDER)

    # what a scenario can do

    def set_clock(self, hour: int, minute: int, second: int) -> None:
        """Move the home's clock forward to the next such time of day."""
        now_s = time.time() + self._offset_s
        local = time.localtime(now_s)
        wanted_s = hour * 3600 + minute * 60 + second
        self._offset_s += (wanted_s - (local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec)) % _DAY_S
        self._time_of_day.publish(HomeClock(offset_s=self._offset_s))

    def show(self, clip: Path | None) -> None:
        path = "" if clip is None else str(clip)
        self._scene.publish(RoomScene(stamp=stamp(time.time()), id=str(uuid6.uuid7()), path=path))

    def play(self, clip: Path) -> None:
        self._sound.publish(RoomSound(stamp=stamp(time.time()), id=str(uuid6.uuid7()), path=str(clip)))

    def set_mattress(self, mattress: Mattress) -> None:
        self._mattress = mattress
        self._send_mattress()

    def caregiver(self, visit: Caregiver, stopping: threading.Event) -> bool:
        return self._desk.visit(visit, stopping)

    def close(self) -> None:
        self._mqtt.disconnect()
        self._mqtt.loop_stop()

    # the mattress, as its vendor's gateway would send it

    def _send_mattress(self) -> None:
        bed = self._mattress
        if bed is None:
            return
        reading = BedReading(bed.in_bed, bed.heart_rate_bpm, bed.breath_rate_bpm, True, time.time(), wet=bed.wet)
        self._mqtt.publish(_MATTRESS_TOPIC, encode(_MATTRESS_FORMAT, reading), qos=1)

    # the timeline

    def _observe(self) -> None:
        for kind, topic, callback, qos in (
            (Heard, topics.HEARD, self._on_heard, topics.EVENTS),
            (SafetyWord, topics.SAFETY_WORD, self._on_safety_word, topics.KEPT),
            (Understood, topics.UNDERSTOOD, self._on_understood, topics.EVENTS),
            (Say, topics.SAY, self._on_say, topics.EVENTS),
            (Spoken, topics.SPOKEN, self._on_spoken, topics.EVENTS),
            (FallEvent, topics.FALL, self._on_fall, topics.KEPT),
            (BedState, topics.BED, self._on_bed, topics.LATCHED),
            (Alarm, topics.ALARM, self._on_alarm, topics.KEPT),
            (Receipt, topics.RECEIPT, self._on_receipt, topics.EVENTS),
            (Heartbeat, topics.HEARTBEAT, self._on_heartbeat, topics.EVENTS),
        ):
            self.create_subscription(kind, topic, callback, qos)

    def _add(self, at: Any, kind: str, took_s: float | None = None, **fields: str | float | bool | None) -> None:
        self._timeline.add(Event(seconds(at), kind, fields, took_s))

    def _on_heard(self, msg: Heard) -> None:
        took_s = seconds(msg.stamp) - seconds(msg.speech_ended)
        confidence = round(float(msg.confidences[0]), 2)
        self._add(msg.stamp, "heard", took_s, text=msg.texts[0], language=msg.languages[0], confidence=confidence)

    def _on_safety_word(self, msg: SafetyWord) -> None:
        self._add(msg.stamp, "heard", None, safety=msg.kind, language=msg.language, certain=msg.certain)

    def _on_understood(self, msg: Understood) -> None:
        fields = {"intent": msg.intent, "engine": msg.engine, "language": msg.language}
        self._add(msg.stamp, "understood", float(msg.took_s), **fields)

    def _on_say(self, msg: Say) -> None:
        self._said_text.setdefault(msg.id, (msg.text, seconds(msg.stamp)))  # a promise is said again under its id

    def _on_spoken(self, msg: Spoken) -> None:
        text, asked_at_s = self._said_text.get(msg.say_id, ("", seconds(msg.stamp)))
        kind = {"started": "saying", "finished": "said"}.get(msg.state, msg.state)
        took_s = seconds(msg.stamp) - asked_at_s if kind == "saying" else None
        self._add(msg.stamp, kind, took_s, text=text, purpose=msg.purpose, language=msg.language)

    def _on_fall(self, msg: FallEvent) -> None:
        what = "recovered" if msg.recovered else msg.reason
        took_s = seconds(msg.stamp) - seconds(msg.onset)
        self._add(msg.stamp, "seen", took_s, what=what, confidence=round(float(msg.confidence), 2))

    def _on_bed(self, msg: BedState) -> None:
        now = (msg.presence, bool(msg.fresh))
        if self._bed != now:
            self._bed = now
            self._add(msg.stamp, "bed", None, presence=now[0], fresh=now[1])

    def _on_alarm(self, msg: Alarm) -> None:
        took_s = seconds(msg.stamp) - seconds(msg.onset)
        self._add(msg.stamp, "alarm", took_s, type=msg.type, phase=msg.phase, id=msg.id, revision=float(msg.revision))

    def _on_receipt(self, msg: Receipt) -> None:
        self._add(msg.stamp, "receipt", None, alarm=msg.alarm_id, what=msg.kind)

    def _on_heartbeat(self, msg: Heartbeat) -> None:
        state = NodeState(msg.state) if msg.state in NodeState._value2member_map_ else NodeState.UNKNOWN
        if self._states.get(msg.node) is not state:
            self._states[msg.node] = state
            self._add(msg.stamp, "node", None, node=msg.node, state=state.name.lower(), pid=float(msg.pid))


def main() -> int:
    options = _options()
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    stopping = threading.Event()
    try:
        path = Path(options.scenario).resolve()
        scenario = Scenario.load(path)
    except HaniError as error:
        print(f"simulated_home: {error}", file=sys.stderr)  # noqa: T201 - the one line for the person who started it
        return 2
    timeline = Timeline(Path(options.timeline))
    home = SimulatedHome(options, timeline)
    runner = Runner(scenario, path.parent / scenario.media, home, timeline)
    result: list[bool] = []
    player = threading.Thread(target=_play, args=(home, runner, stopping, result, options.hold), daemon=True)
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    executor = SingleThreadedExecutor()
    executor.add_node(home)
    player.start()
    try:
        while not stopping.is_set():
            executor.spin_once(timeout_sec=0.1)
    except ExternalShutdownException:
        pass
    stopping.set()
    player.join(3.0)
    home.close()
    executor.shutdown(timeout_sec=1.0)
    home.destroy_node()
    try_shutdown()
    return 0 if result in ([], [True]) else 1


def _play(home: SimulatedHome, runner: Runner, stopping: threading.Event, result: list[bool], hold: bool) -> None:
    home.show(None)
    home.set_clock(*runner.first_clock())  # first of all, or reminders of the real day would be spoken
    while not home.all_active() and not stopping.wait(0.2):
        pass
    if stopping.is_set():
        return
    try:
        result.append(runner.run(stopping))
    except Exception:
        logging.getLogger("hani.simulated_home").exception("the scenario crashed")
        result.append(False)
        hold = False
    if not hold:
        stopping.set()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulated_home", description=__doc__)
    parser.add_argument("--scenario", required=True)
    parser.add_argument("--timeline", required=True)
    parser.add_argument("--broker-port", type=int, required=True)
    parser.add_argument("--platform", required=True, help="address of the platform's page")
    parser.add_argument("--platform-data", required=True, help="the platform's folder, where caregivers are made")
    parser.add_argument("--caregiver", choices=("played", "person"), default="played")
    parser.add_argument("--hold", action="store_true", help="stay after the last step")
    return parser.parse_args(remove_ros_args(sys.argv)[1:])
