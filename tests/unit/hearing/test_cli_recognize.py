from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from robot.messages import Language, Phrase, Reading, SafetyKind
from robot.speech import cli_recognize
from robot.speech.audio import load_clip
from robot.speech.cli_recognize import EXIT_BAD_CALL, EXIT_BAD_FILE, _understood, run
from robot.speech.recognizer import FinalResult
from robot.speech.recording import Attempt
from tests.unit.hearing.conftest import DATA, MODEL

pytestmark = pytest.mark.unit

PHRASES = DATA / "phrases.tsv"
TIME = DATA / "mn" / "L8-K1_B.flac"
SONG = DATA / "zh" / "BAC009S0252W0056.ogg"
NEWS = DATA / "zh" / "BAC009S0252W0476.ogg"


def recognize(files: list[Path], cache_dir: Path, **more: Any) -> tuple[int, list[dict[str, Any]], list[str]]:
    out, err = io.StringIO(), io.StringIO()
    phrases = more.pop("phrases", PHRASES)
    code = run([str(file) for file in files], phrases, model_dir=MODEL, cache_dir=cache_dir, out=out, err=err, **more)
    return code, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue().splitlines()


def test_one_json_line_a_file_in_order(cache_dir: Path, graph_dir: Path) -> None:
    code, lines, errors = recognize([TIME, SONG, NEWS], cache_dir)
    assert (code, errors) == (0, [])
    assert [(line["language"], line["text"]) for line in lines] == [
        ("mn", "одоо хэдэн цаг вэ"),
        ("zh", "打开海阔天空"),
        (None, ""),
    ]
    assert all(set(line) == {"file", "text", "language", "confidence", "nbest", "safety"} for line in lines)
    assert lines[0]["confidence"] > 0.5 > lines[2]["confidence"]


def test_a_broken_file_costs_one_line_and_the_rest_goes_on(tmp_path: Path, cache_dir: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFFrubbish")
    code, lines, errors = recognize([broken, tmp_path / "missing.wav", TIME], cache_dir)
    assert code == EXIT_BAD_FILE
    assert [line["text"] for line in lines] == ["одоо хэдэн цаг вэ"]
    assert len(errors) == 2
    assert "broken.wav" in errors[0]
    assert "missing.wav" in errors[1]


@pytest.mark.parametrize("name", ["cut.wav", "cut.ogg", "cut.mp3"])
def test_of_a_file_that_was_cut_off_what_is_there_is_recognised_and_the_cut_is_told(
    tmp_path: Path, cache_dir: Path, name: str
) -> None:
    hiss = np.random.default_rng(7).normal(0.0, 100.0, 64_000).astype(np.int16)  # an Ogg is cut by its pages
    sound = np.concatenate([load_clip(TIME), hiss])
    soundfile.write(tmp_path / name, sound, 16_000)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: round(0.8 * len(whole))])
    code, lines, errors = recognize([tmp_path / name, TIME], cache_dir)
    assert code == EXIT_BAD_FILE
    assert [line["text"] for line in lines] == ["одоо хэдэн цаг вэ"] * 2
    (error,) = errors
    assert re.search(rf"{name} is cut off: only its first \d\.\d s are there; copy it again", error)


def test_a_flac_that_was_cut_off_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    """Its decoder gives nothing of it; see `robot.speech.cut_off`."""
    (tmp_path / "cut.flac").write_bytes(TIME.read_bytes()[:-2000])
    code, lines, errors = recognize([tmp_path / "cut.flac"], cache_dir)
    assert (code, lines, len(errors)) == (EXIT_BAD_FILE, [], 1)


def test_a_name_that_is_no_text_costs_one_line_too(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TIME.parent)
    as_given = f"./{TIME.name}"
    out, err = io.StringIO(), io.StringIO()
    names = [os.fsdecode(b"\xff.wav"), "two\nlines.wav", as_given]
    assert run(names, PHRASES, model_dir=MODEL, cache_dir=cache_dir, out=out, err=err) == EXIT_BAD_FILE
    assert [json.loads(line)["file"] for line in out.getvalue().splitlines()] == [as_given]
    assert len(err.getvalue().splitlines()) == 2
    assert "UTF-8" in err.getvalue()


