"""What MoveNet would say about a simulated body: scores, places, misses, from the numbers in `noise.yaml`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from robot.simulation.life.skeleton import GROUPS, LEFT_RIGHT, Array
from robot.vision.pose import Box, Keypoint, Person

Bools = NDArray[np.bool_]
STEP_S = 0.1
"""The simulated camera's period; the keeps of `noise.yaml` are per such a step."""


@lru_cache(maxsize=1)
def numbers() -> Any:
    """The file's content, read once."""
    return yaml.safe_load((Path(__file__).parent / "noise.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Sight:
    """A body as the camera could see it at T moments, without error.

    pixels: T x 17 x 2. inside: T x 17, in the frame. seen: also behind nothing. lean_deg: the torso from the vertical.
    left_near: +1 when the left side is turned to the camera, -1 the right, 0 none. face: cosine between the face's
    direction and the camera's. light: share of a lit room. standing_px: how tall the person would stand there.
    height_px and width_px: the frame's.
    """

    pixels: Array
    inside: Bools
    seen: Bools
    lean_deg: Array
    left_near: Array
    face: Array
    light: Array
    standing_px: Array
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Detections:
    """What the engine says of one body at T moments; `found` says when it says anything, `found_again` when only a
    second look would.
    """

    found: Bools
    found_again: Bools
    score: Array
    joints: Array

    @classmethod
    def none(cls, count: int) -> Detections:
        """Nobody at so many moments."""
        nobody = np.zeros(count, bool)
        return cls(nobody, nobody, np.zeros(count), np.zeros((count, 17, 3)))

    def person(self, n: int) -> Person | None:
        return person(self.joints[n], float(self.score[n])) if self.found[n] else None

    def person_again(self, n: int) -> Person | None:
        return person(self.joints[n], float(self.score[n])) if self.found_again[n] else None


def person(joints: Array, score: float) -> Person:
    """A person from 17 x 3 (x, y in pixels, score)."""
    (left, top), (right, bottom) = joints[:, :2].min(0), joints[:, :2].max(0)
    return Person(
        tuple(Keypoint(*joint) for joint in joints.tolist()),
        Box(float(left), float(top), float(right), float(bottom)),
        score,
    )


class BodyNoise:
    """The errors about one body, which last from one moment to the next. Call `look` with consecutive stretches."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        n = numbers()
        self._mean = np.zeros((17, 3))
        self._sd = np.zeros(17)
        for group, members in GROUPS.items():
            self._mean[list(members)] = n["joint"]["mean"][group]
            self._sd[list(members)] = n["joint"]["sd"][group]
        person_, place = n["person"], n["place"]
        keeps = [person_["fast_keeps"], person_["slow_keeps"], n["swapped_keeps"]]
        self._keeps = np.array([*keeps, *[n["joint"]["keeps"]] * 17, *[place["keeps"]] * 34])
        self._errors = self._random.normal(size=self._keeps.size)

    def look(self, sight: Sight) -> Detections:
        n, random = numbers(), self._random
        count = len(sight.lean_deg)
        errors = self._lasting(count)
        size_px = np.maximum(8.0, np.ptp(sight.pixels, axis=1).max(axis=1))
        share = sight.standing_px / sight.height_px
        hidden = ~sight.seen
        outside = ~sight.inside
        hidden_share = hidden.mean(axis=1)
        outside_share = outside.mean(axis=1)
        lying = np.interp(sight.lean_deg, n["lean_deg"][1:], [0.0, 1.0])

        found_logit = self._by_lean(n["person"]["mean"], sight.lean_deg)
        found_logit += n["person"]["fast_sd"] * errors[:, 0] + n["person"]["slow_sd"] * errors[:, 1]
        found_logit += n["person"]["moved_by_hidden"] * (hidden_share - outside_share)
        found_logit += n["person"]["moved_by_outside"] * outside_share
        found_logit += self._by_light("moves", sight.light) * (1 + (n["light"]["lying_factor"] - 1) * lying)
        found_logit += self._by_size("moves", share)
        person_score = _share(found_logit)
        enough = 1 - hidden_share >= n["person"]["least_seen_share"]
        found, again = (
            (_share(found_logit + moved) >= n["person"]["least_score"]) & enough
            for moved in (0.0, n["person"]["second_look_moves"])
        )

        logit = np.stack([self._by_lean(mean, sight.lean_deg) for mean in self._mean], axis=1)
        logit += self._sd * errors[:, 3:20]
        logit += (self._by_light("joint_moves", sight.light) + self._by_size("joint_moves", share))[:, None]
        logit += n["joint"]["beside_hidden"] * np.minimum(1.0, hidden_share / 0.45)[:, None]
        logit += n["joint"]["hidden"] * (hidden & ~outside) + n["joint"]["outside"] * outside
        logit += n["joint"]["far_side"] * _far(sight.left_near)
        logit[:, :5] += n["joint"]["face_away"] * np.clip(-sight.face, 0, 1)[:, None]
        scores = _share(logit)

        place_sd = np.maximum(self._by_light("place_sd", sight.light), self._by_size("place_sd", share))
        wander = errors[:, 20:].reshape(count, 17, 2)
        sd = np.where(hidden, n["place"]["hidden_sd"], place_sd[:, None])
        jitter, wild = n["place"]["jitter"], n["place"]["wild"]
        error = wander * sd[:, :, None]
        error += random.normal(size=error.shape) * np.interp(scores, jitter["score"], jitter["sd"])[:, :, None]
        error[:, :, 1] -= n["place"]["hidden_up"] * (hidden & ~outside)
        jumps = random.random(scores.shape) < np.interp(scores, wild["score"], wild["share"])
        error += random.normal(size=error.shape) * (n["place"]["wild_sd"] * jumps)[:, :, None]
        places = sight.pixels.copy()
        places[:, :, 0] = np.where(outside, np.clip(places[:, :, 0], 0, sight.width_px - 1), places[:, :, 0])
        places[:, :, 1] = np.where(outside, np.clip(places[:, :, 1], 0, sight.height_px - 1), places[:, :, 1])
        places += error * size_px[:, None, None]
        swapped = _below(errors[:, 2], self._by_lean(n["swapped_share"], sight.lean_deg))
        places[swapped] = places[swapped][:, list(LEFT_RIGHT)]
        places[:, :, 0] = np.clip(places[:, :, 0], 0, sight.width_px - 1)
        places[:, :, 1] = np.clip(places[:, :, 1], 0, sight.height_px - 1)
        return Detections(found, again & ~found, person_score, np.concatenate([places, scores[:, :, None]], axis=2))

    def _lasting(self, count: int) -> Array:
        """Errors of unit variance that fade: each column keeps its share from step to step."""
        fresh = self._random.normal(size=(count, self._keeps.size)) * np.sqrt(1 - self._keeps**2)
        state = self._errors
        for row in fresh:
            row += self._keeps * state
            state = row
        self._errors = state.copy()
        return np.asarray(fresh)

    @staticmethod
    def _by_lean(values: Any, lean_deg: Array) -> Array:
        return np.asarray(np.interp(lean_deg, numbers()["lean_deg"], values))

    @staticmethod
    def _by_light(what: str, light: Array) -> Array:
        n = numbers()["light"]
        return np.asarray(np.interp(np.log(np.maximum(light, 1e-3)), np.log(n["level"]), n[what]))

    @staticmethod
    def _by_size(what: str, share: Array) -> Array:
        n = numbers()["size"]
        return np.asarray(np.interp(share, n["share"], n[what]))


def ghost(random: np.random.Generator, width_px: int, height_px: int) -> Person:
    """Somebody where nobody is: a coat or a curtain; a narrow upright figure with low scores."""
    n = numbers()["ghost"]
    height = random.uniform(*n["height_share"]) * height_px
    x, y = random.uniform(0, width_px), random.uniform(0.2, 0.9) * height_px
    rows = np.array([0.0] * 5 + [0.15, 0.15, 0.3, 0.3, 0.45, 0.45, 0.5, 0.5, 0.75, 0.75, 1.0, 1.0])
    joints = np.empty((17, 3))
    joints[:, 0] = x + random.normal(0, 0.12, 17) * height
    joints[:, 1] = y + (rows - 0.5 + random.normal(0, 0.08, 17)) * height
    joints[:, 2] = random.uniform(0.08, 0.35, 17)
    joints[:, 0] = np.clip(joints[:, 0], 0, width_px - 1)
    joints[:, 1] = np.clip(joints[:, 1], 0, height_px - 1)
    return person(joints, float(random.uniform(*n["score"])))


def _far(left_near: Array) -> Array:
    """How much each joint (but the face's) is behind the trunk: T x 17, 0 to 1."""
    far = np.zeros((len(left_near), 17))
    far[:, 5::2] = np.clip(-left_near, 0, 1)[:, None]
    far[:, 6::2] = np.clip(left_near, 0, 1)[:, None]
    return far


def _share(logit: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-logit)))


def _below(error: Array, share: Array) -> Bools:
    """True for `share` of the time, where `error` is normal: the lowest ones."""
    shares = [0.0001, 0.001, 0.006, 0.02, 0.05, 0.085, 0.16]
    quantiles = [-3.72, -3.09, -2.51, -2.05, -1.64, -1.37, -0.99]
    return np.asarray((error < np.interp(share, shares, quantiles)) & (share > shares[0]))
