"""What is heard, understood and said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Language(str, Enum):
    """Languages that Hani hears and speaks. Mongolian text is Cyrillic inside the product."""

    ZH = "zh"
    MN = "mn"


class PhraseKind(str, Enum):
    """What a phrase is for: a cry for help, a closed answer (yes, no, fine, hurt), a command to the robot, or talk."""

    SAFETY = "safety"
    ANSWER = "answer"
    COMMAND = "command"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something a resident may say. `pronunciation` is IPA and overrides the lexicon.

    A `{slot}` in the text takes any form of the class of that name (see `Grammar`); `{slot:case}` a class in a case.
    """

    language: Language
    text: str
    pronunciation: str | None = None
    weight: float = 1.0
    kind: PhraseKind = PhraseKind.FREE


@dataclass(frozen=True, slots=True)
class Grammar:
    """All that a resident may say at a time.

    `classes` maps (language of the sentence, slot as written) to the forms that may stand there. A form is a phrase:
    it may hold slots of its own, and it may be of the other language (a code switch). `names` are Mandarin names of
    people, family name first, so that they are read as names.
    """

    phrases: tuple[Phrase, ...]
    classes: Mapping[tuple[Language, str], tuple[Phrase, ...]]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnName:
    """A name of one resident's life, in both languages; `word_class` is the class of dialogue/words that it joins.

    The IPA overrides the lexicon. Names stay on this device and enter no log.
    """

    word_class: str
    zh: str
    mn: str
    zh_ipa: str | None = None
    mn_ipa: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read an utterance; `confidence` is in 0..1."""

    text: str
    language: Language
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """One joined turn of speech. `readings` are best first and never empty."""

    id: str
    readings: tuple[Reading, ...]
    speech_began_at_s: float
    speech_ended_at_s: float
    heard_at_s: float

    @property
    def text(self) -> str:
        return self.readings[0].text

    @property
    def language(self) -> Language:
        return self.readings[0].language

    @property
    def confidence(self) -> float:
        return self.readings[0].confidence


@dataclass(frozen=True, slots=True)
class Unclear:
    """A turn in which somebody spoke, and not one known phrase was in it: an answer, but not one to act on."""

    speech_began_at_s: float
    speech_ended_at_s: float


class SafetyKind(str, Enum):
    """What a safety word asks for."""

    HELP = "help"
    FALL = "fall"
    PAIN = "pain"
    BREATH = "breath"
    FIRE = "fire"


@dataclass(frozen=True, slots=True)
class SafetyWord:
    """A safety word was heard. `certain` alarms at once with a cancel window; otherwise Hani asks first."""

    id: str
    kind: SafetyKind
    language: Language
    certain: bool
    heard_at_s: float


class Urgency(str, Enum):
    """How an utterance of the robot queues: safety interrupts everything and cannot be interrupted."""

    SAFETY = "safety"
    REMINDER = "reminder"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class Say:
    """Hani shall say this. `purpose` is the text's key in dialogue/words (for the timeline and the screen).

    `question` names the answer that is expected: "" none, "open" a sentence, "closed" yes, no or help. `about` is the
    alarm that it speaks of, or "": a newer text about the same alarm replaces what still waits to be said about it.
    """

    id: str
    text: str
    language: Language
    urgency: Urgency
    purpose: str
    question: str = ""
    about: str = ""


class SpokenState(str, Enum):
    STARTED = "started"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Spoken:
    """What became of a `Say`. `at_s` is the moment of this state (first audio for STARTED)."""

    say_id: str
    state: SpokenState
    at_s: float
    duration_s: float | None
    purpose: str
    language: Language
    question: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """What the dialogue made of a turn. `engine` is "rasa" or "rules"."""

    heard_id: str
    intent: str
    confidence: float
    engine: str
    took_s: float
