from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from robot.errors import MissingPart
from robot.provision import __main__ as command
from robot.provision import packages
from robot.provision.console import Console
from robot.provision.house import House
from robot.provision.pythons import Python

from .stubs import stub

pytestmark = pytest.mark.unit

WHOLE_PYTHON = Python(Path("/usr/bin/python3"), (3, 11), has_ensurepip=True, has_headers=True)
BARE_PYTHON = Python(Path("/usr/bin/python3"), (3, 11), has_ensurepip=False, has_headers=False)
NOTHING_INSTALLED = "exit 1"
ALL_BUT_ESPEAK = 'shift 3; for p in "$@"; do [ $p = espeak-ng ] || echo "$p installed"; done'


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "stubs"
    stub(folder, "sudo", "exit 1")
    monkeypatch.setattr(packages, "distribution", lambda: "debian")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    return folder


@pytest.fixture
def console(tmp_path: Path) -> Console:
    console = Console(tmp_path / "logs", io.StringIO())
    console.begin("packages", "System packages")
    return console


def test_without_root_the_one_command_is_printed_and_set_up_stops(
    stubs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub(stubs, "dpkg-query", ALL_BUT_ESPEAK)
    monkeypatch.setattr(command, "House", lambda: House(tmp_path / "checkout", tmp_path / "home"))
    assert command.main(["demo"]) != 0
    said = capsys.readouterr().err
    assert "sudo apt-get update && sudo apt-get install -y --no-install-recommends espeak-ng\n" in said
    assert "Traceback" not in said
    assert not (tmp_path / "checkout").exists(), "nothing may be built before the system packages are there"


def test_with_root_only_the_missing_packages_are_installed(
    stubs: Path, tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.os, "geteuid", lambda: 0)
    stub(stubs, "apt-get", f'echo "$DEBIAN_FRONTEND $*" >> {tmp_path}/calls')
    packages.install(["espeak-ng", "cmake"], console, tmp_path)
    update, install = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert update.startswith("noninteractive ")
    assert update.endswith(" update")
    assert install.endswith(" install -y --no-install-recommends espeak-ng cmake")


def test_sudo_without_a_password_is_used(stubs: Path, tmp_path: Path, console: Console) -> None:
    stub(stubs, "sudo", f'echo "$*" >> {tmp_path}/calls')
    packages.install(["espeak-ng"], console, tmp_path)
    calls = (tmp_path / "calls").read_text(encoding="utf-8")
    assert "-n env DEBIAN_FRONTEND=noninteractive apt-get" in calls
    assert calls.strip().endswith("espeak-ng")


def test_when_apt_fails_its_last_words_and_the_command_are_shown(
    stubs: Path, tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.os, "geteuid", lambda: 0)
    stub(stubs, "apt-get", "echo 'E: Unable to locate package'; exit 100")
    with pytest.raises(MissingPart, match=r"apt-get update && apt-get install -y .*espeak-ng"):
        packages.install(["espeak-ng"], console, tmp_path)
    assert isinstance(console.out, io.StringIO)
    assert "E: Unable to locate package" in console.out.getvalue()


def test_another_browser_stands_in_for_chromium(stubs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub(stubs, "dpkg-query", NOTHING_INSTALLED)
    monkeypatch.setenv("PATH", str(stubs))
    needs = packages.wanted("test", WHOLE_PYTHON)
    assert "chromium" in packages.missing(needs)
    stub(stubs, "google-chrome", "exit 0")
    assert "chromium" not in packages.missing(needs)


@pytest.mark.parametrize(("system", "name"), [("debian", "chromium"), ("ubuntu", "chromium-browser")])
def test_a_package_is_asked_for_by_the_name_it_has_here(
    system: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "distribution", lambda: system)
    browsers = {need.package for need in packages.wanted("test", WHOLE_PYTHON) if need.or_commands}
    assert browsers == {name}


def test_the_demo_needs_no_browser_and_a_board_no_compiler() -> None:
    demo = {need.package for need in packages.wanted("demo", WHOLE_PYTHON)}
    board = {need.package for need in packages.wanted("board", WHOLE_PYTHON)}
    assert "chromium" not in demo
    assert "cmake" in demo
    assert "cmake" not in board
    assert board < demo < {need.package for need in packages.wanted("test", WHOLE_PYTHON)}


def test_venv_and_headers_are_asked_for_only_if_this_python_lacks_them() -> None:
    whole = {need.package for need in packages.wanted("demo", WHOLE_PYTHON)}
    bare = {need.package for need in packages.wanted("demo", BARE_PYTHON)}
    assert bare - whole == {"python3.11-venv", "python3.11-dev"}


def test_every_package_says_why() -> None:
    assert all(need.reason for need in packages.NEEDS)


def test_without_dpkg_the_supported_systems_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPart, match="Debian 12 or Ubuntu"):
        packages.installed(["make"])
