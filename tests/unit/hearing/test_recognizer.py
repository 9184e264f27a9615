from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import MissingPart
from robot.messages import Language, Reading
from robot.speech.audio import CHUNK_SAMPLES, FileSource
from robot.speech.recognizer import FakeRecognizer, FinalResult, Recognizer, VoskRecognizer, judged
from tests.unit.hearing.conftest import Clip, clips

pytestmark = pytest.mark.unit

KNOWN = [clip for clip in clips() if clip.known]
FOREIGN = [clip for clip in clips() if not clip.known]


def finals_of(recognizer: Recognizer, clip: Path) -> list[FinalResult]:
    finals = [recognizer.accept(chunk.samples) for chunk in FileSource(clip).chunks()]
    return [final for final in (*finals, recognizer.flush()) if final is not None]


@pytest.mark.parametrize("clip", KNOWN, ids=lambda clip: clip.path.stem)
def test_a_known_phrase_of_either_language_is_heard(recognizer: VoskRecognizer, clip: Clip) -> None:
    (final,) = finals_of(recognizer, clip.path)
    assert final.accepted
    assert (final.readings[0].language, final.readings[0].text) == (clip.language, clip.text)


@pytest.mark.parametrize("clip", FOREIGN, ids=lambda clip: clip.path.stem)
def test_other_speech_is_noticed_and_rejected(recognizer: VoskRecognizer, clip: Clip) -> None:
    finals = finals_of(recognizer, clip.path)
    assert finals
    assert not any(final.accepted for final in finals)


@pytest.mark.parametrize("level", [0.0, 15.0, 300.0])
def test_silence_and_steady_noise_are_no_phrase(recognizer: VoskRecognizer, level: float) -> None:
    noise = np.random.default_rng(1).normal(0.0, level, 12 * 16_000).astype(np.int16)
    finals = [recognizer.accept(noise[at : at + CHUNK_SAMPLES]) for at in range(0, len(noise), CHUNK_SAMPLES)]
    assert not any(final and final.accepted for final in (*finals, recognizer.flush()))


def test_after_a_reset_nothing_of_the_last_stream_is_left(recognizer: VoskRecognizer) -> None:
    for chunk in list(FileSource(KNOWN[0].path).chunks())[:5]:
        recognizer.accept(chunk.samples)
    recognizer.reset()
    assert recognizer.flush() is None
    (final,) = finals_of(recognizer, KNOWN[-1].path)
    assert final.readings[0].text == KNOWN[-1].text


def test_a_broken_graph_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="built again"):
        VoskRecognizer(tmp_path)


SCORES = st.floats(min_value=-500.0, max_value=0.0)


@given(st.lists(SCORES, min_size=1, max_size=8), st.integers(1, 40), st.none() | SCORES)
def test_confidence_is_in_0_to_1_and_ranks_like_the_likelihood(
    scores: list[float], tokens: int, filler: float | None
) -> None:
    scores = sorted(scores, reverse=True)
    confidences, known = judged(scores, [tokens] * len(scores), filler)
    assert all(0.0 <= value <= 1.0 and value <= known + 1e-9 for value in confidences)
    assert confidences == sorted(confidences, reverse=True)
    assert known <= 1.0 + 1e-9


@given(SCORES, st.integers(1, 40), SCORES)
def test_a_homophone_takes_nothing_from_the_confidence(score: float, tokens: int, filler: float) -> None:
    alone, known = judged([score], [tokens], filler)
    both, known_of_both = judged([score, score], [tokens, tokens], filler)
    assert both == [alone[0]] * 2
    assert known == known_of_both


@given(SCORES, st.integers(1, 39), SCORES)
def test_a_longer_phrase_is_believed_no_less_on_the_same_evidence(score: float, tokens: int, filler: float) -> None:
    assert judged([score], [tokens], filler)[1] <= judged([score], [tokens + 1], filler)[1]


def test_a_short_phrase_needs_to_beat_the_filler() -> None:
    assert math.isclose(judged([-10.0], [4], -10.0)[1], 0.5)
    assert judged([-10.5], [4], -10.0)[1] < 0.5 < judged([-9.5], [4], -10.0)[1]


def test_scattered_evidence_for_many_phrases_is_no_evidence_for_one() -> None:
    scattered = tuple(Reading(text, Language.ZH, 0.25) for text in "好停对")
    assert not FinalResult(scattered, 0.75).accepted
    assert FinalResult((Reading("好", Language.ZH, 0.4), *scattered), 0.95).accepted


def test_the_fake_gives_its_finals_in_order_and_then_nothing() -> None:
    final = FinalResult((Reading("好", Language.ZH, 0.9),))
    fake = FakeRecognizer([None, final])
    silence = np.zeros(CHUNK_SAMPLES, np.int16)
    assert [fake.accept(silence) for _ in range(3)] == [None, final, None]
