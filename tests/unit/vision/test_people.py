"""Several people, places and pictures: who is who, who helps, and what is no person at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from robot.messages import Zone
from robot.vision.detector import HOLD_S, FallDetector, FrameInfo
from robot.vision.scale import RoomScale
from robot.vision.tracker import postures_of
from robot.vision.zones import Zones

from .skeletons import FLOOR_Y_PX, FRAME_PX, LIE, SIT, STAND, Pose, act, person

pytestmark = pytest.mark.unit

FALL = ((STAND, 3.0), (LIE, 0.7))
RATE_HZ = 10.0
SEATED = Pose(torso_deg=5, hip_h=0.28, thigh_deg=-80, shin_deg=0)
SITTING_ON_FLOOR = Pose(torso_deg=25, hip_h=0.07, thigh_deg=-85, shin_deg=-85)
LIE_ON_BED = Pose(torso_deg=88, hip_h=0.36, thigh_deg=-88, shin_deg=-86)


def frames(*actors):
    """Everybody's poses merged: each actor is (x at a time, moves, when they come, when they go, height)."""
    merged = {}
    for actor in actors:
        x_at, moves, comes_s = actor["x"], actor["moves"], actor.get("comes_s", 0.0)
        goes_s = actor.get("goes_s", 1e9)
        for t, pose in act(moves, RATE_HZ, start_s=comes_s, begin=actor.get("begin", STAND)):
            if t < goes_s:
                figure = person(pose, x_at(t), actor.get("height_px", 220.0), actor.get("score", 0.6))
                merged.setdefault(round(t, 3), []).append(figure)
    return sorted(merged.items())


def watch(script, detector, bed_occupied=None):
    events = []
    for t, people in script:
        events += detector.step(people, FrameInfo(t, t, *FRAME_PX), bed_occupied)
    return events


def told(events):
    return [(event.reason.value, event.recovered) for event in events]


def box(left, top, right, bottom):
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def carer(comes_s=0.0, goes_s=1e9, stops_x=480.0, stays_s=40.0):
    """Walks in from the right and stands beside the bed."""
    return {"x": lambda t: max(stops_x, 620 - 60 * (t - comes_s)), "moves": ((STAND, stays_s),), "comes_s": comes_s,
            "goes_s": goes_s}  # fmt: skip


FALLEN = {"x": lambda t: 220.0, "moves": (*FALL, (LIE, 30.0))}
HELPED_UP = {"x": lambda t: 220.0, "moves": (*FALL, (LIE, 2.5), (SIT, 2.0), (STAND, 1.0), (STAND, 10.0))}


def test_a_helper_who_gets_them_up_is_noted_and_nobody_is_called():
    detector = FallDetector()
    assert told(watch(frames(HELPED_UP, carer()), detector)) == []
    assert [held.why for held in detector.take_withheld()] == ["helper_beside", "helped_up"]
    assert detector.take_withheld() == []


def test_a_helper_who_does_not_get_them_up_delays_the_call_by_the_hold_only():
    script = [(t, people) for t, people in frames(FALLEN, carer()) if t <= 3.0 + HOLD_S + 3.0]
    events = watch(script, FallDetector())
    assert told(events) == [("fast_drop", False)]
    assert events[0].helped
    assert events[0].people == 2
    assert events[0].suspected_at_s - events[0].onset_at_s <= 3.0, "the hold is no part of it"


def test_a_helper_who_leaves_ends_the_hold():
    script = [(t, people) for t, people in frames(FALLEN, carer(goes_s=6.0)) if t <= 6.0 + 2.5]
    events = watch(script, FallDetector())
    assert told(events) == [("fast_drop", False)]
    assert events[0].suspected_at_s <= 3.7 + 2.0, "and it was suspected before"


def test_a_fall_that_waits_for_the_helper_is_told_when_the_watch_ends():
    """The file ends, the camera pauses, its size changes, or no frames came for long."""
    script = [(t, people) for t, people in frames(FALLEN, carer()) if t < 7.0]
    last_s = script[-1][0]
    for end in (
        lambda detector: detector.finish(),
        lambda detector: detector.step([], FrameInfo(last_s + 0.1, 0.0, 320, 240)),
        lambda detector: detector.step([], FrameInfo(last_s + 600.0, 0.0, *FRAME_PX)),
    ):
        detector = FallDetector()
        assert watch(script, detector) == []
        events = end(detector)
        assert told(events) == [("fast_drop", False)]
        assert events[0].helped
        assert 3.7 < events[0].suspected_at_s < 3.7 + 2.0 < last_s
        assert detector.finish() == []


