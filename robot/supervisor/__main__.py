"""Run a ROS 2 launch file: `python -m robot.supervisor FILE [name:=value ...]`.

With ROS 2's `launch_ros` installed it hands over to it; otherwise it supervises the processes itself. Exit codes: 0
ended in order, 1 a process without respawn failed, 2 the launch file, an argument or the installation is not right.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from robot.errors import BadInput, HaniError
from robot.supervisor import shim
from robot.supervisor.lifeline import adopt_orphans, run_below_guard
from robot.supervisor.service import USAGE_ERROR, Service


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m robot.supervisor", description="Run a ROS 2 launch file.")
    parser.add_argument("file", type=Path, help="a launch file, for instance launch/robot.launch.py")
    parser.add_argument("arguments", nargs="*", metavar="name:=value", help="the launch file's arguments")
    parser.add_argument("-s", "--show-args", action="store_true", help="list the launch file's arguments and stop")
    chosen = parser.parse_args(arguments)
    try:
        given = dict(_split(argument) for argument in chosen.arguments)
        if shim.real_launch_present():
            return _hand_over(chosen.file, given)
        if not chosen.show_args:
            run_below_guard()
        return _supervise(chosen.file, given, show_only=chosen.show_args)
    except HaniError as error:
        sys.stderr.write(f"supervisor: {error}\n")
        return USAGE_ERROR
    except KeyboardInterrupt:
        return 0


def _split(argument: str) -> tuple[str, str]:
    name, separator, value = argument.partition(":=")
    if not separator or not name:
        raise BadInput(f"{argument!r} is not an argument; write name:=value")
    return name, value


def _supervise(file: Path, given: dict[str, str], *, show_only: bool) -> int:
    shim.install()
    adopt_orphans()
    service = Service()
    try:
        if show_only:
            return _show_arguments(service, file, given)
        service.read(file, given)
        return asyncio.run(service.run())
    finally:
        service.close()


def _show_arguments(service: Service, file: Path, given: dict[str, str]) -> int:
    try:
        service.read(file, given)
    except HaniError:
        if not service.declared:  # with a missing part the arguments can still be shown
            raise
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    for argument in service.declared.values():
        default = "(needed)" if argument.default_value is None else f"(default: {argument.default_value})"
        choices = f", one of {', '.join(argument.choices)}" if argument.choices else ""
        sys.stdout.write(f"{argument.name}:= {default}{choices}  {argument.description}".rstrip() + "\n")
    return 0


def _hand_over(file: Path, given: dict[str, str]) -> int:
    """Let the real launch system do it."""
    launch = importlib.import_module("launch")
    actions = importlib.import_module("launch.actions")
    sources = importlib.import_module("launch.launch_description_sources")

    service = launch.LaunchService()
    source = sources.PythonLaunchDescriptionSource(str(file))
    include = actions.IncludeLaunchDescription(source, launch_arguments=list(given.items()))
    service.include_launch_description(launch.LaunchDescription([include]))
    return int(service.run())


if __name__ == "__main__":
    sys.exit(main())
