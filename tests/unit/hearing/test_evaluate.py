from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from robot.errors import BadInput
from robot.messages import Language, Phrase, Reading
from robot.speech import evaluate
from robot.speech.audio import SAMPLE_RATE_HZ, load_clip
from robot.speech.evaluate import (
    COLUMNS,
    QUIET,
    TAIL_S,
    Clip,
    Foreign,
    Hearing,
    Known,
    Noise,
    Outcome,
    hear,
    main,
    noisy,
    outcome,
    plan,
    read_clips,
    score_foreign,
    score_known,
    some,
)
from robot.speech.lexicon import Lexicon
from robot.speech.recognizer import FakeRecognizer, FinalResult
from tests.unit.hearing.conftest import DATA, MODEL

pytestmark = pytest.mark.unit

HELLO = Phrase(Language.MN, "sæːn ʊː", "sæːn ʊː")
OPEN = Phrase(Language.ZH, "打开红豆")
CLIPS = {"L2-K2_A", "L2-K2_B", "L8-K1_A", "key-1_A", "BAC009S0252W0056", "BAC009S0252W0476"}
Row = tuple[str, str, str, str, str]


def table(folder: Path, rows: Sequence[Row]) -> Path:
    lines = ["\t".join(row) for row in [COLUMNS, *rows]]
    (folder / "speech.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def read(folder: Path, rows: Sequence[Row]) -> list[Clip]:
    return read_clips(table(folder, rows), Lexicon.of_model(MODEL))


def collection() -> list[Row]:
    """As many texts as the rules need: nine Mongolian, two commands, one sentence, words of both lengths."""
    mongolian = ("ɑːb", "əːʤ", "dorə̌b", "tɑb", "næːm", "bɑjə̌rllɑː", "mɔŋgə̌l həl", "ɔdɔː xədə̌n ʧɑg be", "juː gəːr")
    chinese = ("打开红豆", "嗯打开存在", "我们最初希望从上海开始")
    words = ("苹果", "毛笔", "丈", "兵")
    return [
        *((f"{n}_{who}.flac", "mn", text, who, "m") for n, text in enumerate(mongolian) for who in "AB"),
        *((f"a{n}.ogg", "zh", text, "S", "AISHELL-1 sample") for n, text in enumerate(chinese)),
        *((f"w{n}.ogg", "zh", text, "h", "words") for n, text in enumerate(words)),
    ]


def heard(text: str, language: Language = Language.ZH) -> Reading:
    return Reading(text, language, 0.9)


def test_each_outcome_is_told_apart() -> None:
    assert outcome(OPEN, heard("打开红豆")) is Outcome.RIGHT
    assert outcome(OPEN, heard("打开存在")) is Outcome.WRONG
    assert outcome(OPEN, heard("打开红豆", Language.MN)) is Outcome.WRONG_LANGUAGE
    assert outcome(OPEN, None) is Outcome.REJECTED


def test_every_known_clip_is_counted_once() -> None:
    clip = Clip(Path("x"), OPEN, ("d",), "S", "s")
    texts = (heard("打开红豆"), heard("打开红豆"), heard("别的"), heard("ɑːb", Language.MN), None, None, None)
    score = score_known([(clip, Hearing(text, 1.0, 2.0, 0.1)) for text in texts])
    assert score == Known(clips=7, right=2, wrong=1, wrong_language=1, rejected=3)


def test_false_accepts_are_counted_per_hour_of_speech_without_the_pauses_added() -> None:
    hearings = [Hearing(heard("好"), 600.0, 601.0, 1.0), Hearing(None, 1200.0, 1201.0, 1.0)]
    assert score_foreign(hearings) == Foreign(clips=2, false_accepts=1, speech_s=1800.0, false_accepts_per_hour=2.0)
    assert score_foreign([]) == Foreign(0, 0, 0.0, 0.0)


def test_a_phrase_is_either_in_the_graph_or_not(tmp_path: Path) -> None:
    sets = plan(read(tmp_path, collection()))
    known = {clip.way for one in sets if one.known for clip in one.clips}
    foreign = {clip.way for one in sets if not one.known for clip in one.clips}
    assert known.isdisjoint(foreign)
    counted = {
        flag: sorted((one.name, len({clip.phrase for clip in one.clips})) for one in sets if one.known is flag)
        for flag in (True, False)
    }
    assert sum(n for name, n in counted[True] if name.startswith("Mongolian")) == 6
    assert sum(n for name, n in counted[False] if name.startswith("Mongolian")) == 3
    assert ("AISHELL-1 commands", 2) in counted[True]
    assert ("AISHELL-1 sentences", 1) in counted[False]
    for flag in (True, False):
        assert ("Mandarin words, one syllable", 1) in counted[flag]
        assert ("Mandarin words, two syllables", 1) in counted[flag]


def test_the_same_clips_give_the_same_sets(tmp_path: Path) -> None:
    clips = read(tmp_path, collection())
    assert plan(clips) == plan(clips)


def test_homophones_are_one_phrase_and_lists_stems_and_latin_letters_none(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("1.ogg", "zh", "北京", "a", "w"),
        ("2.ogg", "zh", "背景", "a", "w"),
        ("3.ogg", "mn", "sæːn ʊː", "a", "m"),
        ("4.ogg", "mn", "sæːn ʊː?", "b", "m"),
        ("5.ogg", "mn", "ʊnt-", "b", "m"),
        ("6.ogg", "mn", "ɑːs, əːs", "b", "m"),
        ("7.ogg", "zh", "打开Maps", "b", "w"),
    ]
    assert [clip.phrase.text for clip in read(tmp_path, rows)] == ["北京", "北京", "sæːn ʊː", "sæːn ʊː"]


def test_fewer_clips_are_always_out_of_more(tmp_path: Path) -> None:
    clips = read(tmp_path, collection())
    assert some(clips, 3) == some(clips, 8)[:3] == some(clips, None)[:3]
    assert sorted(clip.path for clip in some(clips, None)) == sorted(clip.path for clip in clips)


@pytest.mark.parametrize("kind", ["white", "house"])
@pytest.mark.parametrize("snr_db", [20, 5])
def test_noise_has_the_level_asked_for_and_goes_on_in_the_pause(kind: str, snr_db: int) -> None:
    clip = (3000 * np.sin(np.arange(SAMPLE_RATE_HZ) / 7)).astype(np.int16)
    noise = noisy(clip, Noise(kind, snr_db), 1).astype(float) - noisy(clip, QUIET, 1)
    tail = noise[-round(TAIL_S * SAMPLE_RATE_HZ) :]
    level_db = 20 * np.log10(np.sqrt(np.mean(clip.astype(float) ** 2)) / np.sqrt(np.mean(tail**2)))
    assert level_db == pytest.approx(snr_db, abs=1.0)


def test_the_noise_of_a_house_is_low_and_the_same_again() -> None:
    clip = np.full(SAMPLE_RATE_HZ, 1000, np.int16)

    def share_above_1_khz(kind: str) -> float:
        power = np.abs(np.fft.rfft(noisy(clip, Noise(kind, 5), 1)[-SAMPLE_RATE_HZ:])) ** 2
        return float(power[1000:].sum() / power.sum())

    assert share_above_1_khz("white") > 0.8 > 0.3 > share_above_1_khz("house")
    assert (noisy(clip, Noise("house", 5), 1) == noisy(clip, Noise("house", 5), 1)).all()


def test_what_the_product_does_not_believe_is_not_heard() -> None:
    class Says(FakeRecognizer):
        def reset(self) -> None:
            """Keep the finals."""

    path = DATA / "mn" / "L2-K2_A.flac"
    clip = Clip(path, HELLO, ("s",), "mn_A", "studymongolian.net")
    believed, doubted = FinalResult((heard("好"),), 0.9), FinalResult((heard("好"),), 0.4)
    assert hear(Says([doubted]), clip, QUIET).heard is None
    hearing = hear(Says([doubted, believed]), clip, QUIET)
    assert hearing.heard == heard("好")
    assert hearing.speech_s == pytest.approx(len(load_clip(path)) / SAMPLE_RATE_HZ)
    assert hearing.sound_s == pytest.approx(hearing.speech_s + TAIL_S)


def test_the_command_prints_tables_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "NOISES", (Noise("white", 20),))
    with (DATA / "clips.tsv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if Path(row["path"]).stem in CLIPS]
    for language in ("mn", "zh"):
        (tmp_path / language).symlink_to(DATA / language)
    spoken = {"mn": "pronunciation", "zh": "text"}
    table(
        tmp_path,
        [(r["path"], r["language"], r[spoken[r["language"]]], r["speaker"], r["source"]) for r in rows],
    )
    assert main([str(tmp_path)]) == 0
    *lines_out, last = capsys.readouterr().out.splitlines()
    figures = json.loads(last)
    quiet = figures["as_recorded"]
    assert quiet["in_graph"]["AISHELL-1 commands"] == {
        "clips": 1,
        "right": 1,
        "wrong": 0,
        "wrong_language": 0,
        "rejected": 0,
    }
    known = quiet["in_graph"]["all"]
    assert known["clips"] == sum(known[one.value] for one in Outcome)
    assert known["right"] == known["clips"]
    assert quiet["not_in_graph"]["AISHELL-1 sentences"]["false_accepts"] == 0
    assert [(c["kind"], c["snr_db"]) for c in figures["in_noise"]] == [("none", None), ("white", 20)]
    assert figures["in_noise"][0]["in_graph"] == quiet["in_graph"]
    assert all(source["in_the_training_data"] for source in figures["sources"].values())
    assert any(line.startswith("AISHELL-1 commands") for line in lines_out)


def test_without_a_table_one_line_says_what_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "speech.tsv" in line


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
