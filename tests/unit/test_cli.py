"""The command line from outside: JSON lines on stdout; bad input is one clear line on stderr and a code."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from robot import cli, paths

pytestmark = pytest.mark.unit

DATA = Path(__file__).parents[1] / "data"
TIME_MN = DATA / "speech" / "mn" / "L8-K1_B.flac"
SONG_ZH = DATA / "speech" / "zh" / "BAC009S0150W0044.ogg"
FALL, EVERYDAY = DATA / "vision" / "fall.mp4", DATA / "vision" / "everyday.mp4"
NO_RASA = "http://127.0.0.1:9"  # the discard port: nothing listens
NOT_UTF8 = os.fsdecode(b"\xff.wav")


@dataclass(frozen=True)
class Result:
    code: int
    lines: list[dict[str, Any]]
    errors: list[str]


class Hani:
    """The command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: object, stdin: bytes = b"") -> Result:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = cli.main([str(argument) for argument in arguments])
        out, err = self._capsys.readouterr()
        return Result(code, [json.loads(line) for line in out.splitlines()], err.splitlines())


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the tests' own, with the voice and the pose model of the set-up."""
    home = tmp_path_factory.mktemp("home")
    for part in ("espeak-ng-data", "models"):
        if not (paths.home() / part).exists():
            pytest.fail(f"{paths.home() / part} is missing: run `make test`, which brings it")
        (home / part).symlink_to((paths.home() / part).absolute())
    return home


@pytest.fixture
def hani(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Hani:
    monkeypatch.setenv("HANI_HOME", str(home))
    monkeypatch.setenv("HANI_RASA_URL", NO_RASA)
    return Hani(capsys, monkeypatch)


@pytest.fixture
def bad_files(tmp_path: Path) -> list[Path]:
    """Random bytes, nothing, a folder, and a file that is not there, each with a sound's or a video's name."""
    noise = np.random.default_rng(1).bytes(4096)
    names = [tmp_path / name for name in ("noise.wav", "empty.wav", "folder.wav", "missing.wav")]
    names[0].write_bytes(noise)
    names[1].write_bytes(b"")
    names[2].mkdir()
    return names


def assert_refused(result: Result, *named: str) -> None:
    """One line that names what is wrong; nothing on stdout."""
    assert result.code != 0
    assert result.lines == []
    assert len(result.errors) == 1, result.errors
    assert result.errors[0].startswith("hani")
    for part in named:
        assert part in result.errors[0]


# calling it wrongly


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "COMMAND"),
        (["dance"], "dance"),
        (["recognize"], "FILE"),
        (["recognize", "--lang", "fr", "x.wav"], "'fr'"),
        (["recognize", "--louder", "x.wav"], "--louder"),
        (["watch"], "VIDEO"),
        (["understand"], "--lang"),
        (["understand", "--lang", "fr"], "fr"),
        (["say", "--lang", "fr", "--out", "x.wav", "bonjour"], "fr"),
        (["say", "--lang", "zh", "--out", "x.wav"], "TEXT"),
        (["say", "--lang", "zh", "您好"], "--out"),
        (["config"], "show"),
        (["config", "show", "--profile", "moon"], "moon"),
        (["demo", "--scenario", "nowhere.yaml"], "nowhere.yaml"),
        (["demo", "--port", "0"], "65535"),
        (["demo", "--port", "http"], "http"),
        (["say", "--lang", "zh", "--out", NOT_UTF8, "您好"], "UTF-8"),
    ],
)
def test_a_wrong_call_is_one_line(hani: Hani, arguments: list[str], named: str) -> None:
    result = hani(*arguments)
    assert_refused(result, named)
    assert result.code == 2


@pytest.mark.parametrize("command", ["recognize", "watch"])
def test_a_file_name_that_is_no_text_is_one_line(hani: Hani, command: str) -> None:
    """soundfile raises for such a name, and OpenCV crashes."""
    result = hani(command, NOT_UTF8)
    assert_refused(result, "UTF-8")
    assert result.code == 1


