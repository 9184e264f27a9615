"""Somebody who moves through the room: key moments in, joints at any moment out. Pure.

An actor is told what to do, one thing after the other; each method moves their own clock on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robot.simulation.life import poses
from robot.simulation.life.skeleton import ANGLES, Array, Places, Pose, joints

SMOOTH, STEADY, FALLING = 0, 1, 2
TURN_DEG_S = 110.0
HEAD_TURN_PAUSE_S = 0.2
_X, _Y, _HEADING, _SUPPORT, _WALKED = range(ANGLES, ANGLES + 5)


@dataclass(frozen=True, slots=True)
class Person:
    """A body and its gait. `speed_m_s` on the flat; `step_m` the length of one step; `stoop_deg` the bent back.

    aid: "", "stick" (one hand low before the body) or "walker" (both). `haste` divides the time of every movement.
    """

    name: str
    height_m: float
    speed_m_s: float
    step_m: float
    stoop_deg: float = 0.0
    aid: str = ""
    haste: float = 1.0

    def stance(self, pose: Pose) -> Pose:
        """The person's own way to take a pose on their feet."""
        if pose is not poses.STAND:
            return pose
        stoop = self.stoop_deg
        legs = {
            "left_hip": stoop * 0.9,
            "right_hip": stoop * 0.9,
            "left_knee": 3 + stoop * 0.5,
            "right_knee": 3 + stoop * 0.5,
        }
        own = pose._replace(pitch=stoop, nod=5 + stoop * 0.3, **legs)
        if self.aid:
            own = own._replace(right_arm=28 + stoop, right_elbow=18)
        return own._replace(left_arm=28 + stoop, left_elbow=18) if self.aid == "walker" else own


