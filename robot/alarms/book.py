"""The alarm book: every decision about alarms, as a pure state machine.

Each method takes an event and the time and returns effects in the order in which they must be done. The book assumes
nothing about them having been done: after a crash, a new book from the stored cases and `resume` carry on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from robot.alarms.bed_watch import BedWatch
from robot.alarms.case import (
    CHECKED,
    FINE_AFTER_RAISE,
    QUIET,
    WAITING,
    BedMemory,
    Case,
    Evidence,
    Severity,
    elapsed_s,
)
from robot.alarms.cases import FALL_SENSED, Cases
from robot.alarms.effects import Ask, Effects, Publish, Report
from robot.alarms.senses import Senses
from robot.alarms.settings import AlarmSettings
from robot.messages import (
    Alarm,
    AlarmPhase,
    AlarmType,
    Answer,
    BedState,
    Call,
    CallKind,
    FallEvent,
    Receipt,
    ReceiptKind,
    RoomView,
    SafetyWord,
)

# An uncertain word is as likely as not (it opens a check-in); a certain one passed the recogniser's threshold.
CERTAIN_WORD, UNCERTAIN_WORD = 1.0, 0.5
CALL_REASONS = {
    CallKind.BUTTON: "button_pressed",
    CallKind.CORD: "cord_pulled",
    CallKind.SENSED_FALL: FALL_SENSED,
}


class AlarmBook:
    """All alarms of one robot. Give it the stored `cases` and `bed` memory, then call `resume` once."""

    def __init__(self, settings: AlarmSettings, cases: Iterable[Case] = (), bed: BedMemory | None = None) -> None:
        self._settings = settings
        self._cases = Cases(settings, cases)
        self._senses = Senses(settings)
        self._bed = BedWatch(settings, self._cases, self._senses, bed or BedMemory())

    @property
    def open_alarms(self) -> tuple[Alarm, ...]:
        """Every alarm that nobody has closed or cancelled."""
        return tuple(case.alarm for case in self._cases if case.is_open)

    # Events

    def on_fall(self, event: FallEvent, now_s: float) -> Effects:
        """A suspected fall opens a check-in or joins the open emergency. `recovered` is noted, and cancels nothing."""
        if event.recovered:
            self._bed.seen_upright(event.track)
            if not event.helped and (event.people <= 1 or self._bed.is_calm(now_s)):  # else a helper may stand there
                self._cases.rose(event.track, event.people, now_s)
            source, emergency = f"{event.id}/recovered", self._cases.emergency(now_s)
            if emergency and not self._cases.knows(source):
                sources = (*emergency.source_ids, source)
                self._cases.write(emergency.revised(now_s, reason="recovered", source_ids=sources))
        elif not (
            self._cases.knows(event.id)
            or self._bed.explained_long_ago(event.id, now_s)
            or self._bed.explains(event, now_s)
        ):
            self._bed.follow(event, now_s)
        return self._cases.done()

    def on_safety_word(self, word: SafetyWord, now_s: float) -> Effects:
        """A certain word raises at once; an uncertain one asks first, unless somebody is being asked already."""
        if self._cases.knows(word.id):
            return ()
        confidence = CERTAIN_WORD if word.certain else UNCERTAIN_WORD
        heard = Evidence(word.id, AlarmType.SOS, f"heard_{word.kind.value}", word.heard_at_s, confidence)
        self._called(heard, now_s)
        return self._cases.done()

    def on_call(self, call: Call, now_s: float) -> Effects:
        """A press raises at once, without a word, and then asks; a sensed fall asks first, or is a second witness."""
        if self._cases.knows(call.id):
            return ()
        reason = CALL_REASONS[call.kind]
        if call.certain:
            pressed = Evidence(call.id, AlarmType.SOS, reason, call.called_at_s, CERTAIN_WORD)
            self._called(pressed, now_s, ask_after_s=self._settings.ask_after_raise_s)
        else:
            self._suspected(Evidence(call.id, AlarmType.FALL, reason, call.called_at_s, UNCERTAIN_WORD), now_s)
        return self._cases.done()

    def on_view(self, view: RoomView) -> None:
        """What the camera sees as a whole: evidence for the fusion, and no event by itself."""
        self._senses.take_view(view)

    def sensor_fault(self, now_s: float) -> str:
        """Why camera and mattress cannot both be right, or "". Ask at every tick."""
        return self._senses.fault(now_s)

    def _suspected(self, what: Evidence, now_s: float) -> None:
        """Asked about at once, or a witness of what is open."""
        emergency = self._cases.emergency(now_s)
        if emergency is None:
            self._cases.check(self._cases.opened(what, now_s), now_s)
        else:
            self._cases.witness(emergency, what, now_s)

    def _called(self, what: Evidence, now_s: float, ask_after_s: float | None = None) -> None:
        emergency = self._cases.emergency(now_s)
        checking = [case for case in self._cases if case.phase in CHECKED]
        for case in checking:
            # whoever calls for help while asked about anything needs it urgently
            self._cases.confirm(case, what, now_s, severity=Severity.HIGH)
        if emergency is None:
            opened = self._cases.opened(what, now_s)
            if what.confidence == CERTAIN_WORD or checking:
                asked_s = now_s + (ask_after_s or 0.0)
                ask_at_s = None if ask_after_s is None else asked_s
                self._cases.raise_alarm(
                    opened, None, now_s, cancel_until_s=asked_s + self._settings.cancel_window_s, ask_at_s=ask_at_s
                )
            else:
                self._cases.check(opened, now_s)
        elif emergency.phase not in CHECKED:
            joined = self._cases.join(emergency, what, now_s)
            until_s = joined.cancel_until_s
            if ask_after_s is not None and joined.phase in WAITING and until_s is not None and now_s <= until_s:
                # a press on top of what could still be withdrawn: nothing withdraws it before its own question
                asked_s = now_s + ask_after_s
                window_s = self._settings.cancel_window_s
                self._cases.remember(replace(joined, ask_at_s=asked_s, cancel_until_s=asked_s + window_s))
            if emergency.phase is AlarmPhase.ACKNOWLEDGED:
                self._cases.tell(emergency.id, "help_on_the_way_repeat")

    def on_answer(self, answer: Answer, spoke_at_s: float, now_s: float) -> Effects:
        """A resident's words while something is open. `spoke_at_s` is when the words began (`Heard.speech_began_at_s`).

        FINE cancels only what had been asked before the words began: a "fine" that was still in the recogniser when
        somebody fell says nothing about the fall, and a press is not withdrawn before its question. HELP always raises;
        unclear words raise after the second prompt.
        """
        for case in self._cases:
            asked = case.ask_at_s is None and spoke_at_s >= case.answers_from_s
            to_it = asked and case.alarm.type not in QUIET
            if case.phase in CHECKED:
                prompted_s = case.prompted_at_s if case.prompts == 2 else None
                if answer is Answer.HELP:
                    # whatever was asked about: who needs help out of bed needs it as urgently as who fell
                    self._cases.raise_alarm(case, "asked_for_help", now_s, severity=Severity.HIGH)
                elif answer is Answer.FINE and to_it:
                    self._fine(case, spoke_at_s, now_s)
                elif answer is Answer.UNCLEAR and prompted_s is not None and spoke_at_s >= prompted_s:
                    self._cases.raise_alarm(case, "unclear_answer", now_s)
            elif case.phase in WAITING and answer is Answer.FINE and to_it:
                if case.cancel_until_s is not None and spoke_at_s <= case.cancel_until_s:
                    self._fine(case, spoke_at_s, now_s)
                elif FINE_AFTER_RAISE not in case.alarm.reasons:
                    # too late to cancel, but the caregiver who answers shall know
                    self._cases.write(case.revised(now_s, reason=FINE_AFTER_RAISE))
        return self._cases.done()

    def _fine(self, case: Case, spoke_at_s: float, now_s: float) -> None:
        self._cases.cancel(case, now_s)
        self._bed.said_fine(case, spoke_at_s)

    def on_unclear(self, spoke_at_s: float, now_s: float) -> Effects:
        """Somebody spoke after the first prompt, and no known phrase was in it: no clear yes, so Hani asks again now.

        It may have been the television: nothing is cancelled or raised by it, and the check-in keeps its end.
        """
        for case in self._cases:
            prompted_s = case.prompted_at_s
            if case.phase in CHECKED and case.prompts == 1 and prompted_s is not None and spoke_at_s >= prompted_s:
                self._cases.remember(replace(case, prompts=2, prompted_at_s=now_s))
                self._cases.effects.append(Ask(case.id, 2))
        return self._cases.done()

    def on_bed(self, state: BedState, night: bool, now_s: float) -> Effects:
        """A night exit lights the way at once and starts the tolerance; only a fresh reading brings somebody back."""
        self._bed.take(state, night, now_s)
        return self._cases.done()

    def on_receipt(self, receipt: Receipt, now_s: float) -> Effects:
        """What the platform says, of the revision that it knew: the early report of a check-in is committed too, and
        says nothing about the raised alarm; and who closes an alarm has not closed what joined it since.
        """
        case, revision = self._cases.get(receipt.alarm_id), receipt.revision
        if case is None or not case.is_open:
            return ()
        if receipt.kind in (ReceiptKind.SENT, ReceiptKind.RECEIVED):
            phase = AlarmPhase(receipt.kind.value)
            about_raised = revision is None or revision >= (case.raised_revision or 0)
            onward = case.phase is AlarmPhase.RAISED or (case.phase is AlarmPhase.SENT and phase is AlarmPhase.RECEIVED)
            if about_raised and onward:
                self._cases.write(case.revised(now_s, phase=phase), report=False)
        elif receipt.kind is ReceiptKind.ACKNOWLEDGED and case.phase is not AlarmPhase.ACKNOWLEDGED:
            # the phase is reached once only, so this is said once only
            acknowledged = case.revised(
                now_s, phase=AlarmPhase.ACKNOWLEDGED, by=receipt.by, how=receipt.reason, acknowledged_at_s=now_s
            )
            self._cases.write(acknowledged, report=False)
            if case.alarm.type not in QUIET:
                self._cases.tell(case.id, "help_coming")
        elif receipt.kind is ReceiptKind.CLOSED:
            closed = case.revised(now_s, phase=AlarmPhase.CLOSED, by=receipt.by, how=receipt.reason)
            self._cases.write(closed, report=False)
            unknown = [] if revision is None else self._cases.joined_after(closed, revision)
            for what in unknown:  # nobody has answered it: as if it came now
                take = self._called if what.type is AlarmType.SOS else self._suspected
                take(what, now_s)
            if case.alarm.type not in QUIET and not unknown:
                self._cases.tell(case.id, "alarm_closed")
        return self._cases.done()

    def tick(self, now_s: float) -> Effects:
        """What time alone brings. Call it about once a second."""
        self._bed.tick(now_s)
        for case in self._cases:
            if case.phase in CHECKED:
                self._cases.go_on_checking(case, now_s)
            elif case.is_open:
                self._cases.climb(case, now_s)
            elif case.alarm.changed_at_s < now_s - self._settings.remember_s:
                self._cases.forget(case)
        return self._cases.done()

    def resume(self, now_s: float) -> Effects:
        """After a start: ask again or raise what was being checked; report again what the platform did not confirm."""
        for case in self._cases:
            if case.phase in CHECKED:
                self._cases.go_on_checking(case, now_s, again=True)
            elif case.is_open:
                if case.phase in (AlarmPhase.RAISED, AlarmPhase.SENT):
                    self._cases.effects.append(Report(case.alarm, case.severity))
                self._cases.effects.append(Publish(case.alarm))
                since_s = case.acknowledged_at_s
                lately = since_s is not None and elapsed_s(since_s, now_s) <= self._settings.join_s
                if lately and case.alarm.type not in QUIET:
                    # "help is coming" may have been lost in the crash, and it is said once only
                    self._cases.tell(case.id, "help_on_the_way_repeat")
        return self._cases.done()
