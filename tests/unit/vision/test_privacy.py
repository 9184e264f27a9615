"""No frame is written or sent: the whole watcher runs on real clips in a process that is watched while it does.

Python tells its own opens and sockets by audit events; what OpenCV and LiteRT do below Python is seen in /proc: the
files that are open for writing, the sockets, and the bytes written.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

WATCHED = r"""
import json, os, sys, threading, time
from pathlib import Path

OTHER_WAYS_OUT = {"os.rename", "os.mkdir", "os.link", "os.symlink", "subprocess.Popen", "os.fork", "os.posix_spawn",
                  "mmap.__new__", "shutil.copyfile"}
clip, room_clip = Path(sys.argv[1]), Path(sys.argv[2])
seen, on = {"python": [], "native": []}, False

def audit(name, arguments):
    if not on:
        return
    if name == "open":
        path, mode, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or any(c in (mode or "r") for c in "wax+"):
            seen["python"].append(str(path))
    elif name.split(".")[0] == "socket" or name in OTHER_WAYS_OUT:
        seen["python"].append(name)

def descriptors():
    for entry in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{entry}")
            flags = int(Path(f"/proc/self/fdinfo/{entry}").read_text().split("flags:")[1].split()[0], 8)
        except (OSError, IndexError):
            continue
        if target.startswith("socket:"):
            yield "socket"
        elif flags & (os.O_WRONLY | os.O_RDWR) and not target.startswith(("pipe:", "anon_inode:", "/dev/null")):
            yield target

def written():
    rows = dict(row.split(": ") for row in Path("/proc/self/io").read_text().splitlines())
    return int(rows["wchar"])

sys.addaudithook(audit)
from robot.vision.cli_watch import events_in
from robot.vision.camera import FileCamera
from robot.vision.detector import FallDetector
from robot.vision.movenet import load_engine
from robot.vision.room import RoomCamera
from robot.vision.watcher import FallWatcher

engine = load_engine()
before, stop = set(descriptors()), threading.Event()

def poll():
    while not stop.wait(0.002):
        for target in descriptors():
            if target not in before and target not in seen["native"]:
                seen["native"].append(target)

poller = threading.Thread(target=poll)
on = True
poller.start()
began = written()
reasons = [event.reason.value for event in events_in(FileCamera(clip).frames(), engine)]
room, watcher, t = RoomCamera(now=lambda: t), FallWatcher(engine, FallDetector()), 0.0
room.show(room_clip, 0.0)
for frame in room.frames():
    reasons += [event.reason.value for event in watcher.watch(frame.image, t, t)]
    t += watcher.next_frame_in_s
    if t > 12:
        break
on = False
seen["bytes"] = written() - began
stop.set()
poller.join()
if len(sys.argv) > 3:  # the test's own test: a frame that leaves must be seen
    on = True
    Path(sys.argv[3]).write_bytes(frame.image.tobytes())
seen["reasons"] = reasons
print(json.dumps(seen))
"""
LARGEST_TRACE_BYTES = 2_000
"""A thread being woken writes some bytes; the smallest picture of the room would be many thousand."""


def watch(clips: Path, *leak: Path) -> dict:
    arguments = [sys.executable, "-c", WATCHED, clips / "fall.mp4", clips / "fall_2.mp4", *leak]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_while_real_falls_are_seen_nothing_is_written_and_no_socket_opens(clips):
    seen = watch(clips)
    assert seen["reasons"][:2] == ["fast_drop", "fast_drop"], "the watcher must have worked"
    assert seen["python"] == []
    assert seen["native"] == []
    assert seen["bytes"] < LARGEST_TRACE_BYTES


def test_the_watch_over_the_watcher_sees_a_frame_that_leaves(clips, tmp_path):
    assert watch(clips, tmp_path / "leak.raw")["python"] == [str(tmp_path / "leak.raw")]
