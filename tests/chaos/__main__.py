"""`make chaos`: alarms under every fault we can think of; 0 lost, 0 shown twice, order kept, audit valid.

    python -m tests.chaos --alarms 10000 --seed 7 --store postgres
    python -m tests.chaos --short

Exits 1 when a promise was broken. The seed decides which faults come in which order; the moments at which processes
meet them are the machine's.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.chaos import judge
from tests.chaos.conductor import HOSTS, ROBOTS, Chaos
from tests.chaos.parts import ROOT, STORES, exists
from tests.chaos.record import Plan, Record, recoveries
from tests.chaos.robots import device_name, facts

SHORT: dict[str, Any] = {"alarms": 300, "rate": 12.0, "gap_s": 1.0, "quiet_s": 300.0, "limit_s": 300.0}
LISTED = 20


def run(
    folder: Path, plan: Plan, say: Callable[[str], None]
) -> tuple[judge.Verdict, Record, dict[str, list[dict[str, Any]]]]:
    """One run and its verdict."""
    with Chaos(folder, plan, say) as chaos:
        record = chaos.run()
        found = judged(chaos, record)
        chaos.keep = not found[0].passed
        return found


def judged(chaos: Chaos, record: Record) -> tuple[judge.Verdict, Record, dict[str, list[dict[str, Any]]]]:
    """Compare what the robots were promised with what the platform, its page and the government have."""
    verdict = judge.Verdict()
    ledgers = {f"robots-{host}": list(facts(chaos.ledger / f"robots-{host}.jsonl")) for host in range(HOSTS)}
    promised: dict[str, judge.Made] = {}
    reports: list[str] = []
    events: list[tuple[str, str]] = []
    thinned: dict[str, int] = {}
    for host, ledger in enumerate(ledgers.values()):
        devices = {robot: device_name(host, robot) for robot in range(ROBOTS)}
        promised |= judge.made(ledger, devices)
        reports += [fact["id"] for fact in ledger if fact.get("what") == "made"]
        events += [(devices[fact["robot"]], fact["id"]) for fact in ledger if fact.get("what") == "event"]
        gone = chaos.status_of(f"robots-{host}").get("thinned", {})
        thinned |= {devices[int(robot)]: count for robot, count in gone.items()}
    platform = chaos.platform
    rows = [
        judge.Row(*row)
        for row in _rows(platform, "SELECT alarm_id, device, revision, phase, acknowledged_by, closed_by FROM alarms")
        if row[1].startswith("chaos-")
    ]
    ours = {row.alarm_id for row in rows if row.alarm_id in promised}
    judge.check_alarms(verdict, promised, rows)
    messages = [id_ for (id_,) in _rows(platform, "SELECT message_id FROM messages WHERE kind <> 'telemetry'")]
    judge.check_messages(verdict, reports, messages)
    judge.check_events(verdict, events, set(messages), thinned)
    log = [
        judge.Line(*row) for row in _rows(platform, "SELECT alarm_id, what, phase, revision FROM alarm_log ORDER BY id")
    ]
    judge.check_order(verdict, log)
    open_ = [row.alarm_id for row in rows if row.phase not in judge.ENDED]
    judge.check_page(verdict, open_, [row["alarm_id"] for row in chaos.people[0].alarms()])
    _check_answers(verdict, record, rows, ledgers)
    verdict.twice += [f"{alarm_id}: twice on the page at one moment" for alarm_id in record.seen_twice]
    verdict.backwards += record.shown_back
    if "bridge" in platform.parts:
        concerned = {line.alarm_id for line in log if line.phase in ("raised", "acknowledged")} & ours
        wanted = {row.alarm_id: row.phase for row in rows if row.alarm_id in concerned}
        told = [one[1:] for one in chaos.government.told if one.alarm_id in ours]
        judge.check_government(verdict, wanted, told)
    if exists("robot.fleet.audit"):
        _check_audit(verdict, chaos)
    if record.quiet_s is None:
        verdict.lost.append(f"it did not become quiet in time: {record.unrest}")
    return verdict, record, ledgers


def _check_answers(
    verdict: judge.Verdict, record: Record, rows: Sequence[judge.Row], ledgers: Mapping[str, list[dict[str, Any]]]
) -> None:
    """What a person did to an alarm holds, and its robot heard of it."""
    by_id = {row.alarm_id: row for row in rows}
    heard = {
        (fact["alarm"], fact["kind"]) for facts in ledgers.values() for fact in facts if fact.get("what") == "receipt"
    }
    for alarm_id, word in record.answered.items():
        row = by_id.get(alarm_id)
        if row is None or (row.acknowledged_by if word == "acknowledged" else row.closed_by) is None:
            verdict.unanswered.append(f"{alarm_id}: {word} by a person, not kept")
        elif (alarm_id, word) not in heard:
            verdict.unanswered.append(f"{alarm_id}: {word} by a person, its robot never heard")
    verdict.notes["answers by people"] += len(record.answered)


def _check_audit(verdict: judge.Verdict, chaos: Chaos) -> None:
    platform = chaos.platform
    command = [sys.executable, "-m", "robot.fleet.audit", "verify", "--data", str(platform.data / "fleet")]
    done = subprocess.run(
        [*command, "--database-url", platform.url], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )
    verdict.audit_valid = done.returncode == 0
    verdict.audit = (done.stdout or done.stderr).strip()[-200:]


def _rows(platform: Any, question: str) -> list[Any]:
    found = platform.rows(question)
    if found is None:
        raise RuntimeError(f"the platform's database does not answer: {question}")
    return list(found)


def table(plan: Plan, verdict: judge.Verdict, record: Record, ledgers: Mapping[str, list[dict[str, Any]]]) -> str:
    """The run for people."""
    lines = [f"chaos: store {plan.store}, seed {plan.seed}, {HOSTS * ROBOTS} robots in {HOSTS} processes", ""]
    counts = Counter(injected.fault.name for injected in record.injected)
    healed = recoveries(record, dict(ledgers))
    lines.append(f"{'fault':<28}{'times':>6}   until the next alarm was committed, s (median, longest)")
    for name in sorted(counts):
        waits = healed.get(name, [])
        shown = f"{statistics.median(waits):>8.2f} {max(waits):>8.2f}" if waits else "       -        -"
        lines.append(f"{name:<28}{counts[name]:>6}   {shown}")
    lines.append(f"{'packets (noise)':<28}{sum(record.network.values()):>6}   {dict(record.network)}")
    lines.append("")
    figures = {
        "faults injected": sum(counts.values()),
        "alarms made": verdict.made,
        "reports made": verdict.reports,
        "lost": len(verdict.lost),
        "shown twice": len(verdict.twice),
        "out of order": len(verdict.backwards),
        "people's answers lost": len(verdict.unanswered),
        "audit": "valid" if verdict.audit_valid else "BROKEN",
        "appends refused by a full disk, tried again": record.refused,
        **verdict.notes,
        "processes that ended by themselves": record.fell or 0,
        "making, s": round(record.busy_s),
        "until silence, s": "never" if record.quiet_s is None else round(record.quiet_s, 1),
    }
    lines += [f"{name:<52}{value}" for name, value in figures.items()]
    waits = received_after(ledgers)
    if waits:
        cut = sorted(waits)
        p50, p99 = cut[len(cut) // 2], cut[int(0.99 * (len(cut) - 1))]
        lines.append(f"{'raised to known received, s (p50, p99, longest)':<52}{p50:.2f}  {p99:.2f}  {cut[-1]:.2f}")
    for name in ("lost", "twice", "backwards", "unanswered"):
        found = getattr(verdict, name)
        lines += [f"  {name}: {line}" for line in found[:LISTED]]
        if len(found) > LISTED:
            lines.append(f"  {name}: and {len(found) - LISTED} more")
    if not verdict.audit_valid:
        lines.append(f"  audit: {verdict.audit}")
    return "\n".join(lines)


def received_after(ledgers: Mapping[str, list[dict[str, Any]]]) -> list[float]:
    """Seconds from each alarm's raising until its robot knew that the platform had it, outages included."""
    raised, waits = {}, []
    for facts_ in ledgers.values():
        for fact in facts_:
            if fact.get("what") == "made" and fact["phase"] == "raised":
                raised[fact["alarm"]] = fact["mono_s"]
            elif fact.get("what") == "receipt" and fact["kind"] == "received" and fact["alarm"] in raised:
                waits.append(fact["mono_s"] - raised.pop(fact["alarm"]))
    return waits


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--alarms", type=int, default=Plan.alarms)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--rate", type=float, default=Plan.rate, help="alarms a second in all")
    parser.add_argument("--gap", type=float, default=Plan.gap_s, help="seconds between faults on average")
    parser.add_argument("--short", action="store_true", help="300 alarms, each fault about once")
    parser.add_argument("--keep", type=Path, help="folder for everything, kept afterwards")
    chosen = parser.parse_args(arguments)
    plan = Plan(chosen.alarms, chosen.seed, chosen.store, chosen.rate, chosen.gap)
    if chosen.short:
        plan = Plan(seed=chosen.seed, store=chosen.store, **SHORT)
    folder = (chosen.keep or Path(tempfile.mkdtemp(prefix="hani-chaos-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # PostgreSQL is another user
    tell(f"chaos: seed {plan.seed}, in {folder}")
    began_s = time.monotonic()
    verdict, record, ledgers = run(folder, plan, tell)
    tell(table(plan, verdict, record, ledgers))
    tell(f"{'in all, s':<52}{time.monotonic() - began_s:.0f}")
    tell("passed" if verdict.passed else f"FAILED (seed {plan.seed}, store {plan.store})")
    if not chosen.keep and verdict.passed:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
