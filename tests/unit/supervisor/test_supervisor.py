"""The supervisor as a process with real children: restarts, order, and nobody left behind, whoever is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).parents[3]
PATIENCE_S = 60.0

PROLOGUE = """
import sys
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument, EmitEvent, ExecuteProcess, GroupAction, IncludeLaunchDescription, LogInfo, OpaqueFunction,
    RegisterEventHandler, SetEnvironmentVariable, TimerAction,
)
from launch.conditions import IfCondition, UnlessCondition
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, ThisLaunchFileDir
from launch_ros.actions import Node, PushRosNamespace

def sleeper(name, **more):
    return ExecuteProcess(cmd=["sleep", "1000"], name=name, **more)

def shell(script, **more):
    return ExecuteProcess(cmd=["sh", "-c", script], **more)

def generate_launch_description():
    return LaunchDescription([
"""


def until(condition: Callable[[], object]) -> None:
    give_up_at_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_at_s, "waited in vain"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has reaped yet does not."""
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
        return state not in (b"Z", b"X")
    return False


class Supervisor:
    """Runs launch files of this test's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, actions: str, name: str = "test.launch.py") -> Path:
        file = self.folder / name
        file.write_text(PROLOGUE + textwrap.indent(textwrap.dedent(actions), " " * 8) + "    ])\n", encoding="utf-8")
        return file

    def start(self, actions: str, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "robot.supervisor", str(self.write(actions)), *arguments]
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**os.environ, "HANI_STATE_DIR": str(self.folder / "state"), **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def run(self, actions: str, *arguments: str, **environment: str) -> int:
        self.start(actions, *arguments, **environment)
        return self.code()

    def code(self) -> int:
        assert self.process is not None
        return self.process.wait(PATIENCE_S)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8")

    def pids(self) -> dict[str, int]:
        with contextlib.suppress(OSError):
            return dict(json.loads((self.folder / "state" / "processes.json").read_text()))
        return {}

    def pid(self, name: str, *, not_pid: int = 0) -> int:
        until(lambda: self.pids().get(name, not_pid) != not_pid)
        return self.pids()[name]

    def file(self, name: str) -> str:
        """The content of a file that a child writes, as soon as it is there and whole."""
        path = self.folder / name
        until(lambda: path.exists() and path.read_text().endswith("\n"))
        return path.read_text().strip()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path)
    yield supervisor
    if supervisor.process is not None and supervisor.process.poll() is None:
        supervisor.process.send_signal(signal.SIGINT)
        supervisor.process.wait(PATIENCE_S)


def test_a_killed_process_is_started_again_and_the_state_file_knows_its_pid(supervisor: Supervisor) -> None:
    supervisor.start("sleeper('one', respawn=True), sleeper('two', respawn=True)\n")
    two = supervisor.pid("two")
    first = supervisor.pid("one")
    os.kill(first, signal.SIGKILL)
    second = supervisor.pid("one", not_pid=first)
    assert alive(second)
    assert supervisor.pids()["two"] == two
    supervisor.signal(signal.SIGINT)
    assert supervisor.code() == 0
    assert supervisor.pids() == {}


def test_a_process_that_is_not_to_respawn_stays_ended_and_its_failure_shows_in_the_exit_code(
    supervisor: Supervisor,
) -> None:
    assert supervisor.run("shell('exit 3', name='one')\n") == 1
    assert supervisor.output().count("one: started") == 1
    assert supervisor.run("shell('exit 0', name='one')\n") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_processes_end_in_reverse_order_of_their_start_and_the_exit_code_is_zero(
    supervisor: Supervisor, number: signal.Signals
) -> None:
    polite = "trap 'exit 0' INT; echo up; while :; do sleep 0.01; done"
    supervisor.start(f'shell("{polite}", name="one"), shell("{polite}", name="two"), shell("{polite}", name="three")\n')
    until(lambda: supervisor.output().count("] up") == 3)
    supervisor.signal(number)
    assert supervisor.code() == 0
    ended = [line.split()[1] for line in supervisor.output().splitlines() if ": ended" in line]
    assert ended == ["three:", "two:", "one:"]


def test_a_process_that_ignores_signals_is_killed_in_the_end(supervisor: Supervisor) -> None:
    deaf = "trap '' INT TERM; echo up; while :; do sleep 0.1; done"
    supervisor.start(f'shell("{deaf}", name="deaf", sigterm_timeout="0.1", sigkill_timeout="0.1")\n')
    until(lambda: "] up" in supervisor.output())
    supervisor.signal(signal.SIGINT)
    assert supervisor.code() == 0
    assert "deaf: ended, killed by SIGKILL" in supervisor.output()


FAMILY = """
shell("sleep 1000 & echo $! > near; setsid sh -c 'echo $$ > far; exec sleep 1000' & wait", name="parent", cwd="{}")
"""


def family(supervisor: Supervisor) -> list[int]:
    """Starts a process with two grandchildren, one in a session of its own."""
    supervisor.start(FAMILY.format(supervisor.folder))
    return [supervisor.pid("parent"), int(supervisor.file("near")), int(supervisor.file("far"))]


def descendants(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_bytes().rpartition(b")")[2].split()[1]) == pid:
                found += [int(stat.parent.name), *descendants(int(stat.parent.name))]
    return found


def test_no_descendant_outlives_a_killed_process(supervisor: Supervisor) -> None:
    pids = family(supervisor)
    os.kill(pids[0], signal.SIGKILL)
    supervisor.code()
    assert not any(map(alive, pids))


@pytest.mark.parametrize("which", ["guard", "supervisor"])
def test_no_descendant_outlives_the_killed_supervisor(supervisor: Supervisor, which: str) -> None:
    pids = family(supervisor)
    assert supervisor.process is not None
    guard = supervisor.process.pid
    (below, *_) = descendants(guard)
    os.kill(guard if which == "guard" else below, signal.SIGKILL)
    until(lambda: not any(map(alive, [guard, below, *pids])))


def test_an_orderly_end_takes_the_grandchildren_along(supervisor: Supervisor) -> None:
    pids = family(supervisor)
    supervisor.signal(signal.SIGTERM)
    assert supervisor.code() == 0
    assert not any(map(alive, pids))


def test_arguments_conditions_scopes_and_includes(supervisor: Supervisor) -> None:
    supervisor.write(
        """
        DeclareLaunchArgument("room"),
        LogInfo(msg=["included for ", LaunchConfiguration("room"), " from ", ThisLaunchFileDir()]),
        """,
        name="inner.launch.py",
    )
    code = supervisor.run(
        """
        DeclareLaunchArgument("lang", default_value="mn", choices=["mn", "zh"]),
        DeclareLaunchArgument("with_camera", default_value="true"),
        SetEnvironmentVariable("WHERE", "outside"),
        GroupAction([
            SetEnvironmentVariable("WHERE", "inside"),
            shell("echo lang $SPOKEN, $WHERE", name="a", additional_env={"SPOKEN": LaunchConfiguration("lang")}),
        ]),
        shell("echo here $WHERE", name="b"),
        shell("echo camera", name="camera", condition=IfCondition(LaunchConfiguration("with_camera"))),
        shell("echo blind", name="blind", condition=UnlessCondition(LaunchConfiguration("with_camera"))),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource([ThisLaunchFileDir(), "/inner.launch.py"]),
            launch_arguments={"room": "卧室"}.items(),
        ),
        OpaqueFunction(function=lambda seen: [LogInfo(msg="opaque " + LaunchConfiguration("lang").perform(seen))]),
        """,
        "lang:=zh",
        "with_camera:=false",
    )
    output = supervisor.output()
    assert code == 0
    for line in (
        "[a] lang zh, inside",
        "[b] here outside",
        "[blind] blind",
        f"[supervisor] included for 卧室 from {supervisor.folder}",
        "[supervisor] opaque zh",
    ):
        assert line in output.splitlines()
    assert "[camera]" not in output


def test_a_node_gets_name_namespace_remappings_and_parameters_in_every_script(supervisor: Supervisor) -> None:
    program = supervisor.folder / "lib" / "hani_test" / "hani_test_node"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nfor word; do case $word in *.yaml) cat "$word";; *) echo "arg $word";; esac; done\n')
    program.chmod(0o755)
    (supervisor.folder / "house.yaml").write_text("/**: {ros__parameters: {greeting: 'сайн байна уу'}}\n", "utf-8")
    code = supervisor.run(
        """
        DeclareLaunchArgument("volume", default_value="0.5"),
        GroupAction([
            PushRosNamespace("home"),
            Node(
                package="hani_test", executable="hani_test_node", name="speaker", namespace="bed", output="screen",
                arguments=["--loud"], remappings=[("in", "heard")],
                parameters=[
                    PathJoinSubstitution([ThisLaunchFileDir(), "house.yaml"]),
                    {"text": "你好", "volume": LaunchConfiguration("volume"), "words": ["хань", "伴"], "on": "true"},
                ],
            ),
        ]),
        """,
        AMENT_PREFIX_PATH=str(supervisor.folder),
    )
    assert code == 0
    lines = [
        line.removeprefix("[speaker] ") for line in supervisor.output().splitlines() if line.startswith("[speaker]")
    ]
    words = [line.removeprefix("arg ") for line in lines if line.startswith("arg ")]
    assert words == [
        *("--loud", "--ros-args", "-r", "__node:=speaker", "-r", "__ns:=/home/bed"),
        *("--params-file", "--params-file", "-r", "in:=heard"),
    ]
    documents = [line for line in lines if not line.startswith("arg ")]
    assert documents[0] == "/**: {ros__parameters: {greeting: 'сайн байна уу'}}"
    values = yaml.safe_load("\n".join(documents[1:]))["/**"]["ros__parameters"]
    assert values == {"text": "你好", "volume": 0.5, "words": ["хань", "伴"], "on": True}


@pytest.mark.parametrize(
    ("actions", "arguments", "complaint"),
    [
        ("sleeper('one')\n", ["colour:=red"], "unknown argument colour"),
        ("sleeper('one')\n", ["colour"], "write name:=value"),
        ("DeclareLaunchArgument('lang', choices=['mn'])\n", ["lang:=zh"], "choose one of mn"),
        ("DeclareLaunchArgument('lang')\n", [], "give lang:=VALUE"),
        ("sleeper('one'), ExecuteProcess(cmd=['no-such-program'])\n", [], "no-such-program does not exist"),
        ("sleeper('one'), Node(package='hani', executable='no-such-node')\n", [], "no-such-node of package hani"),
        ("sleeper('one'), Node(package='x', executable='sleep', parameters=['no.yaml'])\n", [], "of package x"),
        ("IncludeLaunchDescription('no.launch.py')\n", [], "there is no launch file"),
        ("sleeper('one', colour='red')\n", [], "TypeError"),
        ("OpaqueFunction(function=lambda context: 1 / 0)\n", [], "ZeroDivisionError"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2_and_nothing_is_started(
    supervisor: Supervisor, actions: str, arguments: list[str], complaint: str
) -> None:
    assert supervisor.run(actions, *arguments) == 2
    (line,) = supervisor.output().splitlines()
    assert line.startswith("supervisor: ")
    assert complaint in line


def test_a_scenarios_end_stops_everything(supervisor: Supervisor) -> None:
    code = supervisor.run(
        """
        sleeper("robot", respawn=True),
        TimerAction(period=0.05, actions=[scenario := shell("exit 0", name="scenario")]),
        RegisterEventHandler(OnProcessExit(
            target_action=scenario, on_exit=[EmitEvent(event=Shutdown(reason="the scenario is over"))],
        )),
        """
    )
    assert code == 0
    assert "stopping: the scenario is over" in supervisor.output()


def test_output_goes_to_one_bounded_file_a_process(supervisor: Supervisor) -> None:
    logs = supervisor.folder / "logs"
    logs.mkdir()
    (logs / "one.log").write_bytes(b"x" * 5_000_001)
    assert supervisor.run("shell('echo хань', name='one')\n", HANI_LOG_DIR=str(logs)) == 0
    assert (logs / "one.log").read_text(encoding="utf-8") == "хань\n"
    assert (logs / "one.log.1").stat().st_size == 5_000_001
    assert "хань" not in supervisor.output()


def test_a_reader_that_does_not_read_stops_nobody(supervisor: Supervisor) -> None:
    file = supervisor.write(
        f"shell('for n in $(seq 20000); do echo a line of some length $n; done; echo done > {supervisor.folder}/end')\n"
    )
    silent = subprocess.Popen(
        [sys.executable, "-m", "robot.supervisor", str(file)], cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    assert supervisor.file("end") == "done"
    silent.communicate(timeout=PATIENCE_S)
    assert silent.returncode == 0


def test_output_that_was_closed_by_a_child_costs_nothing_and_two_names_are_told_apart(supervisor: Supervisor) -> None:
    supervisor.start("shell('exec >&- 2>&-; exec sleep 1000', name='same'), sleeper('same')\n")
    assert alive(supervisor.pid("same"))
    assert alive(supervisor.pid("same-2"))
    supervisor.signal(signal.SIGINT)
    assert supervisor.code() == 0


def test_arguments_are_shown_even_if_a_part_is_missing_and_nothing_is_started(supervisor: Supervisor) -> None:
    declared = "DeclareLaunchArgument('lang', default_value='mn', choices=['mn', 'zh'], description='spoken'),"
    code = supervisor.run(f"{declared} sleeper('one'), ExecuteProcess(cmd=['no-such-program'])\n", "--show-args")
    assert code == 0
    assert supervisor.output() == "lang:= (default: mn), one of mn, zh  spoken\n"
