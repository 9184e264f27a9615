"""Whatever people and beds do, and however they are seen: the detector goes on, and its events are in order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.vision.detector import FallDetector, FrameInfo
from robot.vision.zones import Zones

from .skeletons import BEND, FRAME_PX, LIE, SIT, STAND, person

pytestmark = pytest.mark.unit

BED, SOFA = ((0.6, 0.6), (1.0, 0.6), (1.0, 0.9), (0.6, 0.9)), ((0.0, 0.6), (0.3, 0.6), (0.3, 0.9))
ZONES = Zones(bed=(BED,), sofa=(SOFA,))
POSES = st.sampled_from([STAND, SIT, BEND, LIE])
PLACES_PX = st.sampled_from([200.0, 320.0, 440.0]) | st.floats(-40, 680)  # few, so that somebody does much in one
HEIGHTS_PX = st.sampled_from([130.0, 220.0]) | st.floats(20, 460)
FIGURES = st.tuples(POSES, PLACES_PX, HEIGHTS_PX, st.sampled_from([0.6, 0.6, 0.1]))
SCENES = st.tuples(
    st.lists(FIGURES, max_size=3),
    st.sampled_from([0.4, 3.0, 8.0, 40.0]),  # seconds
    st.sampled_from([0.0, 0.0, 40.0, -40.0]),  # pixels a second
    st.sampled_from([None, True, False]),  # what the mattress says
    st.sampled_from([None, 12.0, 130.0]),  # brightness
    st.sampled_from([0.0, 0.0, 0.0, -5.0, -40.0]),  # the clock is set, seconds
)


@settings(deadline=None, max_examples=60)
@given(scenes=st.lists(SCENES, min_size=1, max_size=12), zones=st.sampled_from([Zones(), ZONES]))
def test_the_detector_goes_on_and_its_events_are_in_order(scenes, zones):
    detector, t_s, events = FallDetector(zones=zones), 0.0, []
    latest_s = 0.0
    for figures, seconds, speed_px_s, bed, brightness, clock_s in scenes:
        t_s += clock_s
        for n in range(max(1, min(40, round(5 * seconds)))):
            people = [person(pose, x_px + n / 5 * speed_px_s, px, score) for pose, x_px, px, score in figures]
            events += detector.step(people, FrameInfo(t_s, 1000.0 + t_s, *FRAME_PX, brightness), bed)
            t_s, latest_s = t_s + max(0.2, seconds / 40), max(t_s, latest_s)
            detector.take_withheld()
    events += detector.finish()
    told = [event for event in events if not event.recovered]
    assert len({event.id for event in told}) == len(told)
    assert all(event.onset_at_s <= event.suspected_at_s <= 1000.0 + latest_s for event in events)
