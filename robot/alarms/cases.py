"""The cases of one robot: every way in which one changes, each with its effects in the order of doing.

`AlarmBook` and `BedWatch` decide when; here is what then happens to the case, and nothing else changes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from robot.alarms.case import (
    CHECKED,
    EMERGENCIES,
    FINE_AFTER_RAISE,
    QUIET,
    RAISED_SEVERITY,
    WAITING,
    Case,
    Evidence,
    Severity,
    elapsed_s,
)
from robot.alarms.effects import Ask, Effect, Effects, Publish, Report, Store, Suppressed, Tell
from robot.alarms.ladder import ALARM_RAISED, step
from robot.alarms.said_fine import AGAIN
from robot.alarms.settings import AlarmSettings
from robot.messages import Alarm, AlarmPhase, AlarmType, FallEvent

_REMEMBERED = 50  # falls of which the track is known; more than are ever open together
_JOINED = 20  # evidence of which the platform may not know yet; only the latest matters
FALL_SENSED = "fall_sensed"  # by a pendant or a radar, which saw nothing


def in_view(event: FallEvent) -> int:
    """How many people: who lies hidden beside a helper is there too."""
    return max(event.people, 2 if event.helped else 1)


class Cases:
    """All cases that are open or remembered, by id, and the effects since the last `done`."""

    def __init__(self, settings: AlarmSettings, cases: Iterable[Case] = ()) -> None:
        self._settings = settings
        self._cases = {case.id: case for case in cases}
        # by event: whose track lies there, and how many people were in view; None once they are up
        self._down: dict[str, tuple[int, int] | None] = {}
        self.effects: list[Effect] = []

    def __iter__(self) -> Iterator[Case]:
        """As they stand now: whoever goes through them may change them."""
        return iter(tuple(self._cases.values()))

    def get(self, alarm_id: str) -> Case | None:
        return self._cases.get(alarm_id)

    def forget(self, case: Case) -> None:
        """Ended long ago."""
        del self._cases[case.id]

    # Finding

    def emergency(self, now_s: float) -> Case | None:
        """The open fall or call for help that takes in further evidence: one event, one alarm."""
        return self.joinable(tuple(EMERGENCIES), now_s)

    def joinable(self, kinds: tuple[AlarmType, ...], now_s: float) -> Case | None:
        for case in self._cases.values():
            since_s = case.acknowledged_at_s
            stands = since_s is None or elapsed_s(since_s, now_s) <= self._settings.join_s
            if case.is_open and case.alarm.type in kinds and stands:
                return case
        return None

    def knows(self, source: str) -> bool:
        return any(source in case.source_ids for case in self._cases.values())

    # Changing

    def opened(self, what: Evidence, now_s: float) -> Case:
        """A new case, written as suspected. Robot, type and event make its id: the same event makes the same alarm."""
        alarm_id = str(uuid5(NAMESPACE_URL, f"hani:{self._settings.device}:{what.type.value}:{what.source}"))
        suspected = AlarmPhase.SUSPECTED
        alarm = Alarm(alarm_id, what.type, suspected, 1, what.at_s, now_s, what.confidence, (what.reason,))
        early = Severity.MEDIUM if what.type in EMERGENCIES else Severity.LOW
        case = Case(alarm, early, (what.source,), answers_from_s=now_s)
        self.write(case, report=False)
        return case

    def check(self, case: Case, now_s: float) -> None:
        """Ask, and let the platform know at once: nothing may depend on the check-in."""
        checking = case.revised(
            now_s,
            phase=AlarmPhase.CHECKING,
            checking_at_s=now_s,
            prompted_at_s=now_s,
            prompts=1,
            answers_from_s=now_s,
            ask_at_s=None,
        )
        self.write(checking)
        self.effects.append(Ask(case.id, 1))

    def raise_alarm(self, case: Case, reason: str | None, now_s: float, **memory: Any) -> None:
        raised = case.revised(
            now_s,
            phase=AlarmPhase.RAISED,
            reason=reason,
            raised_at_s=now_s,
            raised_revision=case.alarm.revision + 1,
            told=ALARM_RAISED,
            told_at_s=now_s,
            **{"severity": RAISED_SEVERITY[case.alarm.type], "ask_at_s": None, **memory},
        )
        self.write(raised)
        if case.alarm.type not in QUIET:
            self.tell(case.id, ALARM_RAISED)

    def confirm(self, case: Case, what: Evidence, now_s: float, **memory: Any) -> None:
        """A second witness raises what was only asked about."""
        changes = {"confidence": what.confidence, **_joined(case, what, now_s), **memory}
        self.raise_alarm(case, what.reason, now_s, **changes)

    def cancel(self, case: Case, now_s: float) -> None:
        self.write(case.revised(now_s, phase=AlarmPhase.CANCELLED, by="resident", how="voice"))
        self.tell(case.id, "check_in_ok")

    def fall(self, event: FallEvent, get_up_s: float, now_s: float) -> None:
        """A fall that nothing explains: a check-in, further evidence, or the second witness of a call for help or of a
        fall that was sensed.

        `get_up_s`: they have so long since it was suspected to get up.
        """
        what = Evidence(event.id, AlarmType.FALL, event.reason.value, event.onset_at_s, event.confidence)
        emergency = self.emergency(now_s)
        wait_s = max(0.0, get_up_s - elapsed_s(event.suspected_at_s, now_s))
        self._down[event.id] = (event.track, in_view(event))
        while len(self._down) > _REMEMBERED:
            del self._down[next(iter(self._down))]
        if emergency is None:
            opened = self.opened(what, now_s)
            if wait_s > 0:
                self.remember(replace(opened, ask_at_s=now_s + wait_s))
            else:
                self.check(opened, now_s)
            return
        self.witness(emergency, what, now_s)
        joined, ask_at_s = self._cases[emergency.id], now_s + wait_s
        if joined.phase is AlarmPhase.SUSPECTED and joined.ask_at_s is not None and ask_at_s < joined.ask_at_s:
            self.remember(replace(joined, ask_at_s=ask_at_s))

    def rose(self, track: int, people: int, now_s: float) -> None:
        """The camera saw them get up, `people` in view. An alarm of which nobody was asked or told yet, and that is all
        theirs, ends; in company only if they went down in company: who came since may stand where they lie.

        In memory only: after a restart nobody is known to be up, and who was down is asked.
        """
        for source, lies in self._down.items():
            if lies is not None and lies[0] == track and (people <= 1 or lies[1] > 1):
                self._down[source] = None
        self._end_of_risen(now_s)

    def all_rose(self, all_up: Callable[[int], bool], now_s: float) -> None:
        """The same for those who went down in company, once as many stand as were in view, and nobody lies:
        `all_up(people)`. Whose track is whose does not matter then.
        """
        for source, lies in self._down.items():
            if lies is not None and lies[1] > 1 and all_up(lies[1]):
                self._down[source] = None
        self._end_of_risen(now_s)

    def _end_of_risen(self, now_s: float) -> None:
        for case in self:
            if case.phase is AlarmPhase.SUSPECTED and all(self._down.get(s, ()) is None for s in case.source_ids):
                self.write(case.revised(now_s, phase=AlarmPhase.CANCELLED, by="resident", how="got_up"), report=False)
                self.effects.append(Suppressed("got_up"))

    def join(self, case: Case, what: Evidence, now_s: float) -> Case:
        """Further evidence for an open alarm. A "fine" that was said before it says nothing about it."""
        reasons = tuple(reason for reason in case.alarm.reasons if reason != FINE_AFTER_RAISE)
        case = replace(case, alarm=replace(case.alarm, reasons=reasons))
        joined = case.revised(now_s, reason=what.reason, confidence=what.confidence, **_joined(case, what, now_s))
        self.write(joined)
        return joined

    def witness(self, emergency: Case, what: Evidence, now_s: float) -> None:
        """A fall besides an open emergency: another sense raises what was only asked about, the same one joins it."""
        unseen = emergency.alarm.type is AlarmType.SOS or emergency.alarm.reasons == (FALL_SENSED,)
        if emergency.phase in CHECKED and what.type is AlarmType.FALL and (unseen or what.reason == FALL_SENSED):
            self.confirm(emergency, what, now_s)
        else:
            self.join(emergency, what, now_s)

    def joined_after(self, ended: Case, revision: int) -> list[Evidence]:
        """What joined `ended` after that revision, and is in no open alarm: whoever ended it did not know of it."""
        open_now = {source for case in self if case.is_open for source in case.source_ids}
        return [what for what in ended.joined if what.revision > revision and what.source not in open_now]

    def go_on_checking(self, case: Case, now_s: float, *, again: bool = False) -> None:
        """Raise when the time has run out; ask when a prompt is due, or `again` after a restart."""
        limit_s = self._settings.check_in_s
        if case.checking_at_s is None:
            ask_at_s = now_s if case.ask_at_s is None or again else case.ask_at_s
            longest_s = max(self._settings.get_up_s, self._settings.company_get_up_s * AGAIN)
            if not 0 < ask_at_s - now_s <= longest_s:  # beyond that the clock was set back
                self.check(case, now_s)
            return
        waited_s = elapsed_s(case.checking_at_s, now_s)
        if waited_s >= limit_s:
            # the questions themselves fill most of the check-in: whoever answers late still withdraws what was raised
            self.raise_alarm(case, "no_answer", now_s, cancel_until_s=now_s + self._settings.cancel_window_s)
            return
        number = 2 if waited_s >= limit_s / 2 else 1
        if number > case.prompts or again:
            asked = replace(case, prompts=max(number, case.prompts), prompted_at_s=now_s)
            self.remember(asked)
            self.effects += [Publish(case.alarm), Ask(case.id, asked.prompts)] if again else [Ask(case.id, 2)]

    def climb(self, case: Case, now_s: float) -> None:
        if case.ask_at_s is not None and case.phase in WAITING and now_s >= case.ask_at_s:
            case = replace(case, ask_at_s=None, answers_from_s=now_s)
            self.remember(case)
            self.effects.append(Ask(case.id, 1))
        due = step(case, self._settings, now_s)
        if due is None:
            return
        if due.severity is not None:
            case = case.revised(
                now_s, reason=due.reason, severity=_higher(case.severity, due.severity), rises=due.rises
            )
            self.write(case)
        if due.tell:
            self.remember(replace(case, told=due.tell, told_at_s=now_s))
            self.tell(case.id, due.tell)

    # Writing

    def remember(self, case: Case) -> None:
        """Write what only the book needs to know; the alarm itself has not changed."""
        self._cases[case.id] = case
        self.effects.append(Store(case))

    def write(self, case: Case, *, report: bool = True) -> None:
        """Write a new revision, report it to the platform (unless it came from there) and let the others know."""
        self.remember(case)
        if report:
            self.effects.append(Report(case.alarm, case.severity))
        self.effects.append(Publish(case.alarm))

    def tell(self, alarm_id: str | None, purpose: str) -> None:
        """Say it; two alarms that come to the same point together say it once."""
        if not any(isinstance(effect, Tell) and effect.purpose == purpose for effect in self.effects):
            self.effects.append(Tell(alarm_id, purpose))

    def done(self) -> Effects:
        effects, self.effects = tuple(self.effects), []
        return effects


def _higher(one: Severity, other: Severity) -> Severity:
    """A rise never lowers what evidence has already raised."""
    return max(one, other, key=list(Severity).index)


def _joined(case: Case, what: Evidence, now_s: float) -> dict[str, Any]:
    """What evidence changes in a case's memory: words said before it no longer answer the alarm."""
    joined = (*case.joined, replace(what, revision=case.alarm.revision + 1))[-_JOINED:]
    return {"source_ids": (*case.source_ids, what.source), "answers_from_s": now_s, "joined": joined}
