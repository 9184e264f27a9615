"""The scripts of ordinary life: what `ordinary_day.yaml` names, each a function that moves the stage on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robot.simulation.life import poses
from robot.simulation.life.actor import FALLING, Actor
from robot.simulation.life.skeleton import Pose
from robot.simulation.life.stage import Pet, Stage, carer, child, rates

FIDGET_S = 35.0  # somebody who sits awake moves about so often; by reasoning


def sit_in_chair(s: Stage, seconds: float) -> None:
    s.sit("chair")
    if s.chance(0.4):
        for _ in range(int(min(20, seconds / 20))):
            s.resident.take(poses.EAT, 1.2).hold(2).take(poses.SIT, 1.2).hold(s.within(4, 12))
    s.resident.hold(seconds, FIDGET_S)


def watch_television(s: Stage, seconds: float) -> None:
    s.sit("sofa")
    began_s = s.t_s
    s.resident.hold(seconds, FIDGET_S * 1.5)
    s.television.append((began_s, s.t_s))


def doze_in_chair(s: Stage, seconds: float) -> None:
    s.sit(str(s.random.choice(["chair", "sofa"])))
    who = s.resident.hold(60, FIDGET_S)
    who.take(poses.SLUMP, s.within(1.5, 6)).hold(seconds, 240, 2)
    who.take(poses.SIT, 2).hold(20, 10)


def lie_on_sofa(s: Stage, seconds: float) -> None:
    s.sit("sofa")
    who, (x, y) = s.resident, s.room.spots["sofa_lie"]
    sit_x, sit_y = who.x_m, who.y_m
    who.take(poses.SOFA_LIE, s.within(3, 6), x_m=x, y_m=y, heading_deg=270, support_m=0.42)
    who.hold(seconds * 0.5, 90)
    who.take(poses.ON_SIDE_LEFT, 3).hold(seconds * 0.5, 120)
    who.take(poses.SIT_BACK, 4, x_m=sit_x, y_m=sit_y, heading_deg=180, support_m=0.0).hold(8, 10)


def nap_on_bed(s: Stage, seconds: float) -> None:
    s.lie_on_bed(covered=s.chance(0.6))
    _sleep(s, seconds, 6.0)
    s.up_from_bed()


def flop_on_bed(s: Stage, seconds: float) -> None:
    """Drops onto the bed and lies across it at once: what a fall looks like, on a bed."""
    s.go(s.resident, "bedside")
    who, (x, y) = s.resident, s.room.spots["bed_lie"]
    who.turn(270).on_bed = True
    who.take(poses.ON_BACK, s.within(0.9, 1.5), FALLING, x_m=x - 0.1, y_m=y - 0.1, heading_deg=250, support_m=0.48)
    who.hold(seconds, 60)
    s.up_from_bed()


def drop_into_chair(s: Stage, seconds: float) -> None:
    s.sit(str(s.random.choice(["chair", "sofa"])), seconds=s.within(0.5, 0.8) * s.resident.who.haste)
    s.resident.hold(seconds, FIDGET_S)


def sit_on_bed_edge(s: Stage, seconds: float) -> None:
    s.sit("bed")
    s.resident.hold(seconds, 15)


def leave_room(s: Stage, seconds: float) -> None:
    s.leave(s.resident)
    s.resident.hold(seconds)
    s.go(s.resident, "door")


def walk_about(s: Stage, seconds: float) -> None:
    until_s = s.t_s + seconds
    while s.t_s < until_s:
        spots = ["hub", "window", "cupboard_front", "bedside", "sofa_front", "table_far", "door", "wardrobe_front"]
        s.go(s.resident, str(s.random.choice(spots)), 0.06)
        s.resident.hold(s.within(0.5, 6))


def stand_at_window(s: Stage, seconds: float) -> None:
    s.go(s.resident, "window")
    s.resident.turn(s.within(60, 120)).hold(seconds, 15)


def tidy_table(s: Stage, seconds: float) -> None:
    s.go(s.resident, "table_far")
    s.resident.turn(270)
    until_s = s.t_s + seconds
    while s.t_s < until_s:
        s.resident.take(poses.LEAN, 1.2).hold(s.within(2, 9), 4).take(poses.STAND, 1.2).hold(s.within(1, 6))


def pick_from_floor(s: Stage, seconds: float) -> None:
    s.go(s.resident, str(s.random.choice(["hub", "window", "sofa_front", "bedside", "table_far"])), 0.1)
    who = s.resident.turn(s.within(0, 360)).take(poses.BEND, s.within(0.7, 1.8)).hold(s.within(0.5, 4))
    if s.chance(0.3):
        who.take(poses.CROUCH, 1.2).hold(s.within(1, 5))
    who.take(poses.STAND, s.within(1.2, 2.5)).hold(max(1.0, seconds - 5))


def low_cupboard(s: Stage, seconds: float) -> None:
    s.go(s.resident, "cupboard_front")
    s.resident.turn(90).take(poses.CROUCH, s.within(1.2, 2.5)).hold(seconds, 6).take(poses.STAND, s.within(1.5, 3))


def tie_shoes(s: Stage, seconds: float) -> None:
    if s.chance(0.6):
        s.sit(str(s.random.choice(["chair", "bed", "sofa"])))
        s.resident.take(poses.TIE_SHOES, s.within(1, 2)).hold(seconds, 5).take(poses.SIT, 1.5).hold(3)
        return
    s.go(s.resident, "hub", 0.1)
    s.resident.take(poses.KNEEL_ONE, s.within(1.5, 3)).hold(seconds, 6).take(poses.STAND, s.within(1.5, 3))


def under_the_bed(s: Stage, seconds: float) -> None:
    s.go(s.resident, "bedside")
    who = s.resident.turn(90).take(poses.KNEEL, 2.5).hold(1).take(poses.ALL_FOURS, 1.5)
    who.take(poses.BOW_DOWN, 1.5).hold(seconds, 6)
    _up_from_floor(s, who)


def wipe_the_floor(s: Stage, seconds: float) -> None:
    s.go(s.resident, "mat")
    who = s.resident.take(poses.KNEEL, 2.5).take(poses.ALL_FOURS, 1.5)
    until_s = s.t_s + seconds
    while s.t_s < until_s:
        x, y = who.x_m + s.within(-0.25, 0.25), who.y_m + s.within(-0.25, 0.25)
        if s.room.is_floor((x, y), 0.35):
            who.take(
                poses.ALL_FOURS._replace(right_arm=110),
                1.5,
                x_m=x,
                y_m=y,
                heading_deg=who.heading_deg + s.within(-30, 30),
            )
        who.hold(s.within(2, 8), 1.5, 8)
    _up_from_floor(s, who)


def pray(s: Stage, seconds: float) -> None:
    s.go(s.resident, "mat")
    who = s.resident.turn(s.within(0, 360)).take(poses.KNEEL, 2.5)
    until_s = s.t_s + seconds
    while s.t_s < until_s:
        who.take(poses.SIT_ON_HEELS, 1.5).hold(s.within(5, 40), 20)
        who.take(poses.BOW_DOWN, s.within(1.2, 2.5)).hold(s.within(2, 25)).take(poses.KNEEL, 2)
    _up_from_floor(s, who)


def exercise_on_mat(s: Stage, seconds: float) -> None:
    s.go(s.resident, "mat")
    who = _down_to_floor(s)
    until_s = s.t_s + seconds
    while s.t_s < until_s:
        for pose in (poses.BRIDGE, poses.ON_BACK, poses.ON_SIDE_LEFT, poses.ON_BACK, poses.SIT_FLOOR):
            who.take(pose, s.within(2, 3.5)).hold(s.within(3, 25), 8)
    who.take(poses.SIT_FLOOR, 3)
    _up_from_floor(s, who)


def sit_on_floor(s: Stage, seconds: float) -> None:
    s.go(s.resident, "mat")
    s.resident.take(poses.KNEEL, 2.5).take(poses.SIT_FLOOR, 2.5).hold(seconds, 20)
    _up_from_floor(s, s.resident)


def wardrobe(s: Stage, seconds: float) -> None:
    s.go(s.resident, "wardrobe_front")
    s.resident.turn(180)
    until_s = s.t_s + seconds
    while s.t_s < until_s:
        s.resident.take(poses.REACH_UP, 1.3).hold(s.within(2, 8), 4).take(poses.STAND, 1.3).hold(s.within(1, 5))
        if s.chance(0.3):
            s.resident.take(poses.BEND, 1.4).hold(s.within(1, 4)).take(poses.STAND, 1.6)


def make_bed(s: Stage, seconds: float) -> None:
    _make_bed(s, s.resident, seconds)


def stumble(s: Stage, seconds: float) -> None:
    """Three quick steps, the trunk thrown forward, and upright again: no fall."""
    s.go(s.resident, "hub", 0.1)
    who = s.resident
    ahead = np.radians(who.heading_deg)
    who.take(poses.STUMBLE, s.within(0.4, 0.7), x_m=who.x_m + 0.3 * np.cos(ahead), y_m=who.y_m + 0.3 * np.sin(ahead))
    who.take(poses.LEAN, 0.5).take(poses.STAND, 0.8).hold(seconds)


def carer_visit(s: Stage, seconds: float) -> None:
    """Comes to the seated resident, helps them up, walks beside them, makes the bed, goes."""
    s.sit("chair")
    guest = s.enter(carer(s.random), int(s.random.integers(2**31)), s.t_s)
    with s.labelled("carer", guest):
        s.go(guest, "hub_back")
        guest.turn(150).hold(10, 8)
        s.resident.wait_until(guest.t_s)
        guest.take(poses.LEAN, 1).hold(2.5)
        s.resident.hold(1.5)
        s.rise(seconds=4.0)
        guest.wait_until(s.t_s)
        guest.take(poses.STAND, 1)
        _walk_together(s, guest, "sofa_front")
        s.sit("sofa", seconds=2.5)
        guest.wait_until(s.t_s)
        s.go(guest, "bedside")
        _make_bed(s, guest, min(90.0, seconds / 3))
        if s.chance(0.5):
            s.go(guest, "sofa_front", 0.05)
            guest.turn(0).take(poses.CROUCH, 1.5).hold(s.within(5, 40), 8).take(poses.STAND, 1.5)
        s.go(guest, "visitor_seat")
        guest.turn(0).take(poses.SIT, 1.5).hold(max(5.0, s.t_s + seconds - guest.t_s), 20)
        s.leave(guest)
    s.resident.hold(guest.t_s - s.t_s, FIDGET_S)


def visitor(s: Stage, seconds: float) -> None:
    s.sit("sofa")
    guests = []
    for n in range(1 + s.chance(0.4)):
        guest = s.enter(carer(s.random, f"visitor{n + 1}"), int(s.random.integers(2**31)), s.t_s + 3.0 * n)
        with s.labelled("visitor", guest):
            s.go(guest, "visitor_seat" if n == 0 else "hub_back")
            guest.turn(0 if n == 0 else 300).take(poses.SIT, 1.5).hold(seconds, 20)
            s.leave(guest)
        guests.append(guest)
    s.resident.hold(max(guest.t_s for guest in guests) - s.t_s, FIDGET_S)


def grandchild(s: Stage, seconds: float) -> None:
    s.sit("sofa")
    guest = s.enter(child(s.random), int(s.random.integers(2**31)), s.t_s)
    with s.labelled("child", guest):
        until_s = s.t_s + seconds
        while guest.t_s < until_s:
            s.go(guest, str(s.random.choice(["hub", "window", "table_far", "sofa_front", "mat"])), 0.15)
            play = [poses.SIT_FLOOR, poses.CROUCH, poses.ALL_FOURS, poses.ON_FACE, poses.KNEEL]
            if s.chance(0.5):
                guest.take(play[int(s.random.integers(len(play)))], s.within(0.8, 1.5)).hold(
                    s.within(5, 60), 4, 8
                ).take(poses.STAND, 1)
        s.leave(guest)
    s.resident.hold(guest.t_s - s.t_s, FIDGET_S)


SCRIPTS: dict[str, Callable[[Stage, float], None]] = {
    script.__name__: script
    for script in (
        sit_in_chair, watch_television, doze_in_chair, lie_on_sofa, nap_on_bed, sit_on_bed_edge, leave_room, walk_about,
        stand_at_window, tidy_table, pick_from_floor, low_cupboard, tie_shoes, under_the_bed, wipe_the_floor, pray,
        exercise_on_mat, sit_on_floor, wardrobe, make_bed, flop_on_bed, drop_into_chair, stumble, carer_visit, visitor,
        grandchild,
    )
}  # fmt: skip


def night_sleep(s: Stage, seconds: float) -> None:
    """In bed for so long, in the dark, with turning over and walks to the toilet."""
    night = rates()["night"]
    s.night = True
    s.lie_on_bed()
    s.light.append((s.t_s, night["dark"]))
    until_s = s.t_s + seconds
    while s.t_s < until_s:
        _sleep(s, min(float(s.random.exponential(3600 / night["out_per_h"])), until_s - s.t_s), night["turns_per_h"])
        if s.t_s < until_s - 60:
            night_walk(s)
    s.night = False


def night_walk(s: Stage, back: bool = True) -> None:
    """Up, through the dark room to the toilet, and back to bed."""
    night = rates()["night"]
    level = night["lamp_light"] if s.chance(night["lamp_share"]) else s.within(*night["night_light"])
    s.light.append((s.t_s, level))
    with s.labelled("night_walk"):
        s.up_from_bed()
        s.leave(s.resident) if back else s.go(s.resident, "hub", 0.2)
        if back:
            s.resident.hold(60 * s.within(*night["out_minutes"]))
            s.go(s.resident, "door")
            s.lie_on_bed()
            s.light.append((s.t_s, night["dark"]))


def pet_crosses(s: Stage, at_s: float) -> None:
    ends = [
        s.room.spots[name]
        for name in s.random.choice(["door", "window", "hub_left", "sofa_front", "mat"], 2, replace=False)
    ]
    s.pets.append(Pet(at_s, at_s + s.within(4, 20), ends[0], ends[1]))


def _sleep(s: Stage, seconds: float, turns_per_h: float) -> None:
    until_s = s.t_s + seconds
    while s.t_s < until_s:
        s.resident.hold(min(float(s.random.exponential(3600 / turns_per_h)) + 20, until_s - s.t_s), 600, 2)
        if s.t_s < until_s:
            sides: tuple[Pose, ...] = (poses.ON_BACK, poses.ON_SIDE_LEFT, poses.ON_SIDE_RIGHT)
            s.resident.take(sides[int(s.random.integers(3))], s.within(2, 5))


def _make_bed(s: Stage, who: Actor, seconds: float) -> None:
    s.go(who, "bedside")
    who.turn(90)
    until_s = who.t_s + seconds
    while who.t_s < until_s:
        who.take(poses.BEND._replace(pitch=60, left_hip=62, right_hip=58), 1.3).hold(s.within(1, 5), 3).take(
            poses.STAND, 1.3
        )


def _walk_together(s: Stage, guest: Actor, spot: str) -> None:
    """The guest half a step beside the resident."""
    for x, y in s.room.way((s.resident.x_m, s.resident.y_m), s.room.spots[spot]):
        s.resident.walk((x, y))
        guest.walk((x - 0.3, y + 0.35))
        guest.wait_until(s.t_s)
        s.resident.wait_until(guest.t_s)


def _down_to_floor(s: Stage) -> Actor:
    who = s.resident
    return who.take(poses.KNEEL, 2.8).hold(1).take(poses.SIT_FLOOR, 2.5).hold(1.5).take(poses.ON_BACK, 3)


def _up_from_floor(s: Stage, who: Actor) -> None:
    who.take(poses.ALL_FOURS, 2.5).hold(s.within(0.5, 3)).take(poses.KNEEL_ONE, 2.5).hold(s.within(0.5, 3))
    who.take(poses.STAND, s.within(1.5, 3)).hold(1.5)
