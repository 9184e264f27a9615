"""The timeline: what was heard, understood, said, seen and raised, with how long each took. Pure, but for one file.

It exists for the simulated home only, whose residents are recordings: a real home writes no such file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Value = str | float | bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at `at_s` (Unix seconds); `took_s`: how long it took, None where that has no meaning."""

    at_s: float
    kind: str
    fields: Mapping[str, Value]
    took_s: float | None = None

    def line(self) -> str:
        record = {"at_s": round(self.at_s, 3), "kind": self.kind, **self.fields}
        if self.took_s is not None:
            record["took_s"] = round(self.took_s, 3)
        return json.dumps(record, ensure_ascii=False)

    def matches(self, kind: str, where: Mapping[str, str]) -> bool:
        return self.kind == kind and all(str(self.fields.get(key)) == value for key, value in where.items())


@dataclass(slots=True)
class Timeline:
    """Keeps events in order, writes them as JSON lines, and tells listeners."""

    path: Path | None = None
    events: list[Event] = field(default_factory=list)
    on_event: Callable[[Event], None] | None = None

    def add(self, event: Event) -> None:
        self.events.append(event)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(event.line() + "\n")
        if self.on_event is not None:
            self.on_event(event)

    def find(self, kind: str, where: Mapping[str, str], since: int) -> Event | None:
        """The first matching event at index `since` or later."""
        return next((event for event in self.events[since:] if event.matches(kind, where)), None)
