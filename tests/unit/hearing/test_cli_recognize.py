from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from robot.errors import BadInput
from robot.messages import Language, Phrase, SafetyKind
from robot.speech.cli_recognize import EXIT_BAD_CALL, EXIT_BAD_FILE, read_phrases, run
from tests.unit.hearing.conftest import DATA, MODEL

pytestmark = pytest.mark.unit

PHRASES = DATA / "phrases.tsv"
TIME = DATA / "mn" / "L8-K1_B.flac"
SONG = DATA / "zh" / "BAC009S0252W0056.ogg"
NEWS = DATA / "zh" / "BAC009S0252W0476.ogg"


def recognize(files: list[Path], cache_dir: Path, **more: Any) -> tuple[int, list[dict[str, Any]], list[str]]:
    out, err = io.StringIO(), io.StringIO()
    phrases = more.pop("phrases", PHRASES)
    code = run(files, phrases, model_dir=MODEL, cache_dir=cache_dir, out=out, err=err, **more)
    return code, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue().splitlines()


def test_one_json_line_a_file_in_order(cache_dir: Path, graph_dir: Path) -> None:
    code, lines, errors = recognize([TIME, SONG, NEWS], cache_dir)
    assert (code, errors) == (0, [])
    assert [(line["language"], line["text"]) for line in lines] == [
        ("mn", "одоо хэдэн цаг вэ"),
        ("zh", "打开海阔天空"),
        (None, None),
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


def test_safety_is_told(cache_dir: Path) -> None:
    safety = {(Language.ZH, "打开海阔天空"): SafetyKind.FIRE}
    _, (line,), _ = recognize([SONG], cache_dir, safety=safety)
    assert line["safety"] == {"kind": "fire", "certain": True}


def test_a_language_narrows_the_phrases(cache_dir: Path) -> None:
    code, lines, _ = recognize([TIME, SONG], cache_dir, lang="zh")
    assert code == 0
    assert [line["text"] for line in lines] == [None, "打开海阔天空"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"lang": "ru"}, "auto, zh or mn"),
        ({"phrases": Path("nowhere.tsv")}, "nowhere.tsv"),
        ({"phrases": [Phrase(Language.ZH, "打开Maps")]}, "打开Maps"),
        ({"phrases": []}, "at least one"),
    ],
)
def test_a_wrong_call_ends_with_one_clear_line(cache_dir: Path, more: dict[str, Any], words: str) -> None:
    code, lines, errors = recognize([TIME], cache_dir, **more)
    assert (code, lines) == (EXIT_BAD_CALL, [])
    assert len(errors) == 1
    assert words in errors[0]


def test_phrases_with_and_without_pronunciation_are_read(tmp_path: Path) -> None:
    path = tmp_path / "phrases.tsv"
    path.write_text("\ufeff# mine\n\nzh\t你好\nmn\tбаярлалаа\tbɑjə̌rllɑː\nmn\tбаяртай\t\n", encoding="utf-8")
    assert read_phrases(path) == [
        Phrase(Language.ZH, "你好"),
        Phrase(Language.MN, "баярлалаа", "bɑjə̌rllɑː"),
        Phrase(Language.MN, "баяртай"),
    ]


@pytest.mark.parametrize("line", ["你好", "en\thello", "zh\t", "zh\ta\tb\tc"])
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "phrases.tsv"
    path.write_text(f"zh\t你好\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput, match="line 2"):
        read_phrases(path)
