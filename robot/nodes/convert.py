"""Between `robot.messages` and `hani_msgs`: the only place that knows both."""

from __future__ import annotations

import math
import time
from typing import Any

import hani_msgs.msg as ros
from builtin_interfaces.msg import Time

from robot import messages as m


def stamp(at_s: float) -> Time:
    """Unix seconds as a ROS time."""
    whole = math.floor(at_s)
    return Time(sec=whole, nanosec=int((at_s - whole) * 1e9))


def seconds(time_: Any) -> float:
    """A ROS time as Unix seconds."""
    return float(time_.sec) + float(time_.nanosec) * 1e-9


_WET = {True: "yes", False: "no", None: "unknown"}
_WETNESS = {word: wet for wet, word in _WET.items()}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def heard_to_ros(heard: m.Heard) -> Any:
    return ros.Heard(
        stamp=stamp(heard.heard_at_s),
        id=heard.id,
        texts=[r.text for r in heard.readings],
        languages=[r.language.value for r in heard.readings],
        confidences=[r.confidence for r in heard.readings],
        speech_began=stamp(heard.speech_began_at_s),
        speech_ended=stamp(heard.speech_ended_at_s),
    )


def heard(msg: Any) -> m.Heard:
    readings = tuple(
        m.Reading(text, m.Language(language), float(confidence))
        for text, language, confidence in zip(msg.texts, msg.languages, msg.confidences)  # noqa: B905 - one message
    )
    return m.Heard(msg.id, readings, seconds(msg.speech_began), seconds(msg.speech_ended), seconds(msg.stamp))


def unclear_to_ros(unclear: m.Unclear) -> Any:
    """A turn without readings, on a topic of its own."""
    return ros.Heard(
        stamp=stamp(time.time()),
        speech_began=stamp(unclear.speech_began_at_s),
        speech_ended=stamp(unclear.speech_ended_at_s),
    )


def unclear(msg: Any) -> m.Unclear:
    return m.Unclear(seconds(msg.speech_began), seconds(msg.speech_ended))


def safety_word_to_ros(word: m.SafetyWord) -> Any:
    return ros.SafetyWord(
        stamp=stamp(word.heard_at_s),
        id=word.id,
        kind=word.kind.value,
        language=word.language.value,
        certain=word.certain,
    )


def safety_word(msg: Any) -> m.SafetyWord:
    return m.SafetyWord(msg.id, m.SafetyKind(msg.kind), m.Language(msg.language), bool(msg.certain), seconds(msg.stamp))


def say_to_ros(say: m.Say) -> Any:
    return ros.Say(
        stamp=stamp(time.time()),
        id=say.id,
        text=say.text,
        language=say.language.value,
        urgency=say.urgency.value,
        purpose=say.purpose,
        question=say.question,
        about=say.about,
    )


def say(msg: Any) -> m.Say:
    return m.Say(
        msg.id, msg.text, m.Language(msg.language), m.Urgency(msg.urgency), msg.purpose, msg.question, msg.about
    )


def spoken_to_ros(spoken: m.Spoken) -> Any:
    return ros.Spoken(
        stamp=stamp(spoken.at_s),
        say_id=spoken.say_id,
        state=spoken.state.value,
        duration_s=-1.0 if spoken.duration_s is None else spoken.duration_s,
        purpose=spoken.purpose,
        language=spoken.language.value,
        question=spoken.question,
    )


def spoken(msg: Any) -> m.Spoken:
    return m.Spoken(
        msg.say_id,
        m.SpokenState(msg.state),
        seconds(msg.stamp),
        None if msg.duration_s < 0 else float(msg.duration_s),
        msg.purpose,
        m.Language(msg.language),
        msg.question,
    )


def understood_to_ros(understood: m.Understood, language: m.Language) -> Any:
    return ros.Understood(
        stamp=stamp(time.time()),
        heard_id=understood.heard_id,
        intent=understood.intent,
        language=language.value,
        confidence=understood.confidence,
        engine=understood.engine,
        took_s=understood.took_s,
    )


