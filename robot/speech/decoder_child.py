"""Where the recognisers are loaded: `python -m robot.speech.decoder_child DESCRIPTOR GRAPH [SAFETY_GRAPH]`.

It decodes nothing: for every connection that comes through its socket it forks, and the fork decodes. A wedged
recogniser can be ended only together with its process; `decoder_link` is the other end.

First out:  ("ready", process id, whether there is a safety decoder)  or  ("error", code, message) and the end
In:         (number, samples as bytes, whether to forget what was heard before)
Out:        (number, the recogniser's final or None, the safety decoder's final or None, seconds that both took,
            seconds of the processor that the process has had so far)

A fork ends when its connection closes, even while the recogniser hangs, and by itself when one chunk takes too long;
all end with the first process, which ends when its socket closes.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from robot.errors import HaniError
from robot.speech.calibration import in_use
from robot.speech.recognizer import Recognizer, VoskRecognizer
from robot.speech.second_look import SecondLook, for_cries

_HUNG_S = 20.0
"""The parent ends this process much sooner; this is for a parent that is gone while our own threads cannot run."""


def serve(descriptor: int, load: Callable[[], Sequence[Recognizer]]) -> None:
    """Load the recogniser, and the safety decoder if there is one, and fork decoders until the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the socket
    control = socket.socket(fileno=descriptor)
    try:
        recognizers = load()
    except HaniError as error:
        for connection in _connections(control):
            with contextlib.suppress(OSError):  # nobody waits for it any more
                connection.send(("error", error.code, str(error)))
            return
    gc.freeze()  # what is loaded stays shared
    forks: set[int] = set()
    for connection in _connections(control):
        forks = {pid for pid in forks if os.waitpid(pid, os.WNOHANG)[0] == 0}
        pid = os.fork()
        if pid == 0:
            control.close()
            _decode(connection, recognizers)
        forks.add(pid)
        connection.close()
    for pid in forks:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _connections(control: socket.socket) -> Iterator[Connection[Any, Any]]:
    """One for every decoder that is asked for; ends with the parent."""
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        yield Connection(descriptors[0])


def _decode(connection: Connection[Any, Any], recognizers: Sequence[Recognizer]) -> NoReturn:
    """Answer until the connection closes."""
    chunks = _chunks(connection)
    connection.send(("ready", os.getpid(), len(recognizers) > 1))
    while True:
        number, samples, anew = chunks.get()
        faulthandler.dump_traceback_later(_HUNG_S, exit=True)
        began_s = time.perf_counter()
        if anew:
            for recognizer in recognizers:
                recognizer.reset()
        finals = [recognizer.accept(np.frombuffer(samples, np.int16)) for recognizer in recognizers]
        took_s = time.perf_counter() - began_s
        faulthandler.cancel_dump_traceback_later()
        safety = finals[1] if len(finals) > 1 else None
        connection.send((number, finals[0], safety, took_s, time.process_time()))


def _chunks(connection: Connection[Any, Any]) -> queue.Queue[tuple[int, bytes, bool]]:
    """Chunks as they come, read in a thread so that the end of the parent is seen even while the recogniser hangs."""
    waiting: queue.Queue[tuple[int, bytes, bool]] = queue.Queue()

    def read() -> None:
        try:
            while True:
                waiting.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return waiting


def _recognizers(graphs: Sequence[Path]) -> list[Recognizer]:
    """The recogniser of all phrases, and the safety decoder."""
    main, *safety = graphs
    first = VoskRecognizer(main, in_use(main)[0])
    return [
        SecondLook(first, first.another()),
        *(for_cries(graph, in_use(graph)[0]) for graph in safety),
    ]


if __name__ == "__main__":
    serve(int(sys.argv[1]), lambda: _recognizers([Path(graph) for graph in sys.argv[2:]]))