def test_a_library_that_grumbles_is_not_heard(
    tmp_path: Path, cache_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rubbish = tmp_path / "x.mp3"
    rubbish.write_bytes(b"\xff\xfb\x90\x64" + bytes(range(256)) * 40)
    recognize([rubbish], cache_dir)
    assert capfd.readouterr().err == ""


def test_safety_is_told(cache_dir: Path) -> None:
    safety = {(Language.ZH, "打开海阔天空"): SafetyKind.FIRE}
    _, (line,), _ = recognize([SONG], cache_dir, safety=safety)
    assert line["safety"] == {"kind": "fire", "certain": True}


def test_what_counts_alone_and_what_people_say_otherwise_is_no_safety_word(cache_dir: Path) -> None:
    said = (Language.ZH, "打开海阔天空")
    inside = {(Language.ZH, "海阔天空"): SafetyKind.FIRE}
    alike = {(Language.ZH, "大开海阔天空"): SafetyKind.FIRE}
    for safety in (inside, alike):
        _, (line,), _ = recognize([SONG], cache_dir, safety=safety, everyday=lambda _grammar: ())
        assert line["safety"] == {"kind": "fire", "certain": False}
    for more in ({"safety": inside, "alone": inside}, {"safety": alike, "everyday": lambda _grammar: [said]}):
        _, (line,), _ = recognize([SONG], cache_dir, **more)
        assert line["safety"] is None


def test_a_language_narrows_the_phrases(cache_dir: Path) -> None:
    code, lines, _ = recognize([TIME, SONG], cache_dir, lang="zh")
    assert code == 0
    assert [line["text"] for line in lines] == ["", "打开海阔天空"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"lang": "ru"}, "auto, zh or mn"),
        ({"phrases": Path("nowhere.tsv")}, "nowhere.tsv"),
        ({"phrases": [Phrase(Language.ZH, "")]}, "holds nothing"),
        ({"lang": "mn", "phrases": [Phrase(Language.ZH, "好")]}, "in mn"),
        ({"phrases": []}, "at least one"),
    ],
)
def test_a_wrong_call_ends_with_one_clear_line(cache_dir: Path, more: dict[str, Any], words: str) -> None:
    code, lines, errors = recognize([TIME], cache_dir, **more)
    assert (code, lines) == (EXIT_BAD_CALL, [])
    assert len(errors) == 1
    assert words in errors[0]


def test_other_speech_is_an_empty_text_and_silence_has_no_readings(tmp_path: Path, cache_dir: Path) -> None:
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(16_000), 16_000)
    code, lines, errors = recognize([silence, NEWS], cache_dir)
    assert (code, errors) == (0, [])
    assert [(line["text"], line["language"], line["confidence"]) for line in lines] == [("", None, 0.0)] * 2
    assert lines[0]["nbest"] == []


@pytest.mark.parametrize(
    ("name", "rate_hz", "channels"),
    [
        ("a.wav", 8_000, 1),
        ("b.flac", 44_100, 2),
        ("c.ogg", 48_000, 1),
        ("d.mp3", 22_050, 2),
        ("эмээ 药.wav", 96_000, 6),
    ],
)
def test_any_rate_format_channels_and_name(
    tmp_path: Path, cache_dir: Path, name: str, rate_hz: int, channels: int
) -> None:
    sound = soxr.resample(load_clip(TIME) / 32_768, 16_000, rate_hz)
    soundfile.write(tmp_path / name, np.repeat(sound[:, None], channels, axis=1), rate_hz)
    code, (line,), _ = recognize([tmp_path / name], cache_dir)
    assert (code, line["text"], line["file"]) == (0, "одоо хэдэн цаг вэ", str(tmp_path / name))


def test_a_phrase_said_twice_in_one_clip_is_told_once(tmp_path: Path, cache_dir: Path) -> None:
    clip, pause = load_clip(TIME), np.zeros(20_000, np.int16)
    soundfile.write(tmp_path / "twice.wav", np.concatenate([clip, pause, clip]), 16_000)
    _, (line,), _ = recognize([tmp_path / "twice.wav"], cache_dir)
    assert line["text"] == "одоо хэдэн цаг вэ"
    assert [reading["text"] for reading in line["nbest"]].count("одоо хэдэн цаг вэ") == 1


