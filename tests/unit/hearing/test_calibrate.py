from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from robot.errors import BadInput
from robot.messages import Language, Phrase, Reading
from robot.speech import calibrate
from robot.speech.audio import SAMPLE_RATE_HZ, Samples
from robot.speech.calibrate import calibration_clips, half, observe, sample
from robot.speech.calibration import CALIBRATION_FILE, UNFITTED
from robot.speech.confidence import Evidence
from robot.speech.evaluation.collection import COLUMNS
from robot.speech.evaluation.folds import FOLD_FILE, held_out_speakers
from robot.speech.evaluation.holdout import held_out
from robot.speech.lexicon import Lexicon
from robot.speech.recognizer import FinalResult
from tests.unit.hearing.conftest import MODEL

pytestmark = pytest.mark.unit

WORDS = ("苹果", "毛笔", "丈夫", "士兵", "北京", "老师", "医生", "电视", "水果", "天气")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [(f"{who}{n}.ogg", "zh", text, who, "w") for who in "AB" for n, text in enumerate(WORDS)]
    lines = ["\t".join(row) for row in (COLUMNS, *rows)]
    (tmp_path / "speech.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_what_is_for_measuring_is_never_fitted_on(folder: Path) -> None:
    lexicon = Lexicon.of_model(MODEL)
    everybody = calibration_clips(folder, lexicon)
    open_texts = {text for text in WORDS if not held_out("zh", text)}
    assert {clip.phrase.text for clip in everybody} == open_texts < set(WORDS)
    without = calibration_clips(folder, lexicon, {"A"})
    assert {clip.speaker for clip in without} == {"B"}
    assert {clip.phrase.text for clip in without} == open_texts


def test_a_fold_tells_whom_it_holds_out_and_another_model_holds_out_nobody(tmp_path: Path) -> None:
    assert held_out_speakers(tmp_path) == frozenset()
    (tmp_path / FOLD_FILE).write_text(json.dumps({"held_out_speakers": ["mn_A"]}), encoding="utf-8")
    assert held_out_speakers(tmp_path) == {"mn_A"}
    (tmp_path / FOLD_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match="held_out_speakers"):
        held_out_speakers(tmp_path)


def test_the_draw_is_the_same_again_and_fewer_are_out_of_more(folder: Path) -> None:
    clips = calibration_clips(folder, Lexicon.of_model(MODEL))
    assert sample(clips, 2) == sample(clips, 2)
    assert set(sample(clips, 2)) <= set(sample(clips, 3)) <= set(clips)


def test_texts_fall_into_both_halves() -> None:
    assert {half(Phrase(Language.ZH, text)) for text in WORDS} == {0, 1}


class Scripted:
    """A fake: gives the same finals for every stream."""

    def __init__(self, *finals: FinalResult) -> None:
        self._finals = finals
        self._waiting: Iterator[FinalResult] = iter(())

    def accept(self, samples: Samples) -> FinalResult | None:
        return next(self._waiting, None)

    def flush(self) -> FinalResult | None:
        return None

    def reset(self) -> None:
        self._waiting = iter(self._finals)


def final(text: str) -> FinalResult:
    return FinalResult((Reading(text, Language.ZH, 0.9),), 0.9, 0.5, Evidence((0.0,), 3.0, 5, 0.6))


def test_a_final_is_right_by_its_place_and_foreign_when_nothing_of_the_grammar_was_said() -> None:
    sound = calibrate._Sound(np.zeros(SAMPLE_RATE_HZ, np.int16), Phrase(Language.ZH, "苹果"))
    (right,) = observe(Scripted(final("苹果")), sound, True)
    (wrong,) = observe(Scripted(final("毛笔")), sound, True)
    (foreign,) = observe(Scripted(final("苹果")), sound, False)
    assert (right.right, wrong.right, foreign.right) == (0, None, None)
    assert (right.in_grammar, foreign.in_grammar) == (True, False)
    cut_in_two = observe(Scripted(final("毛笔"), final("苹果")), sound, True)
    assert [one.right for one in cut_in_two] == [0]


def test_a_calibration_is_written_whole_or_not_at_all(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calibrate, "calibrate", lambda *_args, **_more: UNFITTED)
    model = tmp_path / "model"
    model.mkdir()
    (model / CALIBRATION_FILE).write_text("the old one", encoding="utf-8")
    arguments = [str(folder), "--model", str(model)]
    assert calibrate.main([*arguments, "--dry-run"]) == 0
    assert (model / CALIBRATION_FILE).read_text(encoding="utf-8") == "the old one"
    assert calibrate.main(arguments) == 0
    assert [file.name for file in model.iterdir()] == [CALIBRATION_FILE]
    assert '"version": 1' in capsys.readouterr().out
