"""The vocabulary: what the capabilities say to each other, as frozen dataclasses.

The ROS 2 message package `hani_msgs` (robot/msgs) mirrors the classes that cross the graph; `robot/nodes/convert.py`
translates. Every `*_at_s` is Unix time in seconds (float); every other `*_s` is a duration. None means unknown.
"""

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


class FallReason(str, Enum):
    """Why the watcher believes that somebody fell."""

    FAST_DROP = "fast_drop"
    LOST_WHILE_FALLING = "lost_while_falling"
    LONG_ON_FLOOR = "long_on_floor"
    FOUND_ON_FLOOR = "found_on_floor"
    SLID_FROM_CHAIR = "slid_from_chair"
    FELL_OUT_OF_BED = "fell_out_of_bed"


class Zone(str, Enum):
    """What the caregiver drew on a still of the room. Figures in IGNORE (mirror, television) do not count."""

    IGNORE = "ignore"
    BED = "bed"
    SOFA = "sofa"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class FallEvent:
    """The watcher suspects a fall, or (`recovered`) sees the person of that track upright again.

    `zone` is the drawn zone of the hips, None where none is drawn. `helped`: another person stood beside them in
    view. `people` is how many were in view.
    """

    id: str
    reason: FallReason
    confidence: float
    track: int
    onset_at_s: float
    suspected_at_s: float
    recovered: bool = False
    zone: Zone | None = None
    helped: bool = False
    people: int = 1


@dataclass(frozen=True, slots=True)
class RoomView:
    """What the camera sees as a whole; repeated every few seconds, at once when it changes.

    Numbers of people: in view, upright of these, with their hips in the bed's zone, and low outside bed and sofa.
    All None while `sees` is False (paused, dark, camera at fault): nobody knows. `helper`: two upright people.
    `paused_until_at_s` is the end of a pause that somebody asked for, None when there is none.
    """

    at_s: float
    sees: bool
    people: int | None = None
    upright: int | None = None
    in_bed: int | None = None
    low: int | None = None
    helper: bool = False
    paused_until_at_s: float | None = None


class PausedBy(str, Enum):
    """How somebody asked the camera to look away, or to look again."""

    VOICE = "voice"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class CameraPause:
    """Somebody wants the camera to look away until a moment; a moment that has passed means look again."""

    id: str
    asked_at_s: float
    until_at_s: float
    by: PausedBy


class Presence(str, Enum):
    IN_BED = "in_bed"
    OUT_OF_BED = "out_of_bed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BedState:
    """What the mattress says. A stale or silent feed is `UNKNOWN` with `fresh` False, never "fine"."""

    presence: Presence
    fresh: bool
    since_at_s: float
    measured_at_s: float | None
    heart_rate_bpm: float | None = None
    breath_rate_bpm: float | None = None


@dataclass(frozen=True, slots=True)
class BedExit:
    """Somebody left the bed; `back_at_s` is None when they were not seen to return."""

    left_at_s: float
    back_at_s: float | None


@dataclass(frozen=True, slots=True)
class NightSummary:
    """A night in bed. What no sensor could tell is in `unknown_s` and None, never counted as rest.

    heart_rate_bpm, breath_rate_bpm: medians over the still minutes. movement: mean, 0 still .. 1 restless.
    """

    begins_at_s: float
    ends_at_s: float
    in_bed_s: float
    unknown_s: float
    exits: tuple[BedExit, ...] = ()
    heart_rate_bpm: float | None = None
    breath_rate_bpm: float | None = None
    movement: float | None = None
    apnoea_events: int | None = None
    wet: bool | None = None


class CallKind(str, Enum):
    """How a device called for help."""

    BUTTON = "button"
    CORD = "cord"
    SENSED_FALL = "sensed_fall"


@dataclass(frozen=True, slots=True)
class Call:
    """A device called for help, without a word: a pressed button or pendant, a pulled cord (`certain`), or a sensor
    that believes that somebody fell. The same `id` is the same call, however often it comes.
    """

    id: str
    kind: CallKind
    certain: bool
    called_at_s: float


class AlarmType(str, Enum):
    FALL = "fall"
    BED_EXIT = "bed_exit"
    SOS = "sos"
    DEVICE = "device"


class AlarmPhase(str, Enum):
    """The life of an alarm, in order; CANCELLED ends it before it was raised or by a person."""

    SUSPECTED = "suspected"
    CHECKING = "checking"
    RAISED = "raised"
    SENT = "sent"
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Answer(str, Enum):
    """What a resident's words mean to an open check-in. Only FINE cancels."""

    FINE = "fine"
    HELP = "help"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it stands now. `revision` counts its changes from 1; `by` and `how` say who ended or answered it."""

    id: str
    type: AlarmType
    phase: AlarmPhase
    revision: int
    onset_at_s: float
    changed_at_s: float
    confidence: float
    reasons: tuple[str, ...]
    by: str | None = None
    how: str | None = None


class ReceiptKind(str, Enum):
    """What came back about an alarm from the platform."""

    SENT = "sent"
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform's answer about an alarm. `by` is a role or a name for the screen and is never logged."""

    id: str
    alarm_id: str
    kind: ReceiptKind
    at_s: float
    by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder falls due. `late_s` says by how much it was missed (power loss, restart)."""

    id: str
    purpose: str
    due_at_s: float
    late_s: float
