"""The process in which dictation runs: `python -m robot.speech.dictation_child DESCRIPTOR MODEL`.

Packets on a socket: sound comes as the descriptor of a file in memory beside the number of the piece, so that sending
never blocks; answers are JSON. First out:  {"ready": true}  or  {"error": "..."} and the end
Out:  {"number": 1, "text": "..", "confidence": 0.8}  or  {"number": 1}

It is the last to get the processor and the first to go when memory runs out, and ends when the socket closes, even
while it loads or writes: it is large, and the next one may be on its way.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from robot.errors import HaniError
from robot.speech.dictation import Dictation, VoskDictation

_HUNG_S = 60.0
"""The parent ends this process much sooner; this is for a parent that is gone."""
_LAST = 19  # of all by niceness
_FIRST_TO_GO = "1000"


def serve(descriptor: int, load: Callable[[], Dictation]) -> None:
    """Load the dictation and answer until the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_LAST)
    with contextlib.suppress(OSError):  # a system without it; then the processor's order has to do
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    parent = socket.socket(fileno=descriptor)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        dictation = load()
    except HaniError as error:
        _tell(parent, {"error": str(error)})
        return
    _tell(parent, {"ready": True})
    while True:
        packet, descriptors, _, _ = socket.recv_fds(parent, 64, 1)
        if not packet:
            return
        with os.fdopen(descriptors[0], "rb") as sound:
            sound.seek(0)
            samples = np.frombuffer(sound.read(), np.int16)
        faulthandler.dump_traceback_later(_HUNG_S, exit=True)
        reading = dictation.write(samples)
        faulthandler.cancel_dump_traceback_later()
        answer: dict[str, object] = {"number": int(packet)}
        if reading is not None:
            answer |= {"text": reading.text, "confidence": reading.confidence}
        _tell(parent, answer)


def _end_with(parent: socket.socket) -> None:
    poll = select.poll()
    poll.register(parent, 0)  # its end is told in any case
    poll.poll()
    os._exit(0)


def _tell(parent: socket.socket, answer: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # the end of the parent is seen on receiving
        parent.send(json.dumps(answer).encode())


if __name__ == "__main__":
    serve(int(sys.argv[1]), lambda: VoskDictation(Path(sys.argv[2])))
