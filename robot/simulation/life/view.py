"""A life through the camera: what the pose engine would say, ten times a second, without any picture. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from robot.simulation.life import noise
from robot.simulation.life.actor import Actor
from robot.simulation.life.camera import NEAR_M, Box
from robot.simulation.life.life import Life
from robot.simulation.life.noise import STEP_S, BodyNoise, Bools, Detections, Sight
from robot.simulation.life.skeleton import Array, facing
from robot.simulation.life.stage import rates
from robot.vision.pose import Person

STRETCH = 3000  # frames made at once: five minutes
MOVED_PX = 1.5  # joints that have moved so far on average wake the motion gate (8 px of its thumbnail's); by reasoning
DARK_LEVEL = 8.0  # nothing stands out from the noise of the sensor
LIT_LEVEL = 130.0  # mean brightness of a lit room's frame, 0 to 255; measured on the clips of noise.yaml


@dataclass(slots=True)
class _Image:
    """One body in one stretch: what is truly there, and what is detected of it."""

    name: str
    detections: Detections
    pixels: Array
    seen: Bools

    def moved_px(self, n: int, since: int) -> float:
        """How far the joints in view have moved on average from frame `since` to frame `n`."""
        shown = self.seen[n] | self.seen[since]
        if not shown.any():
            return 0.0
        if not (self.seen[n].any() and self.seen[since].any()):
            return float("inf")
        return float(np.abs(self.pixels[n, shown] - self.pixels[since, shown]).max(axis=1).mean())


@dataclass(slots=True)
class Stretch:
    """Some minutes of frames. `people(n)` are the engine's people in frame n; they are made when asked for."""

    times_s: Array
    stirs: Bools
    brightness: Array
    bed: Bools
    images: list[_Image]
    width_px: int
    height_px: int
    extras: dict[int, list[Person]] = field(default_factory=dict)

    def people(self, n: int) -> list[Person]:
        found = [person for image in self.images if (person := image.detections.person(n)) is not None]
        return sorted(found + self.extras.get(n, []), key=lambda p: -p.score)

    def found_again(self, n: int) -> list[Person]:
        """Whom only a second look would find in frame n."""
        return [person for image in self.images if (person := image.detections.person_again(n)) is not None]

    def moves(self, n: int, since: int) -> bool:
        """Whether the motion gate sees frame `n` differ from frame `since`. `stirs`: television, pets."""
        if self.stirs[n] or abs(self.brightness[n] - self.brightness[since]) > 12:
            return True
        return self.brightness[n] > DARK_LEVEL and any(image.moved_px(n, since) > MOVED_PX for image in self.images)

    def away_sizes(self, n: int, x_px: float, y_px: float, size_px: float) -> float:
        """How far a body of this size at this place is from the resident in frame n, in body sizes."""
        if not self.images or self.images[0].name != "resident":
            return float("inf")
        truth = np.clip(self.images[0].pixels[n], 0, (self.width_px, self.height_px))
        size_px = max(size_px, float(np.ptp(truth, axis=0).max()), 1.0)
        return float(np.hypot(*(truth.mean(axis=0) - (x_px, y_px)))) / size_px

    def in_sight(self, n: int) -> float:
        """The share of the resident's joints that the camera can see in frame n."""
        return float(self.images[0].seen[n].mean()) if self.images and self.images[0].name == "resident" else 0.0


class View:
    """Iterate over `stretches`; each call begins the same view anew."""

    def __init__(self, life: Life) -> None:
        self.life = life

    def stretches(self) -> Iterator[Stretch]:
        life, random = self.life, np.random.default_rng([self.life.seed, 4])
        noises = {id(actor): BodyNoise(actor.seed + 5) for actor in life.actors}
        mirrored = {id(actor): BodyNoise(actor.seed + 6) for actor in life.actors}
        figures = _Figures(life, random)
        total = round(life.duration_s / STEP_S)
        for first in range(0, total, STRETCH):
            times: Array = np.arange(first, min(first + STRETCH, total), dtype=np.float64) * STEP_S
            light = life.light(times)
            images = []
            for actor in life.actors:
                here = (times >= actor.began_s) & (times < actor.t_s)
                if not here.any():
                    continue
                points = actor.joints(times)
                images.append(_image(life, actor, points, times, here, light, noises[id(actor)]))
                mirror = life.room.figures.get("mirror")
                if mirror is not None:
                    reflection = _reflection(life, actor, mirror, points, here, light, mirrored[id(actor)])
                    images += [reflection] if reflection else []
            bed, _ = life.resident.flags(times)
            camera = life.room.camera
            stretch = Stretch(
                times, np.zeros(len(times), bool), LIT_LEVEL * light, bed > 0, images, camera.width_px, camera.height_px
            )
            figures.add(stretch, light)
            yield stretch


