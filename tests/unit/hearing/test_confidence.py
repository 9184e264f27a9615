from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.speech.calibration import UNFITTED, Bar, Calibration
from robot.speech.confidence import Evidence, SpeechMeter, Spoken, confidences, evidence, features, known, shares

pytestmark = pytest.mark.unit

BEAM = 6.0
SCORES = st.floats(min_value=-500.0, max_value=0.0)
CALIBRATIONS = st.builds(
    Calibration,
    bias=st.floats(-5, 5),
    margin=st.floats(0, 5),
    length=st.floats(0, 5),
    pace=st.floats(0, 5),
    temperature=st.floats(0.1, 20),
    bars=st.just((Bar(from_tokens=0, least_known=0.5),)),
    safety_lower=st.floats(0, 0.5),
    safety_upper=st.floats(0.5, 1),
)
EVIDENCE = st.builds(
    lambda scores, tokens, filler, speech_s, cut: evidence(scores, tokens, filler, BEAM, speech_s, cut=cut),
    st.lists(SCORES, min_size=1, max_size=8),
    st.integers(1, 60),
    st.none() | SCORES,
    st.floats(0, 30),
    st.booleans(),
)


@given(EVIDENCE, CALIBRATIONS)
@settings(deadline=None)
def test_confidences_are_probabilities_and_rank_like_the_likelihood(seen: Evidence, by: Calibration) -> None:
    values, sure = confidences(seen, by)
    assert len(values) == len(seen.behind)
    assert all(math.isfinite(value) and 0.0 <= value <= sure <= 1.0 for value in values)
    assert values == sorted(values, reverse=True)


@given(EVIDENCE, CALIBRATIONS, st.floats(0, 6))
@settings(deadline=None)
def test_more_margin_never_makes_a_phrase_less_likely(seen: Evidence, by: Calibration, more: float) -> None:
    better = Evidence(seen.behind, seen.margin + more, seen.tokens, seen.speech_s)
    assert known(better, by) >= known(seen, by)


@given(EVIDENCE, CALIBRATIONS, st.integers(0, 20))
@settings(deadline=None)
def test_a_longer_phrase_at_the_same_pace_is_believed_no_less(seen: Evidence, by: Calibration, more: int) -> None:
    tokens = seen.tokens + more
    longer = Evidence(seen.behind, seen.margin, tokens, seen.speech_s / seen.tokens * tokens)
    assert known(longer, by) >= known(seen, by) - 1e-9


@given(st.integers(1, 60), CALIBRATIONS, st.floats(1, 10), st.floats(1, 10))
@settings(deadline=None)
def test_the_odder_the_pace_the_less_it_is_believed(tokens: int, by: Calibration, one: float, two: float) -> None:
    usual_s = 0.12 * tokens
    for factor in (one, one * two):
        slower, slowest = (Evidence((0.0,), 3.0, tokens, usual_s * by_) for by_ in (factor, factor * two))
        assert known(slowest, by) <= known(slower, by) + 1e-9
    nothing_loud = Evidence((0.0,), 3.0, tokens, 0.0)
    assert known(nothing_loud, by) <= known(Evidence((0.0,), 3.0, tokens, usual_s), by)


@given(EVIDENCE, CALIBRATIONS)
@settings(deadline=None)
def test_a_homophone_takes_nothing_from_the_confidence(seen: Evidence, by: Calibration) -> None:
    twice = Evidence((0.0, *seen.behind), seen.margin, seen.tokens, seen.speech_s)
    assert confidences(twice, by)[0][1:] == confidences(seen, by)[0]


def test_what_lies_beyond_the_beam_counts_as_the_beam() -> None:
    assert evidence([-10.0], 4, None, BEAM, 0.5).margin == BEAM
    assert evidence([-10.0], 4, -30.0, BEAM, 0.5).margin == BEAM
    assert evidence([-30.0], 4, -10.0, BEAM, 0.5).margin == -BEAM


def test_a_list_that_was_cut_says_only_that_the_filler_lies_behind_its_last() -> None:
    assert evidence([-10.0, -11.5], 4, None, BEAM, 0.5, cut=True).margin == 1.5


