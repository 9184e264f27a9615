"""Companion talk: what was heard goes to the dialogue, its reply to the voice; reminders and routines start talk too.

Safety never passes through here: safety words go straight to the alarm manager, and while somebody is being asked
whether they are all right, this node is silent.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace
from datetime import datetime

import uuid6
from hani_msgs.msg import Alarm, CameraPause, Heard, SafetyWord, Say, Understood
from std_msgs.msg import Empty, String

from dialogue import words
from dialogue.client import RasaClient
from dialogue.engine import Dialogue
from dialogue.night import night_words
from dialogue.reply import UNKNOWN, Reply
from robot import messages, paths
from robot.care.reminders import Reminders, ReminderStore
from robot.care.residents import Resident, load_resident
from robot.mattress.night import EARLY, LATE, night_of, summarise
from robot.mattress.night_store import NightStore
from robot.messages import AlarmPhase, Language, SafetyKind, Urgency
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, run
from robot.settings import DialogueManagerSettings
from robot.speech.safety_watch import AskBudget

_ASKED_FOR = {"ask_help": False, "call_care": True}
"""Replies that call for help, and whether it is certain: a resident who said yes to "shall I call?" has been asked."""
_BEING_CHECKED = {AlarmPhase.SUSPECTED.value, AlarmPhase.CHECKING.value}
_CHECKED_AT_MOST_S = 150.0
"""The longest check-in (120 s) and some: the end of one may get lost with the alarm manager's process."""
_ADJUSTMENTS = {"louder", "quieter", "slower"}
_LOOKS_AWAY_S = {"camera_pause": 600.0, "camera_resume": 0.0}
_NOT_BY_TALK = {UNKNOWN, "stop", "affirm", "deny", *_ADJUSTMENTS, *_LOOKS_AWAY_S}
"""What a dictated text, perhaps a television's, brings neither about nor an answer to; and it answers no question."""
_TALK_ASKS_AN_HOUR, _TALK_ASKS_A_NIGHT = 3, 2  # design


