"""The scripts of falls, and what comes after: lying, getting up alone, or a carer who helps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robot.simulation.life import ordinary, poses
from robot.simulation.life.actor import FALLING, Actor
from robot.simulation.life.layout import Place
from robot.simulation.life.skeleton import Pose
from robot.simulation.life.stage import Fall, Stage, carer, rates

Script = Callable[[Stage], float]
"""Plays one fall until the body is down, and returns its onset."""


def fall(s: Stage, kind: str) -> None:
    """One fall of a kind with its aftermath; the resident is on their feet again, or seated, at the end."""
    settings = rates()["falls"]
    guest: Actor | None = None
    if kind == "with_carer":
        guest = _beside(s)
    onset_s = KINDS[kind](s)
    down_s = s.t_s
    alone = s.chance(settings["recovers_alone"]) and guest is None and kind != "slide_from_chair"
    s.resident.hold(s.within(2, 6))
    minutes = settings["alone_minutes" if alone else "helped_minutes"]
    lying_s = s.within(4, 15) if guest else 60 * s.within(*minutes)
    s.resident.hold(lying_s, 8, 6)
    s.seat, s.resident.on_bed, s.resident.covered = "", False, False
    help_s = up_s = s.t_s
    if alone:
        s.resident.take(poses.ALL_FOURS, s.within(2.5, 5), support_m=0.0).hold(s.within(1, 6))
        s.resident.take(poses.KNEEL_ONE, 2.5).hold(s.within(1, 4)).take(poses.STAND, s.within(1.5, 3)).hold(2.5)
    else:
        up_s = _helped(s, guest)
    s.falls.append(Fall(kind, onset_s, down_s, up_s, "alone" if alone else "helped", help_s))


def _thrown(s: Stage, tip: Pose, down: Pose, way_deg: float, tip_s: float, down_s: float) -> float:
    """Over the feet in the direction `way_deg` (from the person's own heading), then flat."""
    who, onset_s = s.resident, s.t_s
    way, length = np.radians(who.heading_deg + way_deg), 0.42 * who.who.height_m
    x, y = who.x_m, who.y_m
    who.take(tip, tip_s, FALLING, x_m=x + 0.35 * length * np.cos(way), y_m=y + 0.35 * length * np.sin(way))
    who.take(down, down_s, FALLING, x_m=x + length * np.cos(way), y_m=y + length * np.sin(way))
    return onset_s


def _walk_to_floor(s: Stage, way_deg: float, place: Place | None = None) -> None:
    """To a place from which the body, thrown `way_deg` from its heading, lands on the floor and on no furniture."""
    height_m = s.resident.who.height_m
    for attempt in range(40):
        at, heading = place if place and attempt < 30 else _open_floor(s), s.within(0, 360)
        way = np.radians(heading + way_deg)
        ends = [
            (at[0] + share * height_m * np.cos(way), at[1] + share * height_m * np.sin(way))
            for share in (0.4, 0.75, 1.05)
        ]
        if all(s.room.is_floor((float(x), float(y)), 0.12) for x, y in ends):
            break
    s.go_to(s.resident, at)
    s.resident.turn(heading)


def _forward(s: Stage) -> float:
    _walk_to_floor(s, 0)
    return _thrown(s, poses.TIP_FORWARD, poses.ON_FACE, 0, s.within(0.4, 0.8), s.within(0.25, 0.45))


def _backward(s: Stage) -> float:
    _walk_to_floor(s, 180)
    return _thrown(s, poses.TIP_BACK, poses.ON_BACK, 180, s.within(0.4, 0.8), s.within(0.25, 0.45))


def _left(s: Stage) -> float:
    _walk_to_floor(s, 90)
    return _thrown(s, poses.TIP_LEFT, poses.FALLEN_LEFT, 90, s.within(0.4, 0.8), s.within(0.3, 0.5))


def _right(s: Stage) -> float:
    _walk_to_floor(s, -90)
    return _thrown(s, poses.TIP_RIGHT, poses.FALLEN_RIGHT, -90, s.within(0.4, 0.8), s.within(0.3, 0.5))


def _slip(s: Stage) -> float:
    _walk_to_floor(s, 180)
    return _thrown(s, poses.SLIP, poses.ON_BACK, 180, s.within(0.3, 0.5), s.within(0.25, 0.4))


def _crumple(s: Stage) -> float:
    """The legs give way: straight down, then over."""
    _walk_to_floor(s, 0)
    onset_s = s.t_s
    s.resident.take(poses.CRUMPLE, s.within(0.6, 1.2), FALLING)
    last = [poses.FALLEN_LEFT, poses.FALLEN_RIGHT, poses.ON_FACE, poses.ON_BACK, poses.SIT_FLOOR]
    s.resident.take(last[int(s.random.integers(len(last)))], s.within(0.5, 1.0), FALLING)
    return onset_s


def _slide_from_chair(s: Stage) -> float:
    """Slowly off the seat: half a minute or a few seconds; no fast movement at all."""
    s.sit(str(s.random.choice(["chair", "sofa"])))
    who = s.resident.hold(s.within(20, 120), 20).take(poses.SLUMP, 3).hold(s.within(5, 30))
    ahead, onset_s, x, y = np.radians(who.heading_deg), s.t_s, who.x_m, who.y_m
    who.take(poses.SIT_BACK, s.within(1, 6), x_m=x + 0.2 * np.cos(ahead), y_m=y + 0.2 * np.sin(ahead))
    who.take(poses.SIT_FLOOR, s.within(1.5, 8), x_m=x + 0.5 * np.cos(ahead), y_m=y + 0.5 * np.sin(ahead))
    last = [poses.SLID, poses.FALLEN_LEFT, poses.FALLEN_RIGHT]
    who.take(last[int(s.random.integers(3))], s.within(1, 5), x_m=x + 0.6 * np.cos(ahead), y_m=y + 0.6 * np.sin(ahead))
    return onset_s


def _roll_out_of_bed(s: Stage) -> float:
    s.lie_on_bed(covered=s.chance(0.5))
    who, (_, y) = s.resident.hold(s.within(60, 300), 40, 3), s.room.spots["bedside"]
    onset_s, who.covered = s.t_s, False
    edge = poses.ON_SIDE_LEFT._replace(twist=110)
    who.take(edge, s.within(0.6, 1.5), y_m=s.room.spots["bed_edge"][1] - 0.04, support_m=0.48)
    who.on_bed = False
    who.take(
        poses.ON_FACE._replace(pitch=-90, twist=170),
        s.within(0.4, 0.6),
        FALLING,
        y_m=y - 0.02,
        x_m=who.x_m - 0.1,
        support_m=0.0,
    )
    return onset_s


def _behind_table(s: Stage) -> float:
    """Where the table stands between them and the camera."""
    table, camera = next(b for b in s.room.boxes if b.name == "table"), s.room.camera
    middle = np.array([(table.low[0] + table.high[0]) / 2, (table.low[1] + table.high[1]) / 2])
    away = middle - (camera.x_m, camera.y_m)
    for beyond_m in (0.75, 0.9, 1.05, 1.2, 0.6):
        x, y = middle + away / np.hypot(*away) * beyond_m
        if s.room.is_floor((float(x), float(y))):
            break
    else:
        x, y = s.room.spots["table_far"]
    way = [0.0, 90.0, 180.0][int(s.random.integers(3))]
    _walk_to_floor(s, way, (float(x), float(y)))
    tip, down = {
        0.0: (poses.TIP_FORWARD, poses.ON_FACE),
        90.0: (poses.TIP_LEFT, poses.FALLEN_LEFT),
        180.0: (poses.TIP_BACK, poses.ON_BACK),
    }[way]
    return _thrown(s, tip, down, way, s.within(0.4, 0.8), s.within(0.3, 0.45))


def _frame_edge(s: Stage) -> float:
    """On the piece of floor that is nearest to the picture's left or right edge, yet in it."""
    places = [place for place in _floors(s) if s.room.is_floor(place, 0.4)]
    points = np.array([[x, y, 0.6] for x, y in places])
    pixels, depth = s.room.camera.project(points)
    inside = s.room.camera.inside(pixels, depth)
    from_edge = np.minimum(pixels[:, 0], s.room.camera.width_px - pixels[:, 0])
    from_edge[~inside] = np.inf
    _walk_to_floor(s, 0, places[int(np.argmin(from_edge))])
    return _thrown(s, poses.TIP_FORWARD, poses.ON_FACE, 0, s.within(0.4, 0.8), s.within(0.25, 0.45))


def _night_walk(s: Stage) -> float:
    s.lie_on_bed()
    s.resident.hold(60)
    ordinary.night_walk(s, back=False)
    kinds = [_forward, _backward, _left, _right, _crumple]
    return kinds[int(s.random.integers(len(kinds)))](s)


def _with_carer(s: Stage) -> float:
    kinds = [_forward, _backward, _left, _right]
    return kinds[int(s.random.integers(len(kinds)))](s)


KINDS: dict[str, Script] = {
    "forward": _forward,
    "backward": _backward,
    "left": _left,
    "right": _right,
    "slip": _slip,
    "crumple": _crumple,
    "slide_from_chair": _slide_from_chair,
    "roll_out_of_bed": _roll_out_of_bed,
    "behind_table": _behind_table,
    "frame_edge": _frame_edge,
    "night_walk": _night_walk,
    "with_carer": _with_carer,
}


def _floors(s: Stage) -> list[Place]:
    xs, ys = np.arange(0.4, s.room.width_m - 0.3, 0.15), np.arange(0.4, s.room.depth_m - 0.3, 0.15)
    return [(float(x), float(y)) for x in xs for y in ys if s.room.is_floor((float(x), float(y)))]


def _open_floor(s: Stage) -> Place:
    """Floor in view with room for a body, hidden by nothing at knee height."""
    places = [place for place in _floors(s) if s.room.is_floor(place, 0.5)]
    points = np.array([[x, y, 0.4] for x, y in places])[:, None]
    pixels, depth = s.room.camera.project(points)
    good = s.room.camera.inside(pixels, depth)[:, 0] & ~s.room.camera.hidden(points, s.room.boxes)[:, 0]
    chosen = [place for place, fits in zip(places, good, strict=True) if fits] or [s.room.spots["mat"]]
    return chosen[int(s.random.integers(len(chosen)))]


def _beside(s: Stage) -> Actor:
    """A carer who is already in the room, sitting."""
    guest = s.enter(carer(s.random), int(s.random.integers(2**31)), s.t_s)
    s.go(guest, "visitor_seat")
    guest.turn(90).take(poses.SIT, 1.5)
    return guest


def _helped(s: Stage, guest: Actor | None) -> float:
    """A carer comes (or is there), kneels down, sits the resident up, helps them to their feet and to a seat."""
    who = s.resident
    if guest is None:
        guest = s.enter(carer(s.random), int(s.random.integers(2**31)), s.t_s)
    guest.wait_until(s.t_s)
    with s.labelled("carer_helps", guest):
        side = 1 if s.room.is_floor((who.x_m + 0.55, who.y_m), 0.2) else -1
        s.go_to(guest, (who.x_m + 0.55 * side, who.y_m))
        guest.turn(180 if side > 0 else 0).take(poses.KNEEL_ONE, 1.5).hold(s.within(4, 15), 3)
        who.hold(guest.t_s - s.t_s, 8, 6)
        up_s = s.t_s
        who.take(poses.SIT_FLOOR, 4, support_m=0.0).hold(s.within(4, 15), 5)
        guest.wait_until(s.t_s)
        who.take(poses.KNEEL_ONE, 4).take(poses.STAND, 4).hold(2)
        guest.take(poses.LEAN, 4).take(poses.STAND, 2)
        who.wait_until(guest.t_s)
        guest.wait_until(s.t_s)
        ordinary._walk_together(s, guest, "sofa_front")
        s.sit("sofa", seconds=3)
        guest.wait_until(s.t_s)
        guest.hold(s.within(5, 30), 8)
        s.leave(guest)
    who.hold(guest.t_s - s.t_s, 30)
    if s.night:
        s.light.append((s.t_s, rates()["light"]["evening"]))
    return up_s
