from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import MissingPart
from robot.provision import __main__ as command
from robot.provision import house as house_module
from robot.provision.__main__ import provide
from robot.provision.console import Console
from robot.provision.house import House
from robot.provision.pythons import Python
from robot.provision.stamps import Stamps, digest
from robot.provision.steps import Built, SystemPackages

from .stubs import stub

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[3]


class Bench:
    """One step that copies an input to a product and counts how often it worked."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "source.txt"
        self.source.write_text("one", encoding="utf-8")
        self.product = folder / "product.txt"
        self.worked = 0
        self.fails = False
        self.console = Console(folder / "logs", io.StringIO())
        self.step = Built(
            "copy", "Copy", folder, Stamps(folder / "stamps"), (self.source, "v1"), (self.product,), self._work
        )

    def _work(self, console: Console) -> None:
        self.worked += 1
        if self.fails:
            raise MissingPart("no")
        self.product.write_bytes(self.source.read_bytes())

    def run(self) -> int:
        return provide([self.step], self.console)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_second_run_does_nothing(bench: Bench) -> None:
    assert bench.run() == 1
    assert bench.run() == 0
    assert bench.worked == 1


def test_a_changed_input_is_worked_on_again(bench: Bench) -> None:
    bench.run()
    bench.source.write_text("two", encoding="utf-8")
    assert bench.run() == 1
    assert bench.product.read_text(encoding="utf-8") == "two"


def test_a_lost_product_is_made_again(bench: Bench) -> None:
    bench.run()
    bench.product.unlink()
    assert bench.run() == 1
    assert bench.product.exists()


def test_a_step_that_failed_is_not_taken_for_done(bench: Bench) -> None:
    bench.run()
    bench.source.write_text("two", encoding="utf-8")
    bench.fails = True
    with pytest.raises(MissingPart):
        bench.run()
    bench.source.write_text("one", encoding="utf-8")  # even with the inputs of the last success
    bench.fails = False
    assert bench.run() == 1


def test_a_step_that_leaves_no_product_is_a_failure(bench: Bench) -> None:
    bench.source.write_text("x", encoding="utf-8")
    lazy = Built("copy", "Copy", bench.step.root, bench.step.stamps, (), (bench.product,), lambda console: None)
    with pytest.raises(MissingPart, match=r"left no .*product\.txt"):
        provide([lazy], bench.console)
    assert not lazy.is_ready()


def test_an_input_that_changes_during_the_work_is_worked_on_next_time(bench: Bench) -> None:
    def change(console: Console) -> None:
        bench.source.write_text("changed meanwhile", encoding="utf-8")

    step = Built("copy", "Copy", bench.step.root, bench.step.stamps, (bench.source,), (), change)
    step.do(bench.console)
    assert not step.is_ready()


files = st.dictionaries(st.sampled_from(["a", "b", "c/d", "c/e"]), st.binary(max_size=4), max_size=4)


@given(files, files)
def test_two_folders_have_one_digest_only_if_names_and_contents_agree(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, bytes], second: dict[str, bytes]
) -> None:
    digests = []
    for content in (first, second):
        root = tmp_path_factory.mktemp("folder")
        for name, data in content.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(data)
        digests.append(digest(root, [root]))
    assert (digests[0] == digests[1]) == (first == second)


def test_compiled_python_is_no_input(tmp_path: Path) -> None:
    before = digest(tmp_path, [tmp_path])
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert digest(tmp_path, [tmp_path]) == before


WORLD_PYTHON = r"""
case "$*" in
  *ensurepip*) echo "3 11 1 1 $0"; exit ;;
  *purelib*) echo /nowhere; exit ;;
esac
echo "python $*" >> "$CALLS"
case "$*" in
  "-m venv --clear "*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
  "-m pip install "*) cp "$STUBS/uv" "$(dirname "$0")/uv" ;;
  "-m models.build_voice") mkdir -p "$HANI_HOME/espeak-ng-data"; echo > "$HANI_HOME/espeak-ng-data/hani-voice" ;;
  "-m models.fetch_movenet")
    mkdir -p "$HANI_HOME/models/movenet"; echo > "$HANI_HOME/models/movenet/movenet.tflite" ;;
  "-m dialogue.train") mkdir -p "$HANI_HOME/rasa/models" ;;
esac
"""
WORLD_UV = r"""
echo "uv $*" >> "$CALLS"
case "$*" in
  *" -e .") echo > "$(dirname "$0")/hani" ;;
  "venv "*) mkdir -p "$5/bin"; cp "$STUBS/python3.10" "$5/bin/python" ;;
esac
"""
WORLD_CMAKE = r"""
echo "cmake $*" >> "$CALLS"
case "$*" in
  --install*) mkdir -p .venv/share/hani_msgs; echo > .venv/share/hani_msgs/package.xml ;;
