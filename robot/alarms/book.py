"""The alarm book: every decision about alarms, as a pure state machine.

Each method takes an event and the time and returns effects in the order in which they must be done. The book assumes
nothing about them having been done: after a crash, a new book from the stored cases and `resume` carry on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from robot.alarms.case import (
    CHECKED,
    EMERGENCIES,
    RAISED_SEVERITY,
    WAITING,
    BedMemory,
    Case,
    Severity,
    elapsed_s,
)
from robot.alarms.effects import Ask, Effect, Effects, Publish, Report, Store, StoreBed, Suppressed, Tell
from robot.alarms.fusion import Outcome, Verdict, judge, judge_absence, presence_now
from robot.alarms.ladder import ALARM_RAISED, step
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
    Presence,
    Receipt,
    ReceiptKind,
    RoomView,
    SafetyWord,
)

# An uncertain word is as likely as not (it opens a check-in); a certain one passed the recogniser's threshold.
CERTAIN_WORD, UNCERTAIN_WORD = 1.0, 0.5
REMEMBERED_EXPLAINED = 50  # more than a watcher keeps for late joiners (20)
CALL_REASONS = {
    CallKind.BUTTON: "button_pressed",
    CallKind.CORD: "cord_pulled",
    CallKind.SENSED_FALL: "fall_sensed",
}


class AlarmBook:
    """All alarms of one robot. Give it the stored `cases` and `bed` memory, then call `resume` once."""

    def __init__(self, settings: AlarmSettings, cases: Iterable[Case] = (), bed: BedMemory | None = None) -> None:
        self._settings = settings
        self._cases = {case.id: case for case in cases}
        self._memory = bed or BedMemory()
        self._senses = Senses(settings)
        self._bed_stale_since_s: float | None = None
        self._withheld: tuple[FallEvent, float] | None = None
        self._effects: list[Effect] = []

    @property
    def open_alarms(self) -> tuple[Alarm, ...]:
        """Every alarm that nobody has closed or cancelled."""
        return tuple(case.alarm for case in self._cases.values() if case.is_open)

    # Events

    def on_fall(self, event: FallEvent, now_s: float) -> Effects:
        """A suspected fall opens a check-in or joins the open emergency. `recovered` is noted, and cancels nothing."""
        if event.recovered:
            self._withheld = None
            source, emergency = f"{event.id}/recovered", self._emergency(now_s)
            if emergency and not self._knows(source):
                self._write(emergency.revised(now_s, reason="recovered", source_ids=(*emergency.source_ids, source)))
            return self._done()
        if self._knows(event.id) or self._explained_long_ago(event.id, now_s):
            return ()
        verdict = self._judge(event, now_s)
        if verdict.suspect:
            self._fall(event, now_s)
        else:
            self._withheld = (event, now_s)
            explained = (*self._memory.explained, (event.id, now_s))[-REMEMBERED_EXPLAINED:]
            self._memory = replace(self._memory, explained=explained)
            self._effects += [StoreBed(self._memory), Suppressed(verdict.reason)]
        return self._done()

    def on_safety_word(self, word: SafetyWord, now_s: float) -> Effects:
        """A certain word raises at once; an uncertain one asks first, unless somebody is being asked already."""
        if self._knows(word.id):
            return ()
        self._called(word.id, f"heard_{word.kind.value}", word.heard_at_s, word.certain, now_s)
        return self._done()

    def on_call(self, call: Call, now_s: float) -> Effects:
        """A press raises at once, without a word, and then asks; a sensed fall asks first, or is a second witness."""
        if self._knows(call.id):
            return ()
        reason, emergency = CALL_REASONS[call.kind], self._emergency(now_s)
        if call.certain:
            self._called(call.id, reason, call.called_at_s, True, now_s, ask_after_s=self._settings.ask_after_raise_s)
        elif emergency is None:
            opened = self._opened(AlarmType.FALL, call.id, call.called_at_s, UNCERTAIN_WORD, reason, now_s)
            self._check(opened, now_s)
        elif emergency.phase in CHECKED:
            self._raise(emergency, reason, now_s, **self._evidence(emergency, call.id, now_s))
        else:
            self._join(emergency, call.id, reason, now_s, UNCERTAIN_WORD)
        return self._done()

    def on_view(self, view: RoomView) -> None:
        """What the camera sees as a whole: evidence for the fusion, and no event by itself."""
        self._senses.take_view(view)

    def sensor_fault(self, now_s: float) -> str:
        """Why camera and mattress cannot both be right, or "". Ask at every tick."""
        return self._senses.fault(now_s)

    def _called(
        self, source: str, reason: str, at_s: float, certain: bool, now_s: float, ask_after_s: float | None = None
    ) -> None:
        emergency = self._emergency(now_s)
        checking = [case for case in self._cases.values() if case.phase in CHECKED]
        for case in checking:
            # whoever calls for help while asked about anything needs it urgently
            self._raise(case, reason, now_s, severity=Severity.HIGH, **self._evidence(case, source, now_s))
        confidence = CERTAIN_WORD if certain else UNCERTAIN_WORD
        if emergency is None:
            opened = self._opened(AlarmType.SOS, source, at_s, confidence, reason, now_s)
            if certain or checking:
                asked_s = now_s + (ask_after_s or 0.0)
                ask_at_s = None if ask_after_s is None else asked_s
                self._raise(
                    opened, None, now_s, cancel_until_s=asked_s + self._settings.cancel_window_s, ask_at_s=ask_at_s
                )
            else:
                self._check(opened, now_s)
        elif emergency.phase not in CHECKED:
            self._join(emergency, source, reason, now_s, confidence)
            if emergency.phase is AlarmPhase.ACKNOWLEDGED:
                self._tell(emergency.id, "help_on_the_way_repeat")

    def on_answer(self, answer: Answer, spoke_at_s: float, now_s: float) -> Effects:
        """A resident's words while something is open. `spoke_at_s` is when the words began (`Heard.speech_began_at_s`).

        FINE cancels only what had been asked before the words began: a "fine" that was still in the recogniser when
        somebody fell says nothing about the fall. HELP always raises; unclear words raise after the second prompt.
        """
        for case in tuple(self._cases.values()):
            to_it = spoke_at_s >= case.answers_from_s and case.alarm.type is not AlarmType.DEVICE
            if case.phase in CHECKED:
                prompted_s = case.prompted_at_s if case.prompts == 2 else None
                if answer is Answer.HELP:
                    self._raise(case, "asked_for_help", now_s)
                elif answer is Answer.FINE and to_it:
                    self._cancel(case, now_s)
                elif answer is Answer.UNCLEAR and prompted_s is not None and spoke_at_s >= prompted_s:
                    self._raise(case, "unclear_answer", now_s)
            elif case.phase in WAITING and answer is Answer.FINE and to_it:
                if case.cancel_until_s is not None and spoke_at_s <= case.cancel_until_s:
                    self._cancel(case, now_s)
                elif "fine_after_raise" not in case.alarm.reasons:
                    # too late to cancel, but the caregiver who answers shall know
                    self._write(case.revised(now_s, reason="fine_after_raise"))
        return self._done()

    def on_unclear(self, spoke_at_s: float, now_s: float) -> Effects:
        """Somebody spoke after the first prompt, and no known phrase was in it: no clear yes, so Hani asks again now.

        It may have been the television: nothing is cancelled or raised by it, and the check-in keeps its end.
        """
        for case in tuple(self._cases.values()):
            prompted_s = case.prompted_at_s
            if case.phase in CHECKED and case.prompts == 1 and prompted_s is not None and spoke_at_s >= prompted_s:
                self._remember(replace(case, prompts=2, prompted_at_s=now_s))
                self._effects.append(Ask(case.id, 2))
        return self._done()

    def on_bed(self, state: BedState, night: bool, now_s: float) -> Effects:
        """A night exit lights the way at once and starts the tolerance; only a fresh reading brings somebody back."""
        self._senses.take_bed(state)
        presence, memory = presence_now(state, now_s, self._settings.bed_fresh_s), self._memory
        if presence is Presence.IN_BED:
            self._memory = replace(memory, presence=presence, left_at_s=None)
            for case in tuple(self._cases.values()):
                if case.is_open and case.alarm.type is AlarmType.BED_EXIT and "back_in_bed" not in case.alarm.reasons:
                    self._write(case.revised(now_s, reason="back_in_bed"))
        elif presence is Presence.OUT_OF_BED and memory.presence is not Presence.OUT_OF_BED:
            left = night and memory.presence is Presence.IN_BED
            self._memory = replace(memory, presence=presence, left_at_s=now_s if left else None)
            if left:
                self._tell(None, "bed_exit_light")
        if self._memory != memory:
            self._effects.insert(0, StoreBed(self._memory))
        self._review_withheld(now_s)
        return self._done()

    def on_receipt(self, receipt: Receipt, now_s: float, revision: int | None = None) -> Effects:
        """What the platform says. `revision`, when known, is the alarm's revision that a SENT or RECEIVED speaks about:
        the early report of a check-in is committed too, and says nothing about the raised alarm.
        """
        case = self._cases.get(receipt.alarm_id)
        if case is None or not case.is_open:
            return ()
        if receipt.kind in (ReceiptKind.SENT, ReceiptKind.RECEIVED):
            phase = AlarmPhase(receipt.kind.value)
            about_raised = revision is None or revision >= (case.raised_revision or 0)
            onward = case.phase is AlarmPhase.RAISED or (case.phase is AlarmPhase.SENT and phase is AlarmPhase.RECEIVED)
            if about_raised and onward:
                self._write(case.revised(now_s, phase=phase), report=False)
        elif receipt.kind is ReceiptKind.ACKNOWLEDGED and case.phase is not AlarmPhase.ACKNOWLEDGED:
            # the phase is reached once only, so this is said once only
            acknowledged = case.revised(
                now_s, phase=AlarmPhase.ACKNOWLEDGED, by=receipt.by, how=receipt.reason, acknowledged_at_s=now_s
            )
            self._write(acknowledged, report=False)
            if case.alarm.type is not AlarmType.DEVICE:
                self._tell(case.id, "help_coming")
        elif receipt.kind is ReceiptKind.CLOSED:
            closed = case.revised(now_s, phase=AlarmPhase.CLOSED, by=receipt.by, how=receipt.reason)
            self._write(closed, report=False)
            if case.alarm.type is not AlarmType.DEVICE:
                self._tell(case.id, "alarm_closed")
        return self._done()

    def tick(self, now_s: float) -> Effects:
        """What time alone brings. Call it about once a second."""
        self._review_withheld(now_s)
        self._review_absence(now_s)
        self._review_bed_feed(now_s)
        for case in tuple(self._cases.values()):
            if case.phase in CHECKED:
                self._go_on_checking(case, now_s)
            elif case.is_open:
                self._climb(case, now_s)
            elif case.alarm.changed_at_s < now_s - self._settings.remember_s:
                del self._cases[case.id]
        return self._done()

    def resume(self, now_s: float) -> Effects:
        """After a start: ask again or raise what was being checked; report again what the platform did not confirm."""
        for case in tuple(self._cases.values()):
            if case.phase in CHECKED:
                self._go_on_checking(case, now_s, again=True)
            elif case.is_open:
                if case.phase in (AlarmPhase.RAISED, AlarmPhase.SENT):
                    self._effects.append(Report(case.alarm, case.severity))
                self._effects.append(Publish(case.alarm))
                since_s = case.acknowledged_at_s
                if since_s is not None and elapsed_s(since_s, now_s) <= self._settings.join_s:
                    # "help is coming" may have been lost in the crash, and it is said once only
                    self._tell(case.id, "help_on_the_way_repeat")
        return self._done()

    # Transitions

    def _opened(
        self, kind: AlarmType, source: str, onset_at_s: float, confidence: float, reason: str, now_s: float
    ) -> Case:
        """A new case, written as suspected. Robot, type and event make its id: the same event makes the same alarm."""
        alarm_id = str(uuid5(NAMESPACE_URL, f"hani:{self._settings.device}:{kind.value}:{source}"))
        alarm = Alarm(alarm_id, kind, AlarmPhase.SUSPECTED, 1, onset_at_s, now_s, _share(confidence), (reason,))
        early = Severity.MEDIUM if kind in EMERGENCIES else Severity.LOW
        case = Case(alarm, early, (source,), answers_from_s=now_s)
        self._write(case, report=False)
        return case

    def _check(self, case: Case, now_s: float) -> None:
        """Ask, and let the platform know at once: nothing may depend on the check-in."""
        checking = case.revised(
            now_s, phase=AlarmPhase.CHECKING, checking_at_s=now_s, prompted_at_s=now_s, prompts=1, answers_from_s=now_s
        )
        self._write(checking)
        self._effects.append(Ask(case.id, 1))

    def _raise(self, case: Case, reason: str | None, now_s: float, **memory: Any) -> None:
        raised = case.revised(
            now_s,
            phase=AlarmPhase.RAISED,
            reason=reason,
            raised_at_s=now_s,
            raised_revision=case.alarm.revision + 1,
            told=ALARM_RAISED,
            told_at_s=now_s,
            **{"severity": RAISED_SEVERITY[case.alarm.type], **memory},
        )
        self._write(raised)
        if case.alarm.type is not AlarmType.DEVICE:
            self._tell(case.id, ALARM_RAISED)

    def _cancel(self, case: Case, now_s: float) -> None:
        self._write(case.revised(now_s, phase=AlarmPhase.CANCELLED, by="resident", how="voice"))
        self._tell(case.id, "check_in_ok")

    def _fall(self, event: FallEvent, now_s: float) -> None:
        reason, emergency = event.reason.value, self._emergency(now_s)
        if emergency is None:
            opened = self._opened(AlarmType.FALL, event.id, event.onset_at_s, event.confidence, reason, now_s)
            self._check(opened, now_s)
            return
        if emergency.phase in CHECKED and emergency.alarm.type is AlarmType.SOS:
            # an uncertain call for help and a fall are two witnesses
            self._raise(
                emergency,
                reason,
                now_s,
                confidence=_share(event.confidence),
                **self._evidence(emergency, event.id, now_s),
            )
        else:
            self._join(emergency, event.id, reason, now_s, event.confidence)

    def _join(self, case: Case, source: str, reason: str, now_s: float, confidence: float = 0.0) -> None:
        """Further evidence for an open alarm."""
        evidence = self._evidence(case, source, now_s)
        self._write(case.revised(now_s, reason=reason, confidence=_share(confidence), **evidence))

    @staticmethod
    def _evidence(case: Case, source: str, now_s: float) -> dict[str, Any]:
        """What evidence changes in a case's memory: words said before it no longer answer the alarm."""
        return {"source_ids": (*case.source_ids, source), "answers_from_s": now_s}

    def _go_on_checking(self, case: Case, now_s: float, *, again: bool = False) -> None:
        """Raise when the time has run out; ask when a prompt is due, or `again` after a restart."""
        limit_s = self._settings.check_in_s
        if case.checking_at_s is None:
            self._check(case, now_s)
            return
        waited_s = elapsed_s(case.checking_at_s, now_s)
        if waited_s >= limit_s:
            # the questions themselves fill most of the check-in: whoever answers late still withdraws what was raised
            self._raise(case, "no_answer", now_s, cancel_until_s=now_s + self._settings.cancel_window_s)
            return
        number = 2 if waited_s >= limit_s / 2 else 1
        if number > case.prompts or again:
            asked = replace(case, prompts=max(number, case.prompts), prompted_at_s=now_s)
            self._remember(asked)
            self._effects += [Publish(case.alarm), Ask(case.id, asked.prompts)] if again else [Ask(case.id, 2)]

    def _climb(self, case: Case, now_s: float) -> None:
        if case.ask_at_s is not None and case.phase in WAITING and now_s >= case.ask_at_s:
            case = replace(case, ask_at_s=None)
            self._remember(case)
            self._effects.append(Ask(case.id, 1))
        due = step(case, self._settings, now_s)
        if due is None:
            return
        if due.severity is not None:
            case = case.revised(
                now_s, reason=due.reason, severity=_higher(case.severity, due.severity), rises=due.rises
            )
            self._write(case)
        if due.tell:
            self._remember(replace(case, told=due.tell, told_at_s=now_s))
            self._tell(case.id, due.tell)

    # The bed

    def _review_withheld(self, now_s: float) -> None:
        """Who rolls out of bed is seen on the floor before the mattress has noticed: look again until it has."""
        if self._withheld is None:
            return
        event, since_s = self._withheld
        if elapsed_s(since_s, now_s) > self._settings.withhold_s:
            self._withheld = None
        elif self._judge(event, now_s).suspect:
            self._withheld = None
            self._fall(event, now_s)

    def _review_absence(self, now_s: float) -> None:
        left_at_s, settings = self._memory.left_at_s, self._settings
        if left_at_s is None:
            return
        verdict = judge_absence(self._senses.upright(left_at_s, now_s), residents=settings.residents)
        limit_s = settings.bed_exit_tolerance_s
        if verdict.outcome is not Outcome.WAIT:
            limit_s = min(limit_s, settings.bed_exit_unseen_s)
        if elapsed_s(left_at_s, now_s) < limit_s:
            return
        self._memory = replace(self._memory, left_at_s=None)
        source, reason = f"left-bed-{left_at_s:.3f}", verdict.reason
        known = self._emergency(now_s) or self._joinable((AlarmType.BED_EXIT,), now_s)
        if known:
            self._join(known, source, reason, now_s)
        elif not self._knows(source):
            self._check(self._opened(AlarmType.BED_EXIT, source, left_at_s, 1.0, reason, now_s), now_s)
        # after the alarm's own effects: a crash in between then opens it again under the same id, and loses nothing
        self._effects.append(StoreBed(self._memory))

    def _review_bed_feed(self, now_s: float) -> None:
        """A stale feed is a fault, once an outage. A mattress that never spoke is left to diagnostics."""
        limit_s = self._settings.bed_stale_alarm_s
        if self._senses.bed is None or limit_s is None:
            return
        if presence_now(self._senses.bed, now_s, self._settings.bed_fresh_s) is not Presence.UNKNOWN:
            self._bed_stale_since_s = None
            return
        if self._bed_stale_since_s is None:
            self._bed_stale_since_s = now_s
        source = f"bed-stale-{self._bed_stale_since_s:.3f}"
        if elapsed_s(self._bed_stale_since_s, now_s) < limit_s or self._knows(source):
            return
        if self._joinable((AlarmType.DEVICE,), now_s) is None:
            opened = self._opened(AlarmType.DEVICE, source, self._bed_stale_since_s, 1.0, "bed_feed_stale", now_s)
            self._raise(opened, None, now_s)

    # Helpers

    def _judge(self, event: FallEvent, now_s: float) -> Verdict:
        return judge(
            event,
            self._senses.bed,
            now_s,
            fresh_s=self._settings.bed_fresh_s,
            residents=self._settings.residents,
            vitals=self._senses.vitals(now_s),
        )

    def _emergency(self, now_s: float) -> Case | None:
        """The open fall or call for help that takes in further evidence: one event, one alarm."""
        return self._joinable(tuple(EMERGENCIES), now_s)

    def _joinable(self, kinds: tuple[AlarmType, ...], now_s: float) -> Case | None:
        for case in self._cases.values():
            since_s = case.acknowledged_at_s
            stands = since_s is None or elapsed_s(since_s, now_s) <= self._settings.join_s
            if case.is_open and case.alarm.type in kinds and stands:
                return case
        return None

    def _knows(self, source: str) -> bool:
        return any(source in case.source_ids for case in self._cases.values())

    def _explained_long_ago(self, event_id: str, now_s: float) -> bool:
        """Only once the mattress had its time to change its mind: until then the event must come back as a fall."""
        times = (at_s for known, at_s in self._memory.explained if known == event_id)
        # a clock that was set back says nothing: then it is asked again
        return any(now_s - at_s > self._settings.withhold_s for at_s in times)

    def _remember(self, case: Case) -> None:
        """Write what only the book needs to know; the alarm itself has not changed."""
        self._cases[case.id] = case
        self._effects.append(Store(case))

    def _write(self, case: Case, *, report: bool = True) -> None:
        """Write a new revision, report it to the platform (unless it came from there) and let the others know."""
        self._remember(case)
        if report:
            self._effects.append(Report(case.alarm, case.severity))
        self._effects.append(Publish(case.alarm))

    def _tell(self, alarm_id: str | None, purpose: str) -> None:
        """Say it; two alarms that come to the same point together say it once."""
        if not any(isinstance(effect, Tell) and effect.purpose == purpose for effect in self._effects):
            self._effects.append(Tell(alarm_id, purpose))

    def _done(self) -> Effects:
        effects, self._effects = tuple(self._effects), []
        return effects


def _higher(one: Severity, other: Severity) -> Severity:
    """A rise never lowers what evidence has already raised."""
    return max(one, other, key=list(Severity).index)


def _share(confidence: float) -> float:
    return min(max(confidence, 0.0), 1.0)
