from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from robot.errors import MissingPart
from robot.provision import pythons
from robot.provision.console import Console
from robot.provision.house import House

from .stubs import python_stub, stub

pytestmark = pytest.mark.unit


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing but what a test puts on it: shims/ stands before bin/ on PATH, pyenv/ is pyenv's root."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}{os.pathsep}{tmp_path / 'bin'}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def rasa_python() -> pythons.Search:
    return pythons.search(pythons.rasa_candidates(), pythons.RASA_VERSIONS)


def test_a_shim_that_only_complains_does_not_hide_the_real_one(machine: Path) -> None:
    shim = stub(machine / "shims", "python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    real = python_stub(machine / "bin", "python3.10", "3 10")
    result = rasa_python()
    assert result.found is not None
    assert result.found.path == real
    assert result.tried == [f"{shim} (does not run)"]


def test_path_comes_before_pyenv_and_pyenv_s_newest_before_its_older(machine: Path) -> None:
    python_stub(machine / "pyenv/versions/3.10.9/bin", "python3.10", "3 10")
    newest = python_stub(machine / "pyenv/versions/3.10.13/bin", "python3.10", "3 10")
    python_stub(machine / "pyenv/versions/3.10-dev/bin", "python3.10", "3 10")
    result = rasa_python()
    assert result.found is not None
    assert result.found.path == newest
    on_path = python_stub(machine / "bin", "python3.10", "3 10")
    result = rasa_python()
    assert result.found is not None
    assert result.found.path == on_path


def test_a_name_is_not_believed(machine: Path) -> None:
    liar = python_stub(machine / "bin", "python3.10", "3 11")
    result = rasa_python()
    assert result.found is None
    assert result.tried == [f"{liar} (is 3.11)"]


def test_the_last_resort_is_uv_and_the_message_names_all_that_was_tried(machine: Path, tmp_path: Path) -> None:
    python_stub(machine / "bin", "python3.10", "3 9")
    stub(machine / "checkout/.venv/bin", "uv", 'echo "no network for $*"; exit 2')
    house = House(machine / "checkout", machine / "home")
    console = Console(tmp_path / "logs", io.StringIO())
    (step,) = [step for step in house.steps("demo") if step.name == "venv-rasa"]
    console.begin(step.name, step.title)
    with pytest.raises(MissingPart, match=r"bin/python3\.10 \(is 3\.9\), uv python install 3\.10 \(failed\)"):
        step.do(console)
    assert not step.is_ready()


def test_the_python_of_set_up_itself_is_asked_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = python_stub(machine / "mine", "python3", "3 12")
    python_stub(machine / "bin", "python3", "3 11")
    monkeypatch.setattr(pythons.sys, "executable", str(mine))
    result = pythons.search(pythons.robot_candidates(), pythons.ROBOT_VERSIONS)
    assert result.found is not None
    assert result.found.path == mine
    assert result.found.name == "python3.12"


def test_a_python_that_is_too_new_is_passed_over(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons.sys, "executable", str(python_stub(machine / "mine", "python3", "3 13")))
    fitting = python_stub(machine / "bin", "python3.11", "3 11")
    result = pythons.search(pythons.robot_candidates(), pythons.ROBOT_VERSIONS)
    assert result.found is not None
    assert result.found.path == fitting


def test_this_interpreter_answers() -> None:
    answer = pythons.ask(pythons.sys.executable)
    assert answer is not None
    assert answer.version == pythons.sys.version_info[:2]
    assert answer.path.exists()
