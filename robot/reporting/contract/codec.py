"""From bytes to messages, and the digest that chains a robot's reports."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from robot.errors import BadInput
from robot.reporting.contract.models import (
    Ack,
    AlarmCommand,
    AlarmReport,
    CommandAck,
    EventReport,
    RequestTest,
    StateReport,
    TelemetryReport,
    Wire,
)
from robot.reporting.contract.values import DEPTH, PAYLOAD_BYTES

UP: dict[str, type[Wire]] = {
    "e/alarm": AlarmReport,
    "e/event": EventReport,
    "t/bed": TelemetryReport,
    "state": StateReport,
    "cmd/ack": CommandAck,
}
DOWN: dict[str, type[Wire]] = {"ack": Ack, "cmd/alarm": AlarmCommand, "cmd/test": RequestTest}

# what the digest covers, for all of version 1: a field added later is not chained. `dev` is the topic's
CHAINED: Final = ("v", "id", "seq", "ts", "ts_mono", "boot", "test", "prev", "kind", "body")

# a text that is never closed goes on to the end: each quotation mark begins a match, so that each byte is read once
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)


def decode(leaf: str, payload: bytes) -> Wire:
    """Read the payload of a leaf. Raises BadInput, which never repeats the payload."""
    model = UP.get(leaf) or DOWN.get(leaf)
    if model is None:
        raise BadInput("unknown leaf of the contract")
    if len(payload) > PAYLOAD_BYTES:
        raise BadInput(f"payload does not fit {model.__name__}: more than {PAYLOAD_BYTES} bytes")
    if _deeper_than(payload, DEPTH):
        raise BadInput(f"payload does not fit {model.__name__}: nested more than {DEPTH} deep")
    try:
        return model.model_validate_json(payload)
    except (ValidationError, ValueError, RecursionError) as error:
        raise BadInput(f"payload does not fit {model.__name__}") from error


def digest(report: Mapping[str, Any]) -> str:
    """The digest of a report as it stands on the wire, parsed from JSON: SHA-256, 64 hexadecimal digits.

    Covered is an object of the fields `CHAINED`, absent ones as null, as JSON with sorted keys, without spaces, in
    UTF-8. The platform must take the report as it came, with the fields of its body that it does not know.
    """
    covered = {name: report.get(name) for name in CHAINED}
    text = json.dumps(covered, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(payload: bytes) -> str:
    """`digest` of a report's bytes, after `decode` has taken them. Raises BadInput for anything else."""
    try:
        report = json.loads(payload)
        if not isinstance(report, dict):
            raise BadInput("a report is a JSON object")
        return digest(report)
    except (ValueError, RecursionError) as error:
        raise BadInput("not a report of the contract") from error


def _deeper_than(payload: bytes, most: int) -> bool:
    """Whether brackets nest more than `most` deep. Few brackets, the ordinary case, need no closer look."""
    if payload.count(b"{") + payload.count(b"[") <= most:
        return False
    depth = 0
    for byte in _TEXT.sub(b"", payload):
        if byte in b"{[":
            depth += 1
            if depth > most:
                return True
        elif byte in b"}]":
            depth -= 1
    return False
