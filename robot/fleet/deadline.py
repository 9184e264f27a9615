"""A deadline over a whole exchange with a server: time limits of single reads never end one that trickles."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

AGAIN_S = 0.2  # what connects after the deadline is cut as well

Connection = Callable[[], "socket.socket | None"]


@contextmanager
def within(timeout_s: float) -> Iterator[Callable[[Connection], None]]:
    """Cut the connections that are handed to it once `timeout_s` have passed.

    Yields what takes a connection: a function that gives its socket, or None while there is none. Raises TimeoutError
    in place of whatever a cut connection led to.
    """
    connections: list[Connection] = []
    ended, cut = threading.Event(), threading.Event()

    def watch() -> None:
        wait_s = timeout_s
        while not ended.wait(wait_s):
            wait_s = AGAIN_S
            for connection in tuple(connections):
                found = connection()
                if found is not None:
                    cut.set()
                    with suppress(OSError):  # it has ended by itself
                        # not SSLSocket's own: after that one a late write would go out in the clear
                        socket.socket.shutdown(found, socket.SHUT_RDWR)

    watchdog = threading.Thread(target=watch, name="deadline", daemon=True)
    watchdog.start()
    try:
        yield connections.append
    except Exception:
        if cut.is_set():
            raise TimeoutError("no end in time") from None
        raise
    finally:
        ended.set()
        watchdog.join()


def traced(take: Callable[[Connection], None]) -> Callable[[str, Mapping[str, Any]], None]:
    """The `trace` extension of an httpx request that hands over the request's connections."""

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            take(lambda: stream.get_extra_info("socket"))

    return trace
