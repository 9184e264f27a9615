"""Companion talk keeps silent while somebody is asked whether they are all right, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hani_msgs.msg import Alarm, SafetyWord, Say

from dialogue.reply import Reply
from robot import messages
from robot.messages import Language, Urgency
from robot.nodes import convert
from robot.nodes.dialogue_manager import DialogueManager

pytestmark = pytest.mark.graph

NOON = datetime(2027, 1, 1, 12)


class Recorder:
    """Stands in for a publisher with `listeners`."""

    def __init__(self, listeners: int = 1) -> None:
        self.sent: list[object] = []
        self.listeners = listeners

    def publish(self, message: object) -> None:
        self.sent.append(message)

    def get_subscription_count(self) -> int:
        return self.listeners


class Due:
    """Stands in for the day's reminders: one is due until it is taken."""

    def __init__(self) -> None:
        self.waiting = [messages.Reminder("m1", "reminder_medicine", 0.0, 0.0)]

    def due(self, now_s: float) -> tuple[messages.Reminder, ...]:
        due, self.waiting = tuple(self.waiting), []
        return due


@pytest.fixture
def manager(here: Path) -> Iterator[DialogueManager]:
    node = DialogueManager()
    node.configure()
    node._voice, node._safety, node._understood = Recorder(), Recorder(), Recorder()
    node._reminders = Due()
    node._in_turn = lambda work, *arguments: work(*arguments)
    yield node
    node.close()
    node.destroy_node()


def alarm(phase: str) -> Alarm:
    return Alarm(id="a1", type="fall", phase=phase)


def said(manager: DialogueManager) -> list[str]:
    return [say.purpose for say in manager._voice.sent]


def heard(text: str) -> messages.Heard:
    return messages.Heard("h1", (messages.Reading(text, Language.ZH, 0.9),), 1.0, 2.0, 2.0)


def test_a_reminder_waits_for_the_end_of_a_check_in(manager: DialogueManager) -> None:
    """While it is spoken nobody is heard: it would cost the answer."""
    manager._on_alarm(alarm("checking"))
    manager._remind()
    assert said(manager) == []
    manager._on_alarm(alarm("cancelled"))
    manager._remind()
    assert said(manager) == ["reminder_medicine", "reminder_medicine"]


def test_a_reminder_waits_for_a_voice(manager: DialogueManager) -> None:
    """It is marked as spoken when it is taken: without a voice it would be lost."""
    manager._voice.listeners = 0
    manager._remind()
    assert said(manager) == []
    manager._voice.listeners = 1
    manager._remind()
    assert said(manager) == ["reminder_medicine", "reminder_medicine"]


def test_an_answer_that_was_on_its_way_is_not_spoken_into_a_check_in(manager: DialogueManager) -> None:
    manager._on_alarm(alarm("checking"))
    manager._answer(heard("你好"), NOON)
    assert said(manager) == []
    assert len(manager._understood.sent) == 1


def test_a_call_for_help_that_was_on_its_way_still_arrives(manager: DialogueManager) -> None:
    manager._on_alarm(alarm("checking"))
    manager._follow(Reply("emergency", 1.0, "rules", "ask_help", "", Language.ZH), heard("救命"))
    (word,) = manager._safety.sent
    assert isinstance(word, SafetyWord)
    assert said(manager) == []


def test_a_check_in_whose_end_was_lost_does_not_silence_hani_for_ever(manager: DialogueManager) -> None:
    """The alarm manager may die between writing the end and telling it; ended alarms are not told again."""
    manager._on_alarm(alarm("checking"))
    manager._on_heard(convert.heard_to_ros(heard("你好")))
    assert said(manager) == []
    manager._checked["a1"] = time.monotonic() - 151.0
    manager._on_heard(convert.heard_to_ros(heard("你好")))
    (say,) = manager._voice.sent
    assert isinstance(say, Say)
    assert say.urgency == Urgency.CONVERSATION.value


def test_talk_that_was_dictated_is_answered(manager: DialogueManager) -> None:
    manager._on_dictated(convert.heard_to_ros(heard("你好")))
    assert said(manager) == ["greet"]
    assert [understood.heard_id for understood in manager._understood.sent] == ["h1"]


@pytest.mark.parametrize("text", ["车辆起火无人员伤亡", "声音大一点", "停", "别看我"])
def test_what_may_be_a_televisions_gets_no_answer_and_does_nothing(manager: DialogueManager, text: str) -> None:
    manager._adjust, manager._camera, manager._hush = Recorder(), Recorder(), Recorder()
    manager._on_dictated(convert.heard_to_ros(heard(text)))
    assert said(manager) == []
    assert manager._adjust.sent == manager._camera.sent == manager._hush.sent == manager._safety.sent == []
    assert len(manager._understood.sent) == 1


def test_a_dictated_call_for_help_is_asked_about_a_few_times_and_never_certain(manager: DialogueManager) -> None:
    for _ in range(10):
        manager._on_dictated(convert.heard_to_ros(heard("快叫救护车")))
    assert 1 <= len(manager._safety.sent) <= 3
    assert not any(word.certain for word in manager._safety.sent)
    assert said(manager) == []


def test_a_dictated_text_is_not_answered_into_a_check_in(manager: DialogueManager) -> None:
    manager._on_alarm(alarm("checking"))
    manager._on_dictated(convert.heard_to_ros(heard("你好")))
    assert said(manager) == []
    assert manager._understood.sent == []


@pytest.mark.parametrize("text", ["快叫救护车", "救命", "好的", "不用了", "声音大一点"])
@pytest.mark.parametrize("offered", [None, "care"])
def test_a_dictated_text_without_an_answer_neither_makes_nor_takes_an_offer(
    manager: DialogueManager, offered: str | None, text: str
) -> None:
    """Else a television's cry would make a certain call of the resident's next yes, or its no take back an offer."""
    manager._dialogue._rules._offer = offered
    manager._on_dictated(convert.heard_to_ros(heard(text)))
    assert manager._dialogue._rules._offer == offered
    assert said(manager) == []


def test_a_dictated_call_for_help_raises_nothing_when_a_check_in_began_meanwhile(manager: DialogueManager) -> None:
    manager._in_turn = lambda work, *arguments: (manager._on_alarm(alarm("checking")), work(*arguments))
    manager._on_dictated(convert.heard_to_ros(heard("快叫救护车")))
    assert manager._safety.sent == []
