"""The fall rules on made-up people: what is a fall, what is not, and that each is told once."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.messages import FallEvent, FallReason
from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.pose import Box, Keypoint, Person
from robot.vision.zones import Zones

from .skeletons import BEND, FLOOR_Y_PX, FRAME_PX, LIE, SIT, STAND, Move, Pose, act, person

pytestmark = pytest.mark.unit

NOW_AT_S = 1_800_000_000.0
BED = ((0.25, 0.6), (0.85, 0.6), (0.85, 1.0), (0.25, 1.0))  # where LIE at x = 320 has its hips

STANDING: Move = (STAND, 3.0)
SITTING_LOW = Pose(torso_deg=5, hip_h=0.06, thigh_deg=85, shin_deg=85)  # on the floor, legs ahead
FALL: tuple[Move, ...] = (STANDING, (LIE, 0.7))
GETS_UP: tuple[Move, ...] = ((SIT, 2.0), (STAND, 1.0), (STAND, 3.0))


def watch(
    frames: Iterable[tuple[float, Sequence[Person]]],
    detector: FallDetector | None = None,
    bed_occupied: bool | None = None,
) -> list[FallEvent]:
    detector = detector or FallDetector()
    events = []
    for t_s, people in frames:
        events += detector.step(people, FrameInfo(t_s, NOW_AT_S + t_s, *FRAME_PX), bed_occupied)
    return events


def alone(moves: Sequence[Move], rate_hz: float = 10.0, begin: Pose = STAND, **body: float):
    return [(t, [person(pose, **body)]) for t, pose in act(moves, rate_hz, begin=begin)]


def reasons(events: Sequence[FallEvent]) -> list[tuple[str, bool]]:
    return [(event.reason.value, event.recovered) for event in events]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    height_px=st.floats(120, 400),
    rate_hz=st.sampled_from([2.0, 7.5, 10.0, 15.0]),
    jitter_h=st.floats(0, 0.015),
)
def test_a_standing_person_never_alarms(seed, height_px, rate_hz, jitter_h):
    rng = random.Random(seed)
    frames = [(n / rate_hz, [person(STAND, 320, height_px, 0.6, jitter_h, rng)]) for n in range(int(60 * rate_hz))]
    assert watch(frames) == []


EVERYDAY = {
    "bends and comes up again": (STANDING, (BEND, 1.0), (BEND, 4.0), (STAND, 1.0), STANDING),
    "bends quickly": (STANDING, (BEND, 0.5), (BEND, 2.0), (STAND, 0.5), STANDING),
    "sits down and stays": (STANDING, (SIT, 1.2), (SIT, 40.0)),
    "sits down with a thud": (STANDING, (SIT, 0.6), (SIT, 5.0), (STAND, 1.0)),
    "lies down slowly and gets up": (STANDING, (SIT, 2.0), (LIE, 3.0), (LIE, 15.0), *GETS_UP),
}


@pytest.mark.parametrize("rate_hz", [7.5, 10.0, 15.0])
@pytest.mark.parametrize("moves", EVERYDAY.values(), ids=EVERYDAY)
def test_everyday_movements_do_not_alarm(moves, rate_hz):
    assert watch(alone(moves, rate_hz)) == []


def test_walking_through_the_picture_does_not_alarm():
    frames = [(n / 10, [person(STAND, x_px=40 + 8 * n)]) for n in range(70)]
    assert watch(frames) == []


@pytest.mark.parametrize("rate_hz", [7.5, 10.0, 15.0])
@pytest.mark.parametrize("height_px", [130, 220, 380])
def test_a_fall_is_told_once_soon_and_with_its_onset(height_px, rate_hz):
    events = watch(alone((*FALL, (LIE, 60.0)), rate_hz, height_px=height_px))
    assert reasons(events) == [("fast_drop", False)]
    onset_s, suspected_s = (at - NOW_AT_S for at in (events[0].onset_at_s, events[0].suspected_at_s))
    assert 2.5 <= onset_s <= 3.5
    assert suspected_s - 3.0 <= 2.5
    assert 0 < events[0].confidence <= 1


def test_the_clock_s_origin_does_not_matter():
    frames = alone((*FALL, (LIE, 5.0)))
    shifted = [(t + 86_400.0, people) for t, people in frames]
    assert reasons(watch(frames)) == reasons(watch(shifted)) == [("fast_drop", False)]


def test_whoever_gets_up_is_told_recovered_once_and_may_fall_again():
    moves = (*FALL, (LIE, 5.0), *GETS_UP, (LIE, 0.7), (LIE, 5.0))
    events = watch(alone(moves))
    assert reasons(events) == [("fast_drop", False), ("fast_drop", True), ("fast_drop", False)]
    fall, recovered, second = events
    assert recovered.onset_at_s == pytest.approx(fall.onset_at_s)
    assert fall.suspected_at_s < recovered.suspected_at_s < second.onset_at_s
    assert len({event.id for event in events}) == 3
    assert len({event.track for event in events}) == 1


@pytest.mark.parametrize("away_s", [3.0, 6.0, 15.0, 60.0, 110.0])
@pytest.mark.parametrize("rate_hz", [7.5, 10.0])
def test_a_second_fall_on_the_same_spot_is_told_even_when_nobody_saw_the_first_one_get_up(away_s, rate_hz):
    """Found by killing processes: the remembered first fall swallowed the second. A fall missed is the worst."""
    first = alone((*FALL, (LIE, 5.0)), rate_hz)
    gone = [(first[-1][0] + step / 2, []) for step in range(1, int(away_s * 2))]
    again = [(gone[-1][0] + 0.5 + t_s, people) for t_s, people in first]
    events = watch([*first, *gone, *again])
    falls = [event for event in events if not event.recovered and event.onset_at_s > NOW_AT_S + gone[-1][0]]
    assert falls, "the second fall was not told"
    assert falls[0].reason is FallReason.FAST_DROP


def test_sitting_up_is_not_yet_recovering():
    """Somebody who only sits up on the floor still needs help."""
    sit_on_floor = Pose(torso_deg=10, hip_h=0.06, thigh_deg=85, shin_deg=85)
    assert reasons(watch(alone((*FALL, (LIE, 5.0), (sit_on_floor, 2.0), (sit_on_floor, 20.0))))) == [
        ("fast_drop", False)
    ]


def test_a_slow_slide_is_told_after_a_long_time_on_the_floor():
    events = watch(alone((STANDING, (SIT, 4.0), (LIE, 6.0), (LIE, 60.0))))
    assert reasons(events) == [("long_on_floor", False)]
    assert 24.9 <= events[0].suspected_at_s - events[0].onset_at_s <= 26.0


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 1.0])
def test_a_fall_during_a_restart_is_told_once_within_eleven_seconds(share):
    """A watcher killed while somebody falls sees only the rest; it must not wait for a drop that is over."""
    events = watch(alone(((LIE, 0.7 * (1 - share)), (LIE, 60.0)), begin=STAND.towards(LIE, share)))
    assert len(events) == 1
    assert events[0].reason in (FallReason.FAST_DROP, FallReason.FOUND_ON_FLOOR)
    assert events[0].suspected_at_s - NOW_AT_S <= 11.0
    assert share < 0.9 or events[0].reason is FallReason.FOUND_ON_FLOOR


def test_who_is_first_seen_lying_is_found_on_the_floor_and_who_lies_down_slowly_is_not():
    """Nobody comes in lying: they fell unseen. Whoever is seen lying down has longer."""
    later = [(0.0, [])] + [(t + 10.0, people) for t, people in alone(((LIE, 40.0),), begin=LIE)]
    found = watch(later)
    assert reasons(found) == [("found_on_floor", False)]
    assert found[0].suspected_at_s - NOW_AT_S == pytest.approx(20.0, abs=0.5)
    assert reasons(watch(alone((STANDING, (SIT, 4.0), (LIE, 8.0), (LIE, 40.0))))) == [("long_on_floor", False)]


def test_vanishing_while_falling_is_a_fall():
    """Behind the bed, or below the picture's edge."""
    seen = alone((STANDING, (LIE, 0.7)))[:-1]
    gone = [(seen[-1][0] + n / 10, []) for n in range(1, 40)]
    events = watch([*seen, *gone])
    assert reasons(events) == [("lost_while_falling", False)]