def test_a_helper_taken_for_the_fallen_helps_nobody_up():
    """One stands where two were: it may be the helper, and the other one still lies behind."""
    detector = FallDetector()
    events = watch(frames(HELPED_UP, carer(goes_s=8.6)), detector)
    assert told(events) == [("fast_drop", False)]
    assert events[0].helped
    assert "helped_up" not in [held.why for held in detector.take_withheld()]


def test_who_stands_over_the_fallen_is_another_person():
    over = [person(LIE, 320.0), person(replace(STAND, hip_h=0.3), 340.0)]
    assert len(postures_of(over)) == 2
    assert len(postures_of([*over, *over])) == 2


def test_outside_a_drawn_bed_is_the_floor_and_without_one_nobody_knows():
    for bed, zone, in_bed in (((box(0.7, 0.5, 1.0, 1.0),), Zone.FLOOR, 0), ((), None, None)):
        detector = FallDetector(zones=Zones(bed=bed))
        events = watch(frames(FALLEN), detector)
        assert [event.zone for event in events] == [zone]
        assert (detector.view().in_bed, detector.view().low) == (in_bed, 1)


@pytest.mark.parametrize(("until_s", "told_as"), [(3.55, [("lost_while_falling", False)]), (3.65, [])])
def test_only_who_lay_on_the_sofa_when_last_seen_rests_there(until_s, told_as):
    """Whoever falls before it passes its zone in the picture, and may vanish there, not yet low."""
    detector = FallDetector(zones=Zones(sofa=(box(0.0, 0.0, 1.0, 1.0),)))
    seen = [(t, people) for t, people in frames(FALLEN) if t < until_s]
    gone = [(until_s + n / 10, []) for n in range(30)]
    assert told(watch([*seen, *gone], detector)) == told_as


@pytest.mark.parametrize("moves", [((SIT, 40.0),), ((STAND, 40.0),)], ids=["sits", "a poster"])
def test_who_only_sits_and_who_never_moved_is_no_helper(moves):
    """A spouse in a wheelchair and a picture on the wall cannot help."""
    begin = moves[0][0]
    other = {"x": lambda t: 520.0, "moves": moves, "begin": begin}
    events = watch(frames(FALLEN, other), FallDetector())
    assert told(events) == [("fast_drop", False)]
    assert events[0].suspected_at_s <= 3.7 + 2.0


def test_two_upright_people_are_in_the_view():
    detector = FallDetector()
    walker = {"x": lambda t: 60 + 40 * t, "moves": ((STAND, 6.0),)}
    watch(frames(walker, carer(stays_s=6.0)), detector)
    view = detector.view()
    assert (view.sees, view.people, view.upright, view.low, view.helper) == (True, 2, 2, 0, True)


@pytest.mark.parametrize(("for_s", "upright"), [(1.0, 0), (2.9, 0), (3.4, 1)])
def test_an_upright_glimpse_is_nobody_who_got_up(for_s, upright):
    """A ghost of the model kept who had rolled out of bed waiting for ten minutes (simulated life, seed 371)."""
    detector = FallDetector()
    watch(frames({"x": lambda t: 320.0, "moves": ((STAND, for_s),)}), detector)
    assert detector.view().upright == upright
    walker = FallDetector()
    watch(frames({"x": lambda t: 320.0 + 80.0 * t, "moves": ((STAND, 1.0),)}), walker)
    assert walker.view().upright == 1, "who walks is somebody at once"


def test_the_view_tells_who_lies_where():
    zones = Zones(bed=(box(0.0, 0.5, 0.45, 1.0),), floor=(box(0.0, 0.5, 1.0, 1.0),))
    detector = FallDetector(zones=zones)
    in_bed = {"x": lambda t: 180.0, "moves": ((LIE, 5.0),), "begin": LIE}
    on_floor = {"x": lambda t: 480.0, "moves": ((LIE, 5.0),), "begin": LIE}
    watch(frames(in_bed, on_floor), detector)
    view = detector.view()
    assert (view.people, view.upright, view.in_bed, view.low, view.helper) == (2, 0, 1, 1, False)


