"""Runs the alarm book: events in, effects out. What must last is on disk before anything is said."""

from __future__ import annotations

import sqlite3
import time

import uuid6
from hani_msgs.msg import Alarm, BedState, Call, FallEvent, Heard, RoomView, SafetyWord, Say, Spoken

from dialogue import words
from robot import messages, paths
from robot.alarms.book import AlarmBook
from robot.alarms.case import ENDED
from robot.alarms.effects import Ask, Effects, Publish, Report, Suppressed, Tell
from robot.alarms.settings import AlarmSettings
from robot.errors import DeviceFault
from robot.messages import Urgency
from robot.nodes import convert, topics
from robot.nodes.alarm_disk import AlarmDisk
from robot.nodes.base import HaniNode, run
from robot.nodes.household import load_household
from robot.nodes.promises import Promises
from robot.reporting.contract import AlarmBody
from robot.settings import AlarmManagerSettings

_TICK_PERIOD_S = 0.5
_REMEMBER_S = 86_400.0
"""Ended alarms are known for so long. Publishers keep their last events for late joiners without end: an older one has
been dealt with, or nobody can say any more, and must not come back as a new alarm at every start."""
_MOVE_PERIOD_S = 5.0
_FORGET_PERIOD_S = 3600.0
_SENSOR_FAULTS = {
    "sensors_disagree": "camera and mattress contradict each other",
    "vitals_lost": "the mattress has lost heart and breath of who is in bed",
}
_PROMISES = {"help_coming", "help_on_the_way_repeat"}
"""Texts that are said again until the voice has finished them."""
_CAN_WAIT = {"bed_exit_light", "alarm_closed"}
"""Texts that a new question to somebody in danger may cut off."""