@pytest.mark.parametrize(("x_px", "told"), [(320, True), (600, False)], ids=["within", "at the frame's edge"])
def test_sinking_and_vanishing_at_the_frame_s_edge_is_leaving(x_px: int, told: bool):
    """Whoever leaves past a camera sinks in the picture, too."""
    seen = alone((STANDING, (LIE, 0.7)), x_px=x_px)[:-1]
    gone = [(seen[-1][0] + n / 10, []) for n in range(1, 40)]
    assert bool(watch([*seen, *gone])) is told


def test_vanishing_with_the_trunk_upright_is_sitting_down():
    seen = alone((STANDING, (SITTING_LOW, 0.7)))[:-1]
    gone = [(seen[-1][0] + n / 10, []) for n in range(1, 40)]
    assert watch([*seen, *gone]) == []


def test_a_fall_between_two_looks_is_seen_by_its_end():
    """At night the model may not see the fall itself: upright before, and two seconds later low."""
    before, after = alone((STANDING,)), alone(((LIE, 8.0),), begin=LIE)
    events = watch([*before, *((t + before[-1][0] + 2.0, people) for t, people in after)])
    assert reasons(events) == [("fast_drop", False)]


def test_a_second_fall_after_rising_only_a_moment_is_told_again():
    """A false alarm must not hide the fall that follows it."""
    again = alone((*FALL, (LIE, 3.0), (STAND, 1.2), (STAND, 0.6), (LIE, 0.7), (LIE, 4.0)))
    assert reasons(watch(again)) == [("fast_drop", False), ("fast_drop", False)]


