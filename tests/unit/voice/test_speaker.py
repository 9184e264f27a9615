"""The worker says everything by urgency, tells what became of each text, and survives every fault of a text."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from robot.errors import DeviceFault
from robot.messages import Language, Say, Spoken, SpokenState, Urgency
from robot.speech.loudspeaker import FakePlayer, Started
from robot.speech.speaker import Speaker
from robot.speech.synthesis import FakeSynthesizer

pytestmark = pytest.mark.unit

S = SpokenState
WAIT_S = 20.0


def say(name: str, urgency: Urgency = Urgency.CONVERSATION) -> Say:
    return Say(name, f"text {name}", Language.ZH, urgency, f"purpose {name}")


class HeldPlayer:
    """Plays until it is stopped or `release` is set."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def play(self, wav: Path, say: Say, started: Started, stop: threading.Event) -> bool:
        started()
        while not self.release.wait(0.002):
            if stop.is_set():
                return False
        return True

    def close(self) -> None:
        self.release.set()


class Stage:
    """A speaker on fakes, with what it told."""

    def __init__(self, player: FakePlayer | HeldPlayer, fails_on: frozenset[str] = frozenset()) -> None:
        self.told: queue.Queue[Spoken] = queue.Queue()
        self.now_s = 1000.0
        self.player = player
        self.speaker = Speaker(FakeSynthesizer(fails_on=fails_on), player, self.told.put, clock=lambda: self.now_s)

    def hear(self, *expected: tuple[str, SpokenState]) -> list[Spoken]:
        spoken = [self.told.get(timeout=WAIT_S) for _ in expected]
        assert [(one.say_id, one.state) for one in spoken] == list(expected)
        return spoken


@pytest.fixture
def held() -> Iterator[Stage]:
    stage = Stage(HeldPlayer())
    yield stage
    stage.speaker.close()


def test_a_text_is_started_and_finished_with_its_purpose() -> None:
    stage = Stage(FakePlayer())
    stage.speaker.say(say("a"))
    started, _ = stage.hear(("a", S.STARTED), ("a", S.FINISHED))
    stage.speaker.close()
    assert (started.purpose, started.language, started.at_s) == ("purpose a", Language.ZH, 1000.0)
    assert started.duration_s is not None
    assert started.duration_s > 0


def test_safety_cuts_off_conversation_and_is_not_cut_off_itself(held: Stage) -> None:
    held.speaker.say(say("talk"))
    held.hear(("talk", S.STARTED))
    held.speaker.say(say("safety", Urgency.SAFETY))
    held.hear(("talk", S.INTERRUPTED), ("safety", S.STARTED))
    held.speaker.stop()
    held.speaker.say(say("medicine", Urgency.REMINDER))
    held.speaker.say(say("second", Urgency.SAFETY))
    assert isinstance(held.player, HeldPlayer)
    held.player.release.set()
    held.hear(("safety", S.FINISHED), ("second", S.STARTED), ("second", S.FINISHED))
    held.hear(("medicine", S.STARTED), ("medicine", S.FINISHED))


def test_stop_cuts_off_and_forgets_conversation_but_keeps_reminders(held: Stage) -> None:
    held.speaker.say(say("talk"))
    held.hear(("talk", S.STARTED))
    assert held.speaker.speaking
    held.speaker.say(say("more talk"))
    held.speaker.say(say("medicine", Urgency.REMINDER))
    held.speaker.stop()
    spoken = [held.told.get(timeout=WAIT_S) for _ in range(3)]
    assert {(one.say_id, one.state) for one in spoken} == {
        ("talk", S.INTERRUPTED),
        ("more talk", S.INTERRUPTED),
        ("medicine", S.STARTED),
    }
    assert held.speaker.last_said == say("talk")


def test_stale_conversation_is_told_as_interrupted(held: Stage) -> None:
    held.speaker.say(say("safety", Urgency.SAFETY))
    held.hear(("safety", S.STARTED))
    held.speaker.say(say("talk"))
    held.now_s += 60.0
    held.speaker.say(say("fresh"))
    (told,) = held.hear(("talk", S.INTERRUPTED))
    assert told.duration_s is None


def test_a_failed_text_is_told_and_the_next_one_is_said() -> None:
    stage = Stage(FakePlayer(), fails_on=frozenset({"text a"}))
    stage.speaker.say(say("a", Urgency.SAFETY))
    stage.speaker.say(say("b"))
    stage.hear(("a", S.FAILED), ("b", S.STARTED), ("b", S.FINISHED))
    assert stage.speaker.last_said == say("b")
    stage.speaker.close()


@pytest.mark.parametrize("fault", [DeviceFault("no loudspeaker"), RuntimeError("text a")])
def test_a_fault_of_the_loudspeaker_is_told_and_its_words_stay_out_of_the_log(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FakePlayer):
        def play(self, wav: Path, say: Say, started: Started, stop: threading.Event) -> bool:
            raise fault

    stage = Stage(Broken())
    with caplog.at_level(logging.DEBUG):
        stage.speaker.say(say("a"))
        stage.hear(("a", S.FAILED))
    stage.speaker.close()
    assert "text a" not in caplog.text


def test_a_listener_that_fails_does_not_silence_hani() -> None:
    player = FakePlayer()
    told: queue.Queue[Spoken] = queue.Queue()

    def listener(spoken: Spoken) -> None:
        told.put(spoken)
        raise RuntimeError

    speaker = Speaker(FakeSynthesizer(), player, listener)
    for name in ("a", "b"):
        speaker.say(say(name))
    states = [told.get(timeout=WAIT_S) for _ in range(4)]
    speaker.close()
    assert [one.state for one in states] == [S.STARTED, S.FINISHED] * 2


def test_closing_tells_every_text_and_says_nothing_more() -> None:
    stage = Stage(HeldPlayer())
    stage.speaker.say(say("talk"))
    stage.hear(("talk", S.STARTED))
    stage.speaker.say(say("safety", Urgency.SAFETY))
    stage.hear(("talk", S.INTERRUPTED), ("safety", S.STARTED))
    stage.speaker.say(say("later"))
    stage.speaker.close()
    stage.speaker.say(say("too late"))
    stage.hear(("later", S.INTERRUPTED), ("safety", S.INTERRUPTED))
    assert stage.told.empty()
