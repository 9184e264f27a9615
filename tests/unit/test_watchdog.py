"""A process that hangs in a driver must end, so that its supervisor starts it again; one that works must not."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.watchdog import HUNG_EXIT_CODE, Deadline, Watchdog

pytestmark = pytest.mark.unit


def test_nothing_is_due_before_the_first_feed():
    assert not Deadline(1.0).is_over(1e9)


@given(limit_s=st.floats(0.1, 100), gaps=st.lists(st.floats(0, 200), min_size=1, max_size=20))
def test_a_deadline_is_over_exactly_when_the_last_feed_is_too_long_ago(limit_s, gaps):
    deadline, now_s = Deadline(limit_s), 1000.0
    for gap_s in gaps:
        deadline.feed(now_s)
        fed_at_s, now_s = now_s, now_s + gap_s
        assert deadline.is_over(now_s) is (now_s - fed_at_s > limit_s)
        deadline.rest()
        assert not deadline.is_over(now_s + 2 * limit_s)


def test_a_deadline_needs_a_limit():
    with pytest.raises(ValueError, match="positive"):
        Deadline(0.0)


def test_hung_work_ends_the_process_and_fed_work_does_not(caplog):
    ended, now = threading.Event(), [0.0]
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    dog = Watchdog("a test", limit_s=60.0, end=end, now=lambda: now[0], every_s=0.001)
    dog.feed()
    now[0] = 59.0
    dog.feed()
    now[0] = 118.0
    assert not ended.wait(0.05)
    now[0] = 120.0
    assert ended.wait(10)
    assert codes == [HUNG_EXIT_CODE]
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]


def test_a_real_process_ends_with_one_line():
    code = (
        "import time; from robot.watchdog import Watchdog; "
        "Watchdog('a grab', 0.05, every_s=0.01).feed(); time.sleep(60)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (HUNG_EXIT_CODE, 1)
    assert "a grab hangs" in done.stderr
