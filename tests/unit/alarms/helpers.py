"""A robot in miniature: the book, a real journal in memory, and a list of what was done."""

from __future__ import annotations

import sqlite3
from typing import TypeVar

from robot.alarms.book import AlarmBook
from robot.alarms.effects import Ask, Effect, Effects, Report, Tell
from robot.alarms.settings import AlarmSettings
from robot.alarms.store import AlarmStore
from robot.messages import (
    AlarmPhase,
    BedState,
    FallEvent,
    FallReason,
    Language,
    Presence,
    Receipt,
    ReceiptKind,
    SafetyKind,
    SafetyWord,
)

SETTINGS = AlarmSettings(device="hani-test")
T = TypeVar("T")


def fall(event_id: str = "f1", reason: FallReason = FallReason.FAST_DROP, at_s: float = 0.0, **kw: bool) -> FallEvent:
    return FallEvent(event_id, reason, 0.9, 1, at_s, at_s, **kw)


def word(
    word_id: str = "w1", certain: bool = True, at_s: float = 0.0, kind: SafetyKind = SafetyKind.HELP
) -> SafetyWord:
    return SafetyWord(word_id, kind, Language.MN, certain, at_s)


def bed(
    presence: Presence, at_s: float, *, since_s: float = -1e6, fresh: bool = True, latency_s: float | None = None
) -> BedState:
    return BedState(presence, fresh, since_s, at_s, latency_s=latency_s)


def receipt(
    alarm_id: str, kind: ReceiptKind, at_s: float = 0.0, by: str | None = None, revision: int | None = None
) -> Receipt:
    return Receipt(f"r-{kind.value}", alarm_id, kind, at_s, by, revision=revision)


class Robot:
    """Carries effects out as the node does: what is durable first, in one transaction, then the rest."""

    def __init__(self, settings: AlarmSettings = SETTINGS) -> None:
        self.settings = settings
        self.store = AlarmStore(sqlite3.connect(":memory:", isolation_level=None))
        self.reports: list[Report] = []
        self.done: list[Effect] = []
        self.start()

    def start(self) -> None:
        """Power up: everything the book knows comes from the journal."""
        self.book = AlarmBook(self.settings, self.store.load(), self.store.load_bed())

    def do(self, effects: Effects) -> Effects:
        self.done += self.store.commit(effects, self.reports.append)
        return effects

    def run(self, from_s: float, to_s: float) -> None:
        """Tick once a second through [from_s, to_s]."""
        for second in range(int(from_s), int(to_s) + 1):
            self.do(self.book.tick(float(second)))

    def of(self, kind: type[T]) -> list[T]:
        return [effect for effect in self.done if isinstance(effect, kind)]

    @property
    def told(self) -> list[str]:
        return [tell.purpose for tell in self.of(Tell)]

    @property
    def asked(self) -> list[int]:
        return [ask.number for ask in self.of(Ask)]

    @property
    def phases(self) -> list[AlarmPhase]:
        """Of the stored alarms, oldest first."""
        return [case.phase for case in self.store.load()]
