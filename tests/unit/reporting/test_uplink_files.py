"""Certificates and passwords that cannot be used are told at once, by name, and never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from robot.errors import BadConfiguration
from robot.reporting.outbox import Outbox
from robot.reporting.uplink import Tls, Uplink, UplinkSettings

pytestmark = pytest.mark.unit

SECRET = "correct horse"


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "robot.db")


@pytest.mark.parametrize("content", [None, b"", b"\n" + SECRET.encode(), b"\xff\xfe"])
def test_a_password_file_without_a_password_is_named(outbox: Outbox, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadConfiguration, match="broker_password_file") as caught:
        Uplink(UplinkSettings("hani-0001", user="hani-0001", password_file=file), outbox)
    assert SECRET not in str(caught.value)


def test_the_password_is_the_first_line(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\nmore\n", encoding="utf-8")
    settings = UplinkSettings("hani-0001", user="hani-0001", password_file=tmp_path / "password")
    client = Uplink(settings, outbox)._client
    assert client is not None
    assert client._password == SECRET.encode()
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_is_none_is_refused(outbox: Outbox, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(BadConfiguration, match="tls_authority"):
        Uplink(UplinkSettings("hani-0001", tls=Tls(file)), outbox)
