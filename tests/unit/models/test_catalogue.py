from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from models import catalogue
from models.catalogue import CATALOGUE, ModelFile, Part, load_catalogue, root_of, verify
from robot import paths
from robot.errors import BadConfiguration

pytestmark = pytest.mark.unit

DATA = b"a model"
IN_REPOSITORY = [part for part in load_catalogue() if part.place == "repository"]


def part_with(file: ModelFile) -> Part:
    return Part(
        name="x",
        purpose="p",
        source="s",
        place="home",
        files=(file,),
        licence="MIT",
        notice="n",
        used_by=("robot.speech",),
    )


@pytest.fixture
def part(tmp_path: Path) -> Part:
    (tmp_path / "m.bin").write_bytes(DATA)
    return part_with(ModelFile(path="m.bin", bytes=len(DATA), sha256=hashlib.sha256(DATA).hexdigest()))


@pytest.mark.parametrize("part", IN_REPOSITORY, ids=lambda part: part.name)
def test_the_models_of_this_repository_are_the_ones_catalogued(part: Part) -> None:
    assert part.files
    assert verify(part, root_of(part)) == []


@pytest.mark.parametrize("part", IN_REPOSITORY, ids=lambda part: part.name)
def test_no_catalogued_file_may_be_missing(part: Part, tmp_path: Path) -> None:
    assert len(verify(part, tmp_path)) == len(part.files)


def test_a_changed_byte_in_the_speech_model_is_reported(tmp_path: Path) -> None:
    (speech,) = [part for part in load_catalogue() if part.name == "bilingual-v3"]
    for file in speech.files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(paths.ROOT / file.path, tmp_path / file.path)
    assert verify(speech, tmp_path) == []
    with (tmp_path / speech.files[0].path).open("r+b") as model:
        model.seek(1000)
        byte = model.read(1)
        model.seek(1000)
        model.write(bytes([byte[0] ^ 1]))
    assert verify(speech, tmp_path) == [f"{speech.files[0].path} has another sha256 than the catalogue"]


def test_another_size_is_named_before_anything_is_hashed(part: Part, tmp_path: Path) -> None:
    (tmp_path / "m.bin").write_bytes(DATA + b"!")
    assert verify(part, tmp_path) == ["m.bin has 8 bytes, not 7"]


def test_what_is_fetched_or_binary_has_a_checksum() -> None:
    for part in load_catalogue():
        for file in part.files:
            edited_text = part.place == "repository" and file.path.startswith("models/voice/")
            assert edited_text or (file.sha256 and file.bytes), file.path


def test_nothing_without_files_is_loaded_by_anybody() -> None:
    assert all(part.used_by == () for part in load_catalogue() if part.place == "elsewhere")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x"])
def test_a_path_may_not_leave_its_place(path: str) -> None:
    with pytest.raises(ValueError, match="relative path"):
        ModelFile(path=path)


def test_an_unknown_key_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(CATALOGUE.read_text(encoding="utf-8").replace("    notice:", "    notise:", 1), encoding="utf-8")
    with pytest.raises(BadConfiguration, match=r"parts\.0\.notice in .*catalogue\.yaml") as error:
        load_catalogue(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["parts: [", "", "parts: 3"])
def test_a_broken_catalogue_is_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadConfiguration, match=r"catalogue\.yaml"):
        load_catalogue(path)


def test_verify_of_an_empty_home_says_what_is_missing_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANI_HOME", str(tmp_path))
    assert catalogue.main(["verify", "movenet-multipose"]) == 1
    said = capsys.readouterr().out
    assert "models/movenet/movenet.tflite is missing" in said
    assert "python3 -m robot.provision demo" in said


def test_verify_of_what_is_there_and_of_what_nobody_brings_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert catalogue.main(["verify", "bilingual-v3", "vosk-mandarin-small"]) == 0
    assert "4 files as catalogued" in capsys.readouterr().out


def test_an_unknown_name_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert catalogue.main(["verify", "nobody"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
