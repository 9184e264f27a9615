from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.speech import evaluate
from robot.errors import BadInput, MissingPart
from robot.messages import Language
from robot.speech.audio import SAMPLE_RATE_HZ
from robot.speech.calibration import UNFITTED
from robot.speech.company import WITHIN_S
from robot.speech.evaluation import beside_whisper, run
from robot.speech.evaluation.collection import (
    COLUMNS,
    Clip,
    phrases_of,
    read_clips,
    some,
    words_beside_the_twelve,
)
from robot.speech.evaluation.folds import Fold, read_folds, shipped
from robot.speech.evaluation.run import PROTOCOLS, Budget
from robot.speech.evaluation.streams import Overheard, beside_television
from robot.speech.lexicon import Lexicon
from tests.unit.hearing.conftest import DATA, MODEL

pytestmark = pytest.mark.unit

Row = tuple[str, str, str, str, str]


def table(folder: Path, rows: Sequence[Row]) -> Path:
    lines = ["\t".join(row) for row in [COLUMNS, *rows]]
    (folder / "speech.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def read(folder: Path, rows: Sequence[Row]) -> list[Clip]:
    return read_clips(table(folder, rows), Lexicon.of_model(MODEL))


def collection() -> list[Row]:
    words = ("苹果", "毛笔", "丈夫", "士兵", "北京")
    return [
        *((f"{n}_{who}.flac", "mn", text, f"mn_{who}", "m") for n, text in enumerate(("ɑːb", "tɑb")) for who in "AB"),
        ("a.ogg", "zh", "打开红豆", "zh_S0150", "AISHELL-1 sample"),
        ("b.ogg", "zh", "我们最初希望从上海开始", "zh_S0252", "AISHELL-1 sample"),
        ("c.ogg", "zh", "北京", "zh_d00", "DSPSpeech-20"),
        *((f"w{n}.ogg", "zh", text, "zh_hsk", "audio-cmn (HSK words)") for n, text in enumerate(words)),
    ]


def in_tests(folder: Path) -> Path:
    """The clips of the tests as a collection."""
    with (DATA / "clips.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    for language in ("mn", "zh"):
        (folder / language).symlink_to(DATA / language)
    return table(folder, [(r["path"], r["language"], r["text"], r["speaker"], r["source"]) for r in rows])


def test_homophones_are_one_phrase_and_lists_stems_and_latin_letters_none(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("1.ogg", "zh", "北京", "a", "w"),
        ("2.ogg", "zh", "背景", "a", "w"),
        ("3.ogg", "mn", "sæːn ʊː", "a", "m"),
        ("4.ogg", "mn", "sæːn ʊː?", "b", "m"),
        ("5.ogg", "mn", "ʊnt-", "b", "m"),
        ("6.ogg", "mn", "ɑːs, əːs", "b", "m"),
        ("7.ogg", "mn", "баяртай", "b", "m"),
    ]
    clips = read(tmp_path, rows)
    assert [clip.phrase.text for clip in clips] == ["北京", "北京", "sæːn ʊː", "sæːn ʊː", "баяртай"]


def test_a_fold_measures_only_whom_it_never_heard(tmp_path: Path) -> None:
    clips = read(tmp_path, collection())
    fold = Fold("a", MODEL, frozenset({"mn_A", "zh_S0150", "zh_d00"}))
    assert {clip.speaker for clip in fold.measures(clips)} == {"mn_A", "zh_S0150", "zh_d00"}
    assert shipped(MODEL).measures(clips) == clips


def test_the_twelve_are_always_among_the_words_and_none_twice(tmp_path: Path) -> None:
    clips = read(tmp_path, collection())
    words = words_beside_the_twelve(clips, 3)
    assert len(words) == len(set(words)) == 3
    assert words[0].text == "北京"
    assert words_beside_the_twelve(clips, 3) == words


def test_fewer_clips_are_always_out_of_more(tmp_path: Path) -> None:
    clips = read(tmp_path, collection())
    assert some(clips, 3) == some(clips, 8)[:3] == some(clips, None)[:3]
    assert len(phrases_of(clips)) < len(clips)


def test_folds_are_read_by_name_and_broken_ones_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="train the folds"):
        read_folds(tmp_path)
    for name in "ba":
        shutil.copytree(MODEL, tmp_path / f"fold-{name}")
        (tmp_path / f"fold-{name}" / "fold.json").write_text('{"held_out_speakers": ["mn_A"]}', encoding="utf-8")
    (tmp_path / "fold-a" / "calibration.json").unlink(missing_ok=True)
    (tmp_path / "fold-b" / "calibration.json").write_text(
        UNFITTED.model_copy(update={"bias": 0.1}).model_dump_json(), encoding="utf-8"
    )
    assert [fold.name for fold in read_folds(tmp_path)] == ["a", "b"]
    assert [fold.label for fold in read_folds(tmp_path)] == ["a (looked at, unfitted)", "b (not looked at)"]
    (tmp_path / "fold-b" / "am" / "final.mdl").unlink()
    with pytest.raises(BadInput, match=r"final\.mdl"):
        read_folds(tmp_path)
    (tmp_path / "fold-a" / "fold.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadInput, match="held_out_speakers"):
        read_folds(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("path\ttext\nx\ty\n", "columns"),
        ("\t".join(COLUMNS) + "\n", "columns"),
        ("\t".join(COLUMNS) + "\na.wav\tzh\n", "line 2"),
        ("\t".join(COLUMNS) + "\na.wav\ten\thello\tx\ty\n", "no clip"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "speech.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=words):
        read_clips(tmp_path, Lexicon.of_model(MODEL))


def test_every_protocol_prints_its_table_and_the_same_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = Budget(clips=2, clips_in_noise=1, speech_s=4.0, noise_s=7.0, cries=1)
    monkeypatch.setattr(evaluate, "SMALL", tiny)
    monkeypatch.setattr("robot.speech.evaluation.accuracy.SNRS_DB", (10,))
    monkeypatch.setattr("robot.speech.evaluation.streams.WITHIN_S", 20.0)
    in_tests(tmp_path)
    assert evaluate.main([str(tmp_path)]) == 0
    *printed, last = capsys.readouterr().out.splitlines()
    figures = json.loads(last)
    names = [one["name"] for one in figures["tables"]]
    assert [line.removeprefix("### ") for line in printed if line.startswith("### ")] == names
    assert len(names) == len(PROTOCOLS) + 2  # rejection prints two, and there is whisper
    mongolian = figures["tables"][0]
    assert "WERE trained on" in mongolian["protocol"]
    assert mongolian["columns"][0] == "model"
    assert mongolian["rows"][0][0].startswith("shipped")
    assert mongolian["rows"][0][2:4] == [2, "100.0 % (2)"]
    cost = next(one for one in figures["tables"] if one["name"] == "Cost on one core")
    assert cost["rows"][0][1].split()[1:3] == ["of", "2"]


def test_what_is_said_beside_a_television_stands_in_a_pause_where_its_span_says(tmp_path: Path) -> None:
    talk = read_clips(in_tests(tmp_path), Lexicon.of_model(MODEL))
    said = [np.full(round(length_s * SAMPLE_RATE_HZ), 9_999, np.int16) for length_s in (0.5, 1.2, 0.3)]
    stream = beside_television(said, talk)
    sound = np.concatenate(stream.pieces)
    at_s = np.flatnonzero(sound == 9_999) / SAMPLE_RATE_HZ
    for one, (from_s, until_s) in zip(said, stream.said, strict=True):
        inside = at_s[(from_s <= at_s) & (at_s < until_s)]
        assert len(inside) == len(one)
        assert inside[0] == pytest.approx(from_s)
        assert sound[round((from_s - 1.0) * SAMPLE_RATE_HZ) : round(from_s * SAMPLE_RATE_HZ)].max() == 0
    assert stream.said[0][0] > WITHIN_S, "the television comes first"
    heard = Overheard((), (True, False), (stream.said[0][0] + 1.0, stream.said[1][0] + 1.0), (), 99.0)
    assert [heard.believed_between(*span) for span in stream.said] == [True, False, False]


def test_without_a_table_one_line_says_what_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "speech.tsv" in line


def test_whisper_is_left_out_with_a_line_that_says_how(tmp_path: Path) -> None:
    table_ = beside_whisper.beside_whisper(tmp_path, shipped(MODEL), tmp_path, None)
    assert "pip install" in table_.protocol
    assert table_.rows == ()


def test_an_interpreter_without_whisper_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="pip install"):
        beside_whisper.transcribed(str(tmp_path / "no-python"), [tmp_path])


def test_free_text_counts_as_the_phrase_that_sounds_most_like_it(tmp_path: Path) -> None:
    phrases = phrases_of(c for c in read(tmp_path, collection()) if c.phrase.language is Language.ZH)
    assert beside_whisper.nearest("背景。", phrases).text == "北京"
    assert beside_whisper.nearest("我们最初希望从尚海开始", phrases).text == "我们最初希望从上海开始"
    assert beside_whisper.character_error("打开红豆", "打开红豆。") == 0.0
    assert beside_whisper.character_error("打开红豆", "打开") == 0.5


def test_the_whole_run_hears_more_of_everything_than_the_small_one() -> None:
    assert run.WHOLE.speech_s >= 7_200 <= run.WHOLE.noise_s
    assert run.WHOLE.clips is None
    assert run.SMALL.speech_s < run.WHOLE.speech_s