class AlarmManager(HaniNode[AlarmManagerSettings]):
    NAME = "alarm_manager"

    def configure(self) -> None:
        settings = self.settings
        self._household = load_household(settings, self.log)
        self._disk: AlarmDisk | None = AlarmDisk(paths.database(self.home))
        rules = AlarmSettings(
            device=settings.robot_id,
            check_in_s=settings.check_in_s,
            get_up_s=settings.get_up_s,
            company_get_up_s=settings.company_get_up_s,
            fine_lately_s=settings.fine_lately_s,
            cancel_window_s=settings.cancel_window_s,
            bed_exit_tolerance_s=settings.bed_exit_tolerance_s,
            bed_fresh_s=settings.bed_fresh_s,
            bed_latency_s=settings.bed_latency_s,
            bed_wet_s=settings.bed_wet_s,
            residents=self._household.people,
        )
        store = self._ready_disk.store
        cases = store.load(ended_since_s=time.time() - _REMEMBER_S)
        self._book = AlarmBook(rules, cases, store.load_bed())
        self._receipts_fault = ""
        self._promises = Promises(_new_id)
        self._alarms = self.offer(Alarm, topics.ALARM, topics.KEPT)
        self._voice = self.offer(Say, topics.SAY)

    def activate(self) -> None:
        self._do(self._book.resume(time.time()))
        self.listen(FallEvent, topics.FALL, self._on_fall, topics.KEPT)
        self.listen(SafetyWord, topics.SAFETY_WORD, self._on_safety_word, topics.KEPT)
        self.listen(Call, topics.CALL, self._on_call, topics.KEPT)
        self.listen(BedState, topics.BED, self._on_bed, topics.LATCHED)
        self.listen(RoomView, topics.ROOM_VIEW, self._on_view, topics.LATCHED)
        self.listen(Heard, topics.HEARD, self._on_heard)
        self.listen(Heard, topics.UNCLEAR, self._on_unclear)
        self.listen(Spoken, topics.SPOKEN, self._on_spoken)
        self.every(_TICK_PERIOD_S, self._tick)
        self.every(_MOVE_PERIOD_S, self._move)
        self._forget()
        self.every(_FORGET_PERIOD_S, self._forget)

    def cleanup(self) -> None:
        disk = getattr(self, "_disk", None)
        if disk is not None:
            disk.close()
            self._disk = None

    def _on_fall(self, msg: FallEvent) -> None:
        event, now_s = convert.fall(msg), time.time()
        if self._is_news(event.suspected_at_s, now_s):
            self._do(self._book.on_fall(event, now_s))

    def _on_safety_word(self, msg: SafetyWord) -> None:
        word, now_s = convert.safety_word(msg), time.time()
        if self._is_news(word.heard_at_s, now_s):
            self._do(self._book.on_safety_word(word, now_s))

    def _on_call(self, msg: Call) -> None:
        call, now_s = convert.call(msg), time.time()
        if self._is_news(call.called_at_s, now_s):
            self._do(self._book.on_call(call, now_s))

    def _on_view(self, msg: RoomView) -> None:
        self._book.on_view(convert.room_view(msg))

    def _is_news(self, at_s: float, now_s: float) -> bool:
        if now_s - at_s > _REMEMBER_S:
            self.log.info("event from long ago not used")
            return False
        return True

    def _on_bed(self, msg: BedState) -> None:
        night = self._household.resident.is_night(self.local_time())
        self._do(self._book.on_bed(convert.bed(msg), night, time.time()))

    def _on_heard(self, msg: Heard) -> None:
        if self._book.open_alarms:
            heard = convert.heard(msg)
            answer = words.answer(heard.text, heard.language)
            self._do(self._book.on_answer(answer, heard.speech_began_at_s, time.time()))

    def _on_unclear(self, msg: Heard) -> None:
        if self._book.open_alarms:
            self._do(self._book.on_unclear(convert.unclear(msg).speech_began_at_s, time.time()))

    def _on_spoken(self, msg: Spoken) -> None:
        self._promises.spoken(convert.spoken(msg))

    def _tick(self) -> None:
        self._take_receipts()
        self._do(self._book.tick(time.time()))
        for say in self._promises.due(time.monotonic()):
            self._voice.publish(convert.say_to_ros(say))
        disk = self._ready_disk
        unwritten = "alarms cannot be written to disk" if disk.store.unwritten else ""
        refused = disk.fault or unwritten or self._receipts_fault
        fault = refused or self._household.fault
        sensors = self._book.sensor_fault(time.time())
        reason = "disk_refuses" if refused else "resident_file_broken" if fault else sensors
        self.report_fault(fault or _SENSOR_FAULTS.get(sensors, sensors), fatal=bool(fault), reason=reason)

    def _move(self) -> None:
        self._ready_disk.move()

    def _forget(self) -> None:
        self._ready_disk.forget(time.time())

    @property
    def _ready_disk(self) -> AlarmDisk:
        if self._disk is None:
            raise DeviceFault("the alarm manager is not configured")
        return self._disk

    def _take_receipts(self) -> None:
        """A disk that refuses must not stop the check-ins; the same receipt again changes nothing."""
        try:
            for receipt in self._ready_disk.outbox.undelivered_receipts():
                self._do(self._book.on_receipt(receipt, time.time()))
                if not self._ready_disk.store.unwritten:
                    self._ready_disk.outbox.mark_receipts_delivered([receipt.id])
            self._receipts_fault = ""
        except sqlite3.Error as error:
            if not self._receipts_fault:
                self.log.error("the platform's answers cannot be read or marked: %s", error)
            self._receipts_fault = "the platform's answers cannot be read"
            self._ready_disk.suspect(error)

    def _do(self, effects: Effects) -> None:
        """Write first, then act."""
        for effect in self._ready_disk.commit(effects, self._report):
            if isinstance(effect, Publish):
                self._alarms.publish(convert.alarm_to_ros(effect.alarm))
                if effect.alarm.phase in ENDED:
                    self._promises.forget(effect.alarm.id)
            elif isinstance(effect, Ask):
                self._say(f"check_in_{effect.number}", effect.alarm_id, question="closed")
            elif isinstance(effect, Tell):
                self._say(effect.purpose, effect.alarm_id or "")
            elif isinstance(effect, Suppressed):
                count = self._ready_disk.store.suppressed().get(effect.reason, 0)
                self.log.info("fall not followed up: %s, %s so far", effect.reason, count)

    def _report(self, report: Report) -> None:
        alarm = report.alarm
        body = AlarmBody.model_validate(
            {
                "alarm_id": alarm.id,
                "type": alarm.type.value,
                "phase": report.phase.value,
                "revision": alarm.revision,
                "severity": report.severity.value,
                "confidence": alarm.confidence,
                "onset_ts": alarm.onset_at_s,
                "reasons": alarm.reasons,
                "how": alarm.how,
            }
        )
        self._ready_disk.outbox.append(body, time.time())

    def _say(self, purpose: str, about: str, question: str = "") -> None:
        """In every language of the resident, the first one first."""
        urgency = Urgency.REMINDER if purpose in _CAN_WAIT else Urgency.SAFETY
        says = [
            messages.Say(_new_id(), words.robot_text(purpose, language), language, urgency, purpose, question, about)
            for language in self._household.resident.languages
        ]
        for say in says:
            self._voice.publish(convert.say_to_ros(say))
        if purpose in _PROMISES:
            self._promises.make(says, time.monotonic())


def _new_id() -> str:
    return str(uuid6.uuid7())


def main() -> int:
    return run(AlarmManager)
