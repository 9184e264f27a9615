from __future__ import annotations

import re
from pathlib import Path

import pytest

from robot.provision.pins import FOLDER, SETS, plain_marker

pytestmark = pytest.mark.unit

PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[0-9A-Za-z.]+)( ; .+)?$")
NAME = re.compile(r"^[A-Za-z0-9_-]+")
FILES = sorted(FOLDER.glob("*.txt"))


def lines_of(path: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def pins_of(name: str) -> dict[str, str]:
    found = (PIN.match(line) for line in lines_of(FOLDER / f"{name}.txt"))
    return {pin["name"]: pin["version"] for pin in found if pin is not None}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_line_is_one_exact_pin_without_host_or_path(path: Path) -> None:
    assert lines_of(path)
    for line in lines_of(path):
        assert PIN.match(line), line
        assert "/" not in line


@pytest.mark.parametrize("name", SETS)
def test_everything_asked_for_is_pinned(name: str) -> None:
    asked = {
        match[0].lower().replace("_", "-") for line in lines_of(FOLDER / f"{name}.in") if (match := NAME.match(line))
    }
    assert asked <= set(pins_of(name))


@pytest.mark.parametrize("name", [name for name, (_, _, shared) in SETS.items() if shared])
def test_sets_of_one_environment_agree(name: str) -> None:
    for other in SETS[name][2]:
        common = pins_of(name).keys() & pins_of(other).keys()
        assert {key: pins_of(name)[key] for key in common} == {key: pins_of(other)[key] for key in common}


def test_conditions_that_always_hold_are_taken_off() -> None:
    assert plain_marker("a==1 ; python_full_version < '3.13' and sys_platform == 'linux'", "3.13") == "a==1"
    only_old = "b==1 ; python_full_version < '3.11' and sys_platform == 'linux'"
    assert plain_marker(only_old, "3.13") == "b==1 ; python_full_version < '3.11'"
    nested = "c==1 ; python_full_version < '3.13' and ((platform_machine == 'aarch64' and sys_platform == 'linux'))"
    assert plain_marker(nested, "3.13") == "c==1 ; ((platform_machine == 'aarch64'))"
