"""Ends a process whose work hangs where no code of ours runs any more (a driver that never returns).

The supervisor starts the process again. A watchdog that is not fed for `limit_s` writes one line and calls
`os._exit`: a thread stuck in a driver cannot be stopped in any gentler way.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

HUNG_EXIT_CODE = 71
"""What a process ends with when its work hung: EX_OSERR, "the system did not answer"."""

_log = logging.getLogger(__name__)


class Deadline:
    """Pure: has the work been silent for longer than `limit_s`? Times are on any steady clock, in seconds."""

    def __init__(self, limit_s: float) -> None:
        if limit_s <= 0:
            raise ValueError(f"a deadline needs a positive limit, not {limit_s}")
        self.limit_s = limit_s
        self._fed_at_s: float | None = None

    def feed(self, now_s: float) -> None:
        """The work goes on."""
        self._fed_at_s = now_s

    def rest(self) -> None:
        """The work pauses on purpose: nothing is due until it is fed again."""
        self._fed_at_s = None

    def is_over(self, now_s: float) -> bool:
        return self._fed_at_s is not None and now_s - self._fed_at_s > self.limit_s


class Watchdog:
    """A thread that ends the process when `feed` was not called for `limit_s`. It rests until the first `feed`.

    `rest` before a planned pause, `stop` at the end. `end` is for tests.
    """

    def __init__(
        self,
        work: str,
        limit_s: float = 60.0,
        end: Callable[[int], object] = os._exit,
        now: Callable[[], float] = time.monotonic,
        every_s: float = 1.0,
    ) -> None:
        self._work = work
        self._deadline = Deadline(limit_s)
        self._end, self._now, self._every_s = end, now, every_s
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name=f"watchdog of {work}", daemon=True)
        self._thread.start()

    def feed(self) -> None:
        with self._lock:
            self._deadline.feed(self._now())

    def rest(self) -> None:
        with self._lock:
            self._deadline.rest()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._every_s):
            with self._lock:
                over = self._deadline.is_over(self._now())
            if over:
                _log.critical("%s hangs for more than %.0f s; ending the process", self._work, self._deadline.limit_s)
                self._end(HUNG_EXIT_CODE)
                return
