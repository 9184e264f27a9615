"""Who may speak as whom: real mosquitto, real TLS. What is forbidden must not arrive, whatever the broker answers."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from robot.fleet import link
from robot.fleet.identity.authority import (
    DAY_S,
    Layout,
    key_pem,
    make_authority,
    make_key,
    open_authority,
    pem,
)
from robot.reporting.broker import LARGEST_PACKET_BYTES
from robot.reporting.contract import PAYLOAD_BYTES
from tests.fleet.conftest import PATIENCE_S, ROOT, until
from tests.fleet.secured import CONNECT, Client, Site, device_client, resumed, service_client, up

pytestmark = [
    pytest.mark.fleet,
    # paho 2.1 leaves the socket of a failed handshake to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def forged(site: Site, folder: Path, kind: str) -> Path | None:
    """A pair of key and certificate for hani-2001 that the platform has not issued, or not for this, or not for now."""
    now_s, key, authority = time.time(), make_key(), open_authority(site.layout)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hani-2001")])
    if kind == "none":
        return None
    if kind == "self-signed":
        certificate = _self_signed(key, name)
    elif kind == "foreign":
        certificate = make_authority(Layout(folder / "other"), now_s).issue_client(
            "hani-2001", key.public_key(), now_s, DAY_S
        )
    elif kind == "expired":
        certificate = authority.issue_client("hani-2001", key.public_key(), now_s - 1.5 * DAY_S, 0.5 * DAY_S)
    elif kind == "a server's":
        certificate = authority.issue_server(["hani-2001"], key.public_key(), now_s, DAY_S)
    else:
        certificate = authority.issue_client("hani-2001", key.public_key(), now_s, DAY_S)
    path = folder / "pair.pem"
    path.write_bytes(key_pem(key) + pem(certificate))
    return path


def _self_signed(key: ec.EllipticCurvePrivateKey, name: x509.Name) -> x509.Certificate:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize("kind", ["none", "self-signed", "foreign", "expired", "a server's"])
def test_who_has_no_certificate_of_this_authority_for_now_is_not_let_in(site: Site, tmp_path: Path, kind: str) -> None:
    pair = forged(site, tmp_path, kind)
    for port in (site.port, site.services_port):
        with Client(port, site.layout.certificate, pair, "hani-2001") as stranger:
            assert not stranger.inside


def test_the_same_with_a_good_certificate_is_let_in(site: Site, tmp_path: Path) -> None:
    with Client(site.port, site.layout.certificate, forged(site, tmp_path, "good"), "hani-2001") as robot:
        assert robot.inside


def test_a_robot_speaks_only_on_its_own_topics(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Of what it publishes on another's topics, retained or as a last will, nothing arrives."""
    mine, other = site.robot("hani-2101", capsys), site.robot("hani-2102", capsys)
    with (
        service_client(site) as ingest,
        device_client(site, other) as neighbour,
        device_client(site, mine) as robot,
    ):
        ingest.subscribe("$share/ingest/hani/v1/+/e/alarm", "hani/v1/+/e/event", "hani/v1/+/state", "hani/v1/+/cmd/ack")
        neighbour.publish(up("hani-2102", "state"), b"mine", retain=True)
        assert ingest.next()[:2] == (up("hani-2102", "state"), b"mine")
        for leaf in ("e/alarm", "e/event", "state", "cmd/ack", "ack", "cmd/alarm"):
            robot.publish(up("hani-2102", leaf), b"forged", retain=leaf == "state")
        robot.publish(up("hani-2102", "state"), b"", retain=True)  # would delete it
        robot.publish(up("hani-2101", "ack"), b"forged")  # its own, but the platform's to write
        robot.publish("hani/v1/anything", b"forged")
        robot.publish(up("hani-2101"), b"true")
        assert ingest.next()[:2] == (up("hani-2101"), b"true")
        assert ingest.heard.empty()
        assert robot.ends == 0  # a newer robot's unknown leaf must not cost it its link
        with service_client(site) as late:
            late.subscribe("hani/v1/hani-2102/state")
            assert late.next() == (up("hani-2102", "state"), b"mine", True)


