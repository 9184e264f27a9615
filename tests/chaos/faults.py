"""Which fault comes when: drawn from a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WEIGHTS = {"kill": 8, "pause": 3, "network": 4, "disk": 2, "clock": 2, "noise": 1}
DISKS = ("robots", "platform")
CLOCK_JUMPS_S = (-7200.0, -300.0, -30.0, 30.0, 300.0, 7200.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` happens to `target` `after_s` seconds after the fault before it, for `seconds`. `how` details it."""

    after_s: float
    kind: str
    target: str
    how: str
    seconds: float

    @property
    def name(self) -> str:
        return f"{self.kind} {self.target.rstrip('-0123456789')} {self.how}".strip()


def faults(seed: int, targets: Sequence[str], links: Sequence[str], gap_s: float) -> Iterator[Fault]:
    """An endless plan. `targets` are the processes by name, `links` the networks; `gap_s` is the mean between faults.

    First each kind once for each kind of target, in random order, so that a short run meets them all; then at random.
    """
    chance = random.Random(seed)
    everything = _everything(targets, links)
    chance.shuffle(everything)
    for kind, group in everything:
        yield _fault(chance, kind, group, targets, links, gap_s)
    kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
    while True:
        kind = chance.choices(kinds, weights)[0]
        group = chance.choice([group for one, group in everything if one == kind])
        yield _fault(chance, kind, group, targets, links, gap_s)


def round_of(targets: Sequence[str], links: Sequence[str]) -> int:
    """How many faults the first round has."""
    return len(_everything(targets, links))


def _everything(targets: Sequence[str], links: Sequence[str]) -> list[tuple[str, str]]:
    groups = _groups(targets)
    found = [("kill", group) for group in groups] + [("pause", group) for group in groups]
    found += [("network", link) for link in _groups(links)] + [("disk", disk) for disk in DISKS]
    return [*found, ("clock", "robots"), ("clock", "platform"), ("noise", "robots")]


def _groups(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.rstrip("-0123456789") for name in names))


def _fault(
    chance: random.Random, kind: str, group: str, targets: Sequence[str], links: Sequence[str], gap_s: float
) -> Fault:
    pool = {"network": links, "noise": links, "clock": [*targets, "platform"]}.get(kind, targets)
    named = [name for name in pool if name.rstrip("-0123456789") == group]
    target = chance.choice(named) if named else group
    how, seconds = "", chance.uniform(0.0, 3.0)
    if kind == "pause":
        seconds = chance.uniform(1.0, 8.0)
    elif kind == "network":
        how, seconds = chance.choice(("cut", "stall", "mute", "deaf", "half")), chance.uniform(1.0, 8.0)
    elif kind == "disk":
        seconds = chance.uniform(2.0, 8.0)
    elif kind == "clock":
        how, seconds = f"{chance.choice(CLOCK_JUMPS_S):+.0f} s", chance.uniform(3.0, 10.0)
    elif kind == "noise":
        seconds = chance.uniform(5.0, 15.0)
    return Fault(chance.expovariate(1 / gap_s), kind, target, how, seconds)
