"""schemathesis: whatever fits /api/openapi.json, or nearly does, is answered as described, and never by a 500."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest
import schemathesis
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.result import Ok

from robot.fleet import handling, looking
from robot.fleet.app import create_app
from robot.fleet.database import open_database
from robot.fleet.people import passwords, sessions
from tests.unit.fleet.browser import HOST, person
from tests.unit.fleet.conftest import Home

pytestmark = pytest.mark.unit

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 25
OPERATIONS = 17  # all of tests/unit/fleet/people/test_doors.py but the feed, the sign-out and the description


@pytest.fixture(scope="module")
def well() -> Iterator[None]:
    """A platform that is not well says 503, as it should; here a heartbeat lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looking, "WORKER_SILENT_S", float("inf"))
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, well: None) -> schemathesis.BaseSchema:
    """Every operation but the endless feed and the one that would end the session, for who sees everything."""
    home = Home(open_database(tmp_path_factory.mktemp("described")))
    home.alarm(room="bedroom")
    for worker in ("ingest", "desk"):
        handling.beat(home.database, worker, linked=True, now_s=home.now_s)
    token = person(home.database, "x", now_s=home.now_s)
    app = create_app(home.platform, [HOST])
    mine = [
        (b"cookie", f"hani={token}".encode()),
        (b"x-csrf-token", sessions.csrf(token).encode()),
        (b"host", HOST.encode()),
    ]

    async def signed_in(
        scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        home.now_s += 2.0  # the limit of writes has its own test
        if scope["type"] == "http":
            given = [pair for pair in scope["headers"] if pair[0] not in (b"host", b"cookie", b"x-csrf-token")]
            scope = {**scope, "headers": [*given, *mine]}
        await app(scope, receive, send)

    schema = schemathesis.openapi.from_asgi("/api/openapi.json", signed_in)
    return schema.exclude(path=["/events", "/logout"])


def test_every_operation_answers_as_described(described: schemathesis.BaseSchema) -> None:
    asked = []
    for found in described.get_all_operations():
        assert isinstance(found, Ok), "the description can be read"
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def answers(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(checks=CHECKS)

        answers()
        asked.append(operation.label)
    assert len(asked) == OPERATIONS
