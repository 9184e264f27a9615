"""The registry on SQLite and PostgreSQL alike: a claim gives one certificate, whoever asks at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from robot.errors import BadInput
from robot.fleet.audit import AuditEntry, verify
from robot.fleet.database import Database, open_database
from robot.fleet.identity import registry
from robot.fleet.identity.authority import DAY_S, Authority, Layout, make_authority, make_key
from robot.fleet.identity.registry import Refused
from robot.reporting.enrol import _request
from robot.reporting.enrolment import EnrolRequest, Issued
from tests.fleet.conftest import together

pytestmark = pytest.mark.fleet

NOW_S = 1_800_000_000.0


@pytest.fixture
def database(store_url: str, tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path, store_url)
    yield database
    database.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(Layout(tmp_path / "identity"), NOW_S)


def claim(database: Database, device: str = "hani-1", **more: object) -> str:
    with database.write() as session:
        return registry.claim(session, device, by="test", now_s=NOW_S, **more)  # type: ignore[arg-type]  # passed on


def enrol(database: Database, authority: Authority, code: str, request: str, now_s: float = NOW_S) -> str:
    with database.write() as session:
        message = registry.enrol(session, authority, EnrolRequest(claim=code, request=request), now_s).message
    assert isinstance(message, Issued)
    return message.certificate


def test_a_claim_gives_one_certificate_to_one_key(database: Database, authority: Authority) -> None:
    code, request = claim(database), _request(make_key())
    first = enrol(database, authority, code, request)
    assert enrol(database, authority, code, request, NOW_S + 30 * DAY_S) == first
    with pytest.raises(Refused, match="used already"):
        enrol(database, authority, code, _request(make_key()))
    with database.read() as session:
        assert len(registry.live(session, "hani-1", NOW_S)) == 1


def test_of_two_robots_with_the_same_claim_one_gets_the_certificate(database: Database, authority: Authority) -> None:
    code = claim(database)
    results: list[str] = []
    requests = [_request(make_key()) for _ in range(4)]

    def ask(request: str) -> None:
        try:
            enrol(database, authority, code, request)
            results.append("issued")
        except Refused as refused:
            results.append(refused.code)

    together(*(partial(ask, request) for request in requests))
    assert sorted(results) == ["claim_used"] * 3 + ["issued"]


def test_what_is_revoked_is_listed_until_it_would_have_ended_and_shut_out_until_replaced(
    database: Database, authority: Authority
) -> None:
    request = _request(make_key())
    enrol(database, authority, claim(database), request)
    waiting = claim(database, "hani-1", replaces=True)
    with database.write() as session:
        assert registry.revoke(session, "hani-1", "stolen", by="test", now_s=NOW_S) is True
        assert registry.revoke(session, "hani-1", "stolen", by="test", now_s=NOW_S) is False
    with database.read() as session:
        assert len(registry.revoked(session, NOW_S)) == 1
        assert registry.shut_out(session, NOW_S) == ["hani-1"]
        assert registry.revoked(session, NOW_S + 400 * DAY_S) == []
    with pytest.raises(Refused, match="expired"):  # the claim that lay about ends with the revocation
        enrol(database, authority, waiting, _request(make_key()))
    with pytest.raises(Refused, match="key has a certificate"):
        enrol(database, authority, claim(database), request)
    enrol(database, authority, claim(database), _request(make_key()))
    with database.read() as session:
        assert registry.shut_out(session, NOW_S) == []
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert actions == [
        "identity.claim",
        "identity.enrolled",
        "identity.claim",
        "identity.revoked",
        "identity.claim",
        "identity.claim",
        "identity.enrolled",
    ]
    verify(database)


def test_nothing_is_asked_of_a_robot_without_a_certificate(database: Database) -> None:
    with pytest.raises(BadInput, match="make a claim"), database.write() as session:
        registry.rotate(session, "hani-1", by="test", now_s=NOW_S)