class Actor:
    """Begins at `at_s` at the given place, standing. Angles in degrees, places in metres, times in seconds."""

    def __init__(self, who: Person, seed: int, at_s: float, x_m: float, y_m: float, heading_deg: float = 90.0) -> None:
        self.who = who
        self.seed = seed
        self.random = np.random.default_rng(seed)
        self.began_s = self.t_s = at_s
        self.pose = who.stance(poses.STAND)
        self.x_m, self.y_m, self.heading_deg, self.support_m, self._walked_m = x_m, y_m, heading_deg, 0.0, 0.0
        self.on_bed = self.covered = False
        self._times: list[float] = []
        self._rows: list[tuple[float, ...]] = []
        self._kinds: list[
            tuple[int, bool, bool, bool]
        ] = []  # of the stretch that ends here: ease, gait, on bed, covered
        self._frozen: tuple[Array, Array, Array] | None = None
        self._key(SMOOTH, gait=False)

    # What an actor can do

    def take(
        self,
        pose: Pose,
        seconds: float,
        ease: int = SMOOTH,
        *,
        x_m: float | None = None,
        y_m: float | None = None,
        heading_deg: float | None = None,
        support_m: float | None = None,
    ) -> Actor:
        """Move into a pose, and there if a place is given."""
        self.pose = self.who.stance(pose)
        self.x_m = self.x_m if x_m is None else x_m
        self.y_m = self.y_m if y_m is None else y_m
        if heading_deg is not None:
            self.heading_deg += (heading_deg - self.heading_deg + 180) % 360 - 180
        self.support_m = self.support_m if support_m is None else support_m
        self.t_s += max(0.1, seconds / (self.who.haste if ease != FALLING else 1.0))
        self._key(ease, gait=False)
        return self

    def hold(self, seconds: float, fidget_s: float = 0.0, by_deg: float = 4.0) -> Actor:
        """Stay; every `fidget_s` or so the limbs, head and trunk shift a little."""
        until_s = self.t_s + max(0.0, seconds)
        while fidget_s and until_s - self.t_s > 3:
            quiet_s = min(float(self.random.exponential(fidget_s)) + 1.0, until_s - self.t_s - 2)
            self._stay(quiet_s)
            pose, base = self.pose, np.array(self.pose)
            shift = self.random.normal(0, by_deg, ANGLES) * _FIDGETS
            self.take(Pose(*(base + shift)), float(self.random.uniform(0.6, 1.6)))
            self.take(pose, float(self.random.uniform(0.6, 1.6)))
        self._stay(until_s - self.t_s)
        return self

    def turn(self, heading_deg: float) -> Actor:
        turn = (heading_deg - self.heading_deg + 180) % 360 - 180
        if abs(turn) > 5:
            self.take(self.pose, abs(turn) / TURN_DEG_S * 1.4 + HEAD_TURN_PAUSE_S, heading_deg=self.heading_deg + turn)
        return self

    def walk(self, *points: tuple[float, float]) -> Actor:
        """Walk along straight lines, turning at the corners."""
        if self.pose != self.who.stance(poses.STAND):
            self.take(poses.STAND, 1.2)
        for x_m, y_m in points:
            distance = float(np.hypot(x_m - self.x_m, y_m - self.y_m))
            if distance < 0.05:
                continue
            self.turn(float(np.degrees(np.arctan2(y_m - self.y_m, x_m - self.x_m))))
            self.x_m, self.y_m = x_m, y_m
            self._walked_m += distance
            self.t_s += distance / (self.who.speed_m_s * float(self.random.uniform(0.85, 1.1)))
            self._key(STEADY, gait=True)
        return self

    def wait_until(self, at_s: float) -> Actor:
        return self.hold(at_s - self.t_s, 25.0) if at_s > self.t_s else self

    # What comes of it

    def places(self, times_s: Array) -> Places:
        """Where the actor is at these times (ascending, within their life)."""
        keys, rows, kinds = self._arrays()
        after = np.clip(np.searchsorted(keys, times_s, side="left"), 1, len(keys) - 1)
        before = after - 1
        share = np.clip((times_s - keys[before]) / np.maximum(keys[after] - keys[before], 1e-6), 0, 1)
        ease = kinds[after, 0]
        eased = np.where(ease == SMOOTH, share * share * (3 - 2 * share), np.where(ease == FALLING, share**1.8, share))
        now = rows[before] + (rows[after] - rows[before]) * eased[:, None]
        angles = now[:, :ANGLES]
        self._add_gait(angles, now[:, _WALKED], kinds[after, 1] > 0, share, keys[after] - keys[before])
        return Places(angles, now[:, _X], now[:, _Y], now[:, _HEADING], now[:, _SUPPORT])

    def joints(self, times_s: Array) -> Array:
        """T x 17 x 3, metres."""
        return joints(self.places(times_s), self.who.height_m)

    def flags(self, times_s: Array) -> tuple[Array, Array]:
        """Whether they lie or sit on the bed, and whether a blanket covers them (T each)."""
        keys, _, kinds = self._arrays()
        after = np.clip(np.searchsorted(keys, times_s, side="left"), 1, len(keys) - 1)
        return kinds[after, 2] > 0, kinds[after, 3] > 0

    def _arrays(self) -> tuple[Array, Array, Array]:
        if self._frozen is None or len(self._frozen[0]) != len(self._times):
            self._frozen = np.array(self._times), np.array(self._rows), np.array(self._kinds, float)
        return self._frozen

    def _stay(self, seconds: float) -> None:
        if seconds > 0:
            self.t_s += seconds
            self._key(SMOOTH, gait=False)

    def _key(self, ease: int, *, gait: bool) -> None:
        self._times.append(self.t_s)
        self._rows.append((*self.pose, self.x_m, self.y_m, self.heading_deg, self.support_m, self._walked_m))
        self._kinds.append((ease, gait, self.on_bed, self.covered))

    def _add_gait(self, angles: Array, walked_m: Array, walking: Array, share: Array, span_s: Array) -> None:
        """Legs and arms swing with the way walked; the swing grows and fades over the first and last half second."""
        if not walking.any():
            return
        phase = np.pi * walked_m / self.who.step_m
        ends_s = np.minimum(share, 1 - share) * span_s
        swing = np.where(walking, np.clip(ends_s / 0.4, 0.15, 1.0), 0.0)
        reach_deg = np.degrees(np.arcsin(min(0.9, self.who.step_m / 2 / (0.49 * self.who.height_m)))) * swing
        names = Pose._fields
        for side, sign in (("left", 1.0), ("right", -1.0)):
            wave = sign * np.sin(phase)
            angles[:, names.index(f"{side}_hip")] += reach_deg * wave
            lifted = np.clip(sign * np.cos(phase), 0, 1)  # the leg that comes forward bends
            angles[:, names.index(f"{side}_knee")] += reach_deg * 1.6 * lifted
            if not self.who.aid or (self.who.aid == "stick" and side == "left"):
                angles[:, names.index(f"{side}_arm")] -= 0.7 * reach_deg * wave
        angles[:, names.index("roll")] += 1.5 * swing * np.sin(phase)


_FIDGETS = np.array([0.5, 0.4, 0.3, 2.0, 0.5, 0.5, 0.5, 0.5, 0.2, 2.0, 2.0, 2.5, 2.5, 0.5])
"""What moves when somebody fidgets, in Pose's order: head and arms most."""
