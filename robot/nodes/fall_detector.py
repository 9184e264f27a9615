"""Watches the room: camera, pose model and fall rules in one process; only fall events leave it, never a frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from hani_msgs.msg import BedState, FallEvent, RoomScene

from robot import messages
from robot.errors import HaniError
from robot.messages import Presence
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, Worker, run
from robot.settings import FallDetectorSettings
from robot.vision.camera import Camera, DeviceCamera, Frame
from robot.vision.detector import FallDetector
from robot.vision.health import CameraHealth
from robot.vision.movenet import load_engine
from robot.vision.room import RoomCamera
from robot.vision.rules import FallRules
from robot.vision.watcher import FallWatcher

_REOPEN_AFTER_S = 2.0
_BED_SILENT_AFTER_S = 30.0
"""The mattress's bridge repeats itself every 10 s; silent for so long, it has died."""


class BedWitness:
    """What the mattress says about the bed, as long as somebody vouches for it: a dead bridge must not hide a fall."""

    def __init__(self) -> None:
        self._occupied: bool | None = None
        self._heard_at_s = 0.0

    def take(self, bed: messages.BedState, now_s: float) -> None:
        """Take a state that arrived at `now_s` (any steady clock)."""
        known = bed.fresh and bed.presence is not Presence.UNKNOWN
        self._occupied = bed.presence is Presence.IN_BED if known else None
        self._heard_at_s = now_s

    def occupied(self, now_s: float) -> bool | None:
        """Whether somebody is in bed; None when nobody knows."""
        return self._occupied if now_s - self._heard_at_s <= _BED_SILENT_AFTER_S else None


class FallDetectorNode(HaniNode[FallDetectorSettings]):
    NAME = "fall_detector"

    def configure(self) -> None:
        self._worker: Worker | None = None
        self._bed = BedWitness()
        settings = self.settings
        corners = settings.bed_zone
        rules = FallRules(found_on_floor_s=settings.found_on_floor_s, long_on_floor_s=settings.long_on_floor_s)
        bed = tuple(zip(corners[::2], corners[1::2], strict=True)) or None
        self._watcher = FallWatcher(load_engine(), FallDetector(rules, bed))
        self._camera = self._make_camera()
        self._publisher = self.offer(FallEvent, topics.FALL, topics.KEPT)

    def activate(self) -> None:
        self.listen(BedState, topics.BED, self._on_bed, topics.LATCHED)
        if self.settings.source == "room":
            self.listen(RoomScene, topics.ROOM_SCENE, self._on_scene, topics.LATCHED)
        self._health = CameraHealth(time.monotonic())
        self._worker = Worker("camera", self._watch)
        self.every(1.0, self._check_camera)

    def deactivate(self) -> None:
        worker = getattr(self, "_worker", None)
        if worker is not None:
            worker.stop()
            self._worker = None

    def _make_camera(self) -> Camera:
        device = self.settings.device
        if self.settings.source == "device":
            return DeviceCamera(int(device) if device.isdigit() else device)
        room = RoomCamera()
        if self.settings.source == "file":
            room.show(Path(device), time.time())
        return room

    def _watch(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                for frame in self._frames(stopping):
                    self._look(frame)
            except HaniError as error:
                self.log.error("camera fault: %s", error)
                self.report_fault("camera does not deliver", fatal=True)
                stopping.wait(_REOPEN_AFTER_S)

    def _frames(self, stopping: threading.Event) -> Iterator[Frame]:
        for frame in self._camera.frames():
            began_s = time.monotonic()
            yield frame
            if stopping.wait(max(0.0, self._watcher.next_frame_in_s - (time.monotonic() - began_s))):
                return

    def _look(self, frame: Frame) -> None:
        now_s = time.monotonic()
        self._health.saw(frame.image, now_s)
        for event in self._watcher.watch(frame.image, now_s, frame.at_s, self._bed.occupied(now_s)):
            self._publisher.publish(convert.fall_to_ros(event))

    def _check_camera(self) -> None:
        fault = self._health.fault(time.monotonic())
        self.report_fault(fault or "", fatal=True)

    def _on_bed(self, msg: BedState) -> None:
        self._bed.take(convert.bed(msg), time.monotonic())

    def _on_scene(self, msg: RoomScene) -> None:
        if isinstance(self._camera, RoomCamera):
            self._camera.show(Path(msg.path) if msg.path else None, convert.seconds(msg.stamp))


def main() -> int:
    return run(FallDetectorNode)
