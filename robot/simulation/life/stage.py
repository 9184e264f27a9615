"""What happens in the room, as it is written: actors, lamps, labels. The scripts of ordinary days and falls use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from robot.simulation.life import poses
from robot.simulation.life.actor import Actor, Person
from robot.simulation.life.layout import Place, Room


@lru_cache(maxsize=1)
def rates() -> Any:
    """`ordinary_day.yaml`, read once."""
    return yaml.safe_load((Path(__file__).parent / "ordinary_day.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Interval:
    """`who` does `kind` between two times (seconds from the beginning)."""

    kind: str
    who: str
    begins_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class Fall:
    """A true fall: it begins at `onset_s`, the body is down at `down_s`, and up again, or helped up, from `up_s`.

    ending: "alone" (gets up unaided) or "helped". help_s: when a helper sets out; `up_s` where nobody comes.
    """

    kind: str
    onset_s: float
    down_s: float
    up_s: float
    ending: str
    help_s: float


@dataclass(frozen=True, slots=True)
class Pet:
    """Crosses the room along the floor between two times."""

    begins_s: float
    ends_s: float
    start: Place
    end: Place


def resident(seed: int) -> Person:
    """The resident of a seed: 1.45 to 1.78 m, 0.4 to 0.95 m/s, stooped or not, with a stick or a walker or none."""
    random = np.random.default_rng([seed, 2])
    speed = float(random.uniform(0.4, 0.95))
    aid = str(random.choice(["", "", "", "stick", "stick", "walker"]))
    return Person(
        name="resident",
        height_m=float(random.uniform(1.45, 1.78)),
        speed_m_s=speed * (0.8 if aid else 1.0),
        step_m=float(np.clip(0.22 + 0.35 * speed, 0.25, 0.55)),
        stoop_deg=float(np.clip(random.normal(12, 9), 0, 35)),
        aid=aid,
        haste=float(random.uniform(0.65, 1.1)),
    )


def carer(random: np.random.Generator, name: str = "carer") -> Person:
    height = float(random.uniform(1.55, 1.82))
    return Person(name, height, float(random.uniform(0.9, 1.3)), 0.6, haste=float(random.uniform(1.0, 1.4)))


def child(random: np.random.Generator) -> Person:
    return Person("child", float(random.uniform(0.95, 1.25)), float(random.uniform(0.9, 1.8)), 0.4, haste=1.6)


@dataclass(slots=True)
class Stage:
    """The resident's clock leads; guests join at its time. `night` says that everybody should be asleep."""

    room: Room
    random: np.random.Generator
    resident: Actor
    night: bool = False
    guests: list[Actor] = field(default_factory=list)
    labels: list[Interval] = field(default_factory=list)
    falls: list[Fall] = field(default_factory=list)
    pets: list[Pet] = field(default_factory=list)
    light: list[tuple[float, float]] = field(default_factory=list)
    television: list[tuple[float, float]] = field(default_factory=list)
    seat: str = ""

    @property
    def t_s(self) -> float:
        return self.resident.t_s

    def within(self, least: float, most: float) -> float:
        return float(self.random.uniform(least, most))

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    @contextmanager
    def labelled(self, kind: str, who: Actor | None = None) -> Iterator[None]:
        actor = who or self.resident
        began_s = actor.t_s
        yield
        self.labels.append(Interval(kind, actor.who.name, began_s, actor.t_s))

    def go(self, actor: Actor, spot: str, by_m: float = 0.0) -> None:
        """Walk to a spot by name, or near it."""
        x, y = self.room.spots[spot]
        self.go_to(actor, (x + self.within(-by_m, by_m), y + self.within(-by_m, by_m)) if by_m else (x, y))

    def go_to(self, actor: Actor, place: Place) -> None:
        self.rise(actor)
        start = (actor.x_m, actor.y_m)
        if start[1] < 0 < place[1]:  # from outside through the door
            actor.walk(self.room.spots["door"])
            start = self.room.spots["door"]
        actor.walk(*self.room.way(start, place))

    def enter(self, who: Person, seed: int, at_s: float) -> Actor:
        guest = Actor(who, seed, at_s, *self.room.spots["outside"])
        self.guests.append(guest)
        guest.walk(self.room.spots["doorstep"], self.room.spots["door"])
        return guest

    def leave(self, actor: Actor) -> None:
        self.go(actor, "door")
        actor.walk(self.room.spots["doorstep"], self.room.spots["outside"])

    # Sitting, lying, rising: also used by the falls

    def sit(self, seat: str, *, actor: Actor | None = None, seconds: float = 1.6) -> None:
        """On "chair", "sofa" or "bed": walk there, turn about, sit."""
        who = actor or self.resident
        front, place, heading = SEATS[seat]
        self.go(who, front)
        who.turn(heading)
        x, y = self.room.spots[place]
        if seat == "bed":
            who.on_bed = who is self.resident
        self_pose = poses.SIT if seat == "bed" else poses.SIT_BACK if seat == "sofa" else poses.SIT
        who.take(poses.RISE, 0.45 * seconds, x_m=(who.x_m + x) / 2, y_m=(who.y_m + y) / 2)
        who.take(self_pose, 0.55 * seconds, x_m=x, y_m=y)
        if who is self.resident:
            self.seat = seat

    def rise(self, actor: Actor | None = None, seconds: float = 2.2) -> None:
        """Stand up from wherever the resident sits; guests stand up where they are."""
        who = actor or self.resident
        if who is not self.resident or not self.seat:
            if who.pose != who.who.stance(poses.STAND):
                who.take(poses.STAND, 1.4)
            return
        front = SEATS[self.seat][0]
        x, y = self.room.spots[front]
        if self.chance(0.25):  # does not manage the first time
            who.take(poses.RISE, 0.5 * seconds).take(poses.SIT, 0.8).hold(1.5)
        who.take(poses.RISE, 0.5 * seconds, x_m=(who.x_m + x) / 2, y_m=(who.y_m + y) / 2)
        who.on_bed = False
        who.take(poses.STAND, 0.5 * seconds, x_m=x, y_m=y).hold(self.within(0.3, 1.5))
        self.seat = ""

    def lie_on_bed(self, *, covered: bool = True, seconds: float = 5.0) -> None:
        """From the bed's edge: legs up, head on the pillow."""
        if self.seat != "bed":
            self.sit("bed")
        who, (x, y) = self.resident, self.room.spots["bed_lie"]
        who.on_bed = True
        side = poses.ON_SIDE_LEFT._replace(pitch=-45, left_hip=80, right_hip=80)
        who.take(side, 0.5 * seconds, x_m=(who.x_m + x) / 2, y_m=y - 0.12, heading_deg=225, support_m=0.38)
        who.take(poses.ON_BACK, 0.5 * seconds, x_m=x, y_m=y, heading_deg=180, support_m=0.48)
        if covered:
            who.hold(1.5)
            who.covered = True
            who.hold(0.2)

    def up_from_bed(self, seconds: float = 6.0) -> None:
        """To the edge, feet on the floor; stays a while there."""
        who, (x, y) = self.resident, self.room.spots["bed_edge"]
        who.covered = False
        side = poses.ON_SIDE_LEFT._replace(pitch=-45, left_hip=85, right_hip=85)
        who.take(side, 0.5 * seconds, x_m=(who.x_m + x) / 2, y_m=y + 0.2, heading_deg=225, support_m=0.38)
        who.take(poses.SIT, 0.5 * seconds, x_m=x, y_m=y, heading_deg=270, support_m=0.0)
        self.seat = "bed"
        who.hold(self.within(3, 40), 12.0)


SEATS = {  # name: (spot before it, spot on it, heading when seated)
    "chair": ("chair_front", "chair_seat", 270.0),
    "sofa": ("sofa_front", "sofa_seat", 180.0),
    "bed": ("bedside", "bed_edge", 270.0),
}
