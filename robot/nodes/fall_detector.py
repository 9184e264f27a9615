"""Watches the room: camera, pose model and fall rules in one process; only fall events leave it, never a frame."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from hani_msgs.msg import BedState, CameraPause, FallEvent, RoomScene, RoomView

from robot import messages
from robot.errors import BadInput, HaniError
from robot.messages import Presence
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, Worker, run
from robot.nodes.household import load_household
from robot.settings import FallDetectorSettings
from robot.vision import evidence, pause
from robot.vision.camera import Camera, DeviceCamera, Frame
from robot.vision.detector import FallDetector
from robot.vision.health import CameraHealth, Fault
from robot.vision.movenet import load_engine
from robot.vision.numbers import FallRules
from robot.vision.room import RoomCamera
from robot.vision.second_look import SecondLook
from robot.vision.standing_zones import StandingZones
from robot.vision.watcher import FallWatcher
from robot.vision.zones import FILE_NAME, Zones, read_zones
from robot.watchdog import Watchdog

_REOPEN_AFTER_S = 2.0
_HUNG_AFTER_S = 60.0
_TELL_VIEW_EVERY_S = 5.0
_CHECK_EVERY_S = 0.5
_BROKEN = ("zones_broken", "camera_moved", "resident_file_broken")
_BED_SILENT_AFTER_S = 30.0
"""The mattress's bridge repeats itself every 10 s; silent for so long, it has died."""


class BedWitness:
    """What the mattress says about the bed, as long as somebody vouches for it: a dead bridge must not hide a fall.

    Where not exactly one lives, it may feel the other one, and vouches for nobody.
    """

    def __init__(self, residents: int) -> None:
        self._tells_who = residents == 1
        self._occupied: bool | None = None
        self._heard_at_s = 0.0

    def take(self, bed: messages.BedState, now_s: float) -> None:
        """Take a state that arrived at `now_s` (any steady clock)."""
        known = self._tells_who and bed.fresh and not bed.is_late and bed.presence is not Presence.UNKNOWN
        self._occupied = bed.presence is Presence.IN_BED if known else None
        self._heard_at_s = now_s

    def occupied(self, now_s: float) -> bool | None:
        """Whether somebody is in bed; None when nobody knows."""
        return self._occupied if now_s - self._heard_at_s <= _BED_SILENT_AFTER_S else None


class ZonesFile:
    """The caregiver's zones, read again when `hani zones` has written them; `fault` says why they cannot be used."""

    def __init__(self, path: Path, otherwise: Zones) -> None:
        self._path, self._otherwise = path, otherwise
        self._written: int | None = -1
        self.fault = ""
        self.zones = otherwise

    def changed(self) -> bool:
        """Whether there are others than at the last call. A broken file leaves the last ones in force."""
        try:
            written: int | None = self._path.stat().st_mtime_ns
        except OSError:
            written = None
        if written == self._written:
            return False
        before, self._written, self.fault = self.zones, written, ""
        try:
            self.zones = self._otherwise if written is None else read_zones(self._path)
        except BadInput:
            self.fault = "the zones file cannot be used: draw the zones again with `hani zones`"
        return self.zones != before


