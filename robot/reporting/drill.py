"""The test alarm: once a day from this robot to the platform and back. Pure but for the outbox that it is given.

Each robot has its own moment of the day, drawn from its id, so that a fleet does not test in one minute. A test has
succeeded when the platform has closed it: then outbox, broker, ingest, desk and the way back all work.
"""

from __future__ import annotations

import zlib

import uuid6

from robot.reporting.outbox import Outbox

PATIENCE_S = 600.0  # an answer takes seconds; a platform that restarts, minutes


class Drill:
    """`period_s` 0: no tests by itself; the platform may still ask for one."""

    def __init__(self, outbox: Outbox, device: str, period_s: float) -> None:
        self._outbox = outbox
        self._period_s = period_s
        self._offset_s = zlib.crc32(device.encode()) % period_s if period_s else 0.0

    def tick(self, now_s: float) -> None:
        """Begin the test that is due, if any: once in each period, at the robot's own moment of it."""
        self._outbox.settle_tests()
        if not self._period_s:
            return
        begun_at_s = self._outbox.tests().begun_at_s
        if begun_at_s is None:
            self._outbox.expect_tests(now_s)
        elif self._slot(begun_at_s) != self._slot(now_s):
            self.begin(str(uuid6.uuid7()), now_s)

    def begin(self, alarm_id: str, now_s: float) -> None:
        """Begin a test now. The same id again changes nothing."""
        self._outbox.append_test(alarm_id, now_s)

    def ok_at_s(self) -> float | None:
        """When a test last came back; None: never, as far as is known."""
        return self._outbox.tests().ok_at_s

    def is_missing(self, now_s: float) -> bool:
        """Whether the newest test has not come back in time."""
        tests = self._outbox.tests()
        waiting_s = None if tests.waiting_since_s is None else now_s - tests.waiting_since_s
        return waiting_s is not None and not 0 <= waiting_s < PATIENCE_S

    def _slot(self, at_s: float) -> int:
        return int((at_s - self._offset_s) // self._period_s)
