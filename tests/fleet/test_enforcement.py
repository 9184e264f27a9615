"""What is ended in the database reaches the broker, however often that fails first; the platform's own keys go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from sqlalchemy import update

from robot.errors import LinkFault
from robot.fleet.database import Database, open_database
from robot.fleet.identity import __main__ as identity
from robot.fleet.identity import broker_link, commands, connections, registry
from robot.fleet.identity.authority import DAY_S, Authority, Layout, make_key, open_authority, serial_of
from robot.fleet.identity.serve import Desk
from robot.fleet.identity.tables import Certificate
from robot.fleet.identity.upkeep import Upkeep
from robot.reporting.enrol import _request
from robot.reporting.enrolment import EnrolRequest

pytestmark = pytest.mark.fleet

DEVICE = "hani-0007"


class Platform:
    """An initialised platform without a broker; what would be told to one is in `cuts`, and fails while `is_away`."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data, self.layout, self.now_s = data, Layout(data / "identity"), time.time()
        self.cuts: list[list[str]] = []
        self.is_away = False
        self.reloads = 0
        monkeypatch.setattr(broker_link, "_tell", self._tell)
        assert self.identity("init") == 0
        self.database: Database = open_database(data)
        self.authority: Authority = open_authority(self.layout)
        self.desk = Desk(self.database, self.authority, self.layout, lambda: self.now_s)
        self.upkeep = Upkeep(self.database, self.authority, self.layout, self._reload, lambda: self.now_s)

    def identity(self, word: str, *more: str) -> int:
        return identity.main([word, "--data", str(self.data), "--by", "test", *more])

    def enrol(self, device: str = DEVICE, **more: object) -> int:
        with self.database.write() as session:
            code = registry.claim(session, device, by="test", now_s=self.now_s, **more)  # type: ignore[arg-type]
        body = EnrolRequest(claim=code, request=_request(make_key())).model_dump_json().encode()
        return self.desk.enrol(body, "10.0.0.1").status_code

    def listed(self) -> int:
        return len(x509.load_pem_x509_crl(self.layout.revoked.read_bytes()))

    def owed(self) -> list[str]:
        return broker_link.owed(self.database, self.layout, self.now_s)

    def _tell(self, _layout: Layout, cut: list[str]) -> None:
        self.cuts.append(cut)
        if self.is_away:
            raise LinkFault("the broker is away")

    def _reload(self) -> None:
        self.reloads += 1


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    platform = Platform(tmp_path, monkeypatch)
    yield platform
    platform.database.close()


