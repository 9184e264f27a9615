"""What an answer of the platform means: pure. Chinese platforms often answer 200 and say the truth in a code."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from robot.fleet.government.config import Answers
from robot.fleet.government.mapping import as_text
from robot.fleet.government.retry import Answer, Kind

BUSY = frozenset({429, 503})
NOT_THE_ITEM = frozenset({401, 403, 404, 405, 407, *range(300, 400)}) | BUSY  # our credentials, our address, their load
_MESSAGE_CHARACTERS = 200


def judge(status: int | None, body: bytes, rules: Answers, retry_after_s: float | None = None) -> Answer:
    """Read an answer; `status` is None where there is none (MQTT). Never raises, whatever the body holds."""
    tree = _read(body)
    code = _at(tree, rules.code_path)
    told = None if isinstance(code, dict | list) or code is None else as_text(code)
    where = "answer" if status is None else f"status {status}"
    reason = where + (f", code {_line(told)}" if told is not None else "")
    if status in rules.duplicate_statuses or _among(told, rules.duplicate_codes):
        return Answer(Kind.DUPLICATE, reason)
    if status in rules.refused_statuses or _among(told, rules.refused_codes):
        message = _at(tree, rules.message_path)
        return Answer(Kind.REFUSED, reason + (f": {_line(message)}" if isinstance(message, str) else ""))
    if status is None or status in rules.accepted_statuses:
        if (rules.code_path is None and status is not None) or _among(told, rules.accepted_codes):
            return Answer(Kind.ACCEPTED, reason)
        return Answer(Kind.FAILED, reason if told is not None else f"{where}, but no code in the answer")
    return Answer(Kind.DOWN if status in NOT_THE_ITEM else Kind.FAILED, reason, retry_after_s)


def key_in(body: bytes, path: str) -> str | None:
    """The key that an answer repeats."""
    found = _at(_read(body), path)
    return found if isinstance(found, str) else None


def retry_after(header: str | None, now_s: float) -> float | None:
    """Seconds of a Retry-After header, a number or a date; None when there is none that can be read."""
    if header is None:
        return None
    try:
        return max(0.0, min(float(int(header)), 1e9))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    aware = at if at.tzinfo is not None else at.replace(tzinfo=timezone.utc)
    return max(0.0, (aware - datetime.fromtimestamp(now_s, timezone.utc)).total_seconds())


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _at(tree: Any, path: str | None) -> Any:
    for part in path.split(".") if path else ():
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree if path else None


def _among(told: str | None, codes: tuple[str | int, ...]) -> bool:
    return told is not None and told in {as_text(code) for code in codes}


def _line(text: str) -> str:
    printable = "".join(mark if mark.isprintable() else " " for mark in text)
    return " ".join(printable.split())[:_MESSAGE_CHARACTERS]