def test_a_last_will_for_another_robot_is_not_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    mine, other = site.robot("hani-2151", capsys), site.robot("hani-2152", capsys)
    with service_client(site) as ingest:
        ingest.subscribe(up("hani-2151", "state"), up("hani-2152", "state"))
        with device_client(site, mine, will=(up("hani-2152", "state"), b"forged")) as robot:
            robot.client._sock_close()  # a cable pulled out
        with device_client(site, other, will=(up("hani-2152", "state"), b"true")) as robot:
            robot.client._sock_close()
            assert ingest.next()[:2] == (up("hani-2152", "state"), b"true")
        assert ingest.heard.empty()


def test_a_robot_hears_only_what_is_sent_to_it(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """mosquitto grants every one of these subscriptions: only what arrives counts."""
    mine, other = site.robot("hani-2201", capsys), site.robot("hani-2202", capsys)
    with (
        service_client(site) as ingest,
        device_client(site, other) as neighbour,
        device_client(site, mine) as robot,
    ):
        robot.subscribe(
            "#",
            "+/+/+/#",
            "$SYS/#",
            "hani/v1/hani-2202/#",
            "hani/v1/+/ack",
            "$share/a/hani/v1/+/ack",
            "hani/v1/+/state",
        )
        neighbour.publish(up("hani-2202"), b"private")
        neighbour.publish(up("hani-2202", "state"), b"private", retain=True)
        ingest.publish(up("hani-2202", "ack"), b"private")
        ingest.publish(up("hani-2202", "cmd/alarm"), b"private")
        neighbour.subscribe(up("hani-2202", "ack"))
        ingest.publish(up("hani-2202", "ack"), b"for the neighbour")
        assert neighbour.next()[1] == b"for the neighbour"
        ingest.publish(up("hani-2201", "ack"), b"for me")
        assert robot.next()[:2] == (up("hani-2201", "ack"), b"for me")
        heard = [robot.heard.get_nowait() for _ in range(robot.heard.qsize())]
        assert {payload for _, payload, _ in heard} <= {b"for me"}


def test_nobody_drives_another_robot_out_by_its_client_id(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    mine, other = site.robot("hani-2301", capsys), site.robot("hani-2302", capsys)
    with service_client(site) as ingest, device_client(site, other, "hani-2302") as victim:
        victim.subscribe(up("hani-2302", "ack"))
        with device_client(site, mine, "hani-2302") as thief:
            thief.subscribe(up("hani-2302", "ack"))
            ingest.publish(up("hani-2302", "ack"), b"for the victim")
            assert victim.next()[1] == b"for the victim"
            assert thief.heard.empty()
        assert (victim.inside, victim.ends) == (True, 0)


def test_a_revoked_robot_is_cut_off_and_stays_out_while_others_notice_nothing(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list of revocations alone leaves the standing connection in service: mosquitto 2.0.11 asks it only once."""
    stolen, other = site.robot("hani-2401", capsys), site.robot("hani-2402", capsys)
    context = ssl.create_default_context(cafile=str(site.layout.certificate))
    context.load_cert_chain(stolen / "robot.pem")
    assert resumed(site, stolen, None, context)[:1] == b"\x20"
    session = context.hani_session  # type: ignore[attr-defined]  # set by the helper
    assert resumed(site, stolen, session, context)[:1] == b"\x20"
    assert context.hani_reused  # type: ignore[attr-defined]  # the positive control: sessions are resumed here
    with service_client(site) as ingest, device_client(site, other) as neighbour, device_client(site, stolen) as thief:
        ingest.subscribe("hani/v1/+/e/alarm")
        thief.subscribe(up("hani-2401", "ack"))
        thief.publish(up("hani-2401"), b"before")
        assert ingest.next()[1] == b"before"
        assert site.identity("revoke", "hani-2401", "--reason", "stolen") == 0
        until(lambda: thief.ends > 0 and not thief.inside)
        assert resumed(site, stolen, session, context)[:1] != b"\x20"
        with device_client(site, stolen) as again:
            assert not again.inside
        thief.client.publish(up("hani-2401"), b"after", qos=1)
        ends = thief.ends
        until(lambda: thief.ends > ends)  # it has tried again meanwhile
        neighbour.publish(up("hani-2402"), b"unmoved")
        assert ingest.next()[1] == b"unmoved"
        assert ingest.heard.empty()
        assert neighbour.ends == 0
    # the robot comes back with a new claim, the thief's certificate does not
    old = (stolen / "robot.pem").read_bytes()
    site.robot("hani-2401", capsys, "--replace")
    (stolen / "old.pem").write_bytes(old)
    with device_client(site, stolen) as back, service_client(site) as ingest:
        ingest.subscribe("hani/v1/+/e/alarm")
        back.publish(up("hani-2401"), b"back")
        assert ingest.next()[1] == b"back"
        with Client(site.port, site.layout.certificate, stolen / "old.pem") as thief:
            assert not thief.inside


def test_access_rules_shut_a_revoked_robot_out_before_its_connection_ends(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line of defence: a connection that could not be ended is served nothing."""
    folder = site.robot("hani-2451", capsys)
    monkeypatch.setattr("robot.fleet.identity.broker_link._take_over", lambda *_: None)
    with service_client(site) as ingest, device_client(site, folder) as robot:
        ingest.subscribe("hani/v1/+/e/alarm", "hani/v1/+/e/event")
        robot.subscribe(up("hani-2451", "ack"))
        ingest.publish(up("hani-2451", "ack"), b"before")
        assert robot.next()[1] == b"before"
        assert site.identity("revoke", "hani-2451", "--reason", "stolen") == 0
        with device_client(site, site.robot("hani-2452", capsys)) as neighbour:

            def is_shut_out() -> bool:
                """Whether of two messages the neighbour's, which was sent later, is the first to arrive."""
                robot.publish(up("hani-2451"), b"probe")
                neighbour.publish(up("hani-2452"), b"control")
                if ingest.next()[1] == b"control":
                    return True
                assert ingest.next()[1] == b"control"
                return False

            until(is_shut_out)  # the reload happens between two turns of the broker's loop
            ingest.publish(up("hani-2451", "ack"), b"after")
            robot.publish(up("hani-2451", "e/event"), b"after")
            neighbour.publish(up("hani-2452"), b"control")
            assert ingest.next()[1] == b"control"
        assert ingest.heard.empty()
        assert robot.heard.empty()
        assert robot.inside


def test_a_revocation_outlives_the_broker(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    revoked, good = site.robot("hani-2501", capsys), site.robot("hani-2502", capsys)
    site.stop("broker")
    assert site.identity("revoke", "hani-2501", "--reason", "retired") == 0  # nobody is there to be told
    site.start_broker()
    with device_client(site, revoked) as out, device_client(site, good) as inside:
        assert (out.inside, inside.inside) == (False, True)


def test_a_robots_certificate_opens_nothing_on_the_platforms_own_port(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = site.robot("hani-2601", capsys)
    with (
        service_client(site) as ingest,
        Client(site.services_port, site.layout.certificate, folder / "robot.pem", "any") as robot,
    ):
        ingest.subscribe("hani/v1/+/e/alarm")
        robot.subscribe("hani/v1/+/e/alarm")
        robot.publish(up("hani-2602"), b"forged")
        robot.publish(up("hani-2601"), b"true")
        assert ingest.next()[:2] == (up("hani-2601"), b"true")
        assert ingest.heard.empty()
        assert robot.heard.empty()


def test_a_running_broker_shows_its_renewed_certificate_and_ingest_its_own_at_the_next_connection(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _shown(site.port, site.layout)
    assert site.identity("init", "--host", "later.example") == 0
    until(lambda: _shown(site.port, site.layout) != shown)
    pair = site.layout.service("ingest")
    broker = link.Broker("127.0.0.1", site.services_port, site.layout.certificate, pair, pair)
    read: list[object] = []
    real = link._read_pair
    monkeypatch.setattr(link, "_read_pair", lambda context, given: (read.append(given), real(context, given))[1])
    ingest = link.Link(broker, ["e/alarm"], lambda _device: True, lambda _received: None)
    ingest.start()
    try:
        assert ingest.up.wait(PATIENCE_S)
    finally:
        ingest.stop()
    assert len(read) >= 2  # at the start, and before each connection


def _shown(port: int, layout: Layout) -> bytes | None:
    context = ssl.create_default_context(cafile=str(layout.certificate))
    context.load_cert_chain(layout.service("warden"))
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        return secured.getpeercert(binary_form=True)


def test_a_packet_that_no_report_can_be_ends_its_senders_connection_only(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, other = site.robot("hani-2701", capsys), site.robot("hani-2702", capsys)
    name = up("hani-2701").encode()
    with service_client(site) as ingest, device_client(site, other) as neighbour:
        ingest.subscribe("hani/v1/+/e/alarm")
        assert _stays_open(site, mine, name, PAYLOAD_BYTES)
        assert len(ingest.next()[1]) == PAYLOAD_BYTES
        assert not _stays_open(site, mine, name, LARGEST_PACKET_BYTES)
        neighbour.publish(up("hani-2702"), b"unmoved")
        assert ingest.next()[1] == b"unmoved"
        assert neighbour.ends == 0


def _stays_open(site: Site, folder: Path, name: bytes, payload_bytes: int) -> bool:
    """Whether the broker still answers a ping after a message of this size."""
    context = ssl.create_default_context(cafile=str(site.layout.certificate))
    context.load_cert_chain(folder / "robot.pem")
    body = len(name).to_bytes(2, "big") + name + b"\0" + b"x" * payload_bytes
    length = bytes([len(body) & 127 | 128, len(body) >> 7 & 127 | 128, len(body) >> 14])
    with (
        socket.create_connection(("127.0.0.1", site.port), PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        link.sendall(CONNECT)
        assert link.recv(64)[:1] == b"\x20"
        answer = b""
        with contextlib.suppress(OSError):
            link.sendall(b"\x30" + length + body + b"\xc0\0")
            answer = link.recv(64)
        return answer == b"\xd0\0"


def test_more_connections_than_allowed_leave_the_platforms_own_port_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = Site(tmp_path, connections=2)
    small.start_broker()
    small.start_enrolment()
    try:
        robots = [small.robot(f"hani-280{number}", capsys) for number in range(3)]
        with device_client(small, robots[0]) as first, device_client(small, robots[1]) as second:
            with device_client(small, robots[2]) as third:
                assert (first.inside, second.inside, third.inside) == (True, True, False)
            with service_client(small) as ingest:
                assert ingest.inside
    finally:
        small.stop_all()


LAUNCH = """
import sys
from pathlib import Path
from robot.supervisor import shim
shim.install()
from robot.supervisor.service import Service
service = Service()
service.read(Path("launch/fleet.launch.py"), dict(word.split(":=") for word in sys.argv[1:]))
for one in service._supervised:
    print(one.command.name, *one.command.arguments)
service.close()
"""


def test_the_launch_file_opens_the_platform_by_certificate_only(tmp_path: Path) -> None:
    def started(*given: str) -> dict[str, str]:
        command = [sys.executable, "-c", LAUNCH, f"data:={tmp_path}", "broker_port:=8883", *given]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True, timeout=PATIENCE_S)
        return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " -m robot." in line)

    secure = started("secure:=true", "bind:=0.0.0.0", "platform_hosts:=platform.example 10.0.0.7")
    assert f"--tls {tmp_path}/identity" in secure["broker"]
    assert f"--broker-cert {tmp_path}/identity/services/ingest.pem" in secure["ingest"]
    assert "--broker-port 8884" in secure["ingest"]
    assert "--host 0.0.0.0 --port 8443" in secure["enrolment"]
    server = x509.load_pem_x509_certificate((tmp_path / "identity" / "server.pem").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["127.0.0.1", "localhost", "platform.example", "10.0.0.7"]
    # without certificates the broker gets the address, and refuses it
    plain = started("bind:=0.0.0.0")
    assert "enrolment" not in plain
    assert "--bind 0.0.0.0" in plain["broker"]
    assert "--tls" not in plain["broker"]