@settings(deadline=None, max_examples=20)
@given(speed=st.floats(60, 160), hidden_s=st.floats(0.1, 0.5))
def test_two_who_cross_keep_their_names(speed, hidden_s):
    """They meet in the middle and hide each other for a moment; each goes on along their way."""
    detector, meets_s = FallDetector(), 280 / speed
    assume(abs(meets_s * RATE_HZ - round(meets_s * RATE_HZ)) > 1e-6)  # a frame with both on one spot tells nobody apart
    numbers = {}
    for n in range(int(2 * meets_s * RATE_HZ)):
        t = n / RATE_HZ
        places = {"right": 40 + speed * t, "left": 600 - speed * t}
        if abs(t - meets_s) < hidden_s / 2 or abs(places["right"] - places["left"]) < 90:
            places.pop("left")
            places["right"] = 40 + speed * t
        people = {name: person(STAND, x) for name, x in places.items()}
        detector.step(list(people.values()), FrameInfo(t, t, *FRAME_PX))
        numbers[t] = {
            name: next(track.number for track in detector._seen if abs(track.posture.hip_x_px - x) < 1)
            for name, x in places.items()
        }
    first, last = numbers[0.0], numbers[max(numbers)]
    assert last["right"] == first["right"]


def test_a_person_hidden_behind_a_table_for_two_seconds_is_the_same():
    script = [(t, people) for t, people in frames({"x": lambda t: 100 + 30 * t, "moves": ((STAND, 12.0),)})
              if not 5 <= t < 7]  # fmt: skip
    detector = FallDetector()
    watch(script, detector)
    assert {track.number for track in detector._seen} == {1}


# places


def test_lying_on_a_sofa_is_what_it_is_for_and_is_noted():
    sofa = Zones(sofa=(box(0.2, 0.6, 0.9, 1.0),))
    detector = FallDetector(zones=sofa)
    script = frames({"x": lambda t: 320.0, "moves": (*FALL, (LIE, 60.0))})
    assert watch(script, detector) == []
    assert [held.why for held in detector.take_withheld()] == ["on_sofa"]


@pytest.mark.parametrize(("hip_h", "told_as"), [(0.2, []), (0.25, [("found_on_floor", False)])])
def test_from_a_low_camera_who_lies_on_a_sofa_is_seen_above_the_line_that_it_is(hip_h, told_as):
    """The middle of the body is above the seat, which is the zone; of who lies behind it, further above."""
    sofa = Zones(bed=(box(0.0, 0.0, 0.1, 0.1),), sofa=(box(0.1, 0.86, 0.9, 0.9),))
    lies = replace(LIE, hip_h=hip_h, torso_deg=60)
    script = frames({"x": lambda t: 320.0, "moves": ((lies, 20.0),), "begin": lies})
    assert told(watch(script, FallDetector(zones=sofa))) == told_as


def test_lying_half_outside_the_sofa_is_a_fall():
    """Whoever lies before it has the hips inside in the picture, and not the body."""
    sofa = Zones(sofa=(box(0.498, 0.6, 0.9, 1.0),))
    events = watch(frames({"x": lambda t: 320.0, "moves": (*FALL, (LIE, 10.0))}), FallDetector(zones=sofa))
    assert told(events) == [("fast_drop", False)]


def test_a_bed_that_nobody_feels_silences_nothing_and_the_event_names_it():
    bed = Zones(bed=(box(0.2, 0.6, 0.9, 1.0),))
    events = watch(frames({"x": lambda t: 320.0, "moves": (*FALL, (LIE, 10.0))}), FallDetector(zones=bed))
    assert [(event.reason.value, event.zone) for event in events] == [("fast_drop", Zone.BED)]


ROLLS = ((LIE_ON_BED, 6.0), (LIE, 0.6), (LIE, 20.0))


