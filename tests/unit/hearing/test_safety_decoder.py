from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot.messages import Language, Phrase, PhraseKind, Reading, SafetyKind
from robot.speech.audio import CHUNK_SAMPLES, FileSource
from robot.speech.calibration import UNFITTED, Calibration
from robot.speech.edits import edits
from robot.speech.graph_builder import ensure_graph
from robot.speech.lexicon import Lexicon
from robot.speech.recognizer import FinalResult, VoskRecognizer
from robot.speech.safety import SafetySpotter
from robot.speech.safety_decoder import candidate, decoder_phrases, near_misses
from tests.unit.hearing.conftest import MODEL, Clip, clips

pytestmark = pytest.mark.unit

ZH, MN = Language.ZH, Language.MN
SAFETY = {
    (ZH, "救命"): SafetyKind.HELP,
    (ZH, "我摔倒了"): SafetyKind.FALL,
    (MN, "авраарай"): SafetyKind.HELP,
    (MN, "би уналаа"): SafetyKind.FALL,
    (MN, "цээж минь өвдөж байна"): SafetyKind.PAIN,
}
SPOTTER = SafetySpotter(SAFETY)
BARS = UNFITTED.model_copy(update={"safety_lower": 0.4, "safety_upper": 0.9})
OTHERS = [
    (MN, "би унтлаа"),
    (MN, "амраарай"),
    (ZH, "酒名"),
    (ZH, "今天星期几"),
    (ZH, "救命"),
]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.of_model(MODEL)


def test_the_decoder_listens_for_every_safety_phrase_and_for_short_ones_said_again(lexicon: Lexicon) -> None:
    listed = {(p.language, p.text): p.kind for p in decoder_phrases(SAFETY, OTHERS, lexicon)}
    assert listed.keys() >= SAFETY.keys()
    assert listed[ZH, "救命救命"] is listed[MN, "авраарай авраарай авраарай"] is PhraseKind.SAFETY
    assert (MN, "цээж минь өвдөж байна цээж минь өвдөж байна") not in listed


def test_said_again_it_is_still_the_same_word(lexicon: Lexicon) -> None:
    for phrase in decoder_phrases(SAFETY, [], lexicon):
        spotted = SPOTTER.spot_text(Reading(phrase.text, phrase.language, 0.9))
        assert spotted is not None
        assert spotted.exact


def test_what_sounds_nearly_alike_is_weighed_too_and_nothing_else(lexicon: Lexicon) -> None:
    rivals = {p.text for p in decoder_phrases(SAFETY, OTHERS, lexicon) if p.kind is not PhraseKind.SAFETY}
    assert rivals == {"би унтлаа", "амраарай", "酒名"}


def test_of_many_near_misses_the_nearest_are_taken(lexicon: Lexicon) -> None:
    words = [Phrase(MN, "авраарай"), Phrase(MN, "би уналаа")]
    (nearest,) = near_misses(words, [Phrase(*other) for other in OTHERS[:2]], lexicon, most=1)
    assert nearest.text == "би унтлаа"


def test_a_word_that_the_model_cannot_spell_costs_only_itself(lexicon: Lexicon) -> None:
    listed = decoder_phrases({(ZH, "SOS"): SafetyKind.HELP, (ZH, "救命"): SafetyKind.HELP}, [], lexicon)
    assert {phrase.text for phrase in listed} >= {"救命"}


@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.text("abc", max_size=6))
@settings(deadline=None)
def test_edits_are_a_distance(a: str, b: str, c: str) -> None:
    assert edits(a, b) == edits(b, a)
    assert (edits(a, b) == 0) == (a == b)
    assert edits(a, c) <= edits(a, b) + edits(b, c)


def final(*readings: tuple[str, float]) -> FinalResult:
    return FinalResult(tuple(Reading(text, ZH, confidence) for text, confidence in readings), 0.95)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([("救命", 0.95)], True),
        ([("救命", 0.6)], False),
        ([("救命", 0.3)], None),
        ([("今天星期几", 0.5), ("救命", 0.45)], False),
        ([("救命", 0.95), ("今天星期几", 0.9)], False),
        ([("今天星期几", 0.95)], None),
        ([("救命的人来了", 0.95)], None),
        ([], None),
    ],
    ids=str,
)
def test_a_candidate_by_confidence_and_rivals(readings: list[tuple[str, float]], expected: bool | None) -> None:
    heard = candidate(final(*readings), SPOTTER, BARS)
    assert (heard and heard.clear) == expected


# A clip's own text stands in for a safety word: nobody has recorded cries for help.
KNOWN = [clip for clip in clips() if clip.known and len(clip.text) >= 6]
STAND_IN = {(clip.language, clip.text): SafetyKind.HELP for clip in KNOWN}


@pytest.fixture(scope="module")
def decoder(lexicon: Lexicon, cache_dir: Path) -> VoskRecognizer:
    return VoskRecognizer(ensure_graph(decoder_phrases(STAND_IN, [], lexicon), MODEL, cache_dir))


def candidates(decoder: VoskRecognizer, samples: np.ndarray) -> list[object]:
    decoder.reset()
    finals = [decoder.accept(samples[at : at + CHUNK_SAMPLES]) for at in range(0, len(samples), CHUNK_SAMPLES)]
    spotter, by = SafetySpotter(STAND_IN), Calibration.of_model(MODEL)
    return [heard for one in (*finals, decoder.flush()) if one and (heard := candidate(one, spotter, by))]


def sound_of(clip: Clip) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in FileSource(clip.path).chunks()])


@pytest.mark.parametrize("clip", KNOWN, ids=lambda clip: clip.path.stem)
def test_its_own_words_are_candidates(decoder: VoskRecognizer, clip: Clip) -> None:
    assert len(candidates(decoder, sound_of(clip))) == 1


@pytest.mark.parametrize("clip", [clip for clip in clips() if not clip.known], ids=lambda clip: clip.path.stem)
def test_other_speech_is_no_candidate(decoder: VoskRecognizer, clip: Clip) -> None:
    assert candidates(decoder, sound_of(clip)) == []


@pytest.mark.parametrize("level", [0.0, 15.0, 300.0])
def test_silence_and_steady_noise_are_no_candidate(decoder: VoskRecognizer, level: float) -> None:
    noise = np.random.default_rng(1).normal(0.0, level, 12 * 16_000).astype(np.int16)
    assert candidates(decoder, noise) == []
