"""The simulated life tells the truth about itself: the same seed is the same life, bodies stay rigid, labels fit."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.errors import BadInput
from robot.messages import AlarmType
from robot.simulation import cli_life
from robot.simulation.life import evaluate, poses
from robot.simulation.life.actor import Actor, Person
from robot.simulation.life.camera import Box, Camera
from robot.simulation.life.falls import KINDS, fall
from robot.simulation.life.household import LAG_S, Bed, Mattress
from robot.simulation.life.layout import room
from robot.simulation.life.life import live
from robot.simulation.life.noise import BodyNoise, Sight
from robot.simulation.life.ordinary import SCRIPTS
from robot.simulation.life.score import Trial
from robot.simulation.life.skeleton import BONES, Pose
from robot.simulation.life.stage import Stage, rates, resident
from robot.simulation.life.view import View

pytestmark = pytest.mark.unit

SEEDS = st.integers(0, 10_000)
CAMERA = Camera(0.0, 0.0, 1.8, 45.0, 15.0, 80.0)


@given(SEEDS)
@settings(max_examples=8, deadline=None)
def test_the_same_seed_is_the_same_life(seed: int) -> None:
    one, other = live(seed, 1.0), live(seed, 1.0)
    assert (one.labels, one.falls, one.pets, one.room.camera) == (
        other.labels,
        other.falls,
        other.pets,
        other.room.camera,
    )
    times = np.arange(0.0, 600.0, 7.0)
    assert np.array_equal(one.resident.joints(times), other.resident.joints(times))


def test_another_seed_is_another_life() -> None:
    assert live(1, 1.0).labels != live(2, 1.0).labels


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_labels_are_ordered_and_falls_follow_each_other(seed: int) -> None:
    life = live(seed, 2.0, falls_per_h=4.0)
    assert all(label.begins_s <= label.ends_s for label in life.labels)
    assert all(fall.onset_s < fall.down_s < fall.up_s for fall in life.falls)
    assert all(one.up_s < other.onset_s for one, other in zip(life.falls, life.falls[1:], strict=False))
    for truth in life.falls:
        assert f"fall_{truth.kind}" in life.doing(truth.onset_s)
        assert life.is_down(truth.down_s) == truth
        assert life.is_down(truth.onset_s - 0.1) is None


@given(SEEDS)
@settings(max_examples=8, deadline=None)
def test_bones_keep_their_length_and_nobody_sinks_into_the_floor(seed: int) -> None:
    life = live(seed, 0.5, falls_per_h=6.0)
    for actor in life.actors:
        points = actor.joints(np.arange(actor.began_s, actor.t_s, 3.3))
        for one, other in BONES:
            lengths = np.linalg.norm(points[:, one] - points[:, other], axis=1)
            assert np.ptp(lengths) < 1e-6
        assert points[:, :, 2].min() > 0.0


@given(st.lists(st.floats(-180, 180), min_size=14, max_size=14), st.floats(0, 0.6))
@settings(max_examples=60, deadline=None)
def test_any_angles_touch_what_carries_them(angles: list[float], support_m: float) -> None:
    actor = Actor(Person("p", 1.6, 0.6, 0.4), 1, 0.0, 0.0, 0.0).take(Pose(*angles), 1.0, support_m=support_m)
    lowest = actor.joints(np.array([1.0]))[0, :, 2].min()
    assert support_m < lowest < support_m + 0.11


@given(SEEDS)
@settings(max_examples=8, deadline=None)
def test_what_is_seen_lies_in_the_frame(seed: int) -> None:
    life = live(seed, 0.25, falls_per_h=0.0)
    for stretch in View(life).stretches():
        for image in stretch.images:
            shown = image.pixels[image.seen]
            assert ((shown >= 0) & (shown < (640, 480))).all()
        for n in range(0, len(stretch.times_s), 50):
            for person in stretch.people(n):
                assert all(0 <= joint.score <= 1 for joint in person.keypoints)


def test_each_kind_of_fall_ends_on_the_floor() -> None:
    for seed, kind in enumerate(KINDS):
        place = room(seed)
        stage = Stage(place, np.random.default_rng(seed), Actor(resident(seed), seed, 0.0, *place.spots["door"]))
        fall(stage, kind)
        truth = stage.falls[0]
        head_m = stage.resident.joints(np.array([truth.onset_s - 0.5, truth.down_s + 2.0]))[:, 0, 2]
        assert head_m[1] < 1.0, kind
        assert head_m[1] < head_m[0], kind


def test_the_table_of_rates_names_every_script() -> None:
    assert set(rates()["activities"]) == set(SCRIPTS)
    assert set(rates()["falls"]["shares"]) == set(KINDS)


def test_a_camera_sees_what_is_ahead_and_not_behind_furniture() -> None:
    points = np.array([[[2.0, 2.0, 1.0], [-2.0, -2.0, 1.0]]])
    pixels, depth = CAMERA.project(points)
    assert CAMERA.inside(pixels, depth).tolist() == [[True, False]]
    wardrobe = Box("wardrobe", (0.8, 0.8, 0.0), (1.2, 1.2, 2.0))
    assert CAMERA.hidden(points, (wardrobe,))[0, 0]
    assert not CAMERA.hidden(points, (Box("low", (0.8, 0.8, 0.0), (1.2, 1.2, 0.3)),))[0, 0]


def _sight(lean_deg: float, light: float, hidden: int = 0) -> Sight:
    places = np.tile(np.stack([np.linspace(300, 340, 17), np.linspace(100, 300, 17)], 1), (3000, 1, 1))
    ones = np.ones(3000)
    seen = np.tile(np.arange(17) < 17 - hidden, (3000, 1))
    return Sight(
        places, np.ones((3000, 17), bool), seen, lean_deg * ones, 0 * ones, ones, light * ones, 300 * ones, 640, 480
    )


def test_misses_are_as_rare_as_measured() -> None:
    """Upright nobody was missed in 427 frames, lying 8 %, in an eighth of the light six of ten (measure_noise)."""
    found = {
        key: BodyNoise(3).look(_sight(*key)).found.mean()
        for key in ((0, 1.0, 0), (90, 1.0, 0), (90, 0.12, 0), (0, 1.0, 8))
    }
    assert found[0, 1.0, 0] > 0.97
    assert 0.8 < found[90, 1.0, 0] < 0.99
    assert 0.3 < found[90, 0.12, 0] < 0.5
    assert 0.5 < found[0, 1.0, 8] < 1.0


def test_twenty_minutes_with_a_fall_are_scored_end_to_end() -> None:
    life = live(11, 1 / 3, start_h=10.0, falls_per_h=20.0)
    score = Trial(life).run()
    assert len(score.falls) >= 1
    result = score.falls[0]
    assert result.found
    assert result.asked
    assert result.raised
    assert result.delay_s is not None
    assert 0 < result.delay_s < 60
    figures = evaluate.summary([score])
    assert figures["falls"] == len(score.falls)
    assert list(evaluate.table([score]))


def test_an_unwatched_room_has_no_false_alarms_and_misses_every_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The score blames the detector: one that says nothing misses all falls, with a command to see each again."""
    monkeypatch.setattr("robot.vision.detector.FallDetector.step", lambda *_, **__: [])
    score = Trial(live(11, 1 / 3, start_h=10.0, falls_per_h=20.0)).run()
    assert score.missed == score.falls != []
    assert not score.false("check_in", AlarmType.FALL)
    assert all("hani simulate life" in line and "--seed 11" in line for line in evaluate.failures([score]))


