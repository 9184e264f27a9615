"""The broker's configuration: loopback only, nothing dropped silently, one clear line when mosquitto is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from robot.errors import MissingPart
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
