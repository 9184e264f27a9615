"""From a paper to a certificate and on to the next one: nothing is given to the wrong one, nothing is lost half-way."""

from __future__ import annotations

import contextlib
import io
import json
import ssl
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import select

from robot.errors import BadConfiguration, BadInput, HaniError, LinkFault
from robot.fleet.audit import AuditDetail, AuditEntry, verify
from robot.fleet.database import open_database
from robot.fleet.identity.authority import DAY_S, make_key
from robot.fleet.identity.tables import Certificate, Claim
from robot.fleet.tables import Message, Refusal
from robot.messages import ReceiptKind
from robot.reporting import enrol
from robot.reporting.contract import AlarmBody, AlarmReport
from robot.reporting.enrolment import ALPHABET, PATH, EnrolRequest
from robot.reporting.outbox import Outbox
from robot.reporting.renewal import renewals_of
from robot.reporting.uplink import Tls, Uplink, UplinkSettings
from tests.fleet.conftest import until
from tests.fleet.secured import Site, device_client, service_client, up

pytestmark = [
    pytest.mark.fleet,
    # paho 2.1 leaves the socket of a failed handshake to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def patient_site(site: Site) -> Iterator[Site]:
    """With the counts of wrong claims forgotten before and after."""
    for _ in ("before", "after"):
        site.stop("serve")
        site.start_enrolment()
        if _ == "before":
            yield site


def certificate_in(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "robot.pem").read_bytes())