WHEELCHAIR = Pose(torso_deg=40, hip_h=0.24, thigh_deg=80, shin_deg=0)  # 0.62 H, and never upright


@pytest.mark.parametrize(("drop_s", "sat_s", "falls"), [(0.7, 14.0, 2), (6.0, 14.0, 2), (0.7, 5.0, 1)])
def test_who_only_sits_after_a_fall_is_watched_again_after_a_while(drop_s: float, sat_s: float, falls: int):
    """Whoever is helped into a wheelchair never stands, and may fall out of it; sitting itself tells nothing."""
    moves = (*FALL, (LIE, 5.0), (WHEELCHAIR, 2.0), (WHEELCHAIR, sat_s), (LIE, drop_s), (LIE, 30.0))
    events = watch(alone(moves))
    assert [event.recovered for event in events] == [False] * falls


def test_long_without_frames_is_a_new_start_even_when_somebody_is_remembered():
    fallen = alone((STANDING, (SIT, 2.0), (LIE, 3.0), (LIE, 5.0)))
    later = [(t + 3600.0, people) for t, people in alone(((LIE, 15.0),), begin=LIE)]
    events = watch([*fallen, *later])
    assert reasons(events) == [("found_on_floor", False)]
    assert events[0].suspected_at_s - NOW_AT_S >= 3610.0


def test_sitting_on_the_floor_is_asked_about_once_an_hour_and_lying_at_once():
    sits = alone((STANDING, (SIT, 3.0), (SITTING_LOW, 3.0), (SITTING_LOW, 1300.0)), rate_hz=1.0)
    events = watch(sits)
    assert reasons(events) == [("long_on_floor", False)]
    assert events[0].suspected_at_s - NOW_AT_S > 600


def test_a_drop_onto_the_bed_waits_until_the_mattress_would_feel_it():
    zones = Zones(bed=(BED,))
    frames = alone((*FALL, (LIE, 40.0)))
    felt_at_s = 3.7 + 25.0
    detector, events = FallDetector(zones=zones), []
    for t_s, people in frames:
        events += watch([(t_s, people)], detector, t_s >= felt_at_s)
    assert events == []
    never = watch(frames, FallDetector(zones=zones), False)
    assert reasons(never) == [("fast_drop", False)]
    assert 32.0 < never[0].suspected_at_s - NOW_AT_S < 36.0


def test_walking_out_of_the_picture_is_not_a_fall():
    frames = [(n / 10, [person(STAND, x_px=300 + 10 * n)] if n < 30 else []) for n in range(80)]
    assert watch(frames) == []


