from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.speech.audio import CHUNK_S, CHUNK_SAMPLES, AudioChunk
from robot.speech.ring import Ring

pytestmark = pytest.mark.unit


@given(st.integers(0, 60), st.floats(0.1, 3.0), st.integers(-5, 70))
def test_the_last_seconds_stay_whole_in_order_and_by_their_numbers(added: int, kept_s: float, since: int) -> None:
    ring = Ring(kept_s)
    for number in range(added):
        assert ring.add(AudioChunk(np.full(CHUNK_SAMPLES, number, np.int16), number * CHUNK_S)) == number
    assert ring.end == added
    if added:
        assert added - ring.first >= min(added, int(kept_s / CHUNK_S))
        assert (added - ring.first) * CHUNK_S <= kept_s + 2 * CHUNK_S
    found = list(ring.since(since))
    assert [number for number, _ in found] == list(range(max(since, ring.first), added))
    assert all(int(chunk.samples[0]) == number for number, chunk in found)
    assert (ring.chunk(since) is not None) == (ring.first <= since < added)


def test_a_clock_set_back_makes_it_no_larger() -> None:
    ring = Ring(1.0)
    for number in range(100):
        ring.add(AudioChunk(np.zeros(CHUNK_SAMPLES, np.int16), number * CHUNK_S - (3600.0 if number > 5 else 0.0)))
    assert ring.end - ring.first == 10
