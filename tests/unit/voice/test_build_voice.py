"""The Mongolian voice is compiled once, beside the system's data and never into it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models import build_voice as builder
from robot.errors import HaniError, MissingPart

pytestmark = pytest.mark.unit


def test_the_folder_holds_our_voices_and_links_to_the_system(voice_data: Path) -> None:
    assert (voice_data / "mn_dict").stat().st_size > 4000
    assert not (voice_data / "mn_dict").is_symlink()
    assert {path.name for path in (voice_data / "lang" / "xgn").iterdir()} == {"mn", "mvf"}
    assert (voice_data / "phontab").is_symlink()
    assert (voice_data / "lang" / "sit" / "cmn").exists()


def test_an_unchanged_voice_is_not_built_again(voice_data: Path) -> None:
    before = voice_data.stat().st_ino
    assert builder.build_voice(voice_data) == voice_data
    assert voice_data.stat().st_ino == before


def test_changed_sources_are_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "voice"
    shutil.copytree(builder.SOURCES, sources)
    monkeypatch.setattr(builder, "SOURCES", sources)
    out = builder.build_voice(tmp_path / "espeak-ng-data")
    before = (out / builder.STAMP_NAME).read_text()
    with (sources / "dictsource" / "mn_list").open("a") as words:
        words.write("хань xan;\n")
    builder.build_voice(out)
    assert (out / builder.STAMP_NAME).read_text() != before


def test_rejected_rules_are_an_error_and_leave_the_old_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "voice"
    shutil.copytree(builder.SOURCES, sources)
    monkeypatch.setattr(builder, "SOURCES", sources)
    out = builder.build_voice(tmp_path / "espeak-ng-data")
    before = (out / "mn_dict").read_bytes()
    with (sources / "dictsource" / "mn_rules").open("a") as rules:
        rules.write("   zz( ddd  qqq[\n")
    with pytest.raises(HaniError, match="dictsource"):
        builder.build_voice(out)
    assert (out / "mn_dict").read_bytes() == before


def test_without_espeak_the_message_is_the_command_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPart, match="sudo apt-get install -y espeak-ng"):
        builder.build_voice(tmp_path / "espeak-ng-data")