class DialogueManager(HaniNode[DialogueManagerSettings]):
    NAME = "dialogue_manager"

    def configure(self) -> None:
        self._resident: Resident = load_resident(self.settings.resident_file)
        for reminder in self._resident.reminders:
            words.screen_text(reminder.purpose)  # an unknown text is found now, not when it is due
        self._reminder_store = ReminderStore(paths.database(self.home))
        self._reminders = Reminders(self._resident.reminders, self._reminder_store)
        self._nights = NightStore(paths.database(self.home))
        self._client = RasaClient(self.settings.rasa_url)
        self._dialogue = Dialogue(self._client, names=self._resident.own_names())
        self._aside_client = RasaClient(self.settings.rasa_url, sender="hani-aside")
        self._aside = Dialogue(self._aside_client, names=self._resident.own_names())
        self._talk_asks = AskBudget(_TALK_ASKS_AN_HOUR, _TALK_ASKS_A_NIGHT, self._is_night)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="dialogue")
        self._checked: dict[str, float] = {}
        self._voice = self.offer(Say, topics.SAY)
        self._hush = self.offer(Empty, topics.HUSH)
        self._adjust = self.offer(String, topics.ADJUST)
        self._camera = self.offer(CameraPause, topics.CAMERA_PAUSE)
        self._safety = self.offer(SafetyWord, topics.SAFETY_WORD, topics.KEPT)
        self._understood = self.offer(Understood, topics.UNDERSTOOD)

    def activate(self) -> None:
        self.listen(Heard, topics.HEARD, self._on_heard)
        self.listen(Heard, topics.DICTATED, self._on_dictated)
        self.listen(Alarm, topics.ALARM, self._on_alarm, topics.KEPT)
        self.every(1.0, self._remind)

    def cleanup(self) -> None:
        if getattr(self, "_pool", None) is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._client.close()
            self._aside_client.close()
            self._reminder_store.close()
            self._nights.close()

    def _on_alarm(self, msg: Alarm) -> None:
        if msg.phase in _BEING_CHECKED:
            self._checked[msg.id] = time.monotonic()
        else:
            self._checked.pop(msg.id, None)

    def _somebody_is_checked(self) -> bool:
        since_s = max(tuple(self._checked.values()), default=-math.inf)
        return time.monotonic() - since_s < _CHECKED_AT_MOST_S

    def _on_heard(self, msg: Heard) -> None:
        if not self._somebody_is_checked():
            heard = convert.heard(msg)
            self._in_turn(self._answer, heard, datetime.fromtimestamp(self.home_now_s()))

    def _on_dictated(self, msg: Heard) -> None:
        if not self._somebody_is_checked():
            heard = convert.heard(msg)
            self._in_turn(self._answer_talk, heard, datetime.fromtimestamp(self.home_now_s()))

    def _is_night(self, _at_s: float) -> bool:
        return self._resident.is_night(self.local_time())

    def _in_turn(self, work: Callable[..., None], *arguments: object) -> None:
        """In the pool's one thread: turns keep their order, and the dialogue has one owner."""
        self._pool.submit(work, *arguments).add_done_callback(self._complain)

    def _complain(self, done: Future[None]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self.log.error("a turn could not be answered: %s", type(error).__name__)

    def _answer(self, heard: messages.Heard, local: datetime) -> None:
        began_s = time.monotonic()
        with ThreadPoolExecutor(1) as worker:
            future: Future[Reply] = worker.submit(
                self._dialogue.respond, heard.text, heard.language, time.time(), local
            )
            try:
                reply = future.result(self.settings.filler_after_s)
            except NotYet:
                self._say("filler", heard.language, Urgency.CONVERSATION)
                reply = future.result()
        if reply.intent == "ask_sleep":
            reply = self._with_night(reply, local)
        self._tell_understood(reply, heard, began_s)
        self._follow(reply, heard)

    def _answer_talk(self, heard: messages.Heard, local: datetime) -> None:
        """A dictated text: talk that is understood gets its answer, a call for help a question, the rest nothing.

        What is not answered is understood aside: it must neither open nor close "shall I call?", since a resident's
        later yes to that is a certain call.
        """
        began_s = time.monotonic()
        reply = self._aside.respond(heard.text, heard.language, time.time(), local)
        if not _calls(reply) and reply.intent not in _NOT_BY_TALK:
            reply = self._dialogue.respond(heard.text, heard.language, time.time(), local)
        self._tell_understood(reply, heard, began_s)
        if self._somebody_is_checked():
            return  # a check-in began meanwhile: a word from a television would raise the alarm
        if _calls(reply):
            if self._talk_asks.take(time.time()):
                word = messages.SafetyWord(heard.id, SafetyKind.HELP, heard.language, False, time.time())
                self._safety.publish(convert.safety_word_to_ros(word))
        elif reply.intent not in _NOT_BY_TALK:
            told = self._with_night(reply, local) if reply.intent == "ask_sleep" else reply
            self._publish(told.text, told.language, Urgency.CONVERSATION, told.purpose)

    def _tell_understood(self, reply: Reply, heard: messages.Heard, began_s: float) -> None:
        took_s = time.monotonic() - began_s
        understood = messages.Understood(heard.id, reply.intent, reply.confidence, reply.engine, took_s)
        self._understood.publish(convert.understood_to_ros(understood, heard.language))

    def _with_night(self, reply: Reply, local: datetime) -> Reply:
        """What the mattress knows of the night that is asked about."""
        night = self._resident.night
        first, last = night_of(local, night.begins, night.ends)
        spans, minutes = self._nights.read((first - EARLY).timestamp(), (last + LATE).timestamp())
        summary = summarise(spans, minutes, first.timestamp(), last.timestamp(), local.timestamp())
        told = replace(reply, text=night_words(summary, reply.language))
        # "say that again" repeats the night, not the text that stood in its place
        say = messages.Say("", told.text, told.language, Urgency.CONVERSATION, told.purpose)
        self._dialogue.remember(say)
        return told

    def _follow(self, reply: Reply, heard: messages.Heard) -> None:
        if reply.purpose in _ASKED_FOR:
            certain = _ASKED_FOR[reply.purpose]
            word = messages.SafetyWord(heard.id, SafetyKind.HELP, heard.language, certain, time.time())
            self._safety.publish(convert.safety_word_to_ros(word))
            if not certain:
                return  # the alarm manager asks, or has long raised the alarm by the safety words
        if reply.intent == "stop":
            self._hush.publish(Empty())
        elif reply.intent in _LOOKS_AWAY_S:
            now_s = time.time()
            until_at_s = now_s + _LOOKS_AWAY_S[reply.intent]
            pause = messages.CameraPause(heard.id, now_s, until_at_s, messages.PausedBy.VOICE)
            self._camera.publish(convert.camera_pause_to_ros(pause))
        elif reply.intent in _ADJUSTMENTS:
            self._adjust.publish(String(data=reply.intent))
        self._publish(reply.text, reply.language, Urgency.CONVERSATION, reply.purpose)

    def _remind(self) -> None:
        """A reminder is marked when it is taken: it waits for the end of a check-in, and for a voice that is away."""
        if self._somebody_is_checked() or not self._voice.get_subscription_count():
            return
        for reminder in self._reminders.due(self.home_now_s()):
            for language in self._resident.languages:
                if reminder.late_s > 0:
                    self._in_turn(self._say, "reminder_late", language, Urgency.REMINDER)
                self._in_turn(self._say, reminder.purpose, language, Urgency.REMINDER)

    def _say(self, purpose: str, language: Language, urgency: Urgency) -> None:
        self._publish(words.robot_text(purpose, language), language, urgency, purpose)

    def _publish(self, text: str, language: Language, urgency: Urgency, purpose: str) -> None:
        if urgency is Urgency.CONVERSATION and self._somebody_is_checked():
            return  # a check-in began meanwhile: talk would drown the answer
        say = messages.Say(str(uuid6.uuid7()), text, language, urgency, purpose)
        if urgency is not Urgency.CONVERSATION:
            self._dialogue.remember(say)
        self._voice.publish(convert.say_to_ros(say))


def _calls(reply: Reply) -> bool:
    return reply.purpose in _ASKED_FOR or reply.intent == "emergency"


def main() -> int:
    return run(DialogueManager)