@pytest.mark.parametrize(
    ("bed_occupied", "x_px", "silent"),
    [(True, 320, True), (False, 320, False), (None, 320, False), (True, 90, False)],
    ids=["in bed", "mattress says no", "mattress unknown", "beside the bed"],
)
def test_only_a_fresh_mattress_with_the_hips_in_the_bed_silences(bed_occupied, x_px, silent):
    events = watch(alone((*FALL, (LIE, 40.0)), x_px=x_px), FallDetector(zones=Zones(bed=(BED,))), bed_occupied)
    assert reasons(events) == ([] if silent else [("fast_drop", False)])


def test_with_two_people_the_bed_silences_nobody():
    """The mattress cannot say which of them it feels."""
    faller = alone((*FALL, (LIE, 10.0)))
    frames = [(t, [*people, person(STAND, x_px=560)]) for t, people in faller]
    assert reasons(watch(frames, FallDetector(zones=Zones(bed=(BED,))), True)) == [("fast_drop", False)]


def test_whoever_lies_in_bed_while_the_mattress_falls_silent_is_told_after_a_while():
    """A stale feed never keeps the watcher quiet."""
    detector = FallDetector(zones=Zones(bed=(BED,)))
    frames = alone((*FALL, (LIE, 60.0)))
    assert watch(frames[:200], detector, True) == []
    assert reasons(watch(frames[200:], detector, None)) == [("long_on_floor", False)]


@pytest.mark.parametrize(("height_px", "told"), [(70, False), (110, True)])
def test_small_figures_are_ignored(height_px, told):
    events = watch(alone((*FALL, (LIE, 40.0)), height_px=height_px))
    assert bool(events) is told


def test_the_one_who_falls_is_told_not_the_one_who_stands():
    faller = alone((*FALL, (LIE, 10.0)), x_px=200)
    frames = [(t, [person(STAND, x_px=520, score=0.9), *people]) for t, people in faller]
    events = watch(frames)
    assert reasons(events) == [("fast_drop", False)]
    assert events[0].track == 2


def test_one_person_drawn_twice_is_one_person():
    frames = [(t, people * 2) for t, people in alone((*FALL, (LIE, 10.0)))]
    assert reasons(watch(frames)) == [("fast_drop", False)]


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 10_000), seen_share=st.floats(0.05, 0.9))
def test_a_fall_is_told_once_however_badly_the_model_sees_the_floor(seed, seen_share):
    """Lying people are often missed; flicker must not report them again."""
    rng = random.Random(seed)
    frames = alone((*FALL, (LIE, 100.0)))
    flickering = [(t, people if t < 6.0 or rng.random() < seen_share else []) for t, people in frames]
    assert reasons(watch(flickering)) == [("fast_drop", False)]


def test_a_helper_beside_the_fallen_does_not_count_as_their_recovery():
    """After a gap a standing person is not taken for the one who lay there."""
    fallen = alone((*FALL, (LIE, 5.0)))
    last_s = fallen[-1][0]
    helper = [(last_s + 4.0 + n / 10, [person(STAND, x_px=330)]) for n in range(60)]
    gap = [(last_s + n / 10, []) for n in range(1, 40)]
    assert reasons(watch([*fallen, *gap, *helper])) == [("fast_drop", False)]


ACTIVITIES = st.lists(
    st.tuples(st.sampled_from([STAND, BEND, SIT, LIE]), st.floats(0.4, 12.0)), min_size=1, max_size=10
)


@settings(deadline=None, max_examples=30)
@given(moves=ACTIVITIES, seed=st.integers(0, 1000), seen_share=st.floats(0.6, 1.0))
def test_whatever_happens_only_who_fell_recovers_and_once(moves, seed, seen_share):
    """A recovery follows a fall of the same person; nothing begins after it is told."""
    rng = random.Random(seed)
    frames = [(t, people if rng.random() < seen_share else []) for t, people in alone(moves)]
    events = watch(frames)
    open_tracks: set[int] = set()
    for event in events:
        if event.recovered:
            assert event.track in open_tracks
            open_tracks.remove(event.track)
        else:
            open_tracks.add(event.track)
        assert NOW_AT_S - 1e-6 <= event.onset_at_s <= event.suspected_at_s
        assert event.reason in FallReason
    assert len({event.id for event in events}) == len(events)


