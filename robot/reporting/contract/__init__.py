"""The contract between a robot and the platform: topics and payloads, version 1.

Up (robot to platform):     hani/v1/{device}/e/alarm   AlarmReport        QoS 1, kept in the outbox until acknowledged
                            hani/v1/{device}/e/event   EventReport        QoS 1, kept in the outbox until acknowledged
                            hani/v1/{device}/t/bed     TelemetryReport    QoS 1, kept in the outbox if there is space
                            hani/v1/{device}/state     StateReport        retained, and the last will
                            hani/v1/{device}/cmd/ack   CommandAck         QoS 1
Down (platform to robot):   hani/v1/{device}/ack       Ack                QoS 0, only after the platform's commit
                            hani/v1/{device}/cmd/alarm AlarmCommand       QoS 1, repeated until CommandAck
                            hani/v1/{device}/cmd/test  RequestTest        QoS 1, repeated until CommandAck

A broker's PUBACK says nothing about the platform's database: only `Ack` empties the outbox. Unknown fields are ignored,
so that a newer robot can talk to an older platform; null means unknown, never zero. No name of a resident, no speech
and no picture has a field here.

    python -m robot.reporting.contract            write v1/*.schema.json and v1/asyncapi.json from the models
    python -m robot.reporting.contract --check    exit 1 when they are not what the models say
"""

from __future__ import annotations

from robot.reporting.contract.codec import CHAINED, DOWN, UP, decode, digest, digest_of
from robot.reporting.contract.models import (
    Ack,
    AlarmBody,
    AlarmCommand,
    AlarmReport,
    BedBody,
    CommandAck,
    Envelope,
    EventBody,
    EventReport,
    RequestTest,
    StateReport,
    TelemetryReport,
    Wire,
)
from robot.reporting.contract.topics import ROOT, VERSION, device_of, topic
from robot.reporting.contract.values import (
    ACK_IDS,
    DEPTH,
    LARGEST_INTEGER,
    PAYLOAD_BYTES,
    DeviceId,
    MessageId,
    Share,
    UnixSeconds,
)

__all__ = [
    "ACK_IDS",
    "CHAINED",
    "DEPTH",
    "DOWN",
    "LARGEST_INTEGER",
    "PAYLOAD_BYTES",
    "ROOT",
    "UP",
    "VERSION",
    "Ack",
    "AlarmBody",
    "AlarmCommand",
    "AlarmReport",
    "BedBody",
    "CommandAck",
    "DeviceId",
    "Envelope",
    "EventBody",
    "EventReport",
    "MessageId",
    "RequestTest",
    "Share",
    "StateReport",
    "TelemetryReport",
    "UnixSeconds",
    "Wire",
    "decode",
    "device_of",
    "digest",
    "digest_of",
    "topic",
]
