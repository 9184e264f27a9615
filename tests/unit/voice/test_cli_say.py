"""`hani say` prints one JSON line, or one line that says what to do."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from robot.speech import wav_files
from robot.speech.cli_say import run
from robot.speech.synthesis import FakeSynthesizer, Pyttsx3Synthesizer

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("lang", "text"), [("zh", "现在12:30。"), ("mn", "Одоо 12:30.")])
def test_the_line_describes_the_file(synthesizer: Pyttsx3Synthesizer, tmp_path: Path, lang: str, text: str) -> None:
    out = io.StringIO()
    assert run(text, lang, tmp_path / "x.wav", synthesizer=synthesizer, stdout=out) == 0
    line = json.loads(out.getvalue())
    assert set(line) == {"file", "language", "duration_s", "took_s"}
    assert line["language"] == lang
    assert wav_files.read(Path(line["file"])).duration_s == pytest.approx(line["duration_s"], abs=0.001)


@pytest.mark.parametrize(
    ("text", "lang", "file", "hint"),
    [
        ("您好", "kk", "x.wav", "zh or mn"),
        ("", "zh", "x.wav", "nothing to say"),
        ("您好", "zh", "nowhere/x.wav", "make the folder"),
        ("您好", "zh", ".", "cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_a_code(tmp_path: Path, text: str, lang: str, file: str, hint: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    assert run(text, lang, tmp_path / file, synthesizer=FakeSynthesizer(), stdout=out, err=err) == 2
    assert out.getvalue() == ""
    assert err.getvalue().count("\n") == 1
    assert hint in err.getvalue()
