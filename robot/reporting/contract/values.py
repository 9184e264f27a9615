"""The values that may stand on the wire, and their bounds.

Up go numbers, ids and slugs, never free text: no field has room for a name, for speech or for a picture. What an alarm
says in words of tomorrow is read as unknown or "other"; it never costs the alarm.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

PAYLOAD_BYTES = 16 * 1024  # the longest message of our own, an Ack of 200 ids, has 13.5 KB
DEPTH = 8  # our own messages nest three deep; the rest is for a newer robot's fields
LARGEST_INTEGER = 2**63 - 1  # SQL's BIGINT
REASONS = 32
DETAILS = 16
NODES = 64
ACK_IDS = 200

SLUG = r"^[a-z0-9][a-z0-9_.-]{0,47}$"
_SLUG = re.compile(SLUG[:-1] + r"\Z")

DeviceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
MessageId = Annotated[str, StringConstraints(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
BootId = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9-]*$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
UnixSeconds = Annotated[float, Field(ge=0, lt=1e11, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, lt=1e11, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
HeartRate = Annotated[float, Field(ge=0, le=300)]
BreathRate = Annotated[float, Field(ge=0, le=120)]
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
Revision = Annotated[int, Field(ge=1, le=LARGEST_INTEGER)]
Slug = Annotated[str, StringConstraints(pattern=SLUG)]


def is_slug(value: object) -> bool:
    """Whether `value` is a short word of a programme, such as `fast_drop`."""
    return isinstance(value, str) and _SLUG.match(value) is not None


def _slug_or_other(value: object) -> object:
    return value if not isinstance(value, str) or is_slug(value) else "other"


def _slug_or_unknown(value: object) -> object:
    return value if not isinstance(value, str) or is_slug(value) else None


def _first_reasons(value: object) -> object:
    return value[:REASONS] if isinstance(value, list | tuple) else value


def _named_nodes(value: object) -> object:
    """What a robot says of itself counts whole or not at all, so that one odd name must not make it look silent."""
    if not isinstance(value, dict) or (len(value) <= NODES and all(map(is_slug, value))):
        return value
    named: dict[str, Any] = {}
    for name, level in list(value.items())[:NODES]:
        key = name if is_slug(name) else "other"
        both = isinstance(level, int) and isinstance(named.get(key), int)
        named[key] = max(named[key], level) if both else level
    return named


def _readable_reasons(value: object) -> object:
    """Those that can be read: the level says most, and no odd word must make a robot look silent."""
    if not isinstance(value, dict):
        return {}
    readable = [(name, reason) for name, reason in value.items() if is_slug(name) and is_slug(reason)]
    return dict(readable[:NODES])


def _version_or_unknown(value: object) -> object:
    return value if not isinstance(value, str) or re.match(r"[A-Za-z0-9.+_-]{0,64}\Z", value) else ""


def _one_of(*known: str, otherwise: str) -> BeforeValidator:
    """A word of a newer robot is read as `otherwise`; what is no word at all is refused by the type."""

    def read(value: Any) -> Any:
        return otherwise if isinstance(value, str) and value not in known else value

    return BeforeValidator(read)


def _cut(length: int) -> BeforeValidator:
    return BeforeValidator(lambda value: value[:length] if isinstance(value, str) else value)


# an alarm of a kind that is unknown here must reach a person all the same, and as an urgent one
AlarmKind = Annotated[
    Literal["fall", "bed_exit", "sos", "wet", "device", "other"],
    _one_of("fall", "bed_exit", "sos", "wet", "device", "other", otherwise="other"),
]
Phase = Annotated[
    Literal["suspected", "checking", "raised", "acknowledged", "closed", "cancelled"],
    _one_of("suspected", "checking", "raised", "acknowledged", "closed", "cancelled", otherwise="raised"),
]
Severity = Annotated[Literal["low", "medium", "high"], _one_of("low", "medium", "high", otherwise="high")]
Reason = Annotated[Slug, BeforeValidator(_slug_or_other)]
Reasons = Annotated[tuple[Reason, ...], Field(max_length=REASONS), BeforeValidator(_first_reasons)]
How = Annotated[Slug | None, BeforeValidator(_slug_or_other)]
Room = Annotated[Slug | None, BeforeValidator(_slug_or_unknown)]

# 0 ok, 1 warn, 2 error; a level of tomorrow is an error
Level = Annotated[int, Field(ge=0, le=255), AfterValidator(lambda level: min(level, 2))]
Nodes = Annotated[dict[Slug, Level], Field(max_length=NODES), BeforeValidator(_named_nodes)]
NodeReasons = Annotated[dict[Slug, Slug], Field(max_length=NODES), BeforeValidator(_readable_reasons)]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+_-]{0,64}$"), BeforeValidator(_version_or_unknown)]

Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:+-]{0,64}$")]
WholeNumber = Annotated[int, Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
Detail = Annotated[dict[Slug, Token | float | WholeNumber | bool | None], Field(max_length=DETAILS)]

# down only: what the caregiver's own page holds, for the screen in that one home
Person = Annotated[str, Field(max_length=80), _cut(80)]
Words = Annotated[str, Field(max_length=300), _cut(300)]
