"""Folds leave out what they say, and batches can be drawn again for a run that resumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.speech.training.batches import FRAMES_A_BATCH, Batch, Speech
from models.speech.training.collection import FOLDS, Recording, load, read_collection
from robot import paths
from robot.errors import BadInput
from robot.messages import Language, Phrase
from robot.speech.evaluation.collection import Clip
from robot.speech.evaluation.holdout import held_out
from robot.speech.lexicon import Lexicon

pytestmark = pytest.mark.unit

HEADER = "path\tlang\ttext\tspeaker\tsource\n"


def recording(text: str = "你好", speaker: str = "zh_x", language: Language = Language.ZH) -> Recording:
    out = held_out(language.value, text)
    return Recording(Clip(Path("x.flac"), Phrase(language, text), ("a", "b"), speaker, "somewhere", out), (1, 2))


def test_a_fold_trains_on_nothing_that_it_leaves_out() -> None:
    for name in ("a", "b"):
        fold = FOLDS[name]
        assert not any(fold.trains_on(recording(speaker=speaker).clip) for speaker in fold.speakers)
        texts = [f"үг{k}" for k in range(300)]
        seen = [text for text in texts if fold.trains_on(recording(text, "mn_other", Language.MN).clip)]
        assert set(seen) == {text for text in texts if not held_out("mn", text)}
        assert fold.trains_on(recording("你好", "zh_other").clip)


def test_the_folds_leave_out_different_voices_and_the_whole_model_none() -> None:
    assert not FOLDS["a"].speakers & FOLDS["b"].speakers
    assert all(FOLDS["all"].trains_on(recording(f"үг{k}", "mn_A", Language.MN).clip) for k in range(50))


def test_a_collection_skips_lists_and_what_cannot_be_said(tmp_path: Path) -> None:
    rows = ["a.flac\tmn\tsæːn bæːn ʊː\tm\ts", "b.flac\tmn\tɑːs, əːs\tm\ts", "c.flac\tzh\tWXYZ打\tz\ts"]
    rows += ["d.flac\tzh\t你好\tz\ts", "e.flac\ten\thello\tz\ts"]
    (tmp_path / "speech.tsv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    found = read_collection([tmp_path], Lexicon.of_model(paths.SPEECH_MODEL))
    assert {one.clip.path.name for one in found} >= {"a.flac", "d.flac"}
    assert not {one.clip.path.name for one in found} & {"b.flac", "e.flac"}


@pytest.mark.parametrize("table", ["", "a\tb\n1\t2\n", HEADER])
def test_a_table_that_is_none_is_refused_by_name(tmp_path: Path, table: str) -> None:
    (tmp_path / "speech.tsv").write_text(table, encoding="utf-8")
    with pytest.raises(BadInput, match=r"speech\.tsv"):
        read_collection([tmp_path], Lexicon.of_model(paths.SPEECH_MODEL))


def test_a_clip_that_is_no_sound_is_refused_by_name(tmp_path: Path) -> None:
    clip = tmp_path / "noise.flac"
    clip.write_bytes(b"no sound")
    with pytest.raises(BadInput, match=r"noise\.flac"):
        load([Recording(Clip(clip, Phrase(Language.ZH, "你好"), ("n",), "z", "s", False), (1,))])


def drawn_as(source: str, number: int) -> Recording:
    return Recording(Clip(Path("x"), Phrase(Language.ZH, "x"), ("a",), "z", source, False), (number + 1,))


@pytest.fixture(scope="module")
def speech() -> Speech:
    draw = np.random.default_rng(3)
    sounds = [draw.standard_normal(count).astype(np.float32) * 1_000 for count in (4_000, 9_000, 24_000)]
    spoken = [drawn_as(source, k) for k, source in enumerate("xxy")]
    return Speech(spoken, sounds, {"x": 0.5, "y": 0.5, "absent": 0.3})


def test_a_pool_is_the_same_whenever_it_is_drawn(speech: Speech) -> None:
    one, two, other = (list(speech.batches(1, pool)) for pool in (4, 4, 5))
    assert [batch.targets for batch in one] == [batch.targets for batch in two]
    assert all(np.array_equal(a.frames, b.frames) for a, b in zip(one, two, strict=True))
    assert [batch.targets for batch in one] != [batch.targets for batch in other]


def test_batches_hold_whole_rows_and_stay_small(speech: Speech) -> None:
    batches: list[Batch] = list(speech.batches(1, 0))
    assert sum(len(batch.targets) for batch in batches) == 64
    for batch in batches:
        rows, longest, _ = batch.frames.shape
        assert rows == len(batch.lengths) == len(batch.targets)
        assert longest == max(batch.lengths)
        assert rows == 1 or rows * longest <= FRAMES_A_BATCH
        assert np.isfinite(batch.frames).all()
        assert all(batch.targets)


def test_a_source_that_has_no_share_is_never_drawn() -> None:
    spoken = [drawn_as(source, k) for k, source in enumerate(("in", "out"))]
    speech = Speech(spoken, [np.ones(4_000, np.float32)] * 2, {"in": 1.0})
    assert {token for batch in speech.batches(1, 0) for row in batch.targets for token in row} == {1}
