"""A step of load in figures. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from robot.simulation.fleet.arrivals import Step
from robot.simulation.fleet.load import Tally


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """n, and p50, p99 and max in milliseconds; without values only n."""
    ordered = sorted(seconds)
    if not ordered:
        return {"n": 0}

    def at(share: float) -> float:
        return round(1000 * ordered[math.ceil(share * len(ordered)) - 1], 1)

    return {"n": len(ordered), "p50": at(0.5), "p99": at(0.99), "max": round(1000 * ordered[-1], 1)}


def figures(step: Step, tally: Tally) -> dict[str, Any]:
    """What the step asked for, what went out, how long alarms and events took, and what lay on the wire."""
    sent = sum(tally.sent.values())
    waits: defaultdict[str, list[float]] = defaultdict(list)
    for done in tally.done:
        waits[done.leaf].append(done.acked_s - done.intended_s)
    return {
        "rate": step.rate,
        "seconds": step.seconds,
        "sent": sent,
        "sent_a_second": round(sent / step.seconds, 1),
        "sent_by_leaf": dict(tally.sent),
        "alarm_ms": spread(waits["e/alarm"]),
        "event_ms": spread(waits["e/event"]),
        "bed_ms": spread(waits["t/bed"]),
        "generator_late_ms": spread(tally.late_s),
        "repeated": tally.repeated,
        "unacknowledged": tally.unacknowledged,
        "settle_s": round(tally.settle_s, 2),
        "bytes_up": dict(tally.bytes_up),
        "bytes_down": tally.bytes_down,
        "packets_down": tally.packets_down,
    }
