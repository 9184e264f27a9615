"""What a run is to do, and what it leaves behind for the judge."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.faults import Fault


@dataclass(frozen=True)
class Plan:
    """What is to happen. `rate` alarms a second in all; `gap_s` between faults on average; `quiet_s` to recover in."""

    alarms: int = 10_000
    seed: int = 1
    store: str = "sqlite"
    rate: float = 22.0
    gap_s: float = 3.0
    quiet_s: float = 240.0
    limit_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that happened. Times are monotonic seconds."""

    fault: Fault
    began_s: float
    healed_s: float


@dataclass
class Record:
    """What a run leaves behind for the judge."""

    injected: list[Injected] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    fell: dict[str, int] = field(default_factory=dict)
    network: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    answered: dict[str, str] = field(default_factory=dict)  # alarm id -> "acknowledged" or "closed", as HTTP said
    seen_twice: list[str] = field(default_factory=list)
    shown_back: list[str] = field(default_factory=list)
    busy_s: float = 0.0
    quiet_s: float | None = None  # None: it never became quiet, because of `unrest`
    unrest: str = ""


def recoveries(record: Record, ledgers: dict[str, list[dict[str, Any]]]) -> dict[str, list[float]]:
    """For each kind of fault: seconds from its end until the next alarm raised after it was known to be committed."""
    raised: dict[str, list[tuple[float, str]]] = {}
    received: dict[str, float] = {}
    for host, facts in ledgers.items():
        raised[host] = [
            (fact["mono_s"], fact["alarm"])
            for fact in facts
            if fact.get("what") == "made" and fact["phase"] == "raised"
        ]
        for fact in facts:
            if fact.get("what") == "receipt" and fact["kind"] == "received":
                received.setdefault(fact["alarm"], fact["mono_s"])
    found: defaultdict[str, list[float]] = defaultdict(list)
    for injected in record.injected:
        hosts = [injected.fault.target] if injected.fault.target in raised else list(raised)
        after = [
            received[alarm]
            for host in hosts
            for at_s, alarm in raised[host]
            if at_s >= injected.healed_s and alarm in received
        ]
        if after:
            found[injected.fault.name].append(min(after) - injected.healed_s)
    return dict(found)
