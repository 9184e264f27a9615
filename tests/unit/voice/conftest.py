"""The built voice, made once a run in a temporary folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.build_voice import build_voice
from robot.speech.synthesis import Pyttsx3Synthesizer


@pytest.fixture(scope="session")
def voice_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("espeak-ng") is None:
        pytest.fail("eSpeak NG is not installed; run: sudo apt-get install -y espeak-ng")
    # deeper than the 160 characters at which eSpeak NG 1.51 cuts paths
    deep = tmp_path_factory.mktemp("voice").joinpath(*["a-rather-long-folder-name"] * 7)
    return build_voice(deep / "espeak-ng-data")


@pytest.fixture
def synthesizer(voice_data: Path, tmp_path: Path) -> Iterator[Pyttsx3Synthesizer]:
    made = Pyttsx3Synthesizer(voice_data=voice_data, cache_dir=tmp_path / "cache")
    yield made
    made.close()
