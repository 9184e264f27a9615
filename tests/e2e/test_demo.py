"""`hani demo` as a person meets it: in a real terminal, with an end, and nobody left behind even when it is killed."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

from robot import paths

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(840)]

STEPS = [
    {"note": "a thank you"},
    {"pause_s": 1.5},
    {"resident_says": "speech/mn/L2-K2_B.flac"},
    {"wait_for": {"kind": "said", "within_s": 90, "where": {"language": "mn"}}},
]


LASTS_AT_MOST_S = 400.0


@contextmanager
def demo(tmp_path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command on a pseudo-terminal: the process, which does not outlive the test, and the terminal's other end."""
    scenario = tmp_path / "short.yaml"
    document = {"name": "short", "media": str(paths.ROOT / "tests" / "data"), "steps": STEPS}
    scenario.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).parent / "hani"), "demo", "--scenario", str(scenario), *options]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_all(terminal: int) -> str:
    """Everything until the other side closes; a terminal ends with an error. A demo without an end is shown too."""
    parts = []
    give_up_at_s = time.monotonic() + LASTS_AT_MOST_S
    while select.select([terminal], [], [], max(0.0, give_up_at_s - time.monotonic()))[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", b"".join(parts).decode("utf-8", "replace"))


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_the_timeline_tells_what_happened_and_the_end_is_clean(tmp_path: Path) -> None:
    with demo(tmp_path, "--leave") as (process, terminal):
        text = read_all(terminal)
        assert process.wait(90) == 0, text
    link = re.search(r"http://127\.0\.0\.1:\d+/login/[\w-]{43}\s", text)
    assert link, "the page's address stands above the timeline, with a login link"
    assert re.search(r"\d+ ms +heard +баярлалаа +mn", text), text
    assert re.search(r"\d+ ms +understood +thank", text)
    assert re.search(r"\d+ ms +saying +Танд баярлалаа", text)
    assert "Traceback" not in text


def test_killed_it_leaves_nobody_behind(tmp_path: Path) -> None:
    state = paths.home() / "simulation" / "processes.json"
    started_at_s = time.time()
    with demo(tmp_path) as (process, _terminal):
        end_s = time.monotonic() + 180
        while time.monotonic() < end_s:
            fresh = state.exists() and state.stat().st_mtime >= started_at_s
            if fresh and len(json.loads(state.read_text(encoding="utf-8"))) >= 13:
                break
            time.sleep(0.2)
        family = descendants(process.pid)
        assert len(family) >= 13, "the house did not start"
    _, alive = psutil.wait_procs(family, timeout=120)
    assert not alive, [one.name() for one in alive]
