"""The authority's parts without a network: limits, access rules, certificates, lists."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadConfiguration, BadInput
from robot.fleet.identity.access import access_rules, service_name
from robot.fleet.identity.attempts import Attempts
from robot.fleet.identity.authority import (
    DAY_S,
    Layout,
    make_authority,
    make_key,
    open_authority,
    read_certificate,
    read_request,
    serial_of,
)
from robot.fleet.identity.registry import is_due
from robot.reporting.contract import DOWN, UP

pytestmark = pytest.mark.unit

NOW_S = 1_800_000_000.0


def test_an_address_is_stopped_after_its_tries_and_let_in_again_later() -> None:
    attempts = Attempts(per_address=3, in_all=100, window_s=60)
    for second in range(3):
        assert attempts.wait_s("10.0.0.1", NOW_S + second) == 0
        attempts.failed("10.0.0.1", NOW_S + second)
    assert attempts.wait_s("10.0.0.1", NOW_S + 3) == 57
    assert attempts.wait_s("10.0.0.2", NOW_S + 3) == 0
    assert attempts.wait_s("10.0.0.1", NOW_S + 60) == 0
    assert attempts.wait_s("10.0.0.1", NOW_S - 9) == 0  # a clock set back shuts nobody out for ever


def test_many_addresses_together_are_stopped_too_and_an_ipv6_network_counts_as_one() -> None:
    attempts = Attempts(per_address=2, in_all=4, window_s=60)
    for host in range(2):
        attempts.failed(f"2001:db8::{host}", NOW_S)
    assert attempts.wait_s("2001:db8::ffff", NOW_S) > 0
    assert attempts.wait_s("2001:db8:1::1", NOW_S) == 0
    for host in range(2):
        attempts.failed(f"10.0.0.{host}", NOW_S)
    assert attempts.wait_s("10.0.0.9", NOW_S) > 0


def test_a_robot_writes_its_leaves_up_and_reads_its_leaves_down_and_no_other() -> None:
    """Every leaf of the contract, each in one direction: a new one is in the rules as soon as it is in the contract."""
    patterns = [line for line in access_rules().splitlines() if line.startswith("pattern")]
    assert sorted(patterns) == sorted(
        [f"pattern write hani/v1/%u/{leaf}" for leaf in UP] + [f"pattern read hani/v1/%u/{leaf}" for leaf in DOWN]
    )


def test_who_is_shut_out_is_denied_everything() -> None:
    rules = access_rules(["hani-2", "hani-1"])
    assert "user hani-1\ntopic deny #\n\nuser hani-2\ntopic deny #\n" in rules
    assert "deny" not in access_rules()


def test_services_have_names_that_no_robot_can_have() -> None:
    assert service_name("ingest") == "service.ingest"
    with pytest.raises(BadInput):
        service_name("admin")


def test_an_authority_is_made_once_and_an_interrupted_start_goes_on_with_its_key(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = make_authority(layout, NOW_S)
    assert open_authority(layout).fingerprint == made.fingerprint
    key = layout.key.read_bytes()
    layout.certificate.unlink()
    with pytest.raises(BadConfiguration, match=r"run: python -m robot\.fleet\.identity init"):
        open_authority(layout)
    again = make_authority(layout, NOW_S)
    assert layout.key.read_bytes() == key
    assert again.certificate.public_key() == made.certificate.public_key()
    layout.key.unlink()
    with pytest.raises(BadConfiguration, match="bring back its backup"):
        open_authority(layout)
    make_authority(Layout(tmp_path / "other"), NOW_S)
    Layout(tmp_path / "other").key.rename(layout.key)
    with pytest.raises(BadConfiguration, match="do not belong together"):
        open_authority(layout)


def test_a_robots_certificate_is_no_authority_and_no_server(tmp_path: Path) -> None:
    authority = make_authority(Layout(tmp_path), NOW_S)
    certificate = authority.issue_client("hani-1", make_key().public_key(), NOW_S, 10 * DAY_S)
    assert authority.signed(certificate)
    assert not make_authority(Layout(tmp_path / "other"), NOW_S).signed(certificate)
    extensions = certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        x509.ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert certificate.not_valid_before_utc.timestamp() == NOW_S - DAY_S
    assert certificate.not_valid_after_utc.timestamp() == NOW_S + 10 * DAY_S


def test_a_revocation_list_names_its_serials_and_does_not_run_out_before_the_authority(tmp_path: Path) -> None:
    """A list that ran out would shut every robot out."""
    authority = make_authority(Layout(tmp_path), NOW_S)
    certificate = authority.issue_client("hani-1", make_key().public_key(), NOW_S, DAY_S)
    revoked = x509.load_pem_x509_crl(authority.revocation_list([(serial_of(certificate), NOW_S)], b"", NOW_S))
    assert revoked.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
    assert len(revoked) == 1
    assert revoked.next_update_utc == authority.certificate.not_valid_after_utc
    assert revoked.is_signature_valid(authority.certificate.public_key())  # type: ignore[arg-type]  # an EC key


@pytest.mark.parametrize("clock_s", [-40 * DAY_S, 0.0, 400 * DAY_S])
def test_of_two_revocation_lists_the_later_one_is_newer_and_neither_lies_in_the_future_whatever_the_clock(
    tmp_path: Path, clock_s: float
) -> None:
    """A list of the future shuts every robot out; of two lists of one second OpenSSL goes on with the first."""
    authority = make_authority(Layout(tmp_path), NOW_S)
    lists = [authority.revocation_list([], b"", NOW_S)]
    for _ in range(3):
        lists.append(authority.revocation_list([], lists[-1], NOW_S + clock_s))
    times = [x509.load_pem_x509_crl(one).last_update_utc.timestamp() for one in lists]
    assert times == [NOW_S - DAY_S + number for number in range(4)]


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())], ids=["rsa", "p384"]
)
def test_only_p256_keys_are_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    with pytest.raises(BadInput, match="P-256"):
        read_request(request.public_bytes(serialization.Encoding.PEM).decode())


def test_a_request_that_is_not_signed_by_its_own_key_is_refused() -> None:
    """Otherwise a certificate could be had for somebody else's public key."""
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(make_key(), hashes.SHA256())
    der = bytearray(request.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    broken = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()
    with pytest.raises(BadInput, match="own key"):
        read_request(broken)


@given(
    st.text()
    | st.binary().map(
        lambda data: f"-----BEGIN CERTIFICATE-----\n{b64encode(data).decode()}\n-----END CERTIFICATE-----\n"
    )
)
def test_nothing_that_a_stranger_sends_breaks_the_readers(text: str) -> None:
    for reader in (read_request, read_certificate):
        with pytest.raises(BadInput):
            reader(text)
        with pytest.raises(BadInput):
            reader(text.replace("CERTIFICATE", "CERTIFICATE REQUEST"))


def test_a_certificate_is_due_at_two_thirds_of_its_life() -> None:
    assert not is_due(0.0, 300.0, 199.9)
    assert is_due(0.0, 300.0, 200.0)