@settings(deadline=None, max_examples=40)
@given(moves=st.lists(st.tuples(st.sampled_from([STAND, BEND, SIT]), st.floats(0.5, 8.0)), min_size=1, max_size=10))
def test_who_never_lies_never_alarms(moves):
    assert watch(alone(moves)) == []


# What a camera makes of a body: lengths along its line of sight vanish


def along_sight(hip_h: float, trunk_h: float, leg_h: float, x_px: float = 320.0, height_px: float = 220.0) -> Person:
    """Upright in the picture: head `trunk_h` above the hips, ankles `leg_h` below, hips `hip_h` above the floor."""
    hip_y = FLOOR_Y_PX - hip_h * height_px
    rows = [-trunk_h] * 5 + [-0.7 * trunk_h] * 2 + [-0.2 * trunk_h] * 4 + [0.0] * 2 + [leg_h / 2] * 2 + [leg_h] * 2
    joints = tuple(
        Keypoint(x_px + 0.05 * height_px * (-1 if n % 2 else 1), hip_y + row * height_px, 0.6)
        for n, row in enumerate(rows)
    )
    xs, ys = [j.x_px for j in joints], [j.y_px for j in joints]
    return Person(joints, Box(min(xs), min(ys), max(xs), max(ys)), 0.6)


STOOD, BOWED, FELL_AWAY = (0.5, 0.42, 0.48), (0.5, 0.05, 0.48), (0.2, 0.15, 0.36)
FELL_FAR_AWAY, BENT = (0.35, 0.17, 0.31), (0.38, 0.14, 0.40)  # head away from a low camera; knees bent, on their feet


def moved(*steps: tuple[tuple[float, float, float], float], rate_hz: float = 10.0):
    now_s, before, frames = 0.0, steps[0][0], []
    for shape, lasts_s in steps:
        for n in range(round(lasts_s * rate_hz)):
            share = min(1.0, (n + 1) / (0.7 * rate_hz))
            mixed = [a + (b - a) * share for a, b in zip(before, shape, strict=True)]
            frames.append((now_s + n / rate_hz, [along_sight(*mixed)]))
        now_s, before = now_s + lasts_s, shape
    return frames


@pytest.mark.parametrize("fallen", [FELL_AWAY, FELL_FAR_AWAY])
def test_who_falls_along_the_line_of_sight_looks_upright_and_is_found(fallen):
    assert reasons(watch(moved((STOOD, 3.0), (fallen, 20.0)))) == [("fast_drop", False)]
    gets_up = watch(moved((STOOD, 3.0), (fallen, 8.0), (STOOD, 5.0)))
    assert reasons(gets_up) == [("fast_drop", False), ("fast_drop", True)]


@pytest.mark.parametrize(("lives_alone", "told"), [(True, []), (False, [("fast_drop", False)])])
def test_who_looks_short_beside_somebody_may_have_sat_down(lives_alone, told):
    """A carer who sits down fast looks as short as who lies along the line of sight; beside them somebody would see.

    Of a couple one may not be able to help.
    """
    comes = [(n / 10, [person(STAND, 60 + 2 * n)]) for n in range(20)]

    def beside_who_sits(frames):
        later = [(2.0 + t, [*people, person(SIT, 100)]) for t, people in frames]
        return reasons(watch([*comes, *later], FallDetector(lives_alone=lives_alone)))

    assert beside_who_sits(moved((STOOD, 3.0), (FELL_AWAY, 20.0))) == told
    assert beside_who_sits(alone(((STAND, 3.0), (LIE, 0.7), (LIE, 20.0)))) == [("fast_drop", False)], "who is low lies"


@pytest.mark.parametrize("bows", [BOWED, BENT])
def test_who_bows_towards_the_camera_has_not_fallen(bows):
    assert watch(moved((STOOD, 3.0), (bows, 20.0), (STOOD, 3.0))) == []


@pytest.mark.parametrize(("sits_s", "told"), [(6.0, []), (14.0, [("fast_drop", False)])])
def test_a_drop_that_ends_with_the_trunk_upright_is_told_when_they_stay_down(sits_s, told):
    events = watch(alone((STANDING, (SITTING_LOW, 0.7), (SITTING_LOW, sits_s), (STAND, 1.0), (STAND, 0.3))))
    assert reasons(events)[:1] == told