def _image(
    life: Life, actor: Actor, points: Array, times: Array, here: Bools, light: Array, errors: BodyNoise
) -> _Image:
    camera = life.room.camera
    pixels, depth = camera.project(points)
    inside = camera.inside(pixels, depth)
    seen = inside & here[:, None]
    if seen.any():
        moved = np.append(True, (points[1:] != points[:-1]).any(axis=(1, 2)))  # who keeps still is hidden as before
        seen &= ~camera.hidden(points[moved], life.room.boxes)[np.cumsum(moved) - 1]
        _, covered = actor.flags(times)
        seen[:, 7:] &= ~(covered > 0)[:, None]
    return _Image(actor.who.name, _look(life, actor, points, seen, light, errors), pixels, seen)


def _look(life: Life, actor: Actor, points: Array, seen: Bools, light: Array, errors: BodyNoise) -> Detections:
    count = len(points)
    if not seen.any():
        return Detections.none(count)
    camera = life.room.camera
    pixels, depth = camera.project(points)
    left, ahead = facing(points)
    trunk = points[:, 5:7].mean(axis=1) - points[:, 11:13].mean(axis=1)
    to_camera = camera.place - points[:, 5:7].mean(axis=1)
    to_camera /= np.linalg.norm(to_camera, axis=1, keepdims=True)
    in_room = np.degrees(np.arccos(np.clip(trunk[:, 2] / np.linalg.norm(trunk, axis=1), -1, 1)))
    across = pixels[:, 5:7].mean(axis=1) - pixels[:, 11:13].mean(axis=1)
    in_picture = np.degrees(np.arctan2(np.abs(across[:, 0]), -across[:, 1]))
    sight = Sight(
        pixels=np.clip(pixels, (-200, -200), (camera.width_px + 200, camera.height_px + 200)),
        inside=camera.inside(pixels, depth),
        seen=seen,
        lean_deg=np.maximum(np.minimum(in_room, 90), np.minimum(in_picture, 90)),  # foreshortened or not: lying is hard
        left_near=(left * to_camera).sum(axis=1),
        face=(ahead * to_camera).sum(axis=1),
        light=light,
        standing_px=camera.focal_px * actor.who.height_m / np.maximum(depth.mean(axis=1), NEAR_M),
        width_px=camera.width_px,
        height_px=camera.height_px,
    )
    return errors.look(sight)


def _reflection(
    life: Life, actor: Actor, mirror: Box, points: Array, here: Bools, light: Array, errors: BodyNoise
) -> _Image | None:
    """The body behind the mirror's wall, seen only through the mirror."""
    camera, wall = life.room.camera, mirror.low[0]
    if camera.x_m > wall - 0.5:  # it hangs on the camera's own wall
        return None
    behind = points.copy()
    behind[:, :, 0] = 2 * wall - behind[:, :, 0]
    share = (wall - camera.x_m) / np.maximum(behind[:, :, 0] - camera.x_m, 1e-3)
    y = camera.y_m + share * (behind[:, :, 1] - camera.y_m)
    z = camera.z_m + share * (behind[:, :, 2] - camera.z_m)
    through = (mirror.low[1] < y) & (y < mirror.high[1]) & (mirror.low[2] < z) & (z < mirror.high[2])
    pixels, depth = camera.project(behind)
    inside = camera.inside(pixels, depth)
    seen = inside & through & here[:, None]
    if not seen.any():
        return None
    shown = np.asarray(seen)
    return _Image("mirror", _look(life, actor, behind, shown, light, errors), pixels, shown)


