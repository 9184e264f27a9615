"""Watching as a process: what leaves it, what it does when its camera fails, hangs, or is asked to look away."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uuid6
from hani_msgs.msg import CameraPause, FallEvent, Heartbeat, RoomScene, RoomView
from rclpy.serialization import serialize_message

from robot import messages
from robot.messages import PausedBy
from robot.nodes import convert, topics
from robot.watchdog import HUNG_EXIT_CODE
from tests.graph.harness import NodeProcess, Probe, until, until_again

pytestmark = pytest.mark.graph

CLIPS = Path(__file__).parents[1] / "data" / "vision"
Start = Callable[..., NodeProcess]
HASTY = "import robot.nodes.fall_detector as f; f._HUNG_AFTER_S = 10.0; raise SystemExit(f.main())"
PUBLISHED = {"/vision/fall", "/vision/room", "/heartbeat", "/fall_detector/transition_event"}
LARGEST_MESSAGE_BYTES = 400
"""A fall event has some 150; the smallest picture of a person would be thousands."""


@pytest.fixture
def start(probe: Probe, tmp_path: Path) -> Iterator[Start]:
    """Starts the watcher, which must end when the test does."""
    nodes: list[NodeProcess] = []

    def begin(command: list[str] | None = None, **parameters: object) -> NodeProcess:
        nodes.append(NodeProcess("fall_detector", tmp_path / "home", command, **parameters))
        probe.bring_up("fall_detector")
        return nodes[-1]

    yield begin
    for node in nodes:
        node.kill()


def last(found: list[Any], is_it: Callable[[Any], bool], what: str, within_s: float = 15.0) -> Any:
    """The newest message, as soon as it is the one that is waited for."""
    return until(lambda: found[-1] if found and is_it(found[-1]) else None, what, within_s)


def test_nothing_but_small_messages_leaves_while_a_real_fall_is_seen(
    probe: Probe, start: Start, tmp_path: Path
) -> None:
    node = start(source="room", simulated=True)
    falls = probe.collect(FallEvent, topics.FALL, topics.KEPT)
    views = probe.collect(RoomView, topics.ROOM_VIEW, topics.LATCHED)
    event = seen_to_fall(probe, falls)
    view = last(views, lambda view: view.sees and view.low == 1, "the view of somebody who lies there")
    published = publishers_of_detector(probe)
    own = {name for name in published if not name.startswith(("/rosout", "/parameter_events"))}
    assert own == PUBLISHED
    assert not any("Image" in kind for kinds in published.values() for kind in kinds)
    assert all(len(serialize_message(message)) < LARGEST_MESSAGE_BYTES for message in (event, view))
    assert [path.name for path in (tmp_path / "home").rglob("*")] == [], "no consent, no file"
    assert files_written_by(node) == []


def seen_to_fall(probe: Probe, falls: list[FallEvent]) -> FallEvent:
    """The event of a fall that happens in the room: again, if too few of its pictures could be looked at."""
    room = probe.publisher(RoomScene, topics.ROOM_SCENE, topics.LATCHED)

    def happens() -> None:
        room.publish(RoomScene(stamp=convert.stamp(time.time()), id=str(uuid6.uuid7()), path=str(CLIPS / "fall.mp4")))

    return until_again(
        happens, lambda: next((fall for fall in falls if fall.reason == "fast_drop"), None), "the fall", 20.0
    )


def publishers_of_detector(probe: Probe) -> dict[str, list[str]]:
    """Every topic that the node publishes, with its types; who publishes what is discovered later than the messages."""

    def known() -> dict[str, list[str]] | None:
        found = dict(probe.node.get_publisher_names_and_types_by_node("fall_detector", "/"))
        return found if found.keys() >= PUBLISHED else None

    return until(known, "the detector's publishers to be discovered")


def files_written_by(node: NodeProcess) -> list[str]:
    """Real files that the process has open for writing; FastDDS shares its small messages in /dev/shm."""
    found, process = [], Path(f"/proc/{node.process.pid}")
    for entry in (process / "fd").iterdir():
        try:
            target = os.readlink(entry)
            flags = int((process / "fdinfo" / entry.name).read_text().split("flags:")[1].split()[0], 8)
        except OSError:
            continue
        ros_log = "/log/" in target and target.endswith(".log")  # what the node logs, as text
        if flags & os.O_ACCMODE and target.startswith("/") and not target.startswith("/dev/") and not ros_log:
            found.append(target)
    return found


def test_a_camera_that_is_plugged_in_later_is_used_without_a_restart(
    probe: Probe, start: Start, tmp_path: Path
) -> None:
    """A clip in the place of a device."""
    camera = tmp_path / "camera.mp4"
    node = start(source="device", device=str(camera))
    beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)
    views = probe.collect(RoomView, topics.ROOM_VIEW, topics.LATCHED)
    fault = last(beats, lambda beat: beat.level == b"\x02"[0], "the fault")
    assert "no pictures" in fault.detail
    last(views, lambda view: not view.sees and view.people == -1, "a view that knows nothing")
    shutil.copy(CLIPS / "everyday.mp4", camera)
    # a slow machine's camera is slow, which is a warning
    last(beats, lambda beat: beat.level != b"\x02"[0] and "no pictures" not in beat.detail, "the fault to end")
    last(views, lambda view: view.sees, "the view of the room")
    assert node.process.poll() is None


def test_a_camera_that_hangs_is_a_fault_and_then_the_process_ends(probe: Probe, start: Start, tmp_path: Path) -> None:
    """A pipe that nobody writes into: opening it never returns, and nothing in the process can end that."""
    camera = tmp_path / "camera"
    os.mkfifo(camera)
    beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)
    node = start([sys.executable, "-c", HASTY], source="device", device=str(camera))
    last(beats, lambda beat: "no pictures" in beat.detail, "the fault")
    code, output = node.wait()
    assert code == HUNG_EXIT_CODE
    assert output.count("the camera hangs") == 1


def test_a_pause_releases_the_camera_ends_and_survives_a_restart(probe: Probe, start: Start, tmp_path: Path) -> None:
    camera = tmp_path / "camera.mp4"
    shutil.copy(CLIPS / "everyday.mp4", camera)
    node = start(source="device", device=str(camera))
    beats = probe.collect(Heartbeat, topics.HEARTBEAT, topics.EVENTS)
    views = probe.collect(RoomView, topics.ROOM_VIEW, topics.LATCHED)
    button = probe.publisher(CameraPause, topics.CAMERA_PAUSE, topics.EVENTS)
    last(views, lambda view: view.sees, "the view of the room", 25.0)

    until_s = time.time() + 600
    wish = messages.CameraPause("p1", time.time(), until_s, PausedBy.BUTTON)
    button.publish(convert.camera_pause_to_ros(wish))
    view = last(views, lambda view: not view.sees, "a view that knows nothing")
    assert abs((convert.room_view(view).paused_until_at_s or 0) - until_s) <= 1
    last(beats, lambda beat: "looks away until" in beat.detail, "the pause in the heartbeat")
    until(lambda: None if str(camera) in open_files(node) else True, "the camera to be let go")

    node.kill()
    views.clear()
    node.kill_and_restart()
    probe.bring_up("fall_detector")
    last(views, lambda view: not view.sees and view.paused_until.sec > 0, "the pause after the restart")
    assert str(camera) not in open_files(node)

    wish = messages.CameraPause("p2", time.time(), time.time() - 1, PausedBy.VOICE)
    until_again(  # the new process may not listen yet
        lambda: button.publish(convert.camera_pause_to_ros(wish)),
        lambda: views[-1].sees or None,
        "the view of the room again",
    )
    _, output = node.stop()
    assert "camera looks again" in output


def open_files(node: NodeProcess) -> set[str]:
    links = Path(f"/proc/{node.process.pid}/fd").iterdir()
    found = set()
    for link in links:
        try:
            found.add(os.readlink(link))
        except OSError:
            continue
    return found


def test_stick_figures_are_kept_with_consent_only_and_go_with_it(probe: Probe, start: Start, tmp_path: Path) -> None:
    falls = probe.collect(FallEvent, topics.FALL, topics.KEPT)
    node = start(source="room", simulated=True, evidence_consent=2)
    event = seen_to_fall(probe, falls)
    kept = tmp_path / "home" / "evidence" / f"{event.id}.json"
    until(lambda: kept.is_file() or None, "the stick figure")
    assert '"consent":2' in kept.read_text(encoding="ascii")
    node.stop()
    start(source="room", simulated=True)
    assert not kept.exists()