def test_two_phrases_alike_share_what_one_would_have_had() -> None:
    first, second = shares([0.0, 0.001], 2.0)
    assert first == pytest.approx(second, abs=1e-3)
    assert first + second == pytest.approx(1.0)


def test_unfitted_a_short_phrase_needs_to_beat_the_filler_and_a_long_one_may_slip() -> None:
    short, long = (Evidence((0.0,), -1.0, tokens, 0.12 * tokens) for tokens in (4, 10))
    assert known(short, UNFITTED) < 0.5 < known(long, UNFITTED)


def test_the_usual_pace_costs_nothing() -> None:
    assert features(Evidence((0.0,), 1.0, 8, 0.96)) == (1.0, 3.0, 0.0)


def sound(*parts: tuple[float, float]) -> np.ndarray:
    """Noise of given (seconds, RMS) one after the other."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(0.0, rms, round(s * 16_000)) for s, rms in parts]).astype(np.int16)


@pytest.mark.parametrize("room", [5.0, 200.0])
def test_the_meter_measures_from_the_first_to_the_last_loud_moment(room: float) -> None:
    meter = SpeechMeter()
    heard = sound((1.0, room), (0.3, 3000.0), (0.2, room), (0.5, 3000.0), (1.0, room))
    for at in range(0, len(heard), 1600):
        meter.feed(heard[at : at + 1600])
    assert meter.take().speech_s == pytest.approx(1.0, abs=0.05)
    assert meter.take() == Spoken(0.0)


@pytest.mark.parametrize("room", [5.0, 200.0])
@pytest.mark.parametrize("begun_s", [0.1, 0.4])
def test_who_speaks_on_before_the_stretch_is_told_begins_the_next_one(room: float, begun_s: float) -> None:
    meter = SpeechMeter()
    meter.feed(sound((1.0, room), (0.8, 3000.0), (0.9, room), (begun_s, 3000.0)))
    told = meter.take()
    assert told.speech_s == pytest.approx(0.8, abs=0.05)
    assert told.ahead_s == pytest.approx(begun_s, abs=0.05)
    meter.feed(sound((0.5, 3000.0), (1.0, room)))
    assert meter.take().speech_s == pytest.approx(begun_s + 0.5, abs=0.05)
    assert meter.take() == Spoken(0.0)


def test_a_short_word_that_ends_in_a_noise_is_its_own() -> None:
    """Found on clips of strangers: told 1.2 s after its beginning, and a click shortly before that."""
    meter = SpeechMeter()
    meter.feed(sound((0.9, 5.0), (0.5, 3000.0), (0.3, 5.0), (0.1, 3000.0), (0.3, 5.0)))
    assert meter.take() == Spoken(pytest.approx(0.9, abs=0.05))


def test_speech_that_was_cut_off_at_its_longest_is_its_own() -> None:
    meter = SpeechMeter()
    meter.feed(sound((1.0, 5.0), *[(0.3, 3000.0), (0.1, 5.0)] * 50, (0.3, 3000.0)))
    assert meter.take() == Spoken(pytest.approx(20.3, abs=0.05))


def test_a_pause_inside_a_stretch_and_the_end_of_a_stream_have_no_next_one() -> None:
    inside, ended = SpeechMeter(), SpeechMeter()
    inside.feed(sound((0.5, 5.0), (0.4, 3000.0), (0.45, 5.0), (0.3, 3000.0), (0.9, 5.0)))
    assert inside.take() == Spoken(pytest.approx(1.15, abs=0.05))
    ended.feed(sound((0.5, 5.0), (0.4, 3000.0), (0.9, 5.0), (0.3, 3000.0)))
    assert ended.take(at_end=True) == Spoken(pytest.approx(1.6, abs=0.05))


@pytest.mark.parametrize("rms", [0.0, 15.0, 300.0])
def test_silence_and_steady_noise_hold_no_speech(rms: float) -> None:
    meter = SpeechMeter()
    meter.feed(sound((10.0, rms)))
    assert meter.take() == Spoken(0.0)


def test_an_endless_noise_does_not_fill_the_memory() -> None:
    meter = SpeechMeter()
    for _ in range(700):
        meter.feed(sound((0.1, 3000.0)))
    assert meter.take().speech_s <= 30.0