def test_different_phrases_in_one_clip_are_told_in_order(tmp_path: Path, cache_dir: Path) -> None:
    pause = np.zeros(20_000, np.int16)
    soundfile.write(tmp_path / "both.wav", np.concatenate([load_clip(TIME), pause, load_clip(SONG)]), 16_000)
    _, (line,), _ = recognize([tmp_path / "both.wav"], cache_dir)
    assert line["text"] == "одоо хэдэн цаг вэ 打开海阔天空"


def phrases_in(folder: Path, *lines: str) -> Path:
    path = folder / "mine.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_homophones_stand_side_by_side_and_doubles_once(tmp_path: Path, cache_dir: Path) -> None:
    phrases = phrases_in(tmp_path, "zh\t打开海阔天空", "zh\t打开海阔天空", "zh\t打開海闊天空", "mn\tбаяртай")
    _, (line,), _ = recognize([SONG], cache_dir, phrases=phrases)
    near = [reading["text"] for reading in line["nbest"]]
    assert sorted(near) == ["打开海阔天空", "打開海闊天空"]


def test_ipa_overrides_the_spelling_and_needs_no_spelling(tmp_path: Path, cache_dir: Path) -> None:
    ipa = "ɔdɔː xədə̌n ʧɑg be"
    phrases = phrases_in(tmp_path, f"mn\tWhat time is it?\t{ipa}", "zh\t打开海阔天空")
    _, (line,), _ = recognize([TIME], cache_dir, phrases=phrases)
    assert (line["text"], line["language"]) == ("What time is it?", "mn")
    _, (line,), _ = recognize([TIME], cache_dir, phrases=phrases_in(tmp_path, f"mn\t{ipa}"))
    assert line["text"] == ipa


def test_an_unusable_line_is_told_and_the_others_are_listened_for(tmp_path: Path, cache_dir: Path) -> None:
    phrases = phrases_in(tmp_path, "mn\tодоо хэдэн цаг вэ", "mn\txyz\tωω", "en\thello")
    code, (line,), errors = recognize([TIME], cache_dir, phrases=phrases)
    assert (code, line["text"]) == (EXIT_BAD_FILE, "одоо хэдэн цаг вэ")
    assert len(errors) == 2
    assert "line 2" in errors[0]
    assert "line 3" in errors[1]


def test_a_closed_error_output_stops_nothing(tmp_path: Path, cache_dir: Path) -> None:
    out = io.StringIO()
    code = run([str(tmp_path / "no.wav"), str(TIME)], PHRASES, model_dir=MODEL, cache_dir=cache_dir, out=out, err=None)
    assert code == EXIT_BAD_FILE
    assert len(out.getvalue().splitlines()) == 1


def test_the_best_guess_at_a_list_counts_below_the_bar_of_the_robot() -> None:
    guess = Reading("好", Language.ZH, 0.2)
    unsure = (Attempt((FinalResult((guess,), 0.2, 0.5),)),)
    assert _understood(unsure, likely=True)[1] == (guess,)
    assert _understood(unsure, likely=False)[1] == ()
    hopeless = (Attempt((FinalResult((guess,), 0.01, 0.5),)),)
    assert _understood(hopeless, likely=True)[1] == ()
    assert _understood((Attempt(()),), likely=True) == ((), ())


def test_a_likely_guess_at_a_safety_phrase_is_told_but_never_certain(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess = FinalResult((Reading("救命", Language.ZH, 0.12),), 0.12, 0.5)
    monkeypatch.setattr(cli_recognize, "hear_recording", lambda *_: (Attempt((guess,)),))
    _, (line,), _ = recognize([SONG], cache_dir, safety={(Language.ZH, "救命"): SafetyKind.HELP})
    assert (line["text"], line["safety"]) == ("救命", {"kind": SafetyKind.HELP.value, "certain": False})
