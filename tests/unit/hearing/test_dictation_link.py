"""Dictation may be slow, hang, die or be missing: nobody waits for it, and it comes back."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from robot.messages import Language, Reading
from robot.speech import dictation_link
from robot.speech.audio import SAMPLE_RATE_HZ, Samples, load_clip
from robot.speech.dictation import LONGEST_S
from robot.speech.dictation_link import DictationLink, DictationState
from tests.unit.hearing.conftest import DATA

pytestmark = pytest.mark.unit

PATIENCE_S = 180.0  # the process is last in the processor's queue: beside other tests it may hardly get any


class Clock:
    """The true time, and whatever a test adds."""

    def __init__(self) -> None:
        self.added_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.added_s


class Desk:
    """A link of the fake, and all that it has answered."""

    def __init__(self, tmp_path: Path, plan: str) -> None:
        self.clock = Clock()
        self.count = tmp_path / "starts"
        self.link = DictationLink(
            [sys.executable, "-m", "tests.unit.hearing.fake_dictation", "{fd}", plan, str(self.count)], self.clock
        )
        self.answers: list[tuple[int, Reading | None]] = []

    def until(self, state: DictationState | None = None, answers: int = 0) -> None:
        """Take until the link is in a state or has answered so often."""
        end_s = time.monotonic() + PATIENCE_S
        while (self.link.state is not state if state else len(self.answers) < answers) and time.monotonic() < end_s:
            self.answers += self.link.take()
            time.sleep(0.01)
        assert state in {None, self.link.state}
        assert len(self.answers) >= answers

    @property
    def starts(self) -> int:
        return self.count.read_text().count("started") if self.count.exists() else 0

    @property
    def texts(self) -> list[tuple[int, str | None]]:
        return [(number, reading and reading.text) for number, reading in self.answers]


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[dict[str, Desk]]:
    made: dict[str, Desk] = {}
    yield made
    for desk in made.values():
        desk.link.close()


def ready(desks: dict[str, Desk], tmp_path: Path, plan: str) -> Desk:
    desks[plan] = Desk(tmp_path, plan)
    desks[plan].until(DictationState.READY)
    return desks[plan]


def sound(value: int, length_s: float = 1.0) -> Samples:
    return np.full(round(length_s * SAMPLE_RATE_HZ), value, np.int16)


def test_what_is_asked_is_written(desks: dict[str, Desk], tmp_path: Path) -> None:
    desk = ready(desks, tmp_path, "well")
    desk.link.ask(7, sound(3))
    desk.until(answers=1)
    assert desk.answers == [(7, Reading("3 x 16000", Language.ZH, 0.75))]
    desk.link.ask(8, sound(0))
    desk.until(answers=2)
    assert desk.answers[1] == (8, None)


def test_only_the_newest_waits_and_nothing_is_longer_than_allowed(desks: dict[str, Desk], tmp_path: Path) -> None:
    desk = ready(desks, tmp_path, "well")
    for number in range(1, 6):
        desk.link.ask(number, sound(number, LONGEST_S + 5.0))
    desk.until(answers=2)
    longest = round(LONGEST_S * SAMPLE_RATE_HZ)
    assert desk.texts == [(1, f"1 x {longest}"), (5, f"5 x {longest}")]
    time.sleep(0.2)
    assert desk.link.take() == []


def test_asking_never_waits_even_when_it_is_stopped(desks: dict[str, Desk], tmp_path: Path) -> None:
    """30 s of sound are more than any socket holds."""
    desk = ready(desks, tmp_path, "well")
    assert desk.link.pid is not None
    os.kill(desk.link.pid, signal.SIGSTOP)
    for number in range(1, 20):
        desk.link.ask(number, sound(number, LONGEST_S))
        assert desk.link.take() == []


@pytest.mark.parametrize("plan", ["hang 4", "die 4"])
def test_one_that_hangs_or_dies_is_started_again(desks: dict[str, Desk], tmp_path: Path, plan: str) -> None:
    desk = ready(desks, tmp_path, plan)
    desk.link.ask(1, sound(4))
    assert desk.link.take() == []
    if plan.startswith("hang"):
        desk.clock.added_s += dictation_link._ANSWER_LIMIT_S + 0.1
    desk.until(DictationState.AWAY)
    desk.link.ask(2, sound(5))  # nobody is there
    assert desk.count.read_text().count("started") == 1
    desk.clock.added_s += dictation_link._RETRY_S[0]
    desk.until(DictationState.READY)
    desk.link.ask(3, sound(6))
    desk.until(answers=1)
    assert desk.texts == [(3, "6 x 16000")]
    assert desk.count.read_text().count("started") == 2


def test_one_that_cannot_be_loaded_is_tried_ever_more_seldom(desks: dict[str, Desk], tmp_path: Path) -> None:
    desk = desks["refuse"] = Desk(tmp_path, "refuse")
    for starts, wait_s in enumerate([0.0, 10.0, 60.0, 600.0, 600.0], start=1):
        desk.clock.added_s += max(wait_s - 2.0, 0.0)
        assert desk.link.take() == []
        assert (desk.link.pid is None) == (starts > 1)
        desk.clock.added_s += 2.0
        end_s = time.monotonic() + PATIENCE_S
        while (desk.link.pid is not None or desk.starts < starts) and time.monotonic() < end_s:
            assert desk.link.take() == []  # it starts when the one before it is gone
            time.sleep(0.01)
        assert desk.link.state is DictationState.AWAY
        assert desk.starts == starts


def test_it_is_the_last_to_get_the_processor_and_the_first_to_go(desks: dict[str, Desk], tmp_path: Path) -> None:
    desk = ready(desks, tmp_path, "well")
    process = psutil.Process(desk.link.pid)
    assert process.nice() == 19
    assert Path(f"/proc/{process.pid}/oom_score_adj").read_text().strip() == "1000"
    desk.link.close()
    assert not process.is_running()


def test_a_real_engine_writes_a_clip(dictation_model: Path) -> None:
    """A stand-in for the vendor's model, which could not be fetched here: our own graph with its words written out."""
    link = DictationLink.vosk(dictation_model)
    end_s = time.monotonic() + PATIENCE_S
    while link.state is not DictationState.READY and time.monotonic() < end_s:
        assert link.take() == []
        time.sleep(0.01)
    link.ask(1, load_clip(DATA / "zh" / "BAC009S0252W0056.ogg"))
    answers: list[tuple[int, Reading | None]] = []
    while not answers and time.monotonic() < end_s:
        answers = link.take()
        time.sleep(0.01)
    link.close()
    ((number, reading),) = answers
    assert reading is not None
    assert (number, reading.text, reading.language) == (1, "打开海阔天空", Language.ZH)


