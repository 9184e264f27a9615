"""What the bed alone brings: a night absence, a stale feed, and falls that mattress or resident explain away."""

from __future__ import annotations

from dataclasses import replace

from robot.alarms.case import BedMemory, Case, Evidence, elapsed_s
from robot.alarms.cases import Cases, in_view
from robot.alarms.effects import StoreBed, Suppressed
from robot.alarms.fusion import (
    SAID_FINE,
    SAID_LATELY,
    Outcome,
    Said,
    Upright,
    Verdict,
    judge,
    judge_absence,
    presence_now,
)
from robot.alarms.said_fine import SaidFine
from robot.alarms.senses import Senses
from robot.alarms.settings import AlarmSettings
from robot.messages import AlarmType, BedState, FallEvent, Presence

DRY_S = 600.0  # a bed that was wet has been changed or has dried once it says so for this long; chosen
REMEMBERED_EXPLAINED = 50  # more than a watcher keeps for late joiners (20), or than are seen while one is withheld


class BedWatch:
    """`memory` is what the journal kept of the bed; what follows from it is done to `cases`."""

    def __init__(self, settings: AlarmSettings, cases: Cases, senses: Senses, memory: BedMemory) -> None:
        self._settings = settings
        self._cases = cases
        self._senses = senses
        self._memory = memory
        self._stale_since_s: float | None = None
        self._wet: tuple[bool | None, float] = (None, 0.0)  # what the bed says of it, and since when
        self._said_fine = SaidFine(settings.fine_holds_s, settings.fine_lately_s)
        self._withheld: dict[str, tuple[FallEvent, float, str]] = {}  # by event: when, and for what reason

    def take(self, state: BedState, night: bool, now_s: float) -> None:
        """What the mattress says now."""
        self._senses.take_bed(state)
        presence, memory = presence_now(state, now_s, self._settings.bed_fresh_s), self._memory
        if presence is Presence.IN_BED:
            self._memory = replace(memory, presence=presence, left_at_s=None)
            for case in self._cases:
                if case.is_open and case.alarm.type is AlarmType.BED_EXIT and "back_in_bed" not in case.alarm.reasons:
                    self._cases.write(case.revised(now_s, reason="back_in_bed"))
        elif presence is Presence.OUT_OF_BED and memory.presence is not Presence.OUT_OF_BED:
            self._said_fine.forget()
            left = memory.presence is Presence.IN_BED
            self._memory = replace(memory, presence=presence, left_at_s=now_s if left else None, by_night=night)
            if left and night:
                self._cases.tell(None, "bed_exit_light")
        if self._memory != memory:
            self._cases.effects.insert(0, StoreBed(self._memory))
        self._review_withheld(now_s)

    def tick(self, now_s: float) -> None:
        """What time alone brings."""
        self._review_withheld(now_s)
        if self.is_calm(now_s):
            self._cases.all_rose(lambda people: self._senses.all_up(people, now_s), now_s)
        self._review_absence(now_s)
        self._review_feed(now_s)
        self._review_wet(now_s)

    def explains(self, event: FallEvent, now_s: float) -> bool:
        """Whether mattress or resident speak against this fall: then it is counted, and judged again for a while."""
        verdict = self._judge(event, now_s)
        if verdict.suspect:
            return False
        self._withheld[event.id] = (event, now_s, verdict.reason)
        if len(self._withheld) > REMEMBERED_EXPLAINED:
            del self._withheld[next(iter(self._withheld))]
        explained = (*self._memory.explained, (event.id, now_s))[-REMEMBERED_EXPLAINED:]
        self._memory = replace(self._memory, explained=explained)
        self._cases.effects += [StoreBed(self._memory), Suppressed(verdict.reason)]
        return True

    def follow(self, event: FallEvent, now_s: float) -> None:
        """A fall that nothing explains."""
        self._said_fine.followed(event)
        # beside a helper the watcher has waited already; a helper who left used up some of the time
        get_up_s = 0.0 if event.helped else self._settings.get_up_s
        if in_view(event) > 1 and self.is_calm(now_s):
            get_up_s = max(get_up_s, self._settings.company_get_up_s * self._said_fine.times)
        self._cases.fall(event, get_up_s, now_s)

    def is_calm(self, now_s: float) -> bool:
        """Whether somebody who was asked has said a moment ago that they are fine."""
        return self._said_fine.lately(now_s)

    def said_fine(self, case: Case, spoke_at_s: float) -> None:
        """FINE, spoken then, ended this case."""
        self._said_fine.answered(case, spoke_at_s)

    def seen_upright(self, track: int) -> None:
        """This one has got up: of the withheld falls, theirs are not judged again."""
        self._said_fine.forget()
        self._withheld = {known: held for known, held in self._withheld.items() if held[0].track != track}

    def explained_long_ago(self, event_id: str, now_s: float) -> bool:
        """Only once what explained it had its time to change: until then the event must come back as a fall."""
        times = (at_s for known, at_s in self._memory.explained if known == event_id)
        # a clock that was set back says nothing: then it is asked again
        return any(now_s - at_s > self._settings.withhold_s for at_s in times)

    def _review_withheld(self, now_s: float) -> None:
        """Who rolls out of bed is seen on the floor before the mattress has noticed: look again until it has."""
        for event, since_s, reason in tuple(self._withheld.values()):
            got_up = reason == SAID_FINE and self._upright_since_fine(event, now_s) is Upright.SEEN
            got_up = got_up or (reason == SAID_LATELY and self._senses.all_up(event.people, now_s))
            suspect, lately = self._judge(event, now_s).suspect, reason == SAID_LATELY
            # what was said lately is over by itself: then they are asked, however long ago they lay down
            over = elapsed_s(since_s, now_s) > self._settings.withhold_s and not lately
            if got_up or suspect or over or (lately and not self._said_fine.lately(now_s)):
                del self._withheld[event.id]
                if suspect and not got_up and not over:
                    self.follow(event, now_s)

    def _review_absence(self, now_s: float) -> None:
        left_at_s, settings = self._memory.left_at_s, self._settings
        if left_at_s is None:
            return
        upright = self._senses.upright(left_at_s, now_s, late_s=self._senses.bed_latency_s)
        if not self._memory.by_night and not self._senses.shows_bed(now_s):
            upright = Upright.UNKNOWN  # a bed out of view may be left and never seen
        verdict = judge_absence(upright, by_night=self._memory.by_night)
        limit_s = settings.bed_exit_unseen_s
        if self._memory.by_night:
            soon = verdict.outcome is Outcome.CHECK_SOON
            limit_s = min(limit_s, settings.bed_exit_tolerance_s) if soon else settings.bed_exit_tolerance_s
        if elapsed_s(left_at_s, now_s) < limit_s:
            return
        self._memory = replace(self._memory, left_at_s=None)
        if verdict.outcome is Outcome.NOTHING:
            self._cases.effects.append(StoreBed(self._memory))
            return
        source, reason = f"left-bed-{left_at_s:.3f}", verdict.reason
        known = self._cases.emergency(now_s) or self._cases.joinable((AlarmType.BED_EXIT,), now_s)
        # an absence makes no fall surer
        left = Evidence(source, AlarmType.BED_EXIT, reason, left_at_s, 0.0 if known else 1.0)
        if known:
            self._cases.join(known, left, now_s)
        elif not self._cases.knows(source):
            self._cases.check(self._cases.opened(left, now_s), now_s)
        # after the alarm's own effects: a crash in between then opens it again under the same id, and loses nothing
        self._cases.effects.append(StoreBed(self._memory))

    def _review_feed(self, now_s: float) -> None:
        """A stale feed is a fault, once an outage. A mattress that never spoke is left to diagnostics."""
        limit_s = self._settings.bed_stale_alarm_s
        if self._senses.bed is None or limit_s is None:
            return
        if presence_now(self._senses.bed, now_s, self._settings.bed_fresh_s) is not Presence.UNKNOWN:
            self._stale_since_s = None
            return
        if self._stale_since_s is None:
            self._stale_since_s = now_s
        source = f"bed-stale-{self._stale_since_s:.3f}"
        if elapsed_s(self._stale_since_s, now_s) < limit_s or self._cases.knows(source):
            return
        if self._cases.joinable((AlarmType.DEVICE,), now_s) is None:
            stale = Evidence(source, AlarmType.DEVICE, "bed_feed_stale", self._stale_since_s, 1.0)
            self._cases.raise_alarm(self._cases.opened(stale, now_s), None, now_s)

    def _review_wet(self, now_s: float) -> None:
        """A bed that stays wet is told, once until it has been dry for a while: sensors flicker, sheets dry slowly."""
        bed, limit_s = self._senses.bed, self._settings.bed_wet_s
        if bed is None or limit_s < 0:
            return
        known = presence_now(bed, now_s, self._settings.bed_fresh_s) is not Presence.UNKNOWN
        if (wet := bed.wet if known else None) is not self._wet[0]:
            self._wet = (wet, now_s)
        held_s, told = elapsed_s(self._wet[1], now_s), self._memory.wet_told
        if wet is None or wet is told or held_s < (limit_s if wet else DRY_S):
            return
        source = f"bed-wet-{self._wet[1]:.3f}"
        if wet and self._cases.joinable((AlarmType.WET,), now_s) is None and not self._cases.knows(source):
            soaked = Evidence(source, AlarmType.WET, "bed_wet", self._wet[1], 1.0)
            self._cases.raise_alarm(self._cases.opened(soaked, now_s), None, now_s)
        self._memory = replace(self._memory, wet_told=wet)
        self._cases.effects.append(StoreBed(self._memory))

    def _judge(self, event: FallEvent, now_s: float) -> Verdict:
        return judge(
            event,
            self._senses.witness,
            now_s,
            fresh_s=self._settings.bed_fresh_s,
            residents=self._settings.residents,
            vitals=self._senses.vitals(now_s),
            upright=self._upright_since_fine(event, now_s),
            said=self._said(event, now_s),
        )

    def _said(self, event: FallEvent, now_s: float) -> Said:
        if self._said_fine.lately(now_s):
            return Said.LATELY
        return Said.NOTHING if self._said_fine.since(event.zone, now_s) is None else Said.FINE

    def _upright_since_fine(self, event: FallEvent, now_s: float) -> Upright:
        said_at_s = self._said_fine.since(event.zone, now_s)
        return Upright.UNKNOWN if said_at_s is None else self._senses.upright(said_at_s, now_s)
