"""The vocabulary: what the capabilities say to each other, as frozen dataclasses.

The ROS 2 message package `hani_msgs` (robot/msgs) mirrors the classes that cross the graph; `robot/nodes/convert.py`
translates. Every `*_at_s` is Unix time in seconds (float); every other `*_s` is a duration. None means unknown.
"""

from __future__ import annotations

from robot.messages.alarms import (
    Alarm,
    AlarmPhase,
    AlarmType,
    Answer,
    Receipt,
    ReceiptKind,
    Reminder,
)
from robot.messages.room import (
    BedExit,
    BedState,
    Call,
    CallKind,
    CameraPause,
    FallEvent,
    FallReason,
    NightSummary,
    PausedBy,
    Presence,
    RoomView,
    Zone,
)
from robot.messages.speech import (
    Grammar,
    Heard,
    Language,
    OwnName,
    Phrase,
    PhraseKind,
    Reading,
    SafetyKind,
    SafetyWord,
    Say,
    Spoken,
    SpokenState,
    Unclear,
    Understood,
    Urgency,
)

__all__ = [
    "Alarm",
    "AlarmPhase",
    "AlarmType",
    "Answer",
    "BedExit",
    "BedState",
    "Call",
    "CallKind",
    "CameraPause",
    "FallEvent",
    "FallReason",
    "Grammar",
    "Heard",
    "Language",
    "NightSummary",
    "OwnName",
    "PausedBy",
    "Phrase",
    "PhraseKind",
    "Presence",
    "Reading",
    "Receipt",
    "ReceiptKind",
    "Reminder",
    "RoomView",
    "SafetyKind",
    "SafetyWord",
    "Say",
    "Spoken",
    "SpokenState",
    "Unclear",
    "Understood",
    "Urgency",
    "Zone",
]
