"""Who lives with the alarms: a mattress (true or not), a resident who answers or not, a caregiver at the desk. Pure.

The alarm book and the mattress's presence are the real ones.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from robot.alarms.book import AlarmBook
from robot.alarms.effects import Ask, Effect, Report, Store, Suppressed
from robot.alarms.settings import AlarmSettings
from robot.errors import BadInput
from robot.mattress.codecs import decode, encode
from robot.mattress.fields import BedReading
from robot.mattress.presence import BedPresence
from robot.messages import AlarmPhase, AlarmType, Answer, BedState, FallEvent, Presence, Receipt, ReceiptKind, RoomView
from robot.simulation.life.life import Life

FORMAT, TOPIC = "sleepace", "bed/simulated"
SPEAKS_EVERY_S = 2.0
LAG_S = (1.0, 30.0)  # so late a pad tells, each home's its own: the range for which robot/alarms is set
QUESTION_S = 5.0  # "are you all right?" in two languages
HEARS = {"awake": 0.95, "asleep": 0.7, "away": 0.5}  # share of questions that are answered at all; by reasoning
TAKES_S = {"awake": (1.5, 5.0), "asleep": (4.0, 10.0), "away": (3.0, 9.0)}
CLEAR_SHARE = 0.9  # of the answers; the others cannot be understood
GET_UP_S, COMPANY_GET_UP_S, FINE_LATELY_S = 15.0, 30.0, 240.0  # as the alarm manager's own settings; a test compares
ASLEEP = ("night_sleep", "nap_on_bed", "doze_in_chair")


class Mattress(str, Enum):
    """How the mattress behaves."""

    TRUE = "true"
    NONE = "none"
    ALWAYS_IN = "always_in"
    ALWAYS_OUT = "always_out"
    STALE = "stale"
    DISCONNECTED = "disconnected"
    GARBAGE = "garbage"


class Bed:
    """The mattress of a life; `tick` gives a state when the real presence would publish one."""

    def __init__(self, life: Life, manner: Mattress) -> None:
        self._life, self._manner = life, manner
        self._presence = BedPresence()
        self._random = np.random.default_rng([life.seed, 7])
        self._lag_s = float(self._random.uniform(*LAG_S))
        self._felt: deque[tuple[float, bool]] = deque()
        self._speaks_at_s = 0.0
        self.state: BedState | None = None
        self.refused = 0
        self.unknown_s = 0.0

    @property
    def occupied(self) -> bool | None:
        """What the fall watcher is told."""
        state = self.state
        if state is None or not state.fresh or state.presence is Presence.UNKNOWN:
            return None
        return state.presence is Presence.IN_BED

    def tick(self, at_s: float, in_bed: bool) -> BedState | None:
        if self._manner is Mattress.NONE:
            return None
        states = []
        self._felt.append((at_s, in_bed))
        while len(self._felt) > 1 and self._felt[1][0] <= at_s - self._lag_s:
            self._felt.popleft()
        if at_s >= self._speaks_at_s:
            self._speaks_at_s = at_s + SPEAKS_EVERY_S
            reading = self._reading(at_s, self._felt[0][1])
            if reading is not None:
                states.append(self._presence.update(reading, at_s))
        states.append(self._presence.tick(at_s))
        published = next((state for state in reversed(states) if state is not None), None)
        self.state = published or self.state
        self.unknown_s += 1.0 if self.state is None or self.state.presence is Presence.UNKNOWN else 0.0
        return published

    def _reading(self, at_s: float, in_bed: bool) -> BedReading | None:
        manner, random = self._manner, self._random
        if manner is Mattress.STALE and at_s > self._life.duration_s / 3:
            return None
        if manner is Mattress.DISCONNECTED and at_s > self._life.duration_s / 3:
            return BedReading(connected=False)
        says = in_bed if manner not in (Mattress.ALWAYS_IN, Mattress.ALWAYS_OUT) else manner is Mattress.ALWAYS_IN
        vitals = (float(random.normal(66, 4)), float(random.normal(15, 1))) if says else (None, None)
        payload = encode(FORMAT, BedReading(in_bed=says, heart_rate_bpm=vitals[0], breath_rate_bpm=vitals[1]))
        if manner is Mattress.GARBAGE and random.random() < 0.7:
            spoilt = bytearray(payload)
            for _ in range(int(random.integers(1, 12))):
                spoilt[int(random.integers(len(spoilt)))] = int(random.integers(256))
            payload = bytes(spoilt[: int(random.integers(1, len(spoilt) + 1))])
        try:
            return decode(FORMAT, TOPIC, payload)
        except BadInput:
            self.refused += 1
            return None


@dataclass(frozen=True, slots=True)
class Told:
    """An alarm that was asked about, or raised: when first, and what had opened or joined it by then (event ids)."""

    at_s: float
    type: AlarmType
    reasons: tuple[str, ...]
    sources: tuple[str, ...]


class Household:
    """Feed it falls, beds and time; it records what was asked, raised, suppressed and answered.

    `asked` and `raised` are by alarm; `followed` says when an event opened or joined an alarm.
    """

    def __init__(self, life: Life) -> None:
        self._life = life
        self._random = np.random.default_rng([life.seed, 8])
        settings = AlarmSettings(
            "simulated", get_up_s=GET_UP_S, company_get_up_s=COMPANY_GET_UP_S, fine_lately_s=FINE_LATELY_S
        )
        self._book = AlarmBook(settings)
        self._coming: list[tuple[float, int, Any]] = []
        self._count = 0
        self._sources: dict[str, tuple[str, ...]] = {}
        self.asked: dict[str, Told] = {}
        self.raised: dict[str, Told] = {}
        self.followed: dict[str, float] = {}
        self.suppressed: Counter[str] = Counter()

    def on_fall(self, event: FallEvent, at_s: float) -> None:
        self._do(self._book.on_fall(event, at_s), at_s)

    def on_bed(self, state: BedState, at_s: float) -> None:
        self._do(self._book.on_bed(state, self._life.is_night(at_s), at_s), at_s)

    def on_view(self, view: RoomView) -> None:
        self._book.on_view(view)

    def tick(self, at_s: float) -> None:
        while self._coming and self._coming[0][0] <= at_s:
            due_s, _, what = heapq.heappop(self._coming)
            if isinstance(what, Receipt):
                self._do(self._book.on_receipt(what, at_s), at_s)
            elif self._life.is_down(due_s) is None:  # not fallen between the question and the answer
                self._do(self._book.on_answer(what, due_s, at_s), at_s)
        self._do(self._book.tick(at_s), at_s)

    def _do(self, effects: Iterable[Effect], at_s: float) -> None:
        for effect in effects:
            if isinstance(effect, Store):
                self._sources[effect.alarm.id] = effect.case.source_ids
                if effect.case.phase is not AlarmPhase.SUSPECTED:  # nobody was asked or called yet
                    for source in effect.case.source_ids:
                        self.followed.setdefault(source, at_s)
            elif isinstance(effect, Ask):
                alarm = next(a for a in self._book.open_alarms if a.id == effect.alarm_id)
                self.asked.setdefault(alarm.id, Told(at_s, alarm.type, alarm.reasons, self._sources[alarm.id]))
                self._answer(at_s)
            elif isinstance(effect, Suppressed):
                self.suppressed[effect.reason] += 1
            elif (
                isinstance(effect, Report) and effect.phase is AlarmPhase.RAISED and effect.alarm.id not in self.raised
            ):
                alarm = effect.alarm
                self.raised[alarm.id] = Told(at_s, alarm.type, alarm.reasons, self._sources[alarm.id])
                self._caregiver(alarm.id, at_s)

    def _answer(self, at_s: float) -> None:
        """Whoever is well says so; whoever lies on the floor is silent."""
        if self._life.is_down(at_s + QUESTION_S) is not None:
            return
        doing = self._life.doing(at_s)
        away = self._life.resident.places(np.array([at_s])).y_m[0] < 0
        how = (
            "away"
            if away
            else "asleep"
            if any(name in doing for name in ASLEEP) and "night_walk" not in doing
            else "awake"
        )
        if self._random.random() < HEARS[how]:
            answer = Answer.FINE if self._random.random() < CLEAR_SHARE else Answer.UNCLEAR
            self._later(at_s + QUESTION_S + float(self._random.uniform(*TAKES_S[how])), answer)

    def _caregiver(self, alarm_id: str, at_s: float) -> None:
        """Receives, looks, comes: closes when the resident is up again, or after four minutes."""
        fall = self._life.is_down(at_s, slack_s=60)
        closed_s = max(at_s + 90, fall.up_s + 100) if fall else at_s + 240
        receipts = (ReceiptKind.RECEIVED, 1.0), (ReceiptKind.ACKNOWLEDGED, float(self._random.uniform(15, 50)))
        for kind, after_s in receipts:
            self._later(
                at_s + after_s, Receipt(f"{alarm_id}/{kind.value}", alarm_id, kind, at_s + after_s, "caregiver")
            )
        self._later(
            closed_s, Receipt(f"{alarm_id}/closed", alarm_id, ReceiptKind.CLOSED, closed_s, "caregiver", "seen to")
        )

    def _later(self, at_s: float, what: Receipt | Answer) -> None:
        self._count += 1
        heapq.heappush(self._coming, (at_s, self._count, what))