class FallDetectorNode(HaniNode[FallDetectorSettings]):
    NAME = "fall_detector"

    def configure(self) -> None:
        self._worker: Worker | None = None
        self._watchdog: Watchdog | None = None
        settings = self.settings
        self._household = load_household(settings, self.log)
        self._bed = BedWitness(self._household.people)
        corners = settings.bed_zone
        bed = tuple(zip(corners[::2], corners[1::2], strict=True))
        self._zones = ZonesFile(self.home / FILE_NAME, Zones(bed=(bed,) if bed else ()))
        self._zones.changed()
        self._standing = StandingZones(self.home, self._zones.zones)
        rules = FallRules(found_on_floor_s=settings.found_on_floor_s, long_on_floor_s=settings.long_on_floor_s)
        alone, has_mattress = self._household.people == 1, self._household.has_mattress
        detector = FallDetector(rules, self._zones.zones, lives_alone=alone, has_mattress=has_mattress)
        engine = load_engine()
        self._watcher = FallWatcher(engine, detector, SecondLook(engine))
        self._figures = evidence.StickFigures(settings.evidence_consent)
        if not settings.evidence_consent:
            evidence.forget(self.home)
        self._withheld: Counter[str] = Counter()
        self._camera = self._make_camera()
        self._pauses = pause.PauseKeeper(self.home)
        self._pause = self._pauses.now(time.time())
        self._view: messages.RoomView | None = None
        self._view_told_at_s = 0.0
        self._falls = self.offer(FallEvent, topics.FALL, topics.KEPT)
        self._views = self.offer(RoomView, topics.ROOM_VIEW, topics.LATCHED)

    def activate(self) -> None:
        self.listen(BedState, topics.BED, self._on_bed, topics.LATCHED)
        self.listen(CameraPause, topics.CAMERA_PAUSE, self._on_pause)
        if self.settings.source == "room":
            self.listen(RoomScene, topics.ROOM_SCENE, self._on_scene, topics.LATCHED)
        self._health = self._new_health()
        self._watchdog = Watchdog("the camera", _HUNG_AFTER_S)
        self._worker = Worker("camera", self._watch)
        self.every(_CHECK_EVERY_S, self._check)

    def deactivate(self) -> None:
        watchdog, worker = getattr(self, "_watchdog", None), getattr(self, "_worker", None)
        self._watchdog = self._worker = None
        if watchdog is not None:
            watchdog.stop()
        if worker is not None:
            worker.stop()

    def _make_camera(self) -> Camera:
        device = self.settings.device
        if self.settings.source == "device":
            return DeviceCamera(int(device) if device.isdigit() else device)
        room = RoomCamera()
        if self.settings.source == "file":
            room.show(Path(device), time.time())
        return room

    def _new_health(self) -> CameraHealth:
        picture = self._zones.zones.picture
        return CameraHealth(time.monotonic(), picture[0] / picture[1] if picture else None)

    # the camera's thread

    def _watch(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._feed()
            if self._pause is not None:
                self._rest(stopping)
                continue
            try:
                with closing(self._frames(stopping)) as frames:
                    for frame in frames:
                        self._look(frame)
                self._tell(self._watcher.finish())
            except HaniError as error:
                self.log.error("camera fault: %s", error)
                self._tell(self._watcher.finish())
                stopping.wait(_REOPEN_AFTER_S)

    def _frames(self, stopping: threading.Event) -> Generator[Frame, None, None]:
        """Frames at the watcher's pace, until the end or a pause; leaving it closes the camera."""
        with closing(self._camera.frames()) as frames:
            for frame in frames:
                began_s = time.monotonic()
                self._feed()
                yield frame
                spent_s = time.monotonic() - began_s
                if stopping.wait(max(0.0, self._watcher.next_frame_in_s - spent_s)) or self._pause is not None:
                    return

    def _rest(self, stopping: threading.Event) -> None:
        while self._pause is not None and not stopping.wait(0.2):
            self._feed()
        self._health = self._new_health()

    def _feed(self) -> None:
        if self._watchdog is not None:
            self._watchdog.feed()

    def _look(self, frame: Frame) -> None:
        now_s = time.monotonic()
        if not self._health.saw(frame.image, now_s, frame.waited_s):
            return
        detector = self._watcher.detector
        self._tell(self._watcher.watch(frame.image, now_s, frame.at_s, self._bed.occupied(now_s)))
        height_px, width_px = frame.image.shape[:2]
        self._figures.see(self._watcher.people, frame.at_s, width_px, height_px)
        if self._standing.is_due(now_s) and not detector.is_falling:
            self._look_around(frame, now_s)
        for held in detector.take_withheld():
            self._withheld[held.why] += 1
            self.log.info("fall not told: %s, track %s, %s so far", held.why, held.track, self._withheld[held.why])
        if self._health.fault(now_s) is None:
            self._tell_view(detector.view())

    def _look_around(self, frame: Frame, now_s: float) -> None:
        if self._standing.look(frame.image, now_s, empty=not self._watcher.people):
            self._watcher.detector.look_from_elsewhere(self._standing.zones)
            self.log.warning("the camera was moved; the zones follow")

    def _tell(self, events: Sequence[messages.FallEvent]) -> None:
        for event in events:
            self._keep_figure(event)
            self._falls.publish(convert.fall_to_ros(event))

    def _keep_figure(self, event: messages.FallEvent) -> None:
        figure = self._figures.of(event)
        if figure is None:
            return
        try:
            evidence.keep(self.home, event, figure)
        except OSError as error:
            self.log.error("stick figure not kept: %s", error.strerror)

    # the node's thread

    def _check(self) -> None:
        self._set_pause(self._pauses.now(time.time()))
        if self._zones.changed():
            self._standing.use(self._zones.zones)
            self._watcher.detector.use_zones(self._zones.zones)
            self._health = self._new_health()
            self.log.info("zones drawn anew")
        if self._pause is not None:
            until = time.strftime("%H:%M", time.localtime(self._pause.until_at_s))
            self.report_fault(f"the camera looks away until {until}, as somebody asked", reason="camera_paused")
            self._tell_view(messages.RoomView(time.time(), False, paused_until_at_s=self._pause.until_at_s))
            return
        now_s = time.monotonic()
        fault = self._health.fault(now_s)
        warning = None if fault else self._health.warning(now_s)
        # a broken file needs somebody; a slow camera often mends itself with the next light
        broken = (self._zones.fault, self._standing.warning, self._household.fault)
        worst = fault or next((Fault(key, text) for key, text in zip(_BROKEN, broken, strict=True) if text), warning)
        self.report_fault(worst.text if worst else "", fatal=fault is not None, reason=worst.key if worst else "")
        if fault is not None:
            self._tell_view(messages.RoomView(time.time(), False))

    def _tell_view(self, view: messages.RoomView) -> None:
        now_s = time.monotonic()
        before = self._view
        same = before is not None and replace(view, at_s=before.at_s) == before
        if same and now_s - self._view_told_at_s < _TELL_VIEW_EVERY_S:
            return
        if view.helper and not (before and before.helper):
            self.log.info("two upright people in view")
        self._view, self._view_told_at_s = view, now_s
        self._views.publish(convert.room_view_to_ros(view))

    def _set_pause(self, wanted: pause.Pause | None) -> None:
        if wanted == self._pause:
            return
        if wanted is None:
            self.log.info("camera looks again")
        else:
            self.log.info("camera looks away for %.0f s: %s", wanted.until_at_s - time.time(), wanted.by.value)
        self._pause = wanted

    def _on_pause(self, msg: CameraPause) -> None:
        why = self._pauses.take(pause.granted(convert.camera_pause(msg), time.time()))
        if why:
            self.log.error("camera pause cannot be written, it lasts until a restart: %s", why)
        self._set_pause(self._pauses.now(time.time()))

    def _on_bed(self, msg: BedState) -> None:
        self._bed.take(convert.bed(msg), time.monotonic())

    def _on_scene(self, msg: RoomScene) -> None:
        if isinstance(self._camera, RoomCamera):
            self._camera.show(Path(msg.path) if msg.path else None, convert.seconds(msg.stamp))


def main() -> int:
    return run(FallDetectorNode)