def test_a_stolen_robot_that_a_full_disk_left_inside_is_cut_off_when_there_is_room(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert platform.enrol() == 200

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(broker_link, "write_whole", full)
        assert platform.enrol(replaces=True) == 200  # the new robot has its certificate all the same
        platform.upkeep.turn()
        assert platform.owed() == [DEVICE]
    assert platform.listed() == 0
    platform.cuts.clear()
    platform.upkeep.turn()
    assert (platform.listed(), platform.cuts, platform.owed()) == (1, [[DEVICE]], [])
    platform.upkeep.turn()
    assert platform.cuts == [[DEVICE]]  # what was brought is not brought again: it would cut the new robot off


def test_a_revocation_that_the_broker_did_not_hear_of_is_said_and_brought_to_it_later(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    assert platform.enrol() == 200
    platform.is_away = True
    assert platform.identity("revoke", DEVICE, "--reason", "stolen") == 1
    assert "OWED TO THE BROKER" in capsys.readouterr().err
    platform.identity("list")
    assert f"{DEVICE}\tOWED" in capsys.readouterr().out
    platform.upkeep.turn()
    assert platform.owed() == [DEVICE]
    platform.is_away = False
    platform.upkeep.turn()
    assert (platform.cuts[-1], platform.owed()) == ([DEVICE], [])
    platform.identity("list")
    assert "OWED" not in capsys.readouterr().out


def test_a_robot_that_comes_back_while_the_broker_is_away_is_let_in_later(platform: Platform) -> None:
    platform.enrol()
    platform.identity("revoke", DEVICE, "--reason", "lost")
    assert f"user {DEVICE}" in platform.layout.access.read_text()
    platform.is_away = True
    assert platform.enrol() == 200
    assert platform.owed() == [DEVICE]
    platform.is_away = False
    platform.upkeep.turn()
    assert f"user {DEVICE}" not in platform.layout.access.read_text()
    assert platform.owed() == []


def test_a_robots_own_past_ends_without_cutting_its_connection(platform: Platform) -> None:
    platform.enrol()
    with platform.database.write() as session:
        session.execute(
            update(Certificate)
            .where(Certificate.name == DEVICE)
            .values(revoked_at_s=platform.now_s, revoked_because=registry.SUPERSEDED)
        )
    platform.enrol()
    assert platform.listed() == 1
    assert not any(platform.cuts)


def test_who_did_it_is_in_the_part_of_the_audit_that_can_be_erased(platform: Platform) -> None:
    from robot.fleet.audit import AuditDetail, AuditEntry

    platform.enrol()
    platform.identity("rotate", DEVICE)
    platform.identity("revoke", DEVICE, "--reason", "lost")
    with platform.database.read() as session:
        assert all("test" not in row.actor for row in session.query(AuditEntry))
        assert sum('"by":"test"' in row.detail for row in session.query(AuditDetail)) >= 4


def test_the_platforms_own_certificates_are_renewed_in_time_and_the_broker_and_this_service_take_them_up(
    platform: Platform,
) -> None:
    def serials() -> list[str]:
        pairs = [platform.layout.server, *map(platform.layout.service, ("ingest", "warden"))]
        return [serial_of(x509.load_pem_x509_certificate(pair.read_bytes())) for pair in pairs]

    before, told = serials(), len(platform.cuts)
    platform.upkeep.turn()
    assert (serials(), len(platform.cuts), platform.reloads) == (before, told, 0)
    platform.now_s += 0.7 * 5 * 365 * DAY_S
    platform.is_away = True
    platform.upkeep.turn()
    assert not set(serials()) & set(before)
    assert (platform.reloads, platform.owed()) == (1, [registry.SERVER])
    platform.is_away = False
    platform.upkeep.turn()
    assert (platform.reloads, platform.owed()) == (1, [])


def test_a_server_pair_that_does_not_belong_together_is_made_anew(platform: Platform) -> None:
    for content in (platform.layout.service("ingest").read_bytes()[:240], b""):
        certificate = platform.layout.server.read_bytes().partition(b"-----BEGIN CERTIFICATE")
        platform.layout.server.write_bytes(content + certificate[1] + certificate[2])
        platform.upkeep.turn()
        assert not commands._is_due(platform.layout.server, platform.now_s)


def test_certificates_that_nobody_renewed_are_known_thirty_days_before_their_end(platform: Platform) -> None:
    def ending(days: float) -> list[str]:
        with platform.database.read() as session:
            return sorted(name for name, _ in registry.ending(session, platform.now_s + days * DAY_S))

    assert ending(5 * 365 - 31) == []
    assert ending(5 * 365 - 29) == ["server", "service.ingest", "service.warden"]
    platform.identity("service", "ingest")
    platform.identity("init", "--host", "platform.example")  # a certificate by other names follows on the first one
    with platform.database.write() as session:
        oldest = select_oldest(session)
        session.execute(update(Certificate).where(Certificate.serial.in_(oldest)).values(not_after_s=platform.now_s))
    assert ending(0) == ["service.warden"]


def select_oldest(session: object) -> list[str]:
    rows: dict[str, str] = {}
    for row in session.query(Certificate).order_by(Certificate.issued_at_s.desc()):  # type: ignore[attr-defined]
        rows[row.kind if row.kind == registry.SERVER else row.name] = row.serial
    return list(rows.values())


class Wire:
    """A transport that only knows whether it was cut off."""

    def __init__(self, address: str) -> None:
        self.address, self.is_cut = address, False

    def get_extra_info(self, name: str) -> object:
        return {"peername": (self.address, 1), "sockname": ("127.0.0.1", 2)}.get(name)

    def abort(self) -> None:
        self.is_cut = True


def test_a_silent_connection_ends_and_one_address_cannot_take_them_all() -> None:
    timers: list[tuple[float, object]] = []
    together: set[object] = set()

    def connect(address: str) -> Wire:
        wire = Wire(address)
        brief = connections.Brief.__new__(connections.Brief)
        brief.connections = together  # type: ignore[assignment]
        brief.logger = SimpleNamespace(level=20)  # type: ignore[assignment]
        brief.loop = SimpleNamespace(call_later=lambda after_s, end: timers.append((after_s, end)))  # type: ignore[assignment]
        brief.connection_made(wire)  # type: ignore[arg-type]
        return wire

    crowd = [connect("10.0.0.1") for _ in range(connections.PER_ADDRESS + 1)]
    assert [wire.is_cut for wire in crowd] == [False] * connections.PER_ADDRESS + [True]
    other = connect("10.0.0.2")
    assert not other.is_cut
    after_s, end = timers[-1]
    assert after_s == connections.LASTS_S
    end()  # type: ignore[operator]
    assert other.is_cut
