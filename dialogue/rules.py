"""The rule fallback: what Hani still understands when Rasa is down. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from dialogue.grammar import Sentences
from dialogue.reply import UNKNOWN, Verdict
from dialogue.text import fold, mentions
from dialogue.words import safety_kind, words
from robot.messages import Language

EXACT, KEYWORD = 1.0, 0.6
"""Confidence of a whole known phrase, and of a keyword within something else."""

OFFER_REPLIES: Mapping[tuple[str, str], str] = {
    ("care", "affirm"): "call_care",
    ("care", "deny"): "no_call",
    ("story", "affirm"): "tell_story",
}
"""What yes and no mean to an open offer; the same as rasa/data/rules/offers.yml (a test compares them)."""


class Rules:
    """Safety words, then whole sentences, then the longest keyword. Remembers only what the last reply offered.

    `sentences` know a resident's own names; without them the words of the product are known.
    """

    def __init__(self, sentences: Sentences | None = None) -> None:
        self._sentences = sentences
        self._offer: str | None = None

    def understand(self, text: str, language: Language, now_s: float) -> Verdict:
        """Never fails: what no rule knows has the intent `UNKNOWN` and confidence 0."""
        del now_s
        intent, confidence = match(text, language, self._sentences)
        if intent == UNKNOWN:
            return Verdict(UNKNOWN, 0.0, "rules", "default")
        purpose = OFFER_REPLIES.get((self._offer or "", intent), words().intents[intent].reply)
        return Verdict(intent, confidence, "rules", purpose)

    def follow(self, intent: str) -> None:
        """A turn was answered, by whichever engine: its offer is open until the next turn."""
        known = words().intents.get(intent)
        self._offer = known.offers if known else None


def match(text: str, language: Language, sentences: Sentences | None = None) -> tuple[str, float]:
    """The intent of a text and how sure the rules are."""
    if safety_kind(text, language):
        return "emergency", EXACT
    sentence = (sentences or _sentences()).find(text, language)
    if sentence:
        return sentence.intent, EXACT
    folded = fold(text)
    for keyword, intent in _keywords(language):
        if mentions(folded, keyword):
            return intent, KEYWORD
    return UNKNOWN, 0.0


@cache
def _sentences() -> Sentences:
    return Sentences(words())


@cache
def _keywords(language: Language) -> tuple[tuple[str, str], ...]:
    found = [
        (fold(keyword), intent.name)
        for intent in words().intents.values()
        for keyword in intent.keywords.get(language, ())
    ]
    return tuple(sorted(found, key=lambda pair: len(pair[0]), reverse=True))