@pytest.mark.parametrize("zones", [Zones(), Zones(bed=(box(0.2, 0.6, 0.8, 0.82),))], ids=["nothing drawn", "bed drawn"])
def test_rolling_out_of_bed_is_told_within_two_seconds(zones):
    """Nobody was upright before, so there is no height to measure by: the whole body comes down while lying."""
    script = frames({"x": lambda t: 320.0, "moves": ROLLS, "begin": LIE_ON_BED})
    events = watch(script, FallDetector(zones=zones), bed_occupied=None)
    assert told(events)[0] == ("fell_out_of_bed", False)
    assert 6.0 <= events[0].suspected_at_s <= 8.0


def test_sliding_slowly_out_of_bed_is_told_after_a_few_seconds_beside_it():
    zones = Zones(bed=(box(0.2, 0.6, 0.8, 0.82),))
    moves = ((LIE_ON_BED, 6.0), (LIE, 5.0), (LIE, 30.0))
    events = watch(frames({"x": lambda t: 320.0, "moves": moves, "begin": LIE_ON_BED}), FallDetector(zones=zones), True)
    assert told(events) == [("fell_out_of_bed", False)]
    assert events[0].suspected_at_s <= 11.0 + 6.0


def test_lying_at_the_bed_s_edge_is_lying_in_bed():
    """From a low camera the bed is a line in the picture, and the hips of a sleeper wander across it."""
    zones = Zones(bed=(box(0.2, 0.6, 0.8, 0.77),))
    edge = replace(LIE_ON_BED, hip_h=LIE_ON_BED.hip_h - 0.08)
    script = frames(
        {"x": lambda t: 320.0, "moves": ((LIE_ON_BED, 6.0), (edge, 1.0), (edge, 90.0)), "begin": LIE_ON_BED}
    )
    assert watch(script, FallDetector(zones=zones), True) == []


def test_rolling_out_of_bed_onto_what_looks_like_the_sofa_is_told():
    """Nobody moves from bed to sofa without standing up: the sofa only stands before the bed in the picture."""
    zones = Zones(bed=(box(0.2, 0.6, 0.8, 0.82),), sofa=(box(0.1, 0.82, 0.9, 1.0),))
    script = frames({"x": lambda t: 320.0, "moves": ROLLS, "begin": LIE_ON_BED})
    assert told(watch(script, FallDetector(zones=zones), True))[0] == ("fell_out_of_bed", False)


def test_turning_over_in_bed_is_nothing():
    zones = Zones(bed=(box(0.2, 0.6, 0.8, 0.82),))
    other = Pose(torso_deg=80, hip_h=0.33, thigh_deg=-60, shin_deg=-86)
    moves = ((LIE_ON_BED, 4.0), (other, 0.8), (LIE_ON_BED, 0.8)) * 5
    script = frames({"x": lambda t: 320.0, "moves": moves, "begin": LIE_ON_BED})
    assert watch(script, FallDetector(zones=zones), True) == []


SLIDES = ((STAND, 3.0), (SEATED, 2.0), (SEATED, 5.0), (SITTING_ON_FLOOR, 5.0), (LIE, 4.0), (LIE, 12.0))


def test_sliding_from_a_chair_is_told_long_before_long_on_floor():
    events = watch(frames({"x": lambda t: 320.0, "moves": SLIDES}), FallDetector())
    assert told(events) == [("slid_from_chair", False)]
    assert events[0].suspected_at_s <= 19.0 + 6.0


def test_whoever_stood_up_from_the_chair_before_falling_fell():
    moves = ((STAND, 3.0), (SIT, 2.0), (SIT, 5.0), (STAND, 1.5), (STAND, 2.0), (LIE, 0.7), (LIE, 10.0))
    assert told(watch(frames({"x": lambda t: 320.0, "moves": moves}), FallDetector())) == [("fast_drop", False)]