esac
"""


class World:
    """A checkout and a machine of stubs that write down each call."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.calls_file = folder / "checkout", folder / "calls"
        stubs = folder / "stubs"
        python = stub(stubs, "python3", WORLD_PYTHON)
        stub(stubs, "python3.10", WORLD_PYTHON.replace("3 11", "3 10"))
        stub(stubs, "uv", WORLD_UV)
        stub(stubs, "cmake", WORLD_CMAKE)
        stub(stubs, "espeak-ng", "echo 1.51")
        stub(stubs, "dpkg-query", 'shift 3; for p in "$@"; do echo "$p installed"; done')
        monkeypatch.setenv("PATH", f"{stubs}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setenv("STUBS", str(stubs))
        monkeypatch.setenv("CALLS", str(self.calls_file))
        monkeypatch.setattr(house_module, "robot_python", lambda: Python(python, (3, 11), True, True))
        monkeypatch.setattr(house_module.platform, "machine", lambda: "x86_64")
        for name in ("uv", "robot", "ros", "test", "rasa"):
            self.write(f"config/requirements/{name}.txt", f"{name}==1\n")
        self.write("models/catalogue.yaml", "parts: []\n")
        self.write("robot/msgs/msg/Alarm.msg", "string id\n")
        self.out = io.StringIO()

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def provide(self, profile: str) -> list[str]:
        """Set up and return the calls that it took."""
        self.calls_file.write_text("", encoding="utf-8")
        house = House(self.root, self.root / ".hani")
        provide(house.steps(profile), Console(house.home / "logs", self.out))
        return self.calls_file.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_the_command_says_what_it_did_and_the_list_does_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "House", lambda: House(world.root, world.root / ".hani"))
    assert command.main(["demo", "--list"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("ready  packages")
    assert all(row.startswith("to do") for row in rows[1:])
    assert not (world.root / ".venv").exists()
    assert command.main(["demo"]) == 0
    assert "11 of 12 parts brought" in capsys.readouterr().out
    assert command.main(["demo"]) == 0
    assert capsys.readouterr().out == "Set-up for `demo`: all parts in place\n"


def test_a_fresh_machine_is_set_up_once(world: World) -> None:
    calls = "\n".join(world.provide("test"))
    for name in ("robot", "ros", "test", "rasa"):
        assert f"config/requirements/{name}.txt" in calls
    assert "python -m dialogue.train" in calls
    assert world.provide("test") == []


def test_the_demo_needs_nothing_more_after_the_tests_and_no_test_tools_before(world: World) -> None:
    assert not any("test.txt" in call for call in world.provide("demo"))
    more = world.provide("test")
    assert len(more) == 1
    assert "test.txt" in more[0]
    assert world.provide("demo") == []


def test_changed_pins_are_installed_and_nothing_else_is_touched(world: World) -> None:
    world.provide("demo")
    world.write("config/requirements/robot.txt", "robot==2\n")
    calls = world.provide("demo")
    assert len(calls) == 1
    assert calls[0].endswith("config/requirements/robot.txt")


@pytest.mark.parametrize("name", ["Alarm", "Call"])
def test_a_changed_or_new_message_rebuilds_the_messages_alone(world: World, name: str) -> None:
    world.provide("demo")
    world.write(f"robot/msgs/msg/{name}.msg", "string name\n")
    assert {call.split()[0] for call in world.provide("demo")} == {"cmake"}


def test_a_deleted_environment_is_filled_again(world: World) -> None:
    first = world.provide("demo")
    subprocess.run(["rm", "-rf", str(world.root / ".venv")], check=True)
    again = world.provide("demo")
    assert [call for call in first if "models" not in call and "dialogue" not in call and "rasa" not in call] == again


def test_wheels_of_ros_are_refused_on_another_machine_with_the_way_to_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house_module.platform, "machine", lambda: "aarch64")
    with pytest.raises(MissingPart, match=r"python3 -m robot\.provision board"):
        world.provide("demo")


def test_a_board_builds_no_messages_but_says_who_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    with pytest.raises(MissingPart, match="no ROS 2 is sourced"):
        world.provide("board")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(world.root / "install"))
    with pytest.raises(MissingPart, match="colcon build"):
        world.provide("board")
    world.write("install/share/hani_msgs/msg/Alarm.msg", "string of_an_old_build\n")
    with pytest.raises(MissingPart, match="not built from this checkout"):
        world.provide("board")
    world.write("install/share/hani_msgs/msg/Alarm.msg", "string id\n")
    assert not any(call.startswith("cmake") or "ros.txt" in call for call in world.provide("board"))


def test_the_output_of_a_failed_command_is_shown_and_kept(tmp_path: Path) -> None:
    out = io.StringIO()
    console = Console(tmp_path / "logs", out)
    console.begin("step", "A step")
    bad = stub(tmp_path, "bad", "echo first; echo the reason >&2; exit 3")
    with pytest.raises(MissingPart, match=r"A step: .*bad` ended with 3; all of its output is in .*setup-step\.log"):
        console.run([bad], cwd=tmp_path)
    assert "the reason" in out.getvalue()
    assert "first" in (tmp_path / "logs/setup-step.log").read_text(encoding="utf-8")


def test_a_command_that_is_not_there_is_no_traceback(tmp_path: Path) -> None:
    console = Console(tmp_path / "logs", io.StringIO())
    console.begin("step", "A step")
    with pytest.raises(MissingPart, match="nowhere"):
        console.run([tmp_path / "nowhere"], cwd=tmp_path)


def test_a_long_step_says_that_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robot.provision.console.QUIET_S", 0.01)
    out = io.StringIO()
    console = Console(tmp_path / "logs", out)
    console.begin("step", "A step")
    # it ends only when it has been spoken of: no race with the clock
    watched = stub(tmp_path, "slow", f"echo Fetching; while [ ! -e {tmp_path}/enough ]; do sleep 0.01; done")
    monkeypatch.setattr(console, "say", lambda line: (out.write(line), (tmp_path / "enough").touch()))
    console.run([watched], cwd=tmp_path)
    assert "still at it" in out.getvalue()


def test_system_packages_come_first(tmp_path: Path) -> None:
    for profile in house_module.PROFILES:
        assert isinstance(House(tmp_path, tmp_path).steps(profile)[0], SystemPackages)


def test_set_up_runs_without_a_single_package() -> None:
    command = [sys.executable, "-S", "-m", "robot.provision", "--help"]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
