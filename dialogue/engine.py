"""The dialogue of Hani: Rasa first, rules when Rasa is down, slow or unsure, and the words of the reply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from dialogue.clock import date_words, time_words
from dialogue.grammar import Sentences
from dialogue.reply import UNKNOWN, DialogueEngine, Reply, Verdict
from dialogue.rules import Rules
from dialogue.words import robot_text, safety_kind, words
from robot.errors import LinkFault
from robot.messages import Language, OwnName, Say

UNSURE_BELOW = 0.4
"""Below this confidence of Rasa the rules are asked too; see the figures in README.md."""


class Dialogue:
    """Answers one turn at a time. Not thread-safe: one owner.

    A sentence of the recogniser's grammar goes to the engine in the words of its training data: whatever fills a slot,
    it is understood, and a resident's own `names` stay here.
    """

    def __init__(self, engine: DialogueEngine, rules: Rules | None = None, names: Iterable[OwnName] = ()) -> None:
        self._engine = engine
        self._sentences = Sentences(words(), names)
        self._rules = rules or Rules(self._sentences)
        self._last: tuple[str, str, Language] | None = None

    def respond(self, text: str, language: Language, now_s: float, local_time: datetime) -> Reply:
        """The reply to what was heard; never fails. `local_time` is what the clock on the wall shows."""
        verdict = self._understand(text, language, now_s)
        self._rules.follow(verdict.intent)
        purpose, spoken, spoken_in = verdict.purpose, "", language
        if verdict.intent == "repeat" and self._last:
            purpose, spoken, spoken_in = self._last
        else:
            spoken = robot_text(purpose, language, **_slots(purpose, language, local_time))
            if verdict.intent != UNKNOWN:
                self._last = (purpose, spoken, language)
        return Reply(verdict.intent, verdict.confidence, verdict.engine, purpose, spoken, spoken_in)

    def remember(self, say: Say) -> None:
        """Hani said this on its own account: "say that again" repeats it."""
        self._last = (say.purpose, say.text, say.language)

    def _understand(self, text: str, language: Language, now_s: float) -> Verdict:
        if safety_kind(text, language):
            return self._rules.understand(text, language, now_s)  # safety waits for no server
        sentence = self._sentences.find(text, language)
        try:
            verdict = self._engine.understand(sentence.plain if sentence else text, language, now_s)
        except LinkFault:
            return self._rules.understand(text, language, now_s)
        if verdict.intent == "emergency":
            # a guess without a safety word: ask; a yes to `ask_help` is `call_care`
            return replace(verdict, purpose="ask_help")
        if verdict.intent != UNKNOWN and verdict.confidence >= UNSURE_BELOW:
            return verdict
        second = self._rules.understand(text, language, now_s)
        if second.intent != UNKNOWN:
            return second
        return Verdict(UNKNOWN, verdict.confidence, verdict.engine, "default")


def _slots(purpose: str, language: Language, local_time: datetime) -> dict[str, str]:
    if purpose == "tell_time":
        return {"time": time_words(local_time, language)}
    if purpose == "tell_date":
        return {"date": date_words(local_time, language)}
    return {}