class _Figures:
    """What is no person: the television's people, a poster, ghosts, pets."""

    def __init__(self, life: Life, random: np.random.Generator) -> None:
        self._life, self._random = life, random
        numbers = noise.numbers()["ghost"]
        gaps = random.exponential(3600 / numbers["per_h"], int(life.duration_s / 3600 * numbers["per_h"] * 3) + 5)
        begins = np.cumsum(gaps)
        self._ghosts = [
            (at, at + random.uniform(0.1, numbers["longest_s"]), self._ghost()) for at in begins if at < life.duration_s
        ]
        self._shot: tuple[float, Person | None] = (-1.0, None)
        self._poster = self._figure("poster") if "poster" in life.room.figures else None

    def add(self, stretch: Stretch, light: Array) -> None:
        life, random, times = self._life, self._random, stretch.times_s
        on = np.zeros(len(times), bool)
        for begins_s, ends_s in life.television:
            on |= (times >= begins_s) & (times < ends_s)
        stretch.stirs |= on
        if "television" in life.room.figures:
            for n in np.flatnonzero(on):
                self._add(stretch, int(n), self._on_television(float(times[n])), 0.7)
        if self._poster is not None:
            for n in np.flatnonzero((random.random(len(times)) < 0.4) & (light > 0.2)):
                self._add(stretch, int(n), self._poster, 1.0)
        for begins_s, ends_s, figure in self._ghosts:
            for n in np.flatnonzero((times >= begins_s) & (times < ends_s) & (light > 0.1)):
                self._add(stretch, int(n), figure, 0.8)
        for pet in life.pets:
            crossing = np.flatnonzero((times >= pet.begins_s) & (times < pet.ends_s))
            stretch.stirs[crossing] = True
            for n in crossing[random.random(len(crossing)) < rates()["pet"]["seen_share"]]:
                share = (times[n] - pet.begins_s) / (pet.ends_s - pet.begins_s)
                self._add(stretch, int(n), self._animal(pet.start, pet.end, share), 1.0)

    def _add(self, stretch: Stretch, n: int, figure: Person | None, share: float) -> None:
        if figure is not None and self._random.random() < share:
            stretch.extras.setdefault(n, []).append(figure)

    def _ghost(self) -> Person:
        camera = self._life.room.camera
        return noise.ghost(self._random, camera.width_px, camera.height_px)

    def _on_television(self, at_s: float) -> Person | None:
        """Shots of some seconds, two thirds of them with somebody in them."""
        if at_s >= self._shot[0]:
            figure = self._figure("television") if self._random.random() < 0.67 else None
            self._shot = (at_s + float(self._random.uniform(2, 9)), figure)
        return self._shot[1]

    def _figure(self, name: str) -> Person | None:
        """A standing or sitting person who fills the height of a flat figure."""
        box = self._life.room.figures[name]
        corners = np.array([[*box.low], [*box.high]])
        pixels, depth = self._life.room.camera.project(corners)
        if (depth < 0.3).any():
            return None
        (x0, y0), (x1, y1) = pixels.min(axis=0), pixels.max(axis=0)
        return self._drawn((x0 + x1) / 2, (y0 + y1) / 2, (y1 - y0) * 0.9)

    def _drawn(self, x: float, y: float, height: float) -> Person:
        rows = np.array([0.03] * 5 + [0.18, 0.18, 0.34, 0.34, 0.48, 0.48, 0.52, 0.52, 0.75, 0.75, 0.98, 0.98])
        sides = np.array([0, 0.02, -0.02, 0.04, -0.04, *([0.11, -0.11] * 3), *([0.06, -0.06] * 3)])
        joints = np.stack([x + sides * height, y + (rows - 0.5) * height, self._random.uniform(0.3, 0.7, 17)], axis=1)
        return noise.person(joints, float(self._random.uniform(0.2, 0.5)))

    def _animal(self, start: tuple[float, float], end: tuple[float, float], share: float) -> Person | None:
        x, y = start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
        pixels, depth = self._life.room.camera.project(np.array([[x, y, 0.05], [x, y, 0.4]]))
        if depth.min() < 0.3:
            return None
        (x_px, low_px), (_, high_px) = pixels
        joints = np.empty((17, 3))
        joints[:, 0] = x_px + self._random.normal(0, 0.5, 17) * (low_px - high_px)
        joints[:, 1] = self._random.uniform(high_px, low_px, 17)
        joints[:, 2] = self._random.uniform(0.1, 0.4, 17)
        return noise.person(joints, float(self._random.uniform(0.18, 0.3)))
