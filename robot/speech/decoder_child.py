"""The process in which the recognisers run: `python -m robot.speech.decoder_child DESCRIPTOR GRAPH [SAFETY_GRAPH]`.

A wedged recogniser can be ended only together with its process; `decoder_link` is the other end of the socket.

First out:  ("ready", whether there is a safety decoder)  or  ("error", code, message) and the end
In:         (number, samples as bytes, whether to forget what was heard before)
Out:        (number, the recogniser's final or None, the safety decoder's final or None, seconds that both took)

The process ends when the socket closes, even while the recogniser hangs, and by itself when one chunk takes too long.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from robot.errors import HaniError
from robot.speech.calibration import in_use
from robot.speech.recognizer import Recognizer, VoskRecognizer
from robot.speech.second_look import SecondLook

_HUNG_S = 20.0
"""The parent ends this process much sooner; this is for a parent that is gone while our own threads cannot run."""


def serve(descriptor: int, load: Callable[[], Sequence[Recognizer]]) -> None:
    """Load the recogniser, and the safety decoder if there is one, and answer until the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the socket
    connection = Connection(descriptor)
    try:
        recognizers = load()
    except HaniError as error:
        connection.send(("error", error.code, str(error)))
        return
    connection.send(("ready", len(recognizers) > 1))
    for number, samples, anew in iter(_chunks(connection).get, None):
        faulthandler.dump_traceback_later(_HUNG_S, exit=True)
        began_s = time.perf_counter()
        if anew:
            for recognizer in recognizers:
                recognizer.reset()
        finals = [recognizer.accept(np.frombuffer(samples, np.int16)) for recognizer in recognizers]
        took_s = time.perf_counter() - began_s
        faulthandler.cancel_dump_traceback_later()
        connection.send((number, finals[0], finals[1] if len(finals) > 1 else None, took_s))


def _chunks(connection: Connection[Any, Any]) -> queue.Queue[tuple[int, bytes, bool] | None]:
    """Chunks as they come, read in a thread so that the end of the parent is seen even while the recogniser hangs."""
    waiting: queue.Queue[tuple[int, bytes, bool] | None] = queue.Queue()

    def read() -> None:
        try:
            while True:
                waiting.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return waiting


def _recognizers(graphs: Sequence[Path]) -> list[Recognizer]:
    """The recogniser of all phrases, which looks twice, and the safety decoder, which must not take long and
    owes no language anything: its rivals are of both.
    """
    main, *safety = graphs
    first = VoskRecognizer(main, in_use(main)[0])
    return [
        SecondLook(first, first.another()),
        *(VoskRecognizer(graph, in_use(graph)[0], mandarin_cost_nats=0.0) for graph in safety),
    ]


if __name__ == "__main__":
    serve(int(sys.argv[1]), lambda: _recognizers([Path(graph) for graph in sys.argv[2:]]))