def post(site: Site, word: str, body: bytes) -> tuple[int, dict[str, str]]:
    """What the service says to a request that the robot's own code would never make."""
    context = ssl.create_default_context(cafile=str(site.layout.certificate))
    request = urllib.request.Request(f"{site.platform}{PATH}/{word}", body, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def alarm(alarm_id: str) -> AlarmBody:
    return AlarmBody(
        alarm_id=alarm_id,
        type="fall",
        phase="raised",
        revision=1,
        severity="high",
        confidence=0.9,
        onset_ts=1_790_000_000.0,
    )


def test_an_enrolled_robots_alarm_is_delivered_and_acknowledged_and_none_in_anothers_name(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real uplink, broker and ingest. A payload that names another robot is counted, and never acknowledged."""
    folder = site.robot("hani-3001", capsys)
    site.start_ingest()
    outbox = Outbox(tmp_path / "robot.db")
    receipts: list[ReceiptKind] = []
    tls = Tls(folder / "authority.pem", folder / "robot.pem")
    uplink = Uplink(
        UplinkSettings("hani-3001", port=site.port, tls=tls), outbox, lambda receipt: receipts.append(receipt.kind)
    )
    uplink.start(time.time())
    try:
        message_id = outbox.append(alarm("alarm-3001"), time.time())

        def received() -> bool:
            uplink.pump(time.time())
            return ReceiptKind.RECEIVED in receipts

        until(received)
    finally:
        uplink.stop(time.time())
        outbox.close()

    lie = AlarmReport(id="lie-00000001", dev="hani-3999", seq=1, ts=time.time(), body=alarm("alarm-3999"))
    database = open_database(site.data)
    try:
        with device_client(site, folder) as robot:
            robot.publish(up("hani-3001"), lie.encode())

            def refused() -> bool:
                with database.read() as session:
                    return any("device" in row.reason for row in session.scalars(select(Refusal)))

            until(refused)
        with database.read() as session:
            assert [
                row.message_id for row in session.scalars(select(Message).where(Message.device == "hani-3001"))
            ] == [message_id]
            assert session.scalar(select(Message).where(Message.device == "hani-3999")) is None
    finally:
        database.close()
        site.stop("ingest")


def test_the_platform_says_who_a_robot_is_and_not_the_request(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    paper, key = site.paper("hani-3101", capsys), make_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service.ingest")])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )
    body = EnrolRequest(claim=paper.claim, request=request).model_dump_json().encode()
    status, answer = post(site, "enrol", body)
    assert (status, answer["device"]) == (200, "hani-3101")
    given = x509.load_pem_x509_certificate(answer["certificate"].encode())
    assert given.subject.rfc4514_string() == "CN=hani-3101"
    assert not given.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = given.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    life_s = given.not_valid_after_utc.timestamp() - time.time()
    assert 364 * DAY_S < life_s <= 365 * DAY_S


def test_the_key_stays_on_the_robot_for_its_owner_alone(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    folder = site.robot("hani-3151", capsys)
    assert stat.S_IMODE((folder / "robot.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == ["authority.pem", "identity.json", "robot.pem"]
    for path in site.data.rglob("*"):
        if path.is_file() and path.name not in ("robot.pem", "server.pem", "authority.key", "ingest.pem", "warden.pem"):
            with contextlib.suppress(FileNotFoundError):  # the broker and the database make files and take them away
                assert b"PRIVATE KEY" not in path.read_bytes(), path
    for name in ("authority/authority.key", "server.pem", "services/ingest.pem", "services/warden.pem"):
        assert stat.S_IMODE((site.layout.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(site.layout.key.parent.stat().st_mode) == 0o700


def test_a_claim_serves_once(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper = site.paper("hani-3201", capsys)
    enrol.enrol(paper, tmp_path / "first", time.time())
    with pytest.raises(enrol.Refused, match="used already") as refused:
        enrol.enrol(paper, tmp_path / "second", time.time())
    assert refused.value.code == "claim_used"
    assert not (tmp_path / "second" / "robot.pem").exists()


def test_an_expired_claim_and_one_that_a_newer_one_replaced_are_refused(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expired = site.paper("hani-3301", capsys, "--hours", "0")
    with pytest.raises(enrol.Refused) as refused:
        enrol.enrol(expired, tmp_path, time.time())
    assert refused.value.code == "claim_expired"
    replaced, newer = site.paper("hani-3302", capsys), site.paper("hani-3302", capsys)
    with pytest.raises(enrol.Refused) as refused:
        enrol.enrol(replaced, tmp_path, time.time())
    assert refused.value.code == "claim_expired"
    assert enrol.enrol(newer, tmp_path, time.time()).device == "hani-3302"


def test_a_second_certificate_for_a_robot_must_be_meant(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A claim for a robot that has an identity is a claim to be it: the first one ends when the second is used."""
    first = site.robot("hani-3351", capsys)
    assert site.identity("claim", "hani-3351") == 1
    assert "add --replace" in capsys.readouterr().err
    with device_client(site, first) as robot:
        second = site.data / "robots" / "hani-3351-new"
        enrol.enrol(site.paper("hani-3351", capsys, "--replace"), second, time.time())
        until(lambda: robot.ends > 0 and not robot.inside)
    with device_client(site, first) as old, device_client(site, second) as new:
        assert (old.inside, new.inside) == (False, True)


def test_a_platform_that_is_not_the_papers_gets_no_claim(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = site.paper("hani-3401", capsys)
    asked: list[str] = []
    real = enrol._http
    monkeypatch.setattr(enrol, "_http", lambda *given: (asked.append(given[3]), real(*given))[1])
    with pytest.raises(LinkFault, match="another fingerprint"):
        enrol.enrol(replace(paper, fingerprint="0000-" * 7 + "0000"), tmp_path, time.time())
    assert asked == ["authority"]
    # the right authority, reached by a name that is not in the server's certificate
    elsewhere = replace(paper, platform=paper.platform.replace("127.0.0.1", "127.0.0.2"))
    with pytest.raises(LinkFault):
        enrol.enrol(elsewhere, tmp_path, time.time())
    assert enrol.enrol(paper, tmp_path, time.time()).device == "hani-3401"


def test_guessing_is_stopped_and_is_in_the_audit(
    patient_site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Well-formed codes that nobody gave out, and mistyped ones sent past the robot's own check."""
    site, paper = patient_site, patient_site.paper("hani-3451", capsys)
    request = enrol._request(make_key())
    last = ALPHABET[(ALPHABET.index(paper.claim[-1]) + 1) % len(ALPHABET)]
    mistyped = paper.claim[:-1] + last
    codes = []
    for _ in range(11):
        status, answer = post(site, "enrol", EnrolRequest(claim=mistyped, request=request).model_dump_json().encode())
        codes.append((status, answer["code"]))
    assert codes == [(403, "claim_unknown")] * 10 + [(429, "too_many")]
    with pytest.raises(enrol.Refused) as refused:  # even the right one, so that a guess is never worth its while
        enrol.enrol(paper, tmp_path, time.time())
    assert refused.value.code == "too_many"
    database = open_database(site.data)
    with database.read() as session:
        found = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "identity.refused")).all()
        assert len(found) >= 10
    verify(database)
    database.close()


@pytest.mark.parametrize(
    ("word", "body", "status"),
    [
        ("enrol", b"", 422),
        ("enrol", b"\xff\x00", 422),
        ("enrol", b"[" * 20_000, 422),
        ("enrol", b'{"v": 2, "claim": "a", "request": "b"}', 422),
        ("enrol", b" " * 40_000, 413),
        ("renew", b'{"certificate": "x", "request": "y", "signature": ""}', 422),
        ("standing", b'{"certificate": "-----BEGIN CERTIFICATE-----", "signature": "zz"}', 422),
    ],
)
def test_what_is_no_request_is_refused_in_one_line(site: Site, word: str, body: bytes, status: int) -> None:
    given, answer = post(site, word, body)
    assert given == status
    assert set(answer) == {"v", "code", "message"}


def test_neither_keys_nor_claims_stand_in_a_log_in_the_database_or_in_an_error(
    site: Site,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used, unused = site.paper("hani-3701", capsys), site.paper("hani-3702", capsys)
    enrol.enrol(used, tmp_path / "a", time.time())
    errors = []
    for paper in (used, replace(unused, claim=unused.claim[:-1])):
        with pytest.raises(HaniError) as refused:
            enrol.enrol(paper, tmp_path / "b", time.time())
        errors.append(str(refused.value))
    post(site, "enrol", json.dumps({"claim": unused.claim, "request": 7}).encode())
    post(site, "enrol", json.dumps({"claim": unused.claim, "request": "no request"}).encode())
    assert "a robot is refused" in site.log.read_text()  # the positive control: refusals are logged
    database = open_database(site.data)
    with database.read() as session:
        kept = [
            str(vars(row))
            for table in (Claim, Certificate, AuditEntry, AuditDetail)
            for row in session.scalars(select(table))
        ]
    database.close()
    everything = "\n".join([site.log.read_text(), caplog.text, capsys.readouterr().err, *errors, *kept])
    assert "hani-3701" in everything
    for paper in (used, unused):
        for form in (paper.claim, paper.claim.replace("-", "")):
            assert form not in everything
    assert "PRIVATE KEY" not in everything
    assert used.claim not in repr(EnrolRequest(claim=used.claim, request=""))


def test_the_command_enrols_and_says_what_to_set(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = site.paper("hani-3801", capsys)
    out = tmp_path / "identity"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{paper}\n"))  # a command's words are read by every process
    assert enrol.main(["--paper", "-", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "robot_id: hani-3801" in said
    assert f"tls_certificate: {out}/robot.pem" in said
    assert enrol.main(["--paper", str(paper), "--out", str(out)]) == 1
    assert "--replace" in capsys.readouterr().err
    assert enrol.main(["--renew", "--out", str(out)]) == 0
    assert enrol.identity_in(out).device == "hani-3801"
    assert renewals_of(f"{out}/robot.pem", "hani-3801") is not None
    with pytest.raises(BadConfiguration, match="set robot_id: hani-3801"):
        renewals_of(f"{out}/robot.pem", "hani-0001")
    assert renewals_of(f"{tmp_path}/of-elsewhere.pem", "hani-0001") is None
    assert renewals_of("", "hani-0001") is None


def test_the_robots_own_check_finds_a_mistyped_claim_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ["--claim", "2VFP-5DJG-X8Q2-GK4H", "--platform", "https://127.0.0.1:9", "--fingerprint", "00" * 16]
    assert enrol.main([*typed, "--out", str(tmp_path)]) == 1
    assert "mistyped" in capsys.readouterr().err


def test_a_wrong_address_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for address, said in (("http://127.0.0.1", "https://"), ("https://127.0.0.1:9", "cannot be reached")):
        typed = ["--claim", "2VFP-5DJG-X8Q2-GK4G", "--platform", address, "--fingerprint", "00" * 16]
        assert enrol.main([*typed, "--out", str(tmp_path)]) == 1
        assert said in capsys.readouterr().err
    with pytest.raises(BadInput):
        enrol.read_paper("hani2 https://127.0.0.1 x y")


def test_services_and_robots_cannot_share_a_name(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.identity("claim", "service.ingest") == 1
    assert site.identity("claim", "Hani") == 1
    assert "small letters" in capsys.readouterr().err
    with service_client(site) as ingest:
        assert ingest.inside
