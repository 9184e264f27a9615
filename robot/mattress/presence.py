"""From readings to presence: debounced, and unknown as soon as nobody vouches for it any more."""

from __future__ import annotations

from dataclasses import dataclass

from robot.errors import BadConfiguration
from robot.mattress.fields import BedReading
from robot.messages import BedState, Presence

# A clock may be slewed back a little; more than this, and it was set back.
CLOCK_SLACK_S = 5.0
# Messages overtake each other by less; chosen.
REPLAYED_S = 10.0


@dataclass(frozen=True, slots=True)
class PresenceSettings:
    """Durations in seconds. Raises BadConfiguration for a value outside its bounds.

    exit_hold_s: the bed must read empty for so long before that is believed (turning over lifts the weight for 1-2 s).
    return_hold_s: quicker, because believing a return too late alarms for nothing.
    stale_after_s: without a reading for so long nothing is known (design: offline shown within 90 s).
    repeat_s: an unchanged state is repeated after so long: listeners must tell a quiet night from a dead process.
    device_clock_trusted: refuse readings older than `stale_after_s` by the mattress's own clock; only for gateways that
        repeat a last value and keep time.
    quality_least: heart and breath of a lower quality are unknown (a share; chosen).
    latency_s: so late may the mattress itself tell an exit (`codecs.latency_s`); None where nobody says.
    """

    exit_hold_s: float = 4.0
    return_hold_s: float = 1.0
    stale_after_s: float = 60.0
    repeat_s: float = 10.0
    device_clock_trusted: bool = False
    quality_least: float = 0.5
    latency_s: float | None = None

    def __post_init__(self) -> None:
        bounds = (("exit_hold_s", 0.0, 60.0), ("return_hold_s", 0.0, 60.0), ("stale_after_s", 1.0, 600.0))
        for name, least, most in (*bounds, ("repeat_s", 0.1, 30.0), ("quality_least", 0.0, 1.0)):
            if not least <= getattr(self, name) <= most:
                raise BadConfiguration(f"mattress.{name} must lie in {least:g}..{most:g}")


@dataclass(frozen=True, slots=True)
class BedDetail:
    """What else the newest reading says; None where it says nothing, and everywhere once the feed is stale."""

    left: bool | None = None
    right: bool | None = None
    quality: float | None = None
    movement: float | None = None
    at_edge: bool | None = None
    wet: bool | None = None


