from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from robot.errors import MissingPart
from robot.messages import Language, Reading
from robot.speech.audio import CHUNK_SAMPLES, FileSource
from robot.speech.calibration import UNFITTED, Bar, Calibration
from robot.speech.graph_format import LATTICE_BEAM, PHRASES_FILE, UNKNOWN_WORD
from robot.speech.recognizer import FakeRecognizer, FinalResult, Recognizer, VoskRecognizer
from tests.unit.hearing.conftest import MODEL, Clip, clips

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


def test_every_final_tells_what_it_was_weighed_from(recognizer: VoskRecognizer) -> None:
    (final,) = finals_of(recognizer, KNOWN[0].path)
    assert final.evidence is not None
    assert len(final.evidence.behind) == len(final.readings)
    assert final.evidence.margin > 0
    assert 0.03 < final.evidence.speech_s / final.evidence.tokens < 0.4


def test_the_bar_is_the_calibrations(graph_dir: Path) -> None:
    high = UNFITTED.model_copy(update={"bars": (Bar(from_tokens=0, least_known=1.0),)})
    (final,) = finals_of(VoskRecognizer(graph_dir, high), KNOWN[0].path)
    assert final.readings[0].text == KNOWN[0].text
    assert not final.accepted


def test_a_graph_goes_by_the_calibration_of_its_model(graph_dir: Path) -> None:
    assert Calibration.of_model(graph_dir) == Calibration.of_model(MODEL)


def test_scattered_evidence_for_many_phrases_is_no_evidence_for_one() -> None:
    scattered = tuple(Reading(text, Language.ZH, 0.25) for text in "好停对")
    assert not FinalResult(scattered, 0.75).accepted
    assert FinalResult((Reading("好", Language.ZH, 0.4), *scattered), 0.95).accepted


def test_the_fake_gives_its_finals_in_order_and_then_nothing() -> None:
    final = FinalResult((Reading("好", Language.ZH, 0.9),))
    fake = FakeRecognizer([None, final])
    silence = np.zeros(CHUNK_SAMPLES, np.int16)
    assert [fake.accept(silence) for _ in range(3)] == [None, final, None]


class Engine:
    """A fake of Vosk's: one result with these scores."""

    def __init__(self, graph_dir: Path, zh: float, mn: float, *filler: float) -> None:
        languages = [row[0] for row in json.loads((graph_dir / PHRASES_FILE).read_text(encoding="utf-8"))["phrases"]]
        words = [f"p{languages.index(language)}" for language in ("zh", "mn")]
        scores = zip((*words, UNKNOWN_WORD), (zh, mn, *filler), strict=False)
        told = [{"text": text, "confidence": score} for text, score in scores]
        self._result = json.dumps({"alternatives": told})

    def FinalResult(self) -> str:  # noqa: N802 -- Vosk's name
        return self._result


@pytest.mark.parametrize(
    ("cost_nats", "zh", "language", "margin"),
    [
        (0.0, 100.0, Language.ZH, 5.0),
        (5.0, 100.0, Language.MN, 2.0),
        (5.0, 103.0, Language.ZH, 8.0),  # a Mandarin phrase's margin before the filler is its own
    ],
)
def test_mandarin_must_be_clearly_better_than_mongolian(
    graph_dir: Path, cost_nats: float, zh: float, language: Language, margin: float
) -> None:
    ears = VoskRecognizer(graph_dir, mandarin_cost_nats=cost_nats)
    ears._engine = Engine(graph_dir, zh, 97.0, 95.0)
    final = ears.flush()
    assert final is not None
    assert final.evidence is not None
    assert final.readings[0].language is language
    assert final.evidence.margin == pytest.approx(margin)


def test_where_the_filler_is_out_of_sight_it_lies_behind_whatever_was_best(graph_dir: Path) -> None:
    ears = VoskRecognizer(graph_dir, mandarin_cost_nats=5.0)
    ears._engine = Engine(graph_dir, 100.0, 97.0)
    final = ears.flush()
    assert final is not None
    assert final.evidence is not None
    assert final.readings[0].language is Language.MN
    assert final.evidence.margin == pytest.approx(LATTICE_BEAM - 3.0)