@pytest.mark.parametrize(("slid_px", "told_as"), [(0.0, []), (110.0, [("slid_from_chair", False)])])
def test_who_slid_off_the_sofa_lies_half_a_metre_before_it(slid_px, told_as):
    """In the picture that is on the sofa, if the camera looks over its back."""
    sofa = Zones(sofa=(box(0.1, 0.5, 0.95, 1.0),))
    lies = Pose(torso_deg=80, hip_h=0.24, thigh_deg=-80, shin_deg=-86)
    moves = ((STAND, 3.0), (SEATED, 2.0), (SEATED, 7.0), (lies, 6.0), (lies, 15.0))
    script = frames({"x": lambda t: 320.0 - slid_px * min(1.0, max(0.0, (t - 12) / 6)), "moves": moves})
    assert told(watch(script, FallDetector(zones=sofa))) == told_as


def test_lying_down_from_sitting_on_the_floor_is_no_fall():
    """Only the head comes down: the hips were there already. It is still told if nobody gets up for long."""
    moves = ((STAND, 3.0), (SEATED, 2.0), (SITTING_ON_FLOOR, 2.0), (SITTING_ON_FLOOR, 4.0), (LIE, 0.8), (LIE, 15.0))
    events = watch(frames({"x": lambda t: 320.0, "moves": moves}), FallDetector())
    assert "fast_drop" not in [reason for reason, _ in told(events)]


# what is no person


def test_figures_inside_an_ignored_zone_do_not_exist():
    television = Zones(ignore=(box(0.1, 0.0, 0.9, 1.0),))
    detector = FallDetector(zones=television)
    assert watch(frames({"x": lambda t: 320.0, "moves": (*FALL, (LIE, 40.0))}), detector) == []
    assert detector.view().people == 0


def test_a_person_before_the_television_is_a_person():
    television = Zones(ignore=(box(0.3, 0.4, 0.7, 0.75),))
    events = watch(frames({"x": lambda t: 320.0, "moves": (*FALL, (LIE, 10.0))}), FallDetector(zones=television))
    assert told(events)[0] == ("fast_drop", False)


def test_a_still_upright_figure_is_nobody_after_a_while_but_a_still_lying_one_is_somebody():
    detector = FallDetector()
    poster = {"x": lambda t: 500.0, "moves": ((STAND, 90.0),)}
    assert watch(frames(poster), detector) == []
    assert detector.view().people == 0
    lying = {"x": lambda t: 320.0, "moves": ((LIE, 90.0),), "begin": LIE}
    assert told(watch(frames(lying), FallDetector())) == [("found_on_floor", False)]


def test_a_poster_does_not_count_as_the_second_person_in_the_room():
    """The bed's silence needs one person in view; a portrait on the wall must not end it for ever."""
    zones = Zones(bed=(box(0.25, 0.6, 0.85, 1.0),))
    poster = {"x": lambda t: 60.0, "moves": ((STAND, 130.0),)}
    lies = {"x": lambda t: 320.0, "moves": (*FALL, (LIE, 40.0)), "comes_s": 80.0}
    assert watch(frames(poster, lies), FallDetector(zones=zones), True) == []


def test_figures_half_as_tall_as_people_there_are_pictures():
    scale = RoomScale()
    for _ in range(30):
        scale.learn(300, 200, 480)
    assert scale.is_too_small(310, 90, 480)
    assert not scale.is_too_small(310, 120, 480)
    assert not scale.is_too_small(200, 90, 480), "further away people are smaller"
    assert not RoomScale().is_too_small(310, 10, 480), "nothing is known yet"


def test_feet_beside_the_drawn_floor_belong_to_a_picture_until_they_move():
    floor = Zones(floor=(box(0.0, 0.95, 1.0, 1.0),))
    assert FLOOR_Y_PX / FRAME_PX[1] < 0.95
    detector = FallDetector(zones=floor)
    watch(frames({"x": lambda t: 320.0, "moves": ((STAND, 5.0),)}), detector)
    assert detector.view().people == 0
    detector = FallDetector(zones=floor)
    watch(frames({"x": lambda t: 100.0 + 60 * t, "moves": ((STAND, 5.0),)}), detector)
    assert detector.view().people == 1


def test_another_frame_size_starts_anew_and_alarms_nobody():
    detector = FallDetector()
    watch(frames({"x": lambda t: 320.0, "moves": ((STAND, 5.0),)}), detector)
    small = [person(STAND, 320.0, 110.0)]
    for n in range(20):
        t = 5.0 + n / 10
        assert detector.step(small, FrameInfo(t, t, 320, 240)) == []
