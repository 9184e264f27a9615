"""What the sensors said lately, as far as fusion asks for it. Pure; after a restart all of it is unknown."""

from __future__ import annotations

from dataclasses import replace

from robot.alarms.case import CLOCK_SLACK_S
from robot.alarms.fusion import Outcome, Upright, Verdict, Vitals, judge_rest, presence_now, view_now
from robot.alarms.settings import AlarmSettings
from robot.messages import BedState, Presence, RoomView

_PAD_LATENCY_S = 30.0  # where neither the setting nor the mattress says; the slowest published pad pushes every 30 s


_UP_S = 2.0  # one wrong look is nobody; chosen


class Senses:
    """The newest bed and room, and what must be remembered about them to tell "lost" and "not seen" from unknown."""

    def __init__(self, settings: AlarmSettings) -> None:
        self._settings = settings
        self.bed: BedState | None = None
        self._view: RoomView | None = None
        self._vitals: tuple[float, float] | None = None  # (since when in bed, when last measured)
        self._seeing_since_s: float | None = None
        self._upright_at_s: float | None = None
        self._all_up_since_s: float | None = None
        self._odd: tuple[str, float] | None = None  # (reason, since when the sensors contradict each other)

    @property
    def bed_latency_s(self) -> float:
        """So late may an exit be told: as set, else as the mattress says of itself, else as a pad."""
        set_s, told_s = self._settings.bed_latency_s, self.bed.latency_s if self.bed else None
        return set_s if set_s >= 0 else _PAD_LATENCY_S if told_s is None else told_s

    @property
    def witness(self) -> BedState | None:
        """The bed as fusion weighs it, with the latency that counts."""
        return self.bed and replace(self.bed, latency_s=self.bed_latency_s)

    def take_bed(self, bed: BedState) -> None:
        self.bed = bed
        measured = bed.heart_rate_bpm is not None or bed.breath_rate_bpm is not None
        if bed.fresh and bed.presence is Presence.IN_BED and bed.measured_at_s is not None and measured:
            self._vitals = (bed.since_at_s, bed.measured_at_s)

    def take_view(self, view: RoomView) -> None:
        before, self._view = self._view, view
        sees = view.sees and view.upright is not None
        gap = before is None or not 0 <= view.at_s - before.at_s <= self._settings.view_fresh_s
        if not sees:
            self._seeing_since_s = None
        elif self._seeing_since_s is None or gap:
            self._seeing_since_s = view.at_s
        if sees and view.upright:
            self._upright_at_s = view.at_s
        if not (sees and view.upright and not view.low):
            self._all_up_since_s = None
        elif self._all_up_since_s is None or gap:
            self._all_up_since_s = view.at_s

    def vitals(self, now_s: float) -> Vitals:
        """Of who is in bed now."""
        bed = self.bed
        if presence_now(bed, now_s, self._settings.bed_fresh_s) is not Presence.IN_BED or bed is None:
            return Vitals.UNKNOWN
        if self._vitals is None or self._vitals[0] != bed.since_at_s:
            return Vitals.UNKNOWN
        silent_s = now_s - self._vitals[1]
        return Vitals.MEASURED if silent_s <= self._settings.vitals_lost_s else Vitals.LOST

    def upright(self, since_at_s: float, now_s: float, *, late_s: float = 0.0) -> Upright:
        """Since a moment that may have been told up to `late_s` after it was: then whoever got up is back that far."""
        from_s = since_at_s - max(late_s, CLOCK_SLACK_S)
        if self._upright_at_s is not None and from_s <= self._upright_at_s <= now_s + CLOCK_SLACK_S:
            return Upright.SEEN
        fresh = view_now(self._view, now_s, self._settings.view_fresh_s) is not None
        seeing_s = self._seeing_since_s
        watched = seeing_s is not None and seeing_s <= since_at_s - late_s + self._settings.view_fresh_s
        return Upright.NOT_SEEN if fresh and watched else Upright.UNKNOWN

    def all_up(self, people: int, now_s: float) -> bool:
        """Whether the camera has seen so many upright, and nobody low, for a moment: a visitor who stands while the
        model overlooks who lies there is not enough.
        """
        view = view_now(self._view, now_s, self._settings.view_fresh_s)
        enough = view is not None and (view.upright or 0) >= max(people, 1)
        return enough and self._all_up_since_s is not None and now_s - self._all_up_since_s >= _UP_S

    def shows_bed(self, now_s: float) -> bool:
        """Whether a camera sees the room now, and a bed was drawn in its picture."""
        view = view_now(self._view, now_s, self._settings.view_fresh_s)
        return view is not None and view.in_bed is not None

    def fault(self, now_s: float) -> str:
        """Why the sensors cannot all be right, once they have contradicted each other for a while; or ""."""
        settings = self._settings
        view = view_now(self._view, now_s, settings.view_fresh_s)
        verdict: Verdict = judge_rest(
            self.witness,
            view,
            now_s,
            fresh_s=settings.bed_fresh_s,
            residents=settings.residents,
            vitals=self.vitals(now_s),
        )
        if verdict.outcome is not Outcome.FAULT:
            self._odd = None
            return ""
        if self._odd is None or self._odd[0] != verdict.reason or self._odd[1] > now_s:
            self._odd = (verdict.reason, now_s)
        return verdict.reason if now_s - self._odd[1] >= settings.disagree_s else ""
