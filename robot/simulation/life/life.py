"""Hours of a life: a seed becomes a room, a resident, a day with guests and falls, and the truth about all of it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from robot.simulation.life import falls, ordinary
from robot.simulation.life.actor import Actor
from robot.simulation.life.layout import Room, room
from robot.simulation.life.skeleton import Array
from robot.simulation.life.stage import Fall, Interval, Pet, Stage, rates, resident


@dataclass(frozen=True)
class Life:
    """What truly happens in `duration_s` seconds from `start_h` (hour of the day). All times are from the beginning."""

    seed: int
    start_h: float
    duration_s: float
    room: Room
    actors: tuple[Actor, ...]
    labels: tuple[Interval, ...]
    falls: tuple[Fall, ...]
    pets: tuple[Pet, ...]
    light_steps: tuple[tuple[float, float], ...]
    television: tuple[tuple[float, float], ...]

    @property
    def resident(self) -> Actor:
        return self.actors[0]

    @cached_property
    def _light_times(self) -> list[float]:
        return [at_s for at_s, _ in self.light_steps]

    def light(self, times_s: Array) -> Array:
        """The share of daylight in the picture at these times."""
        at = np.searchsorted(self._light_times, times_s, side="right") - 1
        levels: Array = np.array([level for _, level in self.light_steps])
        return np.asarray(levels[np.maximum(at, 0)])

    def doing(self, at_s: float) -> str:
        """What the resident does then, for a report."""
        names = [i.kind for i in self.labels if i.begins_s <= at_s <= i.ends_s]
        return ", ".join(dict.fromkeys(reversed(names))) or "between two things"

    def is_down(self, at_s: float, slack_s: float = 0.0) -> Fall | None:
        """The fall that the resident lies from at that time (or whose help ended `slack_s` ago)."""
        n = bisect_right([fall.onset_s for fall in self.falls], at_s) - 1
        return self.falls[n] if n >= 0 and at_s <= self.falls[n].up_s + slack_s else None

    def clock(self, at_s: float) -> str:
        minutes = int(self.start_h * 60 + at_s / 60) % 1440
        return f"{minutes // 60:02}:{minutes % 60:02}"

    def is_night(self, at_s: float) -> bool:
        return is_night(self.start_h + at_s / 3600)


def is_night(hour: float) -> bool:
    night = rates()["night"]
    return not night["until_h"] <= hour % 24 < night["from_h"]


def live(seed: int, hours: float, start_h: float | None = None, falls_per_h: float | None = None) -> Life:
    """Write the life of a seed, the same at each call. Without `start_h` it begins at an hour of the seed's own."""
    random = np.random.default_rng([seed, 3])
    begins_h = float(random.uniform(0, 24))
    begins_h = begins_h if start_h is None else start_h
    place = room(seed)
    actor = Actor(resident(seed), seed, 0.0, *place.spots["outside"])
    stage = Stage(place, random, actor)
    _play(stage, begins_h, hours * 3600, rates()["falls"]["per_h"] if falls_per_h is None else falls_per_h)
    _pets(stage, hours)
    return Life(
        seed=seed,
        start_h=begins_h,
        duration_s=hours * 3600,
        room=place,
        actors=(actor, *stage.guests),
        labels=tuple(sorted(stage.labels, key=lambda i: i.begins_s)),
        falls=tuple(stage.falls),
        pets=tuple(stage.pets),
        light_steps=_daylight(stage, begins_h, hours),
        television=tuple(stage.television),
    )


def _play(stage: Stage, begins_h: float, end_s: float, falls_per_h: float) -> None:
    random, settings = stage.random, rates()
    names = list(settings["activities"])
    weights = np.array([settings["activities"][name]["per_day"] for name in names], float)
    next_fall_s = _next_fall(stage, falls_per_h)
    actor = stage.resident
    actor.walk(stage.room.spots["doorstep"], stage.room.spots["door"])
    while stage.t_s < end_s:
        hour = begins_h + stage.t_s / 3600
        if stage.t_s >= next_fall_s:
            kind = _kind(stage, is_night(hour))
            with stage.labelled(f"fall_{kind}"):
                stage.night = is_night(hour)
                falls.fall(stage, kind)
            next_fall_s = _next_fall(stage, falls_per_h)
        elif is_night(hour):
            morning_s = (settings["night"]["until_h"] - hour) % 24 * 3600
            with stage.labelled("night_sleep"):
                ordinary.night_sleep(stage, max(60.0, min(morning_s, next_fall_s - stage.t_s, end_s - stage.t_s)))
            stage.light.append((stage.t_s, settings["light"]["evening"]))
            stage.up_from_bed()
        else:
            name = names[int(random.choice(len(names), p=weights / weights.sum()))]
            seconds = 60 * stage.within(*settings["activities"][name]["minutes"])
            with stage.labelled(name):
                ordinary.SCRIPTS[name](stage, seconds)
    actor.hold(1.0)


def _next_fall(stage: Stage, per_h: float) -> float:
    """At least five minutes of ordinary life between two falls."""
    return stage.t_s + 300 + float(stage.random.exponential(3600 / per_h)) if per_h > 0 else np.inf


def _kind(stage: Stage, night: bool) -> str:
    shares = rates()["falls"]["shares"]
    fitting = {k: v for k, v in shares.items() if (k in ("night_walk", "roll_out_of_bed")) or not night}
    if not night:
        del fitting["night_walk"]
    weights = np.array(list(fitting.values()), float)
    return [str(kind) for kind in fitting][int(stage.random.choice(len(fitting), p=weights / weights.sum()))]


def _pets(stage: Stage, hours: float) -> None:
    pet = rates()["pet"]
    if not stage.chance(pet["share_of_homes"]):
        return
    at_s = 0.0
    while (at_s := at_s + float(stage.random.exponential(3600 / pet["crosses_per_h"]))) < hours * 3600:
        ordinary.pet_crosses(stage, at_s)


def _daylight(stage: Stage, begins_h: float, hours: float) -> tuple[tuple[float, float], ...]:
    """Daylight and evening lamps by the hour, with what the scripts did to the lamps at night on top."""
    settings = rates()["light"]
    day = settings["curtains"] if stage.chance(settings["curtains_share"]) else settings["day"]

    def usual(at_s: float) -> float:
        hour = (begins_h + at_s / 3600) % 24
        return float(settings["evening"] if hour >= settings["evening_from_h"] or is_night(hour) else day)

    steps = [
        (float(at_s), usual(float(at_s)))
        for at_s in np.arange(0, hours * 3600 + 1, 900)
        if not is_night(begins_h + float(at_s) / 3600)
    ]
    return tuple(sorted([(-1.0, usual(0.0)), *steps, *stage.light]))
