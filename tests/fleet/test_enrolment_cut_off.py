"""Enrolment and renewal, interrupted anywhere: the same command or the next day goes on, and nobody else gets in."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from robot.errors import LinkFault
from robot.fleet.identity.authority import DAY_S
from robot.reporting import enrol
from tests.fleet.conftest import until
from tests.fleet.secured import Client, Site, device_client

pytestmark = [
    pytest.mark.fleet,
    # paho 2.1 leaves the socket of a failed handshake to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def certificate_in(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "robot.pem").read_bytes())


def test_an_answer_that_got_lost_is_given_again_to_the_same_robot(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after the platform has committed: the key on the disk makes the second attempt the same one."""
    paper = site.paper("hani-3251", capsys)

    with monkeypatch.context() as cut:
        cut.setattr(enrol, "_checked", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            enrol.enrol(paper, tmp_path, time.time())
    key = (tmp_path / "next.key").read_bytes()
    assert enrol.enrol(paper, tmp_path, time.time()).device == "hani-3251"
    assert (tmp_path / "robot.pem").read_bytes().startswith(key)
    with device_client(site, tmp_path) as robot:
        assert robot.inside


def test_a_lost_answer_and_a_new_claim_need_no_hand_on_the_robots_files(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of the lost answer has a certificate already and is refused for ever: the robot makes another one."""
    out = tmp_path / "identity"
    with monkeypatch.context() as cut:
        cut.setattr(enrol, "_checked", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            enrol.enrol(site.paper("hani-3261", capsys), out, time.time())
    lost = (out / "next.key").read_bytes()
    paper = site.paper("hani-3261", capsys, "--replace")
    assert enrol.enrol(paper, out, time.time(), replace=True).device == "hani-3261"
    assert not (out / "robot.pem").read_bytes().startswith(lost)
    assert enrol.renew_if_due(out, time.time()) is False
    (out / "next.key").write_bytes(lost)  # the same of a renewal
    assert enrol.renew_if_due(out, time.time() + 250 * DAY_S) is True
    with device_client(site, out) as robot:
        assert robot.inside


def test_a_power_cut_while_a_robot_gets_another_platform_leaves_a_pair_and_its_authority(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever platform's pair is on the disk, its authority is trusted; the same command then goes on."""
    other = Site(tmp_path / "other")
    other.start_enrolment()
    try:
        papers = [site.paper("hani-3271", capsys), other.paper("hani-3271", capsys)]
        writes = 0
        real = enrol.write_whole

        def write(*given: object) -> None:
            nonlocal writes
            if writes == 0:
                raise KeyboardInterrupt
            writes -= 1
            real(*given)  # type: ignore[arg-type]  # passed on as it came

        for step in range(6):
            out = tmp_path / f"robot-{step}"
            if step == 0:
                enrol.enrol(papers[0], out, time.time())
                first = out
            else:
                shutil.copytree(first, out)
            with monkeypatch.context() as cut:
                writes = step
                cut.setattr(enrol, "write_whole", write)
                with contextlib.suppress(KeyboardInterrupt):
                    enrol.enrol(papers[1], out, time.time(), replace=True)
            context = ssl.create_default_context(cafile=out / "authority.pem")
            context.load_cert_chain(out / "robot.pem")
            trusted = x509.load_pem_x509_certificates((out / "authority.pem").read_bytes())
            assert any(_signed(certificate_in(out), authority) for authority in trusted), step
            assert enrol._open(enrol.Folder(out))
            if step == 1:  # the one that holds the key which the second platform knows
                first = out
        assert trusted == [x509.load_pem_x509_certificate(other.layout.certificate.read_bytes())]
        assert not (out / "next.key").exists()
        assert enrol.identity_in(out).platform == other.platform
    finally:
        other.stop_all()


def _power_cut(*_: object) -> None:
    raise KeyboardInterrupt


def _signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, InvalidSignature):
        return False
    return True


def test_a_certificate_is_renewed_in_time_and_the_old_one_ends_when_the_new_is_used(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = site.robot("hani-3501", capsys)
    before, now_s = (folder / "robot.pem").read_bytes(), time.time()
    assert enrol.renew_if_due(folder, now_s) is False
    assert enrol.renew_if_due(folder, now_s + 200 * DAY_S) is False
    assert (folder / "robot.pem").read_bytes() == before
    assert enrol.renew_if_due(folder, now_s + 250 * DAY_S) is True
    assert (folder / "previous.pem").read_bytes() == before
    assert not (folder / "next.key").exists()
    old = x509.load_pem_x509_certificate(before)
    assert certificate_in(folder).public_key() != old.public_key()
    for pair, inside in (("robot.pem", True), ("previous.pem", False)):
        with Client(site.port, site.layout.certificate, folder / pair) as robot:
            assert robot.inside is inside


def test_a_renewal_may_be_cut_off_anywhere(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the answer is stored and after: the pair on the disk opens the broker, and the next call goes on."""
    folder, later_s = site.robot("hani-3551", capsys), time.time() + 250 * DAY_S

    for step in ("_request", "_checked", "_store"):
        with monkeypatch.context() as cut:
            cut.setattr(enrol, step, _power_cut)
            with pytest.raises(KeyboardInterrupt):
                enrol.renew_if_due(folder, later_s)
        with device_client(site, folder) as robot:
            assert robot.inside, step
    with monkeypatch.context() as cut:  # stored, and the platform not told
        real, words = enrol._ask, []

        def ask(*given: object) -> object:
            words.append(given[2])
            if words == ["standing", "renew", "standing"]:
                raise LinkFault("gone")
            return real(*given)  # type: ignore[arg-type]  # passed on as it came

        cut.setattr(enrol, "_ask", ask)
        assert enrol.renew_if_due(folder, later_s) is True
    for pair in ("robot.pem", "previous.pem"):  # one after the other: they are the same robot's
        with Client(site.port, site.layout.certificate, folder / pair) as robot:
            assert robot.inside, pair
    assert enrol.renew_if_due(folder, time.time()) is False

    def is_past() -> bool:
        with Client(site.port, site.layout.certificate, folder / "previous.pem") as past:
            return not past.inside

    until(is_past)  # the broker reads its list when it next looks: a connection that is there already comes first


def test_a_new_key_can_be_asked_for(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    folder = site.robot("hani-3601", capsys)
    assert site.identity("rotate", "hani-3601") == 0
    assert enrol.renew_if_due(folder, time.time()) is True
    assert enrol.renew_if_due(folder, time.time()) is False
    with device_client(site, folder) as robot:
        assert robot.inside


def test_a_revoked_or_strange_certificate_renews_nothing(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = site.robot("hani-3651", capsys)
    other = site.robot("hani-3652", capsys)
    pair = (folder / "robot.pem").read_bytes()
    # another robot's certificate with one's own key: the signature does not fit
    certificate = (other / "robot.pem").read_bytes().partition(b"-----BEGIN CERTIFICATE-----")
    key = pair.partition(b"-----BEGIN CERTIFICATE-----")[0]
    (folder / "robot.pem").write_bytes(key + certificate[1] + certificate[2])
    with pytest.raises(enrol.Refused) as refused:
        enrol.renew_if_due(folder, time.time() + 250 * DAY_S)
    assert refused.value.code == "signature"
    (folder / "robot.pem").write_bytes(pair)
    assert site.identity("revoke", "hani-3651", "--reason", "stolen") == 0
    with pytest.raises(enrol.Refused) as refused:
        enrol.renew_if_due(folder, time.time() + 250 * DAY_S)
    assert refused.value.code == "revoked"
    assert (folder / "robot.pem").read_bytes() == pair