def higher(pose: Pose, x_px: float = 320.0, by_px: float = 90.0) -> list[Person]:
    """Further back in the room, away from the picture's edges."""
    return [Person(_down(person(pose, x_px), -by_px), Box(0, 0, 1, 1), 0.6)]


def test_a_ghost_that_takes_a_hidden_ones_track_has_not_fallen():
    """They are missed for a second, something low near by is taken for them, and they are seen again, as a new one."""
    stands = [(n / 10, higher(STAND)) for n in range(40)]
    ghost = [(5.0 + n / 10, higher(LIE, 440)) for n in range(2)]
    both = [(5.2 + n / 10, higher(LIE, 440) + higher(STAND)) for n in range(2)]
    again = [(5.4 + n / 10, higher(STAND)) for n in range(60)]
    assert watch([*stands, *ghost, *both, *again]) == []
    gone = [(5.2 + n / 10, []) for n in range(60)]
    assert reasons(watch([*stands, *ghost, *gone])) == [("lost_while_falling", False)]


def test_nobody_falls_faster_than_free():
    stands = [(n / 10, higher(STAND)) for n in range(30)]
    for fall_s, told in ((0.1, []), (0.6, [("lost_while_falling", False)])):
        falls = [(3.0 + t, higher(pose)) for t, pose in act(((LIE, fall_s), (LIE, 0.5)))]
        gone = [(4.2 + n / 10, []) for n in range(40)]
        assert reasons(watch([*stands, *falls, *gone])) == told


def test_something_low_that_never_stood_and_vanishes_is_no_fall():
    """A pet that jumps off a chair."""
    empty: list[tuple[float, list[Person]]] = [(n / 10, []) for n in range(50)]
    sits = [(5.0 + n / 10, higher(LIE, by_px=150)) for n in range(10)]
    jumps = [(6.0 + n / 10, higher(LIE, 330, by_px=150 - min(60, 20 * n))) for n in range(7)]
    gone = [(6.7 + n / 10, []) for n in range(40)]
    assert watch([*empty, *sits, *jumps, *gone]) == []


def _down(figure: Person, by_px: float) -> tuple[Keypoint, ...]:
    return tuple(Keypoint(j.x_px, j.y_px + by_px, j.score) for j in figure.keypoints)


def test_a_flicker_every_few_seconds_is_nobody_on_the_floor():
    frames = [(n / 10, [person(LIE, 320)] if n % 120 == 0 else []) for n in range(400)]
    assert watch(frames) == []


def test_who_turns_over_on_a_sofa_stays_on_it():
    seat = ((0.25, 0.87), (0.85, 0.87), (0.85, 1.0), (0.25, 1.0))
    lies = [(n / 10, [person(LIE, 320)]) for n in range(200)]
    turned = [(20.0 + n / 10, [Person(_down(person(LIE, 320), -25), Box(0, 0, 1, 1), 0.6)]) for n in range(600)]
    assert watch([*lies, *turned], FallDetector(zones=Zones(bed=(BED_ELSEWHERE,), sofa=(seat,)))) == []


def test_who_slid_from_the_sofa_and_lies_beside_it_is_told():
    seat = ((0.42, 0.87), (0.85, 0.87), (0.85, 1.0), (0.42, 1.0))
    frames = [(n / 10, [person(LIE, 320 if n < 200 else 240)]) for n in range(800)]
    events = watch(frames, FallDetector(zones=Zones(bed=(BED_ELSEWHERE,), sofa=(seat,))))
    assert [event.reason for event in events] == [FallReason.FOUND_ON_FLOOR]


def test_who_is_guessed_just_above_a_felt_bed_is_under_its_blanket():
    bed = ((0.2, 0.95), (0.9, 0.95), (0.9, 1.0), (0.2, 1.0))
    frames = [(n / 10, [person(LIE, 320)]) for n in range(600)]
    assert watch(frames, FallDetector(zones=Zones(bed=(bed,))), True) == []
    assert watch(frames, FallDetector(zones=Zones(bed=(bed,))), None) != []


BED_ELSEWHERE = ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1))
