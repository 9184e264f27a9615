"""When which robot says what: an open loop, drawn beforehand, that no slow platform can slow down. Pure."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Kind(str, Enum):
    STATE = "state"
    BED = "bed"
    EVENT = "event"
    ALARM = "alarm"


# of a hundred ordinary messages: state every 30 s, a bed summary every 60 s, and some twenty events an hour and robot
ORDINARY = ((Kind.STATE, 60), (Kind.BED, 30), (Kind.EVENT, 10))


class Arrival(NamedTuple):
    """At `at_s` seconds from the step's begin, robot number `robot` says something of a kind."""

    at_s: float
    robot: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of load. `alarm_rate` alarms a second come singly, `burst` more at one moment every `burst_every_s`."""

    rate: float
    seconds: float
    alarm_rate: float = 10.0
    burst: int = 50
    burst_every_s: float = 10.0


def arrivals(step: Step, robots: int, seed: int) -> Iterator[Arrival]:
    """The messages of a step in order, Poisson-distributed: `rate` ordinary ones a second, and the alarms."""
    return heapq.merge(
        _ordinary(step, robots, random.Random(f"{seed} ordinary")),
        _alarms(step, robots, random.Random(f"{seed} alarms")),
        _bursts(step, robots, random.Random(f"{seed} bursts")),
    )


def _moments(rate: float, seconds: float, chance: random.Random) -> Iterator[float]:
    at_s = chance.expovariate(rate) if rate > 0 else seconds
    while at_s < seconds:
        yield at_s
        at_s += chance.expovariate(rate)


def _ordinary(step: Step, robots: int, chance: random.Random) -> Iterator[Arrival]:
    """Each robot in turn, as robots that started at different moments do; in a random kind."""
    kinds = [kind for kind, share in ORDINARY for _ in range(share)]
    for number, at_s in enumerate(_moments(step.rate, step.seconds, chance)):
        yield Arrival(at_s, number % robots, chance.choice(kinds))


def _alarms(step: Step, robots: int, chance: random.Random) -> Iterator[Arrival]:
    for at_s in _moments(step.alarm_rate, step.seconds, chance):
        yield Arrival(at_s, chance.randrange(robots), Kind.ALARM)


def _bursts(step: Step, robots: int, chance: random.Random) -> Iterator[Arrival]:
    at_s = step.burst_every_s / 2
    while at_s < step.seconds and step.burst:
        for robot in sorted(chance.randrange(robots) for _ in range(step.burst)):
            yield Arrival(at_s, robot, Kind.ALARM)
        at_s += step.burst_every_s
