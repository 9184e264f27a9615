"""What the robots were promised against what the platform has. Pure: ledgers and rows in, a verdict out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ENDED = ("closed", "cancelled")


class Made(NamedTuple):
    """The newest phase that an append returned for."""

    device: str
    revision: int
    phase: str


class Row(NamedTuple):
    """An alarm as the platform has it."""

    alarm_id: str
    device: str
    revision: int
    phase: str
    acknowledged_by: str | None = None
    closed_by: str | None = None


class Line(NamedTuple):
    """A line of the platform's alarm log, in its order."""

    alarm_id: str
    what: str
    phase: str
    revision: int


@dataclass
class Verdict:
    """What is wrong, by alarm or message; `notes` are counts that are no fault."""

    made: int = 0
    reports: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    backwards: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)  # a person's word that the robot never heard
    audit: str = ""
    audit_valid: bool = True
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> bool:
        return not (self.lost or self.twice or self.backwards or self.unanswered) and self.audit_valid and self.made > 0


def made(facts: Iterable[Mapping[str, Any]], device_of: Mapping[int, str]) -> dict[str, Made]:
    """The promise of one ledger: for each alarm the newest phase whose append returned."""
    newest: dict[str, Made] = {}
    for fact in facts:
        if fact.get("what") == "made":
            before = newest.get(fact["alarm"])
            if before is None or fact["revision"] > before.revision:
                newest[fact["alarm"]] = Made(device_of[fact["robot"]], fact["revision"], fact["phase"])
    return newest


def check_alarms(verdict: Verdict, promised: Mapping[str, Made], rows: Sequence[Row]) -> None:
    """Every alarm once, as its robot saw it last; a person's word stands above the robot's."""
    verdict.made += len(promised)
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.alarm_id].append(row)
    for alarm_id, promise in promised.items():
        here = found[alarm_id]
        if not here:
            verdict.lost.append(f"{alarm_id} of {promise.device}: not there at all")
            continue
        if len(here) > 1:
            verdict.twice.append(f"{alarm_id}: {len(here)} rows")
        row = here[0]
        if row.device != promise.device:
            verdict.lost.append(f"{alarm_id}: stands under {row.device}, is of {promise.device}")
        if row.revision != promise.revision:
            verdict.lost.append(f"{alarm_id} of {promise.device}: revision {row.revision}, made {promise.revision}")
        elif row.phase != promise.phase and not _by_person(row, promise):
            verdict.lost.append(f"{alarm_id} of {promise.device}: {row.phase}, made {promise.phase}")


def _by_person(row: Row, promise: Made) -> bool:
    """Whether a person explains that the platform says something else than the robot."""
    if row.closed_by is not None:
        return row.phase == "closed"
    return row.acknowledged_by is not None and row.phase in ("acknowledged", "raised") and promise.phase not in ENDED


def check_messages(verdict: Verdict, promised: Iterable[str], messages: Iterable[str]) -> None:
    """Every report of an alarm that an append returned for is kept once."""
    counts, wanted = Counter(messages), set(promised)
    verdict.reports += len(wanted)
    verdict.lost += [f"report {id_}" for id_ in sorted(wanted - counts.keys())]
    verdict.twice += [f"report {id_}: {count} times" for id_, count in counts.items() if count > 1]


def check_events(
    verdict: Verdict, promised: Iterable[tuple[str, str]], kept: Collection[str], thinned: Mapping[str, int]
) -> None:
    """Every event is kept, but for those that a robot gave up on a full disk and told the platform of.

    `promised` are (device, event id); `thinned` says of how many reports a device has told that they are gone.
    """
    missing = Counter(device for device, id_ in promised if id_ not in kept)
    for device, count in missing.items():
        if count > thinned.get(device, 0):
            verdict.lost.append(f"{count} events of {device}, which gave up {thinned.get(device, 0)} reports")
    verdict.notes["events given up on a full disk, and told"] += sum(missing.values())


def check_order(verdict: Verdict, log: Sequence[Line]) -> None:
    """What was shown of an alarm never went back: revisions only rise, and a closed alarm stays closed."""
    newest: dict[str, Line] = {}
    for line in log:
        if line.what == "late_report":
            verdict.notes["came after a newer revision, shown to nobody"] += 1
        if line.what != "reported":
            continue
        before = newest.get(line.alarm_id)
        if before is not None and line.revision == before.revision:
            verdict.twice.append(f"{line.alarm_id}: revision {line.revision} taken twice")
        elif before is not None and line.revision < before.revision:
            verdict.backwards.append(f"{line.alarm_id}: revision {line.revision} after {before.revision}")
        elif before is not None and before.phase == "closed" and line.phase != "closed":
            verdict.backwards.append(f"{line.alarm_id}: {line.phase} after closed")
        newest[line.alarm_id] = line


def check_page(verdict: Verdict, open_alarms: Iterable[str], shown: Sequence[str]) -> None:
    """Every open alarm stands on the page, and none twice."""
    counts = Counter(shown)
    verdict.twice += [f"{alarm_id}: {count} times on the page" for alarm_id, count in counts.items() if count > 1]
    verdict.lost += [f"{alarm_id}: open, and not on the page" for alarm_id in open_alarms if alarm_id not in counts]
    verdict.notes["alarms on the page at the end"] += len(counts)


def check_government(verdict: Verdict, wanted: Mapping[str, str], told: Sequence[tuple[str, str, str]]) -> None:
    """Of every alarm that concerns the government its last phase was told, each change once and in order.

    `wanted` is alarm id to phase; `told` are (alarm id, event, phase) in the order in which they were accepted.
    """
    last: dict[str, tuple[str, str]] = {}
    for alarm_id, event, phase in told:
        before = last.get(alarm_id)
        if before is not None and before == (event, phase) and event not in ("severity", "reopened"):
            verdict.twice.append(f"{alarm_id}: the government was told {event} twice")
        if before is not None and before[1] == "closed":
            verdict.backwards.append(f"{alarm_id}: the government was told {event} after closed")
        last[alarm_id] = (event, phase)
    for alarm_id, phase in wanted.items():
        if alarm_id not in last:
            verdict.lost.append(f"{alarm_id}: the government was never told")
        elif last[alarm_id][1] != phase:
            verdict.lost.append(f"{alarm_id}: the government was told {last[alarm_id][1]}, it is {phase}")
    verdict.notes["things told to the government"] += len(told)
