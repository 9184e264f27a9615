"""What the answers of the pages and the API look like, for /api/openapi.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from robot.fleet.views import AlarmView, RobotView

_TEXT: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}, "text/plain": {"schema": {"type": "string"}}}


@dataclass(frozen=True, slots=True)
class Alarms:
    """All open alarms that the person may see, and the newest ended ones."""

    alarms: list[AlarmView]


@dataclass(frozen=True, slots=True)
class OneRobot:
    """A robot and its alarms."""

    robot: RobotView
    alarms: list[AlarmView]


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in."""

    name: str
    shown: str
    role: str
    csrf: str


@dataclass(frozen=True, slots=True)
class Light:
    """How the platform stands; the parts are None for strangers."""

    well: bool
    database: bool | None = None
    worker: bool | None = None
    broker: bool | None = None
    desk: bool | None = None


def _answers(content: dict[str, Any], *statuses: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    return {status: {"description": description, "content": content} for status, description in statuses}


ANSWERS: dict[int | str, dict[str, Any]] = _answers(
    {**_TEXT, "application/json": {"schema": {"type": "object"}}},
    (303, "The page to go to"),
    (400, "Unknown host, or a request that cannot be read"),
    (401, "Sign in first"),
    (403, "A change without its session's token, or from another origin"),
    (404, "Not there, or not for this person"),
    (405, "No such method"),
    (411, "A body of unknown length"),
    (413, "A body larger than 64 KiB"),
    (422, "Something in the form or the address is wrong; the page says what"),
    (429, "Too often; Retry-After says when"),
    (503, "The database does not answer, or the platform is not well"),
)
PAGE: dict[int | str, dict[str, Any]] = _answers(_TEXT, (200, "The page, or the row for htmx"))
FEED: dict[int | str, dict[str, Any]] = _answers(
    {"text/event-stream": {"schema": {"type": "string"}}}, (200, "Events for as long as the session lasts")
)
