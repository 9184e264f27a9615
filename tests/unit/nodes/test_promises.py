"""What somebody must hear is said once: whatever the voice does meanwhile, and for ten minutes at most."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.messages import Language, Say, Spoken, SpokenState, Urgency
from robot.nodes.promises import AGAIN_S, WITHIN_S, Promises

pytestmark = pytest.mark.unit


def say(say_id: str, language: Language = Language.ZH, about: str = "alarm-1") -> Say:
    return Say(say_id, "text", language, Urgency.SAFETY, "help_coming", "", about)


def spoken(say_id: str, state: SpokenState) -> Spoken:
    return Spoken(say_id, state, 0.0, None, "help_coming", Language.ZH)


@pytest.fixture
def promises() -> Promises:
    numbers = count(1)
    made = Promises(lambda: f"new-{next(numbers)}")
    made.make((say("zh"), say("mn", Language.MN)), 0.0)
    return made


def ids(promises: Promises, now_s: float) -> list[str]:
    return [say.id for say in promises.due(now_s)]


def test_it_keeps_its_id_so_that_a_voice_that_lives_says_it_once(promises: Promises) -> None:
    assert ids(promises, AGAIN_S - 0.1) == []
    assert ids(promises, AGAIN_S) == ["zh", "mn"]
    assert ids(promises, AGAIN_S + 0.1) == []
    assert ids(promises, 2 * AGAIN_S) == ["zh", "mn"]


def test_each_language_is_given_again_until_it_was_said_to_its_end(promises: Promises) -> None:
    for state in (SpokenState.STARTED, SpokenState.FINISHED):
        promises.spoken(spoken("zh", state))
    promises.spoken(spoken("mn", SpokenState.STARTED))
    assert ids(promises, AGAIN_S) == ["mn"]
    promises.spoken(spoken("mn", SpokenState.FINISHED))
    assert ids(promises, 2 * AGAIN_S) == []


@pytest.mark.parametrize("state", [SpokenState.FAILED, SpokenState.INTERRUPTED])
def test_what_the_voice_gave_up_comes_under_a_new_id(promises: Promises, state: SpokenState) -> None:
    """It remembers the old one, and would drop it."""
    promises.spoken(spoken("zh", state))
    assert ids(promises, AGAIN_S) == ["new-1", "mn"]


def test_after_ten_minutes_its_moment_has_passed(promises: Promises) -> None:
    assert ids(promises, WITHIN_S) == ["zh", "mn"]
    assert ids(promises, WITHIN_S + AGAIN_S) == []


def test_an_end_or_a_newer_promise_about_the_alarm_takes_its_place(promises: Promises) -> None:
    promises.make((say("other", about="alarm-2"),), 0.0)
    promises.make((say("newer"),), 1.0)
    assert ids(promises, 1.0 + AGAIN_S) == ["other", "newer"]
    promises.forget("alarm-1")
    assert ids(promises, 1.0 + 2 * AGAIN_S) == ["other"]


class Voice:
    """As the speaking queue does: it knows the ids that it took until it dies, and says one at a time."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.waiting: list[str] = []

    def take(self, say_id: str) -> None:
        if say_id not in self.taken:
            self.taken.add(say_id)
            self.waiting.append(say_id)


@given(st.lists(st.sampled_from(["dies", "speaks", "fails", "waits"]), max_size=30))
def test_a_voice_that_comes_back_says_each_language_exactly_once(fates: list[str]) -> None:
    numbers, said = count(1), 0
    promises = Promises(lambda: f"new-{next(numbers)}")
    promises.make((say("zh"), say("mn", Language.MN)), 0.0)
    voice = Voice()
    for number, fate in enumerate([*fates, "speaks", "speaks", "speaks"], 1):
        for due in promises.due(number * AGAIN_S):
            voice.take(due.id)
        if fate == "dies":
            voice = Voice()
        elif fate in ("speaks", "fails") and voice.waiting:
            said += fate == "speaks"
            state = SpokenState.FINISHED if fate == "speaks" else SpokenState.FAILED
            promises.spoken(spoken(voice.waiting.pop(0), state))
    assert said == 2