def test_an_event_about_somebody_else_finds_no_fall_and_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robot.vision.detector.FallDetector.last_seen", lambda *_: None)
    score = Trial(live(11, 1 / 3, start_h=10.0, falls_per_h=20.0)).run()
    assert score.missed == score.falls != []
    assert score.false("check_in", AlarmType.FALL)


def test_a_fall_that_reaches_nobody_is_missed_whatever_the_camera_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robot.simulation.life.household.Household.on_fall", lambda *_: None)  # lost on the way
    score = Trial(live(11, 1 / 3, start_h=10.0, falls_per_h=20.0)).run()
    assert any(result.seen for result in score.falls)
    assert score.missed == score.falls


def test_a_life_without_falls_is_scored_for_what_is_false() -> None:
    [score] = evaluate.evaluate(0.2, [3], Mattress.TRUE, falls_per_h=0.0)
    assert score.falls == []
    figures = evaluate.summary([score])
    assert figures["missed_share"] is None
    assert figures["false_check_ins"] == len(score.false("check_in"))
    assert "without falls" in next(iter(evaluate.table([score])))


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_a_mattress_tells_late_and_within_half_a_minute(seed: int) -> None:
    bed = Bed(live(seed, 0.1, start_h=2.0), Mattress.TRUE)
    told_s = None
    for at_s in range(200):
        bed.tick(float(at_s), in_bed=at_s < 100)
        if told_s is None and at_s > 60 and bed.occupied is False:
            told_s = at_s
    assert told_s is not None
    assert 100 < told_s <= 100 + LAG_S[1] + 7


@pytest.mark.parametrize("manner", list(Mattress))
def test_no_manner_of_the_mattress_is_taken_for_knowledge(manner: Mattress) -> None:
    """A silent or unplugged mattress becomes unknown, and garbage never raises an error."""
    bed = Bed(live(5, 0.5, start_h=2.0), manner)
    for at_s in range(1800):
        bed.tick(float(at_s), in_bed=at_s > 60)
    expected = {
        Mattress.TRUE: True, Mattress.NONE: None, Mattress.ALWAYS_IN: True, Mattress.ALWAYS_OUT: False,
        Mattress.STALE: None, Mattress.DISCONNECTED: None,
    }  # fmt: skip
    assert bed.occupied is expected.get(manner, bed.occupied)
    assert (bed.refused > 100) == (manner is Mattress.GARBAGE)


def test_the_command_prints_a_story_or_lines_of_json() -> None:
    told, lines = io.StringIO(), io.StringIO()
    assert cli_life.run(0.1, 3, told, explain=True, start_h=9.0) == 0
    assert "seed 3" in told.getvalue()
    assert cli_life.run(0.1, 3, lines, as_json=True, start_h=9.0) == 0
    kinds = [json.loads(line)["kind"] for line in lines.getvalue().splitlines()]
    assert kinds[0] == "life"
    assert kinds[-1] == "score"


@pytest.mark.parametrize(
    "wrong", [{"hours": 0.0}, {"hours": 1e9}, {"seed": -1}, {"mattress": "wet"}, {"start_h": 25.0}]
)
def test_impossible_numbers_are_refused_in_one_line(wrong: dict[str, object]) -> None:
    call: dict[str, object] = {"hours": 0.1, "seed": 1, "out": io.StringIO(), **wrong}
    with pytest.raises(BadInput):
        cli_life.run(**call)  # type: ignore[arg-type]  # wrong on purpose


def test_lying_is_lower_than_standing() -> None:
    actor = Actor(Person("p", 1.6, 0.6, 0.4), 1, 0.0, 0.0, 0.0).take(poses.ON_BACK, 1.0)
    heads = actor.joints(np.array([0.0, 1.0]))[:, 0, 2]
    assert heads[0] > 1.4
    assert heads[1] < 0.3