class BedPresence:
    """Presence of one bed. `update` and `tick` return a state when there is something to publish, else None."""

    def __init__(self, settings: PresenceSettings | None = None) -> None:
        self._settings = settings or PresenceSettings()
        self._state: BedState | None = None
        self._published_at_s: float | None = None
        # what the readings say but has not held long enough: (presence, since when)
        self._candidate: tuple[Presence, float] | None = None
        self._heard_at_s: float | None = None
        self._vitals: tuple[float | None, float | None] = (None, None)
        self._sides: dict[str, tuple[bool, float]] = {}
        self._detail = BedDetail()
        self._wet: bool | None = None  # said once, it holds until the feed is stale: some tell it only as it changes
        # of the bed and of each side, whose clocks may differ: the newest measured, and when it came
        self._newest: dict[tuple[bool, bool], tuple[float, float]] = {}
        late_s = self._settings.latency_s
        self._latency_s = None if late_s is None else late_s + self._settings.exit_hold_s

    def update(self, reading: BedReading, now_s: float) -> BedState | None:
        """Take in a reading that arrived now. One that says nothing about presence keeps nothing fresh."""
        if reading.connected is False:
            self._heard_at_s = self._candidate = None
            self._sides.clear()
            return self.tick(now_s)
        if self._too_old(reading, now_s) or self._is_replayed(reading, now_s):
            return self.tick(now_s)
        if self._stale(now_s):
            self._wet = None
        self._wet = self._wet if reading.wet is None else reading.wet
        in_bed = self._together(reading, now_s)
        if in_bed is None:
            if reading.alive and self._heard_at_s is not None and not self._stale(now_s):
                self._heard_at_s = now_s
                self._take_rest(reading)
        else:
            if self._state is not None and self._stale(now_s):
                # whatever was believed before the gap, the bed may have been left and entered since
                self._state = self._next(now_s)
            self._heard_at_s = now_s
            self._take_rest(reading)
            said = Presence.IN_BED if in_bed else Presence.OUT_OF_BED
            if self._candidate is None or self._candidate[0] is not said:
                self._candidate = (said, now_s)
        return self.tick(now_s)

    def tick(self, now_s: float) -> BedState | None:
        """What time alone brings. Call it about once a second."""
        state = self._next(now_s)
        before, self._state = self._state, state
        changed = before is None or _word(before) != _word(state)
        due = self._published_at_s is None or not 0 <= now_s - self._published_at_s < self._settings.repeat_s
        if not changed and not due:
            return None
        self._published_at_s = now_s
        return state

    def detail(self, now_s: float) -> BedDetail:
        """What else is known now."""
        return BedDetail() if self._stale(now_s) else self._detail

    def _take_rest(self, reading: BedReading) -> None:
        good = reading.quality is None or reading.quality >= self._settings.quality_least
        self._vitals = (reading.heart_rate_bpm, reading.breath_rate_bpm) if good else (None, None)
        sides = {side: value for side, (value, _) in self._sides.items()}
        self._detail = BedDetail(
            sides.get("left"), sides.get("right"), reading.quality, reading.movement, reading.at_edge, reading.wet
        )

    def _together(self, reading: BedReading, now_s: float) -> bool | None:
        """Presence of a double bed whose sides speak in turn: empty only when both said so, lately."""
        for side, value in (("left", reading.left), ("right", reading.right)):
            if value is not None:
                self._sides[side] = (value, now_s)
        if reading.in_bed or (reading.left is None and reading.right is None):
            return reading.in_bed
        limit_s = self._settings.stale_after_s
        lately = [value for value, at_s in self._sides.values() if abs(now_s - at_s) <= limit_s]
        return True if True in lately else False if len(lately) == 2 else None

    def _next(self, now_s: float) -> BedState:
        settings, state = self._settings, self._state
        if self._stale(now_s):
            unknown_since_s = state.since_at_s if state and state.presence is Presence.UNKNOWN else now_s
            self._candidate = None
            return BedState(Presence.UNKNOWN, False, unknown_since_s, self._heard_at_s, latency_s=self._latency_s)
        presence, since_s = (state.presence, state.since_at_s) if state else (Presence.UNKNOWN, now_s)
        if self._candidate is not None and self._candidate[0] is not presence:
            said, said_since_s = self._candidate
            hold_s = settings.exit_hold_s if said is Presence.OUT_OF_BED else settings.return_hold_s
            if now_s - said_since_s >= hold_s:
                presence, since_s = said, said_since_s
        heart, breath = self._vitals if presence is Presence.IN_BED else (None, None)
        fresh = presence is not Presence.UNKNOWN
        wet = self._wet if fresh else None
        return BedState(presence, fresh, since_s, self._heard_at_s, heart, breath, self._latency_s, wet)

    def _stale(self, now_s: float) -> bool:
        """Also after the clock was set back: the age of the last reading is then unknown."""
        return self._heard_at_s is None or not (
            -CLOCK_SLACK_S <= now_s - self._heard_at_s <= self._settings.stale_after_s
        )

    def _too_old(self, reading: BedReading, now_s: float) -> bool:
        if not self._settings.device_clock_trusted or reading.measured_at_s is None:
            return False
        return now_s - reading.measured_at_s > self._settings.stale_after_s

    def _is_replayed(self, reading: BedReading, now_s: float) -> bool:
        """Whether it was measured before what came lately: a gateway that repeats an old "in bed" puts nobody back.

        Its clock need not be right. One that was set back is believed again once nothing newer came for a while.
        """
        sides = (reading.left is not None, reading.right is not None)
        if reading.measured_at_s is None or not (any(sides) or reading.in_bed is not None):
            return False
        newest_s, came_at_s = self._newest.get(sides, (reading.measured_at_s, now_s))
        lately = 0 <= now_s - came_at_s <= self._settings.stale_after_s
        if lately and reading.measured_at_s < newest_s - REPLAYED_S:
            return True
        self._newest[sides] = (max(newest_s, reading.measured_at_s) if lately else reading.measured_at_s, now_s)
        return False


def _word(state: BedState) -> tuple[Presence, bool, bool | None]:
    """What is told as soon as it changes."""
    return state.presence, state.fresh, state.wet
