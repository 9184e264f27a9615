"""Safety texts are never lost and never overtaken; nothing is said twice; old conversation is not said at all."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from robot.messages import Language, Say, Urgency
from robot.speech.speaking_queue import Offer, SpeakingQueue

pytestmark = pytest.mark.unit

STALE_AFTER_S = 10.0


def say(name: str, urgency: Urgency = Urgency.CONVERSATION) -> Say:
    return Say(name, f"text {name}", Language.ZH, urgency, "purpose")


class QueueMachine(RuleBasedStateMachine):
    """The queue beside a plain model: lists of what waits, in the order it came."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = SpeakingQueue(STALE_AFTER_S)
        self.now_s = 1000.0
        self.waiting: dict[Urgency, list[tuple[float, Say]]] = {urgency: [] for urgency in Urgency}
        self.offered: set[str] = set()
        self.taken: list[str] = []
        self.dropped: list[str] = []

    @rule(seconds=st.floats(0, 15))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(name=st.integers(0, 40).map(str), urgency=st.sampled_from(list(Urgency)))
    def offer(self, name: str, urgency: Urgency) -> None:
        text = say(name, urgency)
        outcome = self.queue.offer(text, self.now_s)
        assert (outcome is Offer.DUPLICATE) == (name in self.offered)
        if outcome is Offer.DUPLICATE:
            return
        self.offered.add(name)
        self.waiting[urgency].append((self.now_s, text))
        current = self.queue.current
        may_interrupt = urgency is Urgency.SAFETY and current is not None and current.urgency is not Urgency.SAFETY
        assert (outcome is Offer.INTERRUPTS) == may_interrupt

    @precondition(lambda self: self.queue.current is None)
    @rule()
    def take(self) -> None:
        text = self.queue.next(self.now_s)
        fresh = [pair for pair in self.waiting[Urgency.CONVERSATION] if self.now_s - pair[0] <= STALE_AFTER_S]
        self.waiting[Urgency.CONVERSATION] = fresh
        for urgency in (Urgency.SAFETY, Urgency.REMINDER, Urgency.CONVERSATION):
            if self.waiting[urgency]:
                assert text == self.waiting[urgency].pop(0)[1], "a more urgent or an earlier text was overtaken"
                self.taken.append(text.id)
                return
        assert text is None

    @precondition(lambda self: self.queue.current is not None)
    @rule(heard=st.booleans())
    def end(self, heard: bool) -> None:
        current = self.queue.current
        self.queue.done(heard=heard)
        assert self.queue.current is None
        assert (self.queue.last_said is current) or not heard

    @precondition(lambda self: self.queue.current is not None)
    @rule()
    def nothing_is_taken_while_something_is_said(self) -> None:
        assert self.queue.next(self.now_s) is None

    @rule()
    def hush(self) -> None:
        current = self.queue.current
        cuts_off = self.queue.hush()
        assert cuts_off == (current is not None and current.urgency is not Urgency.SAFETY)
        self.waiting[Urgency.CONVERSATION] = []

    @invariant()
    def every_text_waits_or_was_taken_or_was_dropped_and_only_conversation_is_dropped(self) -> None:
        self.dropped += [text.id for text in self.queue.dropped() if text.urgency is Urgency.CONVERSATION]
        assert len(self.taken) == len(set(self.taken)), "said twice"
        kept = [text.id for urgency in (Urgency.SAFETY, Urgency.REMINDER) for _, text in self.waiting[urgency]]
        conversation = {text.id for _, text in self.waiting[Urgency.CONVERSATION]}
        assert self.offered - set(self.taken) - set(self.dropped) - conversation == set(kept)


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_waiting_reminder_does_not_cut_off_conversation() -> None:
    queue = SpeakingQueue()
    queue.offer(say("talk"), 0.0)
    queue.next(0.0)
    assert queue.offer(say("medicine", Urgency.REMINDER), 0.0) is Offer.QUEUED


def test_safety_and_reminders_wait_however_long_it_takes() -> None:
    queue = SpeakingQueue(stale_after_s=10.0)
    queue.offer(say("medicine", Urgency.REMINDER), 0.0)
    queue.offer(say("help comes", Urgency.SAFETY), 0.0)
    queue.offer(say("nice weather"), 0.0)
    first = queue.next(3600.0)
    queue.done()
    second = queue.next(3600.0)
    queue.done()
    assert (first, second, queue.next(3600.0)) == (
        say("help comes", Urgency.SAFETY),
        say("medicine", Urgency.REMINDER),
        None,
    )
    assert queue.dropped() == [say("nice weather")]


def test_what_nobody_heard_is_not_what_was_said_last() -> None:
    queue = SpeakingQueue()
    for name, heard in (("one", True), ("two", False)):
        queue.offer(say(name), 0.0)
        queue.next(0.0)
        queue.done(heard=heard)
    assert queue.last_said == say("one")


def test_clearing_at_the_end_drops_safety_too() -> None:
    queue = SpeakingQueue()
    queue.offer(say("help comes", Urgency.SAFETY), 0.0)
    queue.clear()
    assert queue.next(0.0) is None
    assert queue.dropped() == [say("help comes", Urgency.SAFETY)]


def about_alarm(id_: str, purpose: str, alarm: str, language: Language = Language.ZH) -> Say:
    return Say(id_, "text", language, Urgency.SAFETY, purpose, about=alarm)


def test_what_is_outdated_about_an_alarm_is_not_said() -> None:
    """Nobody is asked "are you all right?" after they were told that help is coming."""
    queue = SpeakingQueue()
    queue.offer(about_alarm("1", "check_in_1", "a"), 0.0)
    assert queue.next(0.0) is not None
    for number, language in enumerate((Language.ZH, Language.MN)):
        queue.offer(about_alarm(f"2{number}", "check_in_2", "a", language), 1.0)
    queue.offer(about_alarm("3", "check_in_1", "b"), 1.0)
    for number, language in enumerate((Language.ZH, Language.MN)):
        queue.offer(about_alarm(f"4{number}", "help_coming", "a", language), 2.0)
    assert [say.id for say in queue.dropped()] == ["20", "21"]
    said = []
    queue.done()
    while (say := queue.next(3.0)) is not None:
        said.append(say.id)
        queue.done()
    assert said == ["3", "40", "41"], "the other alarm is untouched, and both languages are said"
