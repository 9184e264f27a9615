"""The system packages, each with its reason, and the one command that brings those that are missing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from robot.errors import MissingPart
from robot.provision.console import Console
from robot.provision.pythons import Python

RUN, WHEELS, TEST = "run", "wheels", "test"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NEEDS_OF = {"demo": (RUN, WHEELS), "test": (RUN, WHEELS, TEST), "board": (RUN,)}


@dataclass(frozen=True)
class Need:
    """A package, why it is needed and for what; any of `or_commands` on PATH will do instead."""

    package: str
    reason: str
    used_for: str
    or_commands: tuple[str, ...] = ()
    in_ubuntu: str = ""  # its name there, if it has another


NEEDS = (
    Need("espeak-ng", "compiles the Mongolian voice", RUN),
    Need("libespeak-ng1", "speaks, through pyttsx3", RUN),
    Need("libportaudio2", "microphone and loudspeaker", RUN),
    Need("mosquitto", "the MQTT broker between robot, mattress and platform", RUN),
    Need("cmake", "builds the ROS messages", WHEELS),
    Need("make", "builds the ROS messages", WHEELS),
    Need("g++", "builds the ROS messages", WHEELS),
    Need("chromium", "opens the dashboard in end-to-end tests", TEST, BROWSERS, in_ubuntu="chromium-browser"),
    Need("postgresql", "the platform's larger store, in tests and benchmarks", TEST),
    Need("fonts-noto-cjk", "Chinese letters in screenshots", TEST),
)


def wanted(profile: str, python: Python) -> list[Need]:
    """Return the packages of a profile; venv and headers only if this Python does not bring them itself."""
    ubuntu = distribution() == "ubuntu"
    needs = [
        replace(need, package=need.in_ubuntu) if ubuntu and need.in_ubuntu else need
        for need in NEEDS
        if need.used_for in NEEDS_OF[profile]
    ]
    if not python.has_ensurepip:
        needs.append(Need(f"{python.name}-venv", "makes .venv", RUN))
    if WHEELS in NEEDS_OF[profile] and not python.has_headers:
        needs.append(Need(f"{python.name}-dev", "builds the ROS messages", WHEELS))
    return needs


def distribution() -> str:
    """Return the system's own short name (debian, ubuntu), or nothing where it has none."""
    try:
        return platform.freedesktop_os_release()["ID"]
    except OSError:
        return ""


def installed(packages: Sequence[str]) -> set[str]:
    """Return those that dpkg has; raises MissingPart where there is no dpkg."""
    command = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError:
        raise MissingPart("dpkg-query is not here: Hani is set up on Debian 12 or Ubuntu 22.04 and later") from None
    lines = (line.split() for line in answer.stdout.splitlines())
    return {words[0] for words in lines if words[1:] == ["installed"]}


def missing(needs: Sequence[Need]) -> list[str]:
    """Return the packages that neither dpkg has nor another command stands in for."""
    here = installed([need.package for need in needs])
    return [need.package for need in needs if need.package not in here and not any(map(shutil.which, need.or_commands))]


def command_for(packages: Sequence[str]) -> str:
    """Return the one command that a person with root rights runs."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {' '.join(packages)}"


def rights() -> list[str] | None:
    """Return what to put before a command to run it as root without a question, or None."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def install(packages: Sequence[str], console: Console, cwd: Path) -> None:
    """Install by apt; raises MissingPart with the one command to run when there are no rights or apt fails."""
    prefix = rights()
    advice = f"system packages are missing; run this, then the same make command again: {command_for(packages)}"
    if prefix is None:
        raise MissingPart(advice)
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"]
    try:
        console.run([*apt, "update"], cwd=cwd)
        console.run([*apt, "install", "-y", "--no-install-recommends", *packages], cwd=cwd)
        if Path("/run/systemd/system").is_dir():
            # Hani runs servers of its own on ports of its own: those that Debian starts are not left behind by us
            for service in sorted({"mosquitto", "postgresql"} & set(packages)):
                console.run([*prefix, "systemctl", "disable", "--now", service], cwd=cwd)
    except MissingPart as error:
        raise MissingPart(f"{error}; {advice}") from error
