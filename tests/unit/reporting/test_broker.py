"""The broker's configuration: loopback only, nothing dropped silently, one clear line when mosquitto is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from robot.errors import BadInput, MissingPart
from robot.reporting import broker

pytestmark = pytest.mark.unit


def test_the_broker_listens_on_loopback_only_and_drops_nothing() -> None:
    lines = broker.broker_config(18830, Path("data")).splitlines()
    assert [line for line in lines if line.startswith("listener")] == ["listener 18830 127.0.0.1"]
    for line in ("persistence true", "autosave_interval 1", "max_inflight_messages 0", "max_queued_messages 0"):
        assert line in lines


@pytest.mark.parametrize(("user", "kept"), [(0, True), (1000, False)])
def test_the_user_line_is_only_for_root(monkeypatch: pytest.MonkeyPatch, user: int, kept: bool) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert ("user root" in broker.broker_config(18830, Path("data"))) is kept


def test_a_missing_broker_names_the_one_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(broker, "SYSTEM_FOLDERS", "")
    with pytest.raises(MissingPart, match="sudo apt-get install -y --no-install-recommends mosquitto"):
        broker.find_mosquitto()
    monkeypatch.setattr(broker, "die_with_parent", lambda *_: None)
    assert broker.main(["--data", str(tmp_path)]) == 2


def test_mosquitto_is_found_outside_a_users_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(broker, "SYSTEM_FOLDERS", str(tmp_path))
    assert broker.find_mosquitto() == program


def test_by_certificate_nobody_is_anonymous_on_any_listener(tmp_path: Path) -> None:
    """And no robot can take another's client id; the platform's own port is on loopback whatever the robots' is."""
    secure = broker.Secure(tmp_path, services_port=8884, bind="0.0.0.0", most_connections=5)
    lines = broker.broker_config(8883, Path("data"), secure).splitlines()
    assert [line for line in lines if line.startswith("listener")] == [
        "listener 8883 0.0.0.0",
        "listener 8884 127.0.0.1",
    ]
    assert "allow_anonymous false" in lines
    assert "allow_anonymous true" not in lines
    for line in ("require_certificate true", "use_identity_as_username true", f"crlfile {tmp_path}/revoked.pem"):
        assert lines.count(line) == 2
    robots = lines[: lines.index("listener 8884 127.0.0.1")]
    assert "use_username_as_clientid true" in robots
    assert "max_connections 5" in robots
    assert f"acl_file {tmp_path}/access" in lines
    assert f"max_packet_size {broker.LARGEST_PACKET_BYTES}" in lines


@pytest.mark.parametrize("bind", ["0.0.0.0", "192.168.1.5", "::", "somewhere"])
def test_without_certificates_the_door_opens_to_nobody_else(
    bind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(broker, "die_with_parent", lambda *_: None)
    assert broker.main(["--data", str(tmp_path), "--bind", bind]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    broker.check_open("127.0.0.1", None)
    broker.check_open("0.0.0.0", tmp_path)


def test_missing_certificates_name_the_command_that_makes_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(broker, "die_with_parent", lambda *_: None)
    monkeypatch.setattr(broker, "find_mosquitto", lambda: Path("mosquitto"))
    assert broker.main(["--data", str(tmp_path / "data"), "--tls", str(tmp_path)]) == 2
    assert "python -m robot.fleet.identity init" in capsys.readouterr().err
    with pytest.raises(BadInput):
        broker.check_open("nowhere", tmp_path)
