"""What was not believed is heard again at other speeds, and what the looks agree upon counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import Language, Reading
from robot.speech.audio import SAMPLE_RATE_HZ, Samples, load_clip
from robot.speech.confidence import Evidence
from robot.speech.recognizer import FakeRecognizer, FinalResult, VoskRecognizer
from robot.speech.recording import as_one, in_silence
from robot.speech.second_look import (
    LEAST_BORNE_OUT,
    LEAST_KNOWN,
    LONGEST_S,
    SPEEDS,
    SURE,
    SecondLook,
    borne_out,
    for_cries,
    played,
)
from tests.unit.hearing.conftest import clips

pytestmark = pytest.mark.unit

EVIDENCE = Evidence((0.0,), -2.0, 4, 0.6)
SPOKEN_S = 0.6
SOUND = np.zeros(round((SPOKEN_S + 1.0) * SAMPLE_RATE_HZ), np.int16)
SOUND[: round(SPOKEN_S * SAMPLE_RATE_HZ)] = 3_000
SILENCE = np.zeros(SAMPLE_RATE_HZ, np.int16)


def final(text: str, confidence: float, evidence: Evidence | None = EVIDENCE) -> FinalResult:
    return FinalResult((Reading(text, Language.MN, confidence),), confidence, 0.5, evidence)


class Counting(FakeRecognizer):
    """A fake: the given finals, one per look; how long each sound was that it was asked to hear, and the loud part."""

    def __init__(self, finals: Iterable[FinalResult | None]) -> None:
        super().__init__(finals)
        self.heard: list[int] = []
        self.loud_s: list[float] = []
        self._left = list(finals)

    def accept(self, samples: Samples) -> FinalResult | None:
        self.heard.append(len(samples))
        self.loud_s.append(np.count_nonzero(np.abs(samples) > 1_000) / SAMPLE_RATE_HZ)
        return self._left.pop(0) if self._left else None

    def reset(self) -> None:
        pass


def look(first: FinalResult | None, *again: FinalResult | None) -> tuple[FinalResult | None, Counting]:
    twice = Counting(again)
    return SecondLook(Counting([first]), twice).accept(SOUND), twice


def test_what_is_believed_is_not_heard_again() -> None:
    sure = final("тусал", 0.9)
    assert look(sure)[0] is sure
    assert look(sure)[1].heard == []


def test_silence_stays_silence() -> None:
    nothing, twice = look(None)
    assert nothing is None
    assert twice.heard == []


def test_what_another_look_bears_out_is_believed() -> None:
    found, twice = look(final("тусал", 0.2), None, final("тусал", 0.4))
    assert found is not None
    assert found.accepted
    assert found.readings[0].text == "тусал"
    assert len(twice.heard) == len(SPEEDS)


def test_what_no_other_look_finds_is_not_believed_however_well_it_was_heard_at_first() -> None:
    found, _ = look(final("ус", SURE - 0.01), final("тусал", 0.9), final("гэр", 0.9))
    assert found is not None
    assert not found.accepted


def test_a_cry_said_twice_is_borne_out_by_a_look_that_hears_it_once() -> None:
    found, _ = look(final("авраач авраач", 0.5), final("авраач", 0.5), None)
    assert found is not None
    assert (found.readings[0].text, found.known) == ("авраач авраач", pytest.approx(0.5))


def test_other_looks_may_choose_another_of_the_first_ones_readings() -> None:
    two = FinalResult((Reading("ус", Language.MN, 0.4), Reading("тусал", Language.MN, 0.35)), 0.8, 0.5, EVIDENCE)
    found, _ = look(two, final("тусал", 0.9), final("тусал", 0.8))
    assert found is not None
    assert found.readings[0].text == "тусал"
    assert found.accepted


@pytest.mark.parametrize("pause_s", [1, 2])
def test_a_long_stretch_is_looked_at_once(pause_s: int) -> None:
    unsure = final("ус", 0.1)
    loud = np.full(SAMPLE_RATE_HZ, 3_000, np.int16)
    chunks = [SILENCE, *[loud] * (round(LONGEST_S) + 1), *[SILENCE] * pause_s]
    twice = Counting([final("ус", 0.9)] * 2)
    ears = SecondLook(Counting([None] * (len(chunks) - 1) + [unsure]), twice)
    assert [ears.accept(chunk) for chunk in chunks][-1] is unsure
    assert twice.heard == []


def test_who_cries_again_before_the_first_cry_is_told_is_heard_again_whole_each_time() -> None:
    """The engine lags: the next cry has begun in the sound that it had got when it told the first one."""
    stream = np.concatenate([SILENCE, SOUND[: round(1.1 * SAMPLE_RATE_HZ)], SOUND])
    tell = len(SILENCE) + round(1.5 * SAMPLE_RATE_HZ)  # 0.4 s into the second cry
    twice = Counting([None] * 4)
    ears = SecondLook(Counting([final("ус", 0.5)] * 2), twice)
    ears.accept(stream[:tell])
    ears.accept(stream[tell:])
    assert twice.loud_s == pytest.approx([SPOKEN_S / speed for speed in SPEEDS] * 2, abs=0.03)


def test_what_follows_is_heard_whole_also_when_it_began_long_before_the_first_was_told() -> None:
    stream = np.concatenate([SILENCE, SOUND[: round(1.1 * SAMPLE_RATE_HZ)], SOUND])
    begun_s = 0.9
    tell = len(SILENCE) + round((1.1 + begun_s) * SAMPLE_RATE_HZ)
    twice = Counting([None] * 4)
    first = replace(final("ус", 0.5), ahead_s=begun_s)
    ears = SecondLook(Counting([first, final("ус", 0.5)]), twice)
    ears.accept(stream[:tell])
    ears.accept(stream[tell:])
    assert twice.loud_s == pytest.approx([SPOKEN_S / speed for speed in SPEEDS] * 2, abs=0.03)


def test_the_end_of_a_stream_has_no_next_stretch() -> None:
    twice = Counting([None, None])
    ears = SecondLook(Counting([None]), twice)
    ears.accept(np.concatenate([SILENCE, SOUND[: round(SPOKEN_S * SAMPLE_RATE_HZ)]]))
    ears._first.flush = lambda: final("ус", 0.5)
    ears.flush()
    assert twice.loud_s == pytest.approx([SPOKEN_S / speed for speed in SPEEDS], abs=0.03)


@pytest.mark.parametrize("nothing", [FinalResult((), 0.0), final("ус", LEAST_KNOWN / 2)])
def test_what_resembles_nothing_is_not_heard_again(nothing: FinalResult) -> None:
    found, twice = look(nothing, final("тусал", 0.9), final("тусал", 0.9))
    assert found is nothing
    assert twice.heard == []


def test_the_second_look_hears_the_stretch_and_nothing_before_it() -> None:
    twice = Counting([None, None])
    ears = SecondLook(Counting([None] * 20 + [final("ус", 0.1)]), twice)
    for _ in range(20):
        ears.accept(SILENCE)
    ears.accept(SOUND)
    assert 0 < max(twice.heard) < (SPOKEN_S + 3.0) / min(SPEEDS) * SAMPLE_RATE_HZ


def test_after_a_reset_nothing_of_the_last_stream_is_heard_again() -> None:
    twice = Counting([None, None])
    ears = SecondLook(Counting([None, final("ус", 0.1)]), twice)
    ears.accept(SOUND)
    ears.reset()
    ears.accept(SOUND)
    assert 0 < max(twice.heard) < 3 * SAMPLE_RATE_HZ  # two sounds at 0.9 times the speed would be 3.6 s


@given(st.lists(st.none() | st.builds(final, st.sampled_from("абв"), st.floats(0, 1)), max_size=3))
def test_a_reading_is_as_sure_as_another_look_bears_out(again: list[FinalResult | None]) -> None:
    first = FinalResult((Reading("а", Language.MN, 0.6), Reading("б", Language.MN, 0.3)), 0.7, 0.5, EVIDENCE)
    found = borne_out(first, again)
    looks = [reading for look in again if look for reading in look.readings]
    seen = {text: max((one.confidence for one in looks if one.text == text), default=0.0) for text in "аб"}
    told = {reading.text: reading.confidence for reading in found.readings}
    assert told == pytest.approx({"а": (0.6 * seen["а"]) ** 0.5, "б": (0.3 * seen["б"]) ** 0.5})
    assert found.known == found.readings[0].confidence == max(told.values())
    assert found.evidence is EVIDENCE
    assert found.accepted == (found.known >= LEAST_BORNE_OUT)


def test_a_cry_is_looked_at_again_however_sure_the_first_look_is(graph_dir: Path) -> None:
    """Of foreign speech the first look believed some entirely, and no other speed found them."""
    ears = for_cries(graph_dir)
    twice = Counting([None, None])
    ears._first, ears._again = Counting([final("тусал", 1.0)]), twice
    found = ears.accept(SOUND)
    assert found is not None
    assert not found.accepted
    assert len(twice.heard) == len(SPEEDS)


def test_the_safety_decoder_bears_out_what_was_said(loaded: VoskRecognizer, graph_dir: Path) -> None:
    clip = next(clip for clip in clips() if clip.known)
    sound = in_silence(load_clip(clip.path))
    first, cries = as_one(sound, loaded)[0], as_one(sound, for_cries(graph_dir))[0]
    assert cries.readings[0].text == first.readings[0].text
    assert cries.readings[0].confidence > 0.5


@pytest.mark.parametrize("speed", SPEEDS)
def test_played_faster_is_shorter(speed: float) -> None:
    assert len(played(SOUND, speed)) == pytest.approx(len(SOUND) / speed, abs=2)


def test_another_stream_over_the_same_model_hears_the_same(loaded: VoskRecognizer) -> None:
    clip = next(clip for clip in clips() if clip.known)
    sound = in_silence(load_clip(clip.path))
    (one,), (other,) = (as_one(sound, ears) for ears in (loaded, loaded.another()))
    assert [reading.text for reading in one.readings] == [reading.text for reading in other.readings]
    # a stream of its own adds up the same frames, not always to the last bit
    assert one.known == pytest.approx(other.known)