def fall_to_ros(fall: m.FallEvent) -> Any:
    return ros.FallEvent(
        stamp=stamp(fall.suspected_at_s),
        id=fall.id,
        reason=fall.reason.value,
        confidence=fall.confidence,
        track=fall.track,
        onset=stamp(fall.onset_at_s),
        recovered=fall.recovered,
        zone=fall.zone.value if fall.zone else "",
        helped=fall.helped,
        people=fall.people,
    )


def fall(msg: Any) -> m.FallEvent:
    return m.FallEvent(
        msg.id,
        m.FallReason(msg.reason),
        float(msg.confidence),
        int(msg.track),
        seconds(msg.onset),
        seconds(msg.stamp),
        bool(msg.recovered),
        m.Zone(msg.zone) if msg.zone else None,
        bool(msg.helped),
        int(msg.people),
    )


def room_view_to_ros(view: m.RoomView) -> Any:
    return ros.RoomView(
        stamp=stamp(view.at_s),
        sees=view.sees,
        people=_minus_one(view.people),
        upright=_minus_one(view.upright),
        in_bed=_minus_one(view.in_bed),
        low=_minus_one(view.low),
        helper=view.helper,
        paused_until=stamp(view.paused_until_at_s or 0.0),
    )


def room_view(msg: Any) -> m.RoomView:
    return m.RoomView(
        seconds(msg.stamp),
        bool(msg.sees),
        _count(msg.people),
        _count(msg.upright),
        _count(msg.in_bed),
        _count(msg.low),
        bool(msg.helper),
        seconds(msg.paused_until) or None,
    )


def _count(count: int) -> int | None:
    return int(count) if count >= 0 else None


def _minus_one(count: int | None) -> int:
    return -1 if count is None else count


def camera_pause_to_ros(pause: m.CameraPause) -> Any:
    return ros.CameraPause(stamp=stamp(pause.asked_at_s), id=pause.id, until=stamp(pause.until_at_s), by=pause.by.value)


def camera_pause(msg: Any) -> m.CameraPause:
    return m.CameraPause(msg.id, seconds(msg.stamp), seconds(msg.until), m.PausedBy(msg.by))


def bed_to_ros(bed: m.BedState) -> Any:
    return ros.BedState(
        stamp=stamp(bed.measured_at_s or time.time()),
        presence=bed.presence.value,
        fresh=bed.fresh,
        since=stamp(bed.since_at_s),
        heart_rate_bpm=_nan(bed.heart_rate_bpm),
        breath_rate_bpm=_nan(bed.breath_rate_bpm),
        latency_s=_nan(bed.latency_s),
        wet=_WET[bed.wet],
    )


def bed(msg: Any) -> m.BedState:
    return m.BedState(
        m.Presence(msg.presence),
        bool(msg.fresh),
        seconds(msg.since),
        seconds(msg.stamp),
        _known(msg.heart_rate_bpm),
        _known(msg.breath_rate_bpm),
        _known(msg.latency_s),
        _WETNESS.get(msg.wet),
    )


def call_to_ros(call: m.Call) -> Any:
    return ros.Call(stamp=stamp(call.called_at_s), id=call.id, kind=call.kind.value, certain=call.certain)


def call(msg: Any) -> m.Call:
    return m.Call(msg.id, m.CallKind(msg.kind), bool(msg.certain), seconds(msg.stamp))


def alarm_to_ros(alarm: m.Alarm) -> Any:
    return ros.Alarm(
        stamp=stamp(alarm.changed_at_s),
        id=alarm.id,
        type=alarm.type.value,
        phase=alarm.phase.value,
        revision=alarm.revision,
        onset=stamp(alarm.onset_at_s),
        confidence=alarm.confidence,
        reasons=list(alarm.reasons),
    )


def receipt_to_ros(receipt: m.Receipt) -> Any:
    return ros.Receipt(stamp=stamp(receipt.at_s), id=receipt.id, alarm_id=receipt.alarm_id, kind=receipt.kind.value)