@pytest.mark.parametrize("command", [["recognize", "x.wav"], ["say", "--lang", "zh", "--out", "x.wav", "您好"]])
def test_a_home_that_cannot_be_written_is_one_line(
    hani: Hani, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANI_HOME", str(tmp_path / "file" / "home"))
    result = hani(*command)
    assert result.code != 0
    assert result.lines == []
    assert len(result.errors) == 1


# hani recognize


def test_recognize_hears_both_languages(hani: Hani) -> None:
    result = hani("recognize", TIME_MN, SONG_ZH)
    assert (result.code, result.errors) == (0, [])
    assert [line["language"] for line in result.lines] == ["mn", "zh"]
    assert [line["file"] for line in result.lines] == [str(TIME_MN), str(SONG_ZH)]
    assert result.lines[0]["text"].startswith("одоо хэдэн цаг")


def test_recognize_goes_on_after_each_bad_file(hani: Hani, bad_files: list[Path]) -> None:
    result = hani("recognize", *bad_files, TIME_MN)
    assert result.code != 0
    assert [line["language"] for line in result.lines] == ["mn"]
    assert len(result.errors) == len(bad_files)
    assert all(file.name in error for file, error in zip(bad_files, result.errors, strict=True))


def test_recognize_listens_for_the_given_phrases_only(hani: Hani, tmp_path: Path) -> None:
    phrases = tmp_path / "phrases.tsv"
    phrases.write_text("# mine\nzh\t想听歌曲父亲\n", encoding="utf-8")
    result = hani("recognize", "--phrases", phrases, TIME_MN, SONG_ZH)
    assert (result.code, result.errors) == (0, [])
    assert [line["text"] for line in result.lines] == ["", "想听歌曲父亲"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "phrases.tsv"),
        (b"", "at least one"),
        (b"\xff\xfe", "UTF-8"),
        (b"en\thello\n", "line 1"),
        (b"zh\thello\n", "hello"),
        ("mn\tцаг\tθɑg\n".encode(), "θ"),
        (("zh\t" + "你" * 200_000).encode(), "line 1"),
    ],
)
def test_recognize_refuses_bad_phrases(hani: Hani, tmp_path: Path, content: bytes | None, named: str) -> None:
    phrases = tmp_path / "phrases.tsv"
    if content is not None:
        phrases.write_bytes(content)
    assert_refused(hani("recognize", "--phrases", phrases, TIME_MN), named)


# hani watch


def test_watch_sees_the_fall_and_leaves_the_everyday_alone(hani: Hani) -> None:
    result = hani("watch", FALL, EVERYDAY)
    assert (result.code, result.errors) == (0, [])
    assert [(line["file"], line["reason"]) for line in result.lines] == [(str(FALL), "fast_drop")]


