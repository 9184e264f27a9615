"""What the dialogue's parts say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from robot.messages import Language

UNKNOWN = "nlu_fallback"
"""The intent of a text that nobody understood; its reply is the text `default`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one engine made of a text: `confidence` in 0..1, `purpose` the key of the reply in words/robot.yml."""

    intent: str
    confidence: float
    engine: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What Hani says to a turn. `text` is ready for the voice; `purpose` is its key (for `Say` and the screen)."""

    intent: str
    confidence: float
    engine: str
    purpose: str
    text: str
    language: Language


class DialogueEngine(Protocol):
    """Understands one turn of speech."""

    def understand(self, text: str, language: Language, now_s: float) -> Verdict:
        """Return the verdict on `text`. Raises `LinkFault` when the engine is out of reach."""
        ...


class FakeEngine:
    """A fake for tests and demonstrations: gives the verdicts it was given, and calls itself "fake"."""

    def __init__(self, verdicts: dict[str, str] | None = None) -> None:
        self._verdicts = verdicts or {}

    def understand(self, text: str, language: Language, now_s: float) -> Verdict:
        del language, now_s
        intent = self._verdicts.get(text, UNKNOWN)
        return Verdict(intent, 1.0, "fake", "default" if intent == UNKNOWN else intent)