@pytest.mark.parametrize("what", ["Popen", "socketpair", "memfd_create"])
def test_a_lack_of_memory_or_descriptors_costs_free_talk_only(
    desks: dict[str, Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def lacks(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    desk = desks["well"] = Desk(tmp_path, "well")
    owner = {"Popen": subprocess, "socketpair": socket, "memfd_create": os}[what]
    if what == "memfd_create":
        desk.until(DictationState.READY)
    with monkeypatch.context() as patch:
        patch.setattr(owner, what, lacks)
        desk.link.ask(1, sound(3))
        assert desk.link.take() == []
    desk.clock.added_s += dictation_link._RETRY_S[0]
    desk.until(DictationState.READY)
    desk.link.ask(2, sound(3))
    desk.until(answers=1)
    assert desk.texts == [(2, "3 x 16000")]


def test_one_that_takes_its_time_to_end_is_not_waited_for(
    desks: dict[str, Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gigabytes go slowly, and sound must be taken meanwhile; the next one starts when there is room."""
    desk = ready(desks, tmp_path, "hang 4")
    desk.link.ask(1, sound(4))
    desk.clock.added_s += dictation_link._ANSWER_LIMIT_S + 0.1
    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "kill", lambda _: None)
        assert desk.link.take() == []
        assert desk.link.state is DictationState.AWAY
        desk.clock.added_s += dictation_link._RETRY_S[0]
        patch.setattr(subprocess.Popen, "poll", lambda _: None)
        assert desk.link.take() == []
    assert desk.count.read_text().count("started") == 1
    desk.until(DictationState.READY)


def test_it_ends_with_its_parent_while_it_writes(desks: dict[str, Desk], tmp_path: Path) -> None:
    """As when the node is killed: the next node brings its own."""
    desk = ready(desks, tmp_path, "hang 4")
    process = psutil.Process(desk.link.pid)
    desk.link.ask(1, sound(4))
    assert desk.link._socket is not None
    desk.link._socket.close()
    process.wait(20.0)