def test_watch_goes_on_after_each_bad_file(hani: Hani, bad_files: list[Path], tmp_path: Path) -> None:
    truncated = tmp_path / "truncated.mp4"
    truncated.write_bytes(FALL.read_bytes()[: FALL.stat().st_size // 2])
    bad = [*bad_files, truncated, broken_off(tmp_path)]
    result = hani("watch", *bad, FALL)
    assert result.code != 0
    assert [line["file"] for line in result.lines] == [str(FALL)]
    assert len(result.errors) == len(bad)
    assert all(file.name in error for file, error in zip(bad, result.errors, strict=True))


def broken_off(folder: Path) -> Path:
    """A video whose header promises 60 pictures, of which half are there."""
    path = folder / "broken_off.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for number in range(60):
        writer.write(np.full((48, 64, 3), number * 4, np.uint8))
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    "zones",
    [
        None,
        "{",
        "[" * 100_000,
        "[]",
        '{"stove": [[0, 0], [1, 0], [1, 1]]}',
        '{"bed": 3}',
        '{"bed": [[0, 0], [1, 1]]}',
        '{"bed": [[0, 0], [1, 0], [1, 2]]}',
        '{"bed": [[0, 0], [1, 0], [1, NaN]]}',
        '{"bed": ["00", "10", "11"]}',
    ],
)
def test_watch_refuses_bad_zones(hani: Hani, tmp_path: Path, zones: str | None) -> None:
    file = tmp_path / "zones.json"
    if zones is not None:
        file.write_text(zones, encoding="utf-8")
    assert_refused(hani("watch", "--zones", file, FALL), "zones.json")


# hani understand


@pytest.mark.parametrize(("lang", "text"), [("zh", "现在几点"), ("mn", "одоо хэдэн цаг вэ")])
def test_understand_answers_each_line_that_is_not_empty(hani: Hani, lang: str, text: str) -> None:
    result = hani("understand", "--lang", lang, stdin=f"\n{text}\n   \n{text}".encode())
    assert (result.code, result.errors) == (0, [])
    assert [(line["intent"], line["language"], line["text"]) for line in result.lines] == [("ask_time", lang, text)] * 2


def test_understand_takes_nothing_and_very_much(hani: Hani) -> None:
    assert hani("understand", "--lang", "zh") == Result(0, [], [])
    result = hani("understand", "--lang", "zh", stdin=("你好" * 100_000).encode())
    assert (result.code, len(result.lines), result.errors) == (0, 1, [])


def test_understand_goes_on_after_a_line_that_is_not_utf8(hani: Hani) -> None:
    result = hani("understand", "--lang", "zh", stdin="你好\n".encode() + b"\xff\xfe\n" + "谢谢\n".encode())
    assert result.code != 0
    assert [line["text"] for line in result.lines] == ["你好", "谢谢"]
    assert len(result.errors) == 1
    assert "line 2" in result.errors[0]


# hani say


@pytest.mark.parametrize(
    ("lang", "text"), [("zh", "您好"), ("mn", "сайн байна уу"), ("zh", "你好 сайн hello 12:30"), ("mn", "你好\udcff")]
)
def test_say_leaves_a_sound(hani: Hani, tmp_path: Path, lang: str, text: str) -> None:
    out = tmp_path / "x.wav"
    result = hani("say", "--lang", lang, "--out", out, text)
    assert (result.code, result.errors) == (0, [])
    assert [(line["file"], line["language"]) for line in result.lines] == [(str(out), lang)]
    with wave.open(str(out)) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(result.lines[0]["duration_s"], abs=0.001)


@pytest.mark.parametrize("text", ["", "  ", "……！", "😀", "\udcff\udcfe", "你" * 2001])
def test_say_refuses_what_has_no_sound_or_no_end(hani: Hani, tmp_path: Path, text: str) -> None:
    assert_refused(hani("say", "--lang", "zh", "--out", tmp_path / "x.wav", text), "the text")
    assert list(tmp_path.iterdir()) == []


def test_say_writes_into_folders_that_are_there_and_over_files_only(hani: Hani, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # stands for /dev/null, which root would have replaced by a sound file
    for out, named in ((tmp_path / "nowhere" / "x.wav", "make the folder"), (tmp_path, "no file"), (pipe, "no file")):
        assert_refused(hani("say", "--lang", "zh", "--out", out, "您好"), named)
    assert pipe.is_fifo()


# hani config show


def test_config_show_refuses_a_file_without_a_bottom(hani: Hani, tmp_path: Path) -> None:
    deep = tmp_path / "deep.yaml"
    deep.write_text("[" * 100_000, encoding="utf-8")
    assert_refused(hani("config", "show", "--file", deep), "deep.yaml")


# as a process


def run(home: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HANI_HOME": str(home), "HANI_RASA_URL": NO_RASA, "PYTHONIOENCODING": "ascii:strict"}
    command = [str(Path(sys.executable).with_name("hani")), *arguments]
    return subprocess.run(
        command, env=environment, encoding="utf-8", capture_output="stdout" not in more, timeout=60, check=False, **more
    )


def test_a_process_speaks_utf8_wherever_it_runs(home: Path) -> None:
    result = run(home, "understand", "--lang", "mn", input="сайн байна уу\n")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["text"] == "сайн байна уу"


def test_a_process_whose_output_cannot_be_written_ends_with_one_line(home: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = run(home, "config", "show", stdout=full, stderr=subprocess.PIPE)
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1
    assert "space" in result.stderr


def test_a_process_without_standard_streams_ends_with_one_line(home: Path) -> None:
    for closed in ("<&-", ">&-"):
        command = f'"$0" understand --lang zh {closed}'
        hani = str(Path(sys.executable).with_name("hani"))
        result = subprocess.run(["sh", "-c", command, hani], capture_output=True, encoding="utf-8", check=False)
        assert result.returncode == 2
        assert len(result.stderr.splitlines()) == 1
