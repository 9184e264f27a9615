"""One robot of the fleet: what it says, and the reports it keeps until the platform has them. Pure."""

from __future__ import annotations

import random
from typing import NamedTuple

import uuid6

from robot.reporting.contract import (
    Ack,
    AlarmBody,
    AlarmCommand,
    AlarmReport,
    BedBody,
    CommandAck,
    EventBody,
    EventReport,
    StateReport,
    TelemetryReport,
    decode,
    digest_of,
    topic,
)

RETRY_S = 3.0  # as the uplink's first repetition
NODES = (
    "platform_reporter",
    "alarm_manager",
    "mattress_bridge",
    "fall_detector",
    "speech_synthesizer",
    "speech_recognizer",
    "dialogue_manager",
    "health_monitor",
)


class Message(NamedTuple):
    """One message up. `id` is set where the platform is to acknowledge it."""

    leaf: str
    payload: bytes
    qos: int
    retain: bool = False
    id: str | None = None


class Kept(NamedTuple):
    """A message without acknowledgement: when it should have gone out, and when it goes out again."""

    message: Message
    intended_s: float
    again_s: float
    alarm_id: str | None = None
    first: bool = False  # the alarm's first report


class Member:
    """A robot of the fleet. Times `now_s` are Unix seconds; `kept` is what a real robot's outbox would hold."""

    def __init__(self, device: str, chance: random.Random) -> None:
        self.device = device
        self.kept: dict[str, Kept] = {}
        self._chance = chance
        self._seq = 0
        self._prev: str | None = None
        self._boot_s: float | None = None
        self._in_bed = chance.random() < 0.4
        self._topics = {leaf: topic(device, leaf) for leaf in ("e/alarm", "e/event", "t/bed", "state", "cmd/ack")}

    def topic(self, leaf: str) -> str:
        return self._topics[leaf]

    def will(self, now_s: float) -> bytes:
        """The payload of the last will."""
        return StateReport(dev=self.device, online=False, ts=now_s, software="load").encode()

    def state(self, now_s: float, *, online: bool = True) -> Message:
        report = StateReport(
            dev=self.device,
            online=online,
            ts=now_s,
            outbox=len(self.kept),
            software="load",
            nodes=dict.fromkeys(NODES, 0),
        )
        return Message("state", report.encode(), 1, retain=True)

    def bed(self, now_s: float, intended_s: float) -> Message:
        """The minute's summary of the mattress; a resident rises or lies down some thirty times a day."""
        chance = self._chance
        if chance.random() < 0.02:
            self._in_bed = not self._in_bed
        body = BedBody(
            in_bed=self._in_bed,
            heart_rate_bpm=float(chance.randint(55, 85)) if self._in_bed else None,
            breath_rate_bpm=float(chance.randint(10, 20)) if self._in_bed else None,
            fresh=True,
        )
        return self._report(TelemetryReport, "t/bed", body, now_s, intended_s)

    def event(self, now_s: float, intended_s: float) -> Message:
        body = EventBody(name="reminder_given", detail={"kind": "water", "answered": self._chance.random() < 0.8})
        return self._report(EventReport, "e/event", body, now_s, intended_s)

    def alarm(self, now_s: float, intended_s: float, alarm_id: str | None = None) -> Message:
        """Raise an alarm; with the id of one that was raised, take it back as a resident who answers does."""
        again = alarm_id is not None
        body = AlarmBody(
            alarm_id=alarm_id or str(uuid6.uuid7()),
            type="fall",
            phase="cancelled" if again else "raised",
            revision=2 if again else 1,
            severity="high",
            confidence=0.9,
            onset_ts=now_s,
            reasons=("fall_seen", "no_answer"),
            room="bedroom",
            how="voice" if again else None,
        )
        return self._report(AlarmReport, "e/alarm", body, now_s, intended_s)

    def again(self, now_s: float) -> list[Message]:
        """What waited too long for its acknowledgement, to be sent once more."""
        due = [kept for kept in self.kept.values() if kept.again_s <= now_s]
        for kept in due:
            self.kept[str(kept.message.id)] = kept._replace(again_s=now_s + 2 * RETRY_S)
        return [kept.message for kept in due]

    def hear(self, leaf: str, payload: bytes) -> tuple[list[Kept], Message | None]:
        """A message down: what has been acknowledged by it, and the answer to a command."""
        message = decode(leaf, payload)
        if isinstance(message, Ack):
            return [kept for id_ in message.ids if (kept := self.kept.pop(id_, None)) is not None], None
        if isinstance(message, AlarmCommand):
            return [], Message("cmd/ack", CommandAck(id=message.id, dev=self.device).encode(), 1)
        return [], None

    def _report(
        self,
        model: type[AlarmReport | EventReport | TelemetryReport],
        leaf: str,
        body: AlarmBody | EventBody | BedBody,
        now_s: float,
        intended_s: float,
    ) -> Message:
        """The next report of the chain, kept until it is acknowledged."""
        self._seq += 1
        self._boot_s = now_s if self._boot_s is None else self._boot_s
        report = model.model_validate(
            {
                "id": str(uuid6.uuid7()),
                "dev": self.device,
                "seq": self._seq,
                "ts": now_s,
                "ts_mono": now_s - self._boot_s,
                "boot": "load",
                "prev": self._prev,
                "body": body,
            }
        )
        message = Message(leaf, report.encode(), 1, id=report.id)
        self._prev = digest_of(message.payload)
        alarm_id = body.alarm_id if isinstance(body, AlarmBody) else None
        first = isinstance(body, AlarmBody) and body.revision == 1
        self.kept[report.id] = Kept(message, intended_s, intended_s + RETRY_S, alarm_id, first)
        return message
